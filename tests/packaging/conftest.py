"""Checkouts to run the set-up in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    root = tmp_path / "a check out"
    root.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))  # an engine that this machine has built does not count
    return Checkout(root)


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    checkout.make_ready()
    return checkout
