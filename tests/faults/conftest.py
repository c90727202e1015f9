"""The real program with a data folder of the test's own, and places where faults can be put."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB, which only root can make."""
    place = tmp_path / "disk"
    place.mkdir()
    _needs_root()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=True, capture_output=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that is made read-only by `mount -o remount,ro` once the test says so (see `make_read_only`)."""
    place = tmp_path / "readonly"
    place.mkdir()
    _needs_root()
    subprocess.run(["mount", "--bind", str(place), str(place)], check=True, capture_output=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


def make_read_only(place: Path) -> None:
    """From now on nothing below the folder of the `read_only` fixture can be written."""
    subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True, capture_output=True)


def _needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
