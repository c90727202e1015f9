"""The shortened choice is the choice of the whole chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.core.settings import Sampling
from app.engine.candidates import Candidates
from app.engine.sampler import build
from tests.engine.chats import loaded, model_of

TEXT = "The ship sails over the sea, and the sea is wide. The ship"


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.0),
        Sampling(temperature=0.0, repeat_penalty=1.3),
        Sampling(temperature=1.0, top_k=64, top_p=0.95, min_p=0.0, seed=5),
        Sampling(temperature=1.4, top_k=40, top_p=1.0, min_p=0.05, seed=6),
        Sampling(temperature=0.9, top_k=20, top_p=0.9, min_p=0.0, repeat_penalty=1.2, seed=7),
        Sampling(temperature=0.9, top_k=1, top_p=1.0, min_p=0.0, seed=7),
        Sampling(temperature=0.9, top_k=20, top_p=0.9, min_p=0.0, repeat_penalty=0.9, seed=8),
        Sampling(temperature=0.5, top_k=0, top_p=0.9, min_p=0.0, seed=9),
    ],
    ids=["greedy", "greedy_penalty", "gemma", "wide", "penalty", "one", "reward", "all"],
)
def test_the_same_tokens_are_chosen(gemma_270m: Path, sampling: Sampling) -> None:
    with loaded(gemma_270m) as engine:
        model = model_of(engine)
        prompt = model.vocabulary.tokenize(TEXT)
        said = []
        for whole in (False, True):
            model.context.clear()
            model.context.read(prompt, 512, lambda _cells: 512)
            chain = build(model.llama, sampling, prompt)
            if whole:
                chain.best = 0
            tokens = []
            for _ in range(24):
                tokens.append(model.llama_context.sample(chain))
                model.context.append(tokens[-1])
            chain.free()
            said.append(tokens)
    assert said[0] == said[1]


def _logits(values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


def test_the_best_are_among_those_found() -> None:
    chance = np.random.default_rng(3)
    candidates = Candidates()
    for scale in (0.5, 3.0, 30.0):
        logits = chance.normal(0, scale, 100_000).astype(np.float32)
        for _ in range(4):
            found = candidates.find(logits, 64)
            if found:
                ids = set(candidates._data["id"][:found].tolist())
                assert set(np.argsort(logits)[-64:].tolist()) <= ids
        assert found, "it learns how far apart the logits of a model are"


@pytest.mark.parametrize(
    "logits", [np.zeros(50_000, np.float32), np.full(50_000, np.nan, np.float32), np.full(50_000, np.inf, np.float32)]
)
def test_what_has_no_best_is_left_to_the_chain(logits: np.ndarray) -> None:
    assert Candidates().find(logits, 64) == 0
