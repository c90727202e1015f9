"""A model that does not want to call a tool, made to: what it writes then is held by the grammar alone."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from app.core.settings import Sampling
from app.core.tools import ToolDefinition, WrittenCall
from app.engine.calls import CallHold
from app.engine.model import Model
from app.engine.sampler import build, effective
from app.engine.utf8 import Utf8Stream


@dataclass(frozen=True, slots=True)
class Forced:
    """What came out. `check_ms` are the milliseconds of every check of a token, by whether it was accepted."""

    text: str
    calls: tuple[WrittenCall, ...]
    tokens: int
    rejected: int
    accepted_ms: tuple[float, ...]
    rejected_ms: tuple[float, ...]


def forced_call(model: Model, tool: ToolDefinition, seed: int, *, temperature: float = 1.5, limit: int = 200) -> Forced:
    """A call that begins for the model and goes on as it likes within the grammar, `limit` tokens at most."""
    told = model.family.tools
    vocabulary = model.vocabulary
    begin = (vocabulary.control(told.opening),) if told.marks else vocabulary.tokenize(told.opening or '{"name"')
    prompt = [*vocabulary.opening, *vocabulary.tokenize("Use a tool now.\n"), *begin]
    model.context.read(prompt[model.context.reuse(prompt) :], 256, lambda _: 256)
    chain = build(
        model.llama, effective(Sampling(temperature=temperature, seed=seed), model.family.recommended), prompt
    )
    hold = CallHold((tool,), told, vocabulary, model.llama_context, chain)
    stream = Utf8Stream(b"")
    accepted: list[float] = []
    rejected: list[float] = []
    for token in begin:
        hold.passed(token, stream.feed(hold.piece(token)))
    assert hold.begun
    count = 0
    try:
        for count in range(limit):
            sampled = model.llama_context.sample(chain)
            before, refused = perf_counter(), hold.rejected
            token = hold.checked(sampled, limit - count)
            took = (perf_counter() - before) * 1000
            if hold.rejected > refused:
                rejected.append(took)
            elif not hold.closes:
                accepted.append(took)
            if token in vocabulary.stops:
                break
            hold.passed(token, stream.feed(hold.piece(token)))
            model.context.append(token)
        text = hold.call_text
        return Forced(text, told.calls(text), count, hold.rejected, tuple(accepted), tuple(rejected))
    finally:
        chain.free()
        hold.free()
