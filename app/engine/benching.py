"""Prompt and generation speed of the loaded model, measured with the loop that answers."""

from __future__ import annotations

from statistics import median
from time import perf_counter

from app.core.errors import EngineError
from app.core.protocol import Bench, Benched
from app.core.settings import Sampling
from app.engine.context import Stopped
from app.engine.model import Model
from app.engine.sampler import build


def bench(model: Model, request: Bench) -> Benched:
    """Medians over `repeat` runs after one that warms up. What the context held is forgotten."""
    room = model.context.size - 1
    generate_tokens = min(request.generate_tokens, room // 2)
    prompt_tokens = min(request.prompt_tokens, room - generate_tokens)
    prompts, firsts, writes = [], [], []
    try:
        for run in range(request.repeat + 1):
            reading, first, writing = _run(model, prompt_tokens, generate_tokens, run)
            if run > 0:
                prompts.append(prompt_tokens / reading)
                firsts.append(first * 1000)
                writes.append(generate_tokens / writing)
    except Stopped:
        return Benched(request.bench, 0.0, 0.0, 0.0, model.governor.threads, error="The measurement was stopped.")
    except EngineError as error:
        return Benched(request.bench, 0.0, 0.0, 0.0, model.governor.threads, error=error.message)
    finally:
        model.context.clear()
    return Benched(request.bench, median(prompts), median(writes), median(firsts), model.governor.threads)


def _run(model: Model, prompt_tokens: int, generate_tokens: int, run: int) -> tuple[float, float, float]:
    """Seconds of reading, until the first token, and of writing; every run reads other tokens."""
    context, llama, governor = model.context, model.llama_context, model.governor
    vocabulary = range(model.llama.n_vocab // 4, model.llama.n_vocab)
    prompt = [vocabulary[(run * 7919 + index * 104729) % len(vocabulary)] for index in range(prompt_tokens)]
    context.clear()
    llama.set_threads(governor.threads, governor.most)
    started = perf_counter()
    context.read(prompt, llama.batch, lambda _cells: llama.batch)
    llama.synchronize()
    read = perf_counter()
    chain = build(model.llama, Sampling(temperature=0.0), prompt)
    try:
        token = llama.sample(chain)
        first = perf_counter()
        for _ in range(generate_tokens):
            before = perf_counter()
            context.append(token)
            token = llama.sample(chain)
            llama.set_threads(governor.record(perf_counter() - before), governor.most)
        return read - started, first - started, perf_counter() - first
    finally:
        chain.free()
