"""The real program with a data folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """`cabochon` with an empty data folder."""
    return Program(tmp_path / "data")


@pytest.fixture
def scripted_program(tmp_path: Path) -> Program:
    """`cabochon` with scripted words in the model's place."""
    return Program(tmp_path / "data", scripted=True)
