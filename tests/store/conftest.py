"""Real database files in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.paths import DataPaths
from app.store.store import Store


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


@pytest.fixture
def new_store(paths: DataPaths) -> Iterator[Callable[[], Store]]:
    """Opens the data folder: as several processes, or one after the other."""
    made: list[Store] = []

    def make() -> Store:
        made.append(Store(paths))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    """A store that could be opened."""
    store = new_store()
    assert store.trouble is None
    return store
