"""A graphics backend that cannot be used: the person is told, and told once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.chat.changes import Notice
from tests.chat.driving import MODEL, Bench

OTHER = Path("/models/other.gguf")
BOTH = ("CUDA is broken.", "Vulkan is broken.")


def said(bench: Bench) -> list[str]:
    return [notice.message for notice in bench.all(Notice)]


def test_it_is_told_once_for_every_start_that_finds_it(bench: Bench, new_bench: Callable[[], Bench]) -> None:
    bench.start(MODEL)
    bench.load_ends(trouble=BOTH)
    bench.take(bench.session.choose_model(OTHER))
    bench.load_ends(trouble=BOTH)
    assert said(bench) == ["CUDA is broken. Vulkan is broken."]
    after = new_bench()
    after.start()
    after.load_ends(trouble=BOTH[:1])
    assert said(after) == []


def test_it_is_told_again_when_it_was_mended_in_between(bench: Bench) -> None:
    bench.start(MODEL)
    for trouble in (BOTH, (), BOTH[:1]):
        bench.load_ends(trouble=trouble)
        bench.take(bench.session.choose_model(OTHER))
    assert said(bench) == ["CUDA is broken. Vulkan is broken.", "CUDA is broken."]
