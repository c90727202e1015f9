"""A reused context computes what a fresh one does: logits are compared, beside a control that is wrong on purpose.

A fresh run ends with the same batches as the reused one did, because logits depend a little on the shapes of batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.settings import LoadOptions
from app.engine.context import Context, Stopped
from app.engine.llama import LlamaContext
from app.engine.model import Model
from tests.engine.chats import loaded, model_of

BATCH = 64
Logits = NDArray[np.float64]


class Reader:
    """A context on a model, and how its cells came there: batch by batch."""

    def __init__(self, model: Model, *, guarded: bool = True) -> None:
        self.model = model
        self.llama: LlamaContext = model._create_context()
        self.context = Context(self.llama, guarded=guarded)
        self.shapes: list[int] = []  # of the batches that the present cells were read in

    def turn(self, prompt: Sequence[int], answer: Sequence[int]) -> tuple[Logits, int]:
        """Reads a prompt as `generate` does; the logits at its end, and how many cells were kept. Then the answer."""
        kept = self.context.reuse(prompt)
        self._forget_shapes(kept)
        self._read(prompt[kept:])
        logits = self.logits()
        self.context.checkpoint()
        for token in answer:
            self.context.append(token)
            self.shapes.append(1)
        return logits, kept

    def fresh(self, prompt: Sequence[int], shapes: Sequence[int]) -> Logits:
        """The logits of a run without a cache that reads in these batches."""
        self.context.clear()
        place = 0
        for size in shapes:
            self.context.read(prompt[place : place + size], size, lambda _cells: BATCH)
            place += size
        assert place == len(prompt)
        return self.logits()

    def _read(self, tokens: Sequence[int]) -> None:
        self.context.read(tokens, BATCH, lambda _cells: BATCH)
        self.shapes += [len(tokens[start : start + BATCH]) for start in range(0, len(tokens), BATCH)]

    def _forget_shapes(self, kept: int) -> None:
        while sum(self.shapes) > kept:
            over = sum(self.shapes) - kept
            self.shapes[-1] -= min(over, self.shapes[-1])
            if not self.shapes[-1]:
                self.shapes.pop()

    def logits(self) -> Logits:
        self.llama.synchronize()
        return np.frombuffer(self.llama.logits(), np.float32).astype(np.float64)


def divergence(one: Logits, other: Logits) -> float:
    """KL divergence in nats of the distributions that logits stand for."""
    p, q = (values - np.logaddexp.reduce(values) for values in (one, other))
    return float(np.sum(np.exp(p) * (p - q)))


def tokens(model: Model, count: int, seed: int) -> list[int]:
    """Real text of so many tokens."""
    words = "the sea is wide and the ships sail slowly over it while a lamp burns in the tower by the old harbour wall"
    chosen = np.random.default_rng(seed).choice(words.split(), count * 2)
    return list(model.vocabulary.tokenize(" ".join(chosen)))[:count]


@pytest.fixture(scope="module", params=["micro", "gemma_270m"])
def case(request: pytest.FixtureRequest, micro_model: Path, gemma_270m: Path) -> Iterator[tuple[Model, float, float]]:
    """A model, how far its logits may be apart, and how far in nats."""
    path, apart, nats = (micro_model, 0.01, 1e-4) if request.param == "micro" else (gemma_270m, np.inf, 0.02)
    with loaded(path, LoadOptions(context=4096, batch=BATCH, threads=1)) as engine:
        yield model_of(engine), apart, nats


def _compare(reader: Reader, prompt: list[int], logits: Logits, case: tuple[Model, float, float]) -> None:
    model, apart, nats = case
    other = Reader(model)
    try:
        expected = other.fresh(prompt, reader_shapes(reader, len(prompt)))
    finally:
        other.llama.free()
    assert np.abs(logits - expected).max() <= apart
    assert divergence(expected, logits) <= nats


def reader_shapes(reader: Reader, length: int) -> list[int]:
    """The batches that the first `length` cells were read in."""
    shapes, left = [], length
    for size in reader.shapes:
        if left <= 0:
            break
        shapes.append(min(size, left))
        left -= size
    return shapes


def _window(model: Model) -> int:
    assert model.llama.n_swa > 0
    return model.llama.n_swa


def test_follow_up_regenerate_and_edit_are_exact(case: tuple[Model, float, float]) -> None:
    """Over a window that has rolled over twice and more."""
    model = case[0]
    reader = Reader(model)
    try:
        prompt = tokens(model, 2 * _window(model) + 37, 1)
        answer = tokens(model, 40, 2)
        logits, kept = reader.turn(prompt, answer)
        assert kept == 0
        _compare(reader, prompt, logits, case)
        logits, kept = reader.turn(prompt, tokens(model, 25, 3))  # regenerate
        assert kept == len(prompt) - 1
        _compare(reader, prompt, logits, case)
        longer = [*reader.context.cells, *tokens(model, 30, 4)]  # follow-up
        logits, kept = reader.turn(longer, tokens(model, 50, 5))
        assert kept == len(longer) - 30
        _compare(reader, longer, logits, case)
        edited = [*longer[:-30], *tokens(model, 31, 6)]  # an edit of the last message
        logits, kept = reader.turn(edited, tokens(model, 20, 7))
        assert kept >= len(longer) - 30
        _compare(reader, edited, logits, case)
    finally:
        reader.llama.free()


def test_far_back_is_read_anew_rather_than_wrong(case: tuple[Model, float, float]) -> None:
    model = case[0]
    reader = Reader(model)
    try:
        prompt = tokens(model, 3 * _window(model), 8)
        reader.turn(prompt, tokens(model, 10, 9))
        other = [*prompt[: _window(model) // 2], *tokens(model, 20, 10)]
        logits, _ = reader.turn(other, ())
        _compare(reader, other, logits, case)
    finally:
        reader.llama.free()


def test_the_control_without_the_guard_is_wrong(case: tuple[Model, float, float]) -> None:
    """llama.cpp says that the cells are gone and all is well; what it computes then is another text's."""
    model, _, nats = case
    reader = Reader(model, guarded=False)
    try:
        prompt = tokens(model, 2 * _window(model) + 37, 1)
        reader.turn(prompt, tokens(model, 4 * _window(model) if _window(model) < 200 else 700, 2))
        logits, kept = reader.turn(prompt, ())
        assert kept == len(prompt) - 1, "it believes that everything is there"
        other = Reader(model)
        expected = other.fresh(prompt, reader_shapes(reader, len(prompt)))
        other.llama.free()
        assert divergence(expected, logits) > 5 * nats
    finally:
        reader.llama.free()


def test_a_stop_in_the_middle_of_reading_leaves_the_cells_right(case: tuple[Model, float, float]) -> None:
    model = case[0]
    reader = Reader(model)
    try:
        prompt = tokens(model, 2 * _window(model) + 11, 11)
        read = 0

        def stop_soon(_cells: int) -> int:
            nonlocal read
            read += 1
            if read == 3:
                model.flag.set()
            return BATCH

        with pytest.raises(Stopped):
            reader.context.read(prompt, BATCH, stop_soon)
        model.flag.clear()
        there = len(reader.context)
        assert 0 < there < len(prompt)
        assert there == reader.llama.last_position() + 1
        reader.shapes = [BATCH] * (there // BATCH)
        assert sum(reader.shapes) == there
        logits, kept = reader.turn(prompt, ())
        assert kept == there
        _compare(reader, prompt, logits, case)
    finally:
        model.flag.clear()
        reader.llama.free()


def test_checkpoints_stay_within_their_budget(case: tuple[Model, float, float]) -> None:
    model = case[0]
    llama = model._create_context()
    try:
        context = Context(llama)
        context.read(tokens(model, 32, 1), BATCH, lambda _cells: BATCH)
        context.checkpoint()
        size = len(context.checkpoints[0].state)
        context = Context(llama, budget=int(size * 2.5))
        for seed in range(5):
            context.read(tokens(model, 8, seed), BATCH, lambda _cells: BATCH)
            context.checkpoint()
        assert len(context.checkpoints) <= 2
        assert context.checkpoints[-1].cells == len(context)
        context = Context(llama, budget=size // 2)
        context.checkpoint()
        assert context.checkpoints == ()
    finally:
        llama.free()
