"""The sampler chain of one answer: what the person set, over what the model family recommends."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from app.core.settings import Sampling
from app.engine.llama import LlamaModel
from app.engine.llama_sampling import LlamaSampler

PENALTY_WINDOW = 64  # tokens that a repeat penalty looks back
_MOST_BEST = 512


def effective(wanted: Sampling, recommended: Sampling) -> Sampling:
    """`wanted` with the recommended value wherever it leaves the choice (None). Seed and limit stay as they are."""

    def choose(name: str, neutral: float) -> float:
        for source in (wanted, recommended):
            value: float | None = getattr(source, name)
            if value is not None:
                return value
        return neutral

    return Sampling(
        temperature=choose("temperature", 0.8),
        top_k=int(choose("top_k", 40)),
        top_p=choose("top_p", 0.95),
        min_p=choose("min_p", 0.05),
        repeat_penalty=choose("repeat_penalty", 1.0),
        seed=wanted.seed,
        max_tokens=wanted.max_tokens,
    )


def build(model: LlamaModel, sampling: Sampling, prompt: Sequence[int]) -> LlamaSampler:
    """The chain for values of `effective`, told the end of the prompt. The caller frees it."""
    chain = model.library.create_sampler()
    punished = 0  # tokens that a penalty may push down from the best ones
    if sampling.repeat_penalty is not None and sampling.repeat_penalty != 1.0:
        chain.add("penalties", model.n_vocab, PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0)
        for token in prompt[-PENALTY_WINDOW:]:
            if token >= 0:
                chain.accept(token)
        punished = PENALTY_WINDOW if sampling.repeat_penalty > 1.0 else model.n_vocab
    if not sampling.temperature or sampling.temperature <= 0:
        chain.add("greedy")
        chain.best = _narrowed(1 + punished)
        return chain
    if sampling.top_k:
        chain.add("top_k", sampling.top_k)
        chain.best = _narrowed(max(2, sampling.top_k) + punished)
    if sampling.top_p is not None and sampling.top_p < 1:
        chain.add("top_p", sampling.top_p, 1)
    if sampling.min_p:
        chain.add("min_p", sampling.min_p, 1)
    chain.add("temp", sampling.temperature)
    chain.add("dist", secrets.randbits(32) if sampling.seed is None else sampling.seed & 0xFFFFFFFF)
    return chain


def _narrowed(count: int) -> int:
    """`count` where so few tokens are found faster than all are gone through, else 0."""
    return count if count <= _MOST_BEST else 0
