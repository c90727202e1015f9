"""The memory plan beside what llama.cpp logs and the worker's process really holds, on files of Gemma 3's shapes.

The weights are random (`shapes.py`, made once in `.cache/shapes`, 9 GB). Each setting is loaded in a process of its own
(`python -m tests.benchmarks.memory FILE CONTEXT CACHE`), which reads a batch so that its working memory is in use. What
the program itself and the vocabulary take, which the plan has in its margin, is measured with a file of almost no
weights. Nothing is planned on a card. A setting that does not fit what is free now is left out and said.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.core.message import Message, Role
from app.core.paths import encode_path
from app.core.protocol import Generate, Load, Prompt
from app.core.settings import LoadOptions, Sampling
from app.engine.local import LocalEngine
from app.gguf.header import read_header
from app.models.memory import BATCH, KV_BYTES, Machine, Plan, Setup, in_gib, place
from app.models.shape import shape_of
from tests.benchmarks.peers import ROOT
from tests.benchmarks.report import Figure, missing, say, single
from tests.benchmarks.shapes import GEMMA_4B, GEMMA_12B, GEMMA_270M, Shape, made

CONTEXTS = (4096, 32768, 131072)
ALLOWED_LOG, ALLOWED_HELD = 0.03, 0.05
MARGIN = 256.0  # MiB: the least that a plan leaves free
TINY = Shape("gemma-3-tiny-shaped", 2, 64, 128, 1, 1, head=64, sees=False)
_MIB = 1 << 20
_SIZE = re.compile(r"= +([0-9.]+) MiB")


def figures(_folder: Path, shapes: tuple[Shape, ...] = (GEMMA_270M, GEMMA_4B, GEMMA_12B)) -> list[Figure]:
    """What the program itself holds, then three figures for each shape: the worst of its settings."""
    tiny = made(TINY)
    plan = _planned(tiny, TINY, 4096, "f16")
    own = _loaded(tiny, 4096, "f16")["held"] - (plan.weights + plan.kv + plan.compute) / _MIB
    found = [single("program and vocabulary", "MiB", own, below=MARGIN)]
    return found + [figure for shape in shapes for figure in _of_shape(shape, own)]


def _planned(file: Path, shape: Shape, context: int, kv_type: str) -> Plan:
    return place(shape_of(read_header(file), shape.name), Setup(context, kv_type), Machine((), 1 << 40))


@dataclass
class _Worst:
    """How far a plan was off at worst: the cache in MiB, the log and the process in parts of one."""

    cache: float = 0.0
    log: float = 0.0
    held: float = 0.0
    left_out: list[str] = field(default_factory=list)


def _of_shape(shape: Shape, own: float) -> list[Figure]:
    file = made(shape)
    worst = _Worst()
    for context, kv_type in itertools.product(CONTEXTS, KV_BYTES):
        if context > shape.context:
            continue
        plan = _planned(file, shape, context, kv_type)
        name = f"{shape.name} {context // 1024}k {kv_type}"
        if plan.total > psutil.virtual_memory().available:
            worst.left_out.append(f"{context // 1024}k {kv_type} needs {in_gib(plan.total)}")
            continue
        _compare(name, plan, _loaded(file, context, kv_type), own, worst)
    if not worst.log:
        return [missing(f"{shape.name}: memory", "", "; ".join(worst.left_out))]
    note = "; ".join(worst.left_out)
    return [
        Figure(f"{shape.name}: cache against the log", "MiB", "exact", worst.cache, met=worst.cache < 0.02, note=note),
        _part(f"{shape.name}: all against the log", worst.log, ALLOWED_LOG),
        _part(f"{shape.name}: all against the process", worst.held, ALLOWED_HELD),
    ]


def _part(name: str, off: float, allowed: float) -> Figure:
    return Figure(name, "%", f"<= {allowed:.0%}", off * 100, met=off <= allowed)


def _compare(name: str, plan: Plan, found: dict[str, float], own: float, worst: _Worst) -> None:
    planned = (plan.weights + plan.kv + plan.compute) / _MIB
    logged = found["weights"] + found["cache"] + found["compute"]
    cache, log, held = found["cache"] - plan.kv / _MIB, logged / planned - 1, (found["held"] - own) / planned - 1
    say(f"memory: {name}: planned {planned:.0f} MiB, logged {log:+.1%}, held {held:+.1%}, cache off by {cache:.2f} MiB")
    worst.cache = max(worst.cache, abs(cache))
    worst.log, worst.held = max(worst.log, abs(log)), max(worst.held, abs(held))


def _loaded(file: Path, context: int, kv_type: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.memory", str(file), str(context), kv_type]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


class _Keep(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def summed(self, words: str) -> float:
        """MiB of all lines with these words."""
        return sum(float(match[1]) for line in self.lines if words in line and (match := _SIZE.search(line)))


def _probe(file: Path, context: int, kv_type: str) -> dict[str, float]:
    """MiB as logged, and what the process holds more than before."""
    log = _Keep()
    logging.getLogger("app.llama").addHandler(log)
    logging.getLogger("app.llama").setLevel(logging.DEBUG)
    process, engine = psutil.Process(), LocalEngine()
    engine.begin()
    before = process.memory_info().rss
    options = LoadOptions(context=context, kv_type=kv_type, batch=BATCH, gpu_layers=0)
    engine.load(Load(1, encode_path(file), options), lambda _fraction: None)
    prompt = Prompt("memory", (Message(Role.USER, "word " * BATCH),))
    engine.generate(Generate(1, prompt, Sampling(temperature=0.0, max_tokens=2)), lambda _event: None)
    return {
        "weights": max(log.summed("CPU_Mapped model buffer size"), log.summed("CPU_REPACK model buffer size")),
        "cache": log.summed("llama_kv_cache: size"),
        "compute": log.summed("compute buffer size"),
        "held": (process.memory_info().rss - before) / _MIB,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_probe(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
