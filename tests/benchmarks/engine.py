"""Prefill and decode of our engine against llama-bench: same file, threads and settings, in turn, both warmed.

llama-bench evaluates random tokens and samples none; ours renders, tokenises, evaluates, samples, detokenises and sends
each word to another process, and is timed there. So ours carries more, and the ratio is what a person gets. Both decode
behind as many tokens as our question has, because attention over them is a part of every token.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.core.message import Role
from app.core.settings import LoadOptions
from tests.benchmarks.busy import busy, cores
from tests.benchmarks.ours import Answer, OurEngine, said
from tests.benchmarks.peers import ROOT, Peers, build
from tests.benchmarks.report import Figure, paired, say

MODELS = {
    "gemma-3-270m": ROOT / ".cache" / "models" / "gemma-3-270m-q4_k_m.gguf",
    "SmolLM2-135M": ROOT / "resources" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf",
}
BATCH = 512  # n_batch and n_ubatch of both
IDLE_TARGET, BUSY_TARGET = 0.97, 1.5
_RUNS = 3  # for one rate, on both sides; the first warms and is left out
_WORDS = "The river runs past the mill, the old bridge and the orchard where the children count apples in autumn. "
_QUESTION = "Write down the numbers from one to three hundred in words, one after the other, and leave none out."


@dataclass(frozen=True)
class Size:
    """How much one pair measures, in tokens, and how many pairs there are."""

    prompt: int = 512
    generate: int = 128
    busy_generate: int = 48
    busy_peer_generate: int = 8  # threads that outnumber free cores take seconds for each of them
    pairs: int = 7
    busy_pairs: int = 5


FULL = Size()
SMOKE = Size(prompt=64, generate=8, busy_generate=8, busy_peer_generate=2, pairs=1, busy_pairs=1)


def figures(folder: Path, size: Size = FULL, models: dict[str, Path] | None = None) -> list[Figure]:
    """All figures of this part; `folder` takes the worker's log."""
    peers = build()
    found = []
    for name, path in (models or MODELS).items():
        found += _of_model(name, path, peers, folder, size)
    return found


def _of_model(name: str, path: Path, peers: Peers, folder: Path, size: Size) -> list[Figure]:
    options = LoadOptions(context=4 * size.prompt, batch=BATCH)
    with OurEngine(folder / "worker.log") as ours:
        ours.load(path, options)
        numbers = _Numbers(ours)
        prompt, length = _prompt_of(size.prompt, ours)
        depth = numbers.ask(_QUESTION, 1).finished.usage.prompt_tokens

        def prefill() -> float:
            return _mean([numbers.ask(prompt, 1).prefill_rate for _ in range(_RUNS)])

        def decode() -> float:
            return _mean([numbers.ask(_QUESTION, size.generate).decode_rate for _ in range(_RUNS)])

        def busy_decode() -> float:
            return numbers.ask(_QUESTION, size.busy_generate).decode_rate

        def peer(count: int, generate: int, runs: int = _RUNS) -> Callable[[], float]:
            behind = depth if generate else 0
            return lambda: llama_bench(peers.bench, path, prompt=count, generate=generate, depth=behind, runs=runs)

        found = [
            _in_turn(f"{name} prefill", prefill, peer(length, 0), size.pairs, IDLE_TARGET),
            _in_turn(f"{name} decode", decode, peer(0, size.generate), size.pairs, IDLE_TARGET),
        ]
        with busy(cores()):
            title = f"{name} decode, {cores()} busy processes"
            other = peer(0, size.busy_peer_generate, runs=2)
            found.append(_in_turn(title, busy_decode, other, size.busy_pairs, BUSY_TARGET))
    return found


class _Numbers:
    """Questions that no cache helps with: each begins with another number."""

    def __init__(self, ours: OurEngine) -> None:
        self._ours = ours
        self._asked = 0

    def ask(self, text: str, max_tokens: int) -> Answer:
        self._asked += 1
        question = said(Role.USER, f"{self._asked}. {text}")
        return self._ours.answer([question], max_tokens, conversation=f"bench {self._asked}")


def _prompt_of(tokens: int, ours: OurEngine) -> tuple[str, int]:
    """Text whose rendered prompt has about as many tokens as were asked for, and how many of them are read anew.

    The beginning of every prompt is the same and stays in the cache; llama-bench is given the number that is read.
    """
    words = _WORDS.split()
    count = tokens
    while True:
        text = " ".join(words[index % len(words)] for index in range(count))
        usage = ours.answer([said(Role.USER, f"00. {text}")], 1).finished.usage
        if usage.prompt_tokens <= tokens:
            break
        count -= max(1, (usage.prompt_tokens - tokens) // 2)
    again = ours.answer([said(Role.USER, f"01. {text}")], 1).finished.usage
    return text, again.evaluated_tokens


def _in_turn(name: str, ours: Callable[[], float], peer: Callable[[], float], pairs: int, target: float) -> Figure:
    """Ours and the peer alternately; the first pair warms both and is not counted."""
    mine, other = [], []
    for number in range(pairs + 1):
        rates = ours(), peer()
        say(f"{name}: {'warm-up' if number == 0 else number}: ours {rates[0]:.1f}, peer {rates[1]:.1f}")
        if number:
            mine.append(rates[0])
            other.append(rates[1])
    return paired(name, "tok/s", mine, other, at_least=target)


def llama_bench(
    program: Path, model: Path, *, prompt: int = 0, generate: int = 0, depth: int = 0, runs: int = _RUNS
) -> float:
    """Tokens a second by llama-bench, with our batch and cache types and its own choice of threads (as ours).

    `runs` in a process that has a session of its own; the first warms and is left out, as is its own warm-up.
    """
    command = [str(program), "-m", str(model), "-p", str(prompt), "-n", str(generate), "-r", str(runs), "-o", "json"]
    command += ["-d", str(depth)] if depth else []
    command += ["-b", str(BATCH), "-ub", str(BATCH), "-fa", "auto", "-ctk", "f16", "-ctv", "f16"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=600, start_new_session=True)
    return _mean(json.loads(done.stdout)[0]["samples_ts"])


def _mean(rates: list[float]) -> float:
    """Of all but the first."""
    return statistics.fmean(rates[1:])
