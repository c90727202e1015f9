"""How many layers of a model go to a card, beside what `llama-server --fit on` of the same source puts there.

`CABOCHON_ENGINE` names the folder of an engine that packaging/engine.py has built; its Vulkan backend runs on Mesa's
software renderer, a card of 2 GiB. llama-server is built with backends in files and takes that engine's. By itself it
leaves a gigabyte free; it is also asked to leave no more than our plan does. The models are files of Gemma 3's shapes
without weights: the server is ended as soon as it has said how many layers it takes.
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
from app.models.memory import BATCH, Gpu, Machine, Plan
from app.models.shape import shape_of
from tests.benchmarks.peers import ROOT, build_loadable
from tests.benchmarks.report import Figure, missing, say
from tests.benchmarks.shapes import GEMMA_4B, GEMMA_12B, Shape, hollow

RENDERER = {"VK_DRIVER_FILES": "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "GGML_VK_VISIBLE_DEVICES": "0"}
_TAKEN = re.compile(r"Vulkan0 \(.*\): +(\d+) layers,")
_ALL = "no changes needed"
_SECONDS = 900.0
_OWN = 1024  # MiB that llama-server leaves free by itself


@dataclass(frozen=True)
class Case:
    """A model with its context, whether its image part goes to the card too, and whether llama-server leaves free what
    our plan does, not the gigabyte of its own."""

    shape: Shape
    context: int
    sees: bool = False
    alike: bool = False

    @property
    def name(self) -> str:
        """For the table."""
        extra = f"{', image part' if self.sees else ''}{', as much left free' if self.alike else ''}"
        return f"{self.shape.name}, {self.context}{extra}"


CASES = tuple(
    Case(shape, context, sees, alike)
    for alike in (False, True)
    for shape, context, sees in (
        (GEMMA_12B, 4096, False), (GEMMA_12B, 32768, False), (GEMMA_4B, 8192, False), (GEMMA_4B, 4096, True),
    )
)  # fmt: skip


def figures(folder: Path) -> list[Figure]:
    """One figure for each case."""
    engine = os.environ.get("CABOCHON_ENGINE")
    if not engine:
        return [missing("layers on a card", ">= peer", "CABOCHON_ENGINE names no engine with Vulkan")]
    program = build_loadable(Path(engine) / "llama_cpp" / "lib" / "libggml-vulkan.so")
    files = {shape: hollow(shape, folder) for shape in dict.fromkeys(case.shape for case in CASES)}
    free = _free(Path(engine), folder)
    return [_compared(case, *files[case.shape], program, free) for case in CASES]


def _compared(case: Case, model: Path, projector: Path, program: Path, free: int) -> Figure:
    plan = _ours(case, model, free)
    ours, theirs = plan.gpu_layers, _theirs(case, model, projector, program, _left(case, model, plan))
    say(f"fit: {case.name}: ours {ours}, peer {theirs}")
    ratio = ours / theirs if theirs else None
    return Figure(case.name, "layers", ">= peer", ours, theirs, ratio, ours >= theirs)


def _ours(case: Case, model: Path, free: int) -> Plan:
    header = read_header(model)
    encoder = encoder_beside(model, header) if case.sees else NO_ENCODER
    options = LoadOptions(context=case.context, kv_type="f16", batch=BATCH)
    made = best(shape_of(header, model.name), options, Machine((Gpu("Vulkan0", free),), 1 << 40), encoder)
    assert made.encoder_on_card == case.sees
    return made


def _left(case: Case, model: Path, plan: Plan) -> int:
    """MiB that llama-server is to leave free.

    A card takes the matrix of words as the last layer. The renderer does not: what comes out for 512 tokens is larger
    than the 128 MiB that one of its buffers may have. Where both leave the same, its room is left free too.
    """
    if not case.alike:
        return _OWN
    words = shape_of(read_header(model), model.name).embedding_bytes
    return -(-(plan.margin + words) // (1 << 20))


def _theirs(case: Case, model: Path, projector: Path, program: Path, left: int) -> int:
    command = [str(program), "-m", str(model), "-c", str(case.context), "-np", "1", "-b", str(BATCH), "-ub", str(BATCH)]
    command += ["-ctk", "f16", "-ctv", "f16", "--fit", "on", "--fit-target", str(left), "--offline", "-lv", "4"]
    command += ["--port", str(_port()), *(["--mmproj", str(projector)] if case.sees else ["--no-mmproj"])]
    for line in _said(command):
        if found := _TAKEN.search(line):
            return int(found[1])
        if _ALL in line:
            return case.shape.layers + 1
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
