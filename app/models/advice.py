"""Which model this machine runs well: from its memory and from how fast it is, measured in half a second.

Every token reads all weights once, so its time is the weights' size over the memory's bandwidth, of which some 60% is
seen; a picture costs 5.46 TFLOP whatever the model. What a processor core does of these was measured once with
llama.cpp and is scaled by the cores that are here, which makes it an estimate.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.models.catalogue import CatalogueModel, catalogue, catalogue_shape
from app.models.downloads import wish
from app.models.encoder import NO_ENCODER
from app.models.memory import Machine, Plan, Verdict
from app.models.table import Asked, planned

LEAST_SPEED, MOST_SECONDS = 8.0, 20.0  # tokens a second, seconds a picture
CONTEXT = 8192
_SEEN = 0.6  # of the bandwidth
_PICTURE_FLOP, _CORE_FLOPS = 5.46e12, 19e9
_CARD_PICTURE = 1.0  # seconds
_CARD_BANDWIDTH = 250e9  # bytes a second that a card has at least; its own figure is not to be had without a load
_BLOCK = 32 << 20
_ROUNDS = 4
_ADVISED = ("gemma-3-12b", "gemma-3-4b", "gemma-3-1b")


@dataclass(frozen=True, slots=True)
class Speed:
    """Of the computer's memory in bytes a second, and the cores that compute."""

    bandwidth: float
    cores: int


@dataclass(frozen=True, slots=True)
class Advice:
    """How a model would do here: tokens a second, and seconds for a picture (0.0: it sees none)."""

    model: CatalogueModel
    plan: Plan
    tokens: float
    picture: float

    @property
    def runs(self) -> bool:
        """Whether it fits at all."""
        return self.plan.verdict is not Verdict.NO

    @property
    def well(self) -> bool:
        """Whether it fits and is quick enough to be recommended."""
        return self.runs and self.tokens >= LEAST_SPEED and self.picture <= MOST_SECONDS


def measure(seconds: float = 0.6) -> Speed:
    """Reads and writes blocks that no cache holds, on all cores at once. Blocks for `seconds`.

    The best of some rounds counts: what else is going on now, such as a model that is loaded, slows the others.
    """
    import psutil

    cores = max(1, psutil.cpu_count(logical=False) or 1)
    blocks = [(ctypes.create_string_buffer(_BLOCK), ctypes.create_string_buffer(_BLOCK)) for _ in range(min(cores, 8))]
    return Speed(max(_bandwidth(blocks, seconds / _ROUNDS) for _ in range(_ROUNDS)), cores)


def _bandwidth(blocks: Sequence[tuple[Any, Any]], seconds: float) -> float:
    """Bytes a second, a thread for each pair of blocks."""
    moved = [0] * len(blocks)

    def copy(number: int) -> None:
        one, other = blocks[number]
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            ctypes.memmove(other, one, _BLOCK)
            moved[number] += 2 * _BLOCK

    working = [threading.Thread(target=copy, args=(number,)) for number in range(len(blocks))]
    began = time.perf_counter()
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    return sum(moved) / (time.perf_counter() - began)


def advice(model: CatalogueModel, machine: Machine, speed: Speed) -> Advice:
    """How the recommended file of a model would do."""
    wanted = wish(model)
    shape = catalogue_shape(model, wanted.file.quantisation)
    encoder = model.encoder if wanted.projector is not None else NO_ENCODER
    made = planned(shape, CONTEXT, machine, Asked(), encoder)
    on_card = min(made.gpu, shape.weight_bytes) if made.gpu_layers else 0
    in_memory = shape.weight_bytes - on_card
    seconds = on_card / _CARD_BANDWIDTH + in_memory / speed.bandwidth
    picture = 0.0
    if encoder:
        picture = _CARD_PICTURE if made.encoder_on_card else _PICTURE_FLOP / (_CORE_FLOPS * speed.cores)
    return Advice(model, made, _SEEN / seconds, picture)


def recommended(machine: Machine, speed: Speed) -> str:
    """The id of the larger of 12B and 4B that runs well here, else the 4B, the 1B, or "" where none of them fits."""
    found = {model.id: advice(model, machine, speed) for model in catalogue() if model.id in _ADVISED}
    well = [name for name in _ADVISED[:2] if found[name].well]
    runs = [name for name in _ADVISED[1:] if found[name].runs]
    return next(iter([*well, *runs]), "")
