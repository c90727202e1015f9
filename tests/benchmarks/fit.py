"""How many layers go to a card of so much memory, beside `llama-server --fit on` of the same source.

`CABOCHON_ENGINE` names the folder of an engine that packaging/engine.py has built; its Vulkan backend runs on Mesa's
software renderer in place of a card. llama-server is built with backends in files and takes that engine's. It leaves
so much of the renderer's memory alone that a card of a given size is left, and beyond that its own gigabyte. The model
is a file of 12B's shape without weights: the server is ended as soon as it has said how many layers it takes.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import LoadOptions
from app.gguf.header import read_header
from app.models.choice import best
from app.models.encoder import NO_ENCODER, encoder_beside
from app.models.memory import BATCH, Gpu, Machine
from app.models.shape import shape_of
from tests.benchmarks.peers import ROOT, build_loadable
from tests.benchmarks.report import Figure, missing, say
from tests.benchmarks.shapes import GEMMA_12B, hollow

RENDERER = {"VK_DRIVER_FILES": "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "GGML_VK_VISIBLE_DEVICES": "0"}
OWN_MARGIN = 1024  # MiB that llama-server leaves free by itself
_GIB, _MIB = 1 << 30, 1 << 20
_TAKEN = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_SECONDS = 900.0


@dataclass(frozen=True)
class Case:
    """A context, the memory of a card in GiB, and whether the image part is to go there too."""

    context: int
    card: float
    sees: bool = False


CASES = (
    Case(4096, 3), Case(8192, 5), Case(8192, 7), Case(32768, 7), Case(8192, 12),
    Case(4096, 3, sees=True), Case(8192, 6, sees=True),
)  # fmt: skip


def figures(folder: Path) -> list[Figure]:
    """One figure for each case."""
    engine = os.environ.get("CABOCHON_ENGINE")
    if not engine:
        return [missing("layers on a card", ">= peer", "CABOCHON_ENGINE names no engine with Vulkan")]
    program = build_loadable(Path(engine) / "llama_cpp" / "lib" / "libggml-vulkan.so")
    model, projector = hollow(GEMMA_12B, folder)
    free = _free(Path(engine), folder)
    return [_compared(case, model, projector, program, free) for case in CASES]


def _compared(case: Case, model: Path, projector: Path, program: Path, free: int) -> Figure:
    ours, theirs = _ours(case, model), _theirs(case, model, projector, program, free)
    what = f"{case.card:g} GiB, context {case.context}{', image part' if case.sees else ''}"
    say(f"fit: {what}: ours {ours}, peer {theirs}")
    return Figure(
        f"layers on {what}", "layers", ">= peer", ours, theirs, ours / theirs if theirs else None, ours >= theirs
    )


def _ours(case: Case, model: Path) -> int:
    header = read_header(model)
    machine = Machine((Gpu("Vulkan0", int(case.card * _GIB)),), 1 << 40)
    encoder = encoder_beside(model, header) if case.sees else NO_ENCODER
    options = LoadOptions(context=case.context, kv_type="f16", batch=BATCH)
    made = best(shape_of(header, model.name), options, machine, encoder)
    assert made.encoder_on_card == case.sees
    return made.gpu_layers


def _theirs(case: Case, model: Path, projector: Path, program: Path, free: int) -> int:
    left = int(free - case.card * _GIB) // _MIB + OWN_MARGIN
    command = [str(program), "-m", str(model), "-c", str(case.context), "-np", "1", "-b", str(BATCH), "-ub", str(BATCH)]
    command += ["-ctk", "f16", "-ctv", "f16", "--fit", "on", "--fit-target", str(left), "--offline", "--no-warmup"]
    command += ["--port", str(_port()), *(["--mmproj", str(projector)] if case.sees else [])]
    for line in _said(command):
        if found := _TAKEN.search(line):
            return int(found[1])
    raise RuntimeError("llama-server did not say how many layers it takes")


def _said(command: list[str]) -> Iterator[str]:
    """The lines of a program, which is ended when no more are asked for."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **RENDERER}
    ) as process:
        assert process.stdout is not None
        try:
            yield from process.stdout
        finally:
            process.kill()


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    return found


def _free(engine: Path, folder: Path) -> int:
    """Bytes of the renderer's memory that are free."""
    environment = {**os.environ, **RENDERER, "PYTHONPATH": f"{engine}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-P", "-m", "app", "doctor", "--json", "--data-dir", str(folder / "data")]
    told = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True, timeout=_SECONDS).stdout
    return next(int(one["memory_free"]) for one in json.loads(told)["devices"] if one["name"] == "Vulkan0")
