"""Sessions with a real database below a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chat.driving import Bench


@pytest.fixture
def new_bench(tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Makes sessions on one data folder: as many processes, or one start after the other."""
    made: list[Bench] = []

    def make() -> Bench:
        made.append(Bench(tmp_path / "data"))
        return made[-1]

    yield make
    for bench in made:
        bench.store.close()


@pytest.fixture
def bench(new_bench: Callable[[], Bench]) -> Bench:
    """A session that was not started yet."""
    return new_bench()


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """A window with a loaded model and a new chat."""
    bench.ready()
    bench.forget()
    return bench


@pytest.fixture
def tooled(bench: Bench) -> Bench:
    """A large model, so tools are on."""
    bench.start(Path("/models/gem.gguf"))
    bench.load_ends(parameters=12_000_000_000)
    bench.forget()
    return bench
