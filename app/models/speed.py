"""How fast a plan is: from the bandwidth of this machine's memory, measured in half a second.

Every token reads all weights once, so its time is the weights' size over the memory's bandwidth, of which some 60% is
seen; a picture costs what its encoder computes. What a processor core does of that was measured once with llama.cpp
and is scaled by the cores that are here, which makes it an estimate. The bandwidth of a card is not known.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.models.memory import Plan

SEEN = 0.6  # of the bandwidth
_CORE_FLOPS = 19e9
_LEAST_WEIGHTS = 64 << 20  # bytes; the processor's own memory holds smaller ones
_BLOCK = 32 << 20
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Speed:
    """Of the computer's memory in bytes a second, and the cores that compute.

    Of the model that is planned for, where it was used here (else 0): `seen` are the seconds that a picture took, on
    the processor and on a card, and `wrote` the tokens a second of an answer with the same plan.
    """

    bandwidth: float
    cores: int
    seen: tuple[float, float] = (0.0, 0.0)
    wrote: float = 0.0

    def picture(self, flop: float) -> float:
        """Seconds that the processor looks at a picture which costs so much, reckoned by its cores."""
        return flop / (_CORE_FLOPS * self.cores)


def measure(seconds: float = 0.6) -> Speed:
    """Reads and writes blocks that no cache holds, on all cores at once. Blocks for `seconds`.

    The best of some rounds counts: what else is going on now, such as a model that is loaded, slows the others.
    """
    import psutil

    cores = max(1, psutil.cpu_count(logical=False) or 1)
    blocks = [(ctypes.create_string_buffer(_BLOCK), ctypes.create_string_buffer(_BLOCK)) for _ in range(min(cores, 8))]
    return Speed(max(_bandwidth(blocks, seconds / _ROUNDS) for _ in range(_ROUNDS)), cores)


def tokens_a_second(made: Plan, speed: Speed | None) -> float | None:
    """Of answers; None where it is not known: on a card that wrote none, or for weights that no memory is read for."""
    if speed is None:
        return None
    if speed.wrote or made.gpu_layers or made.weights < _LEAST_WEIGHTS:
        return speed.wrote or None
    return SEEN * speed.bandwidth / made.weights


def picture_seconds(made: Plan, speed: Speed | None) -> float | None:
    """To look at a picture; None where it is not known: on a card that saw none, or where the model sees none."""
    if speed is None or not made.vision:
        return None
    if made.encoder_on_card:
        return speed.seen[1] or None
    return speed.seen[0] or speed.picture(made.picture_flop)


def tokens_in_words(tokens: float) -> str:
    """Of an estimate: `7 tokens a second`, `0.8 tokens a second`."""
    return f"{tokens:.0f} tokens a second" if tokens >= 2 else f"{tokens:.1f} tokens a second"


def seconds_in_words(seconds: float) -> str:
    """Of an estimate: `1 s`, `25 s`, `2 min`."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    return f"{5 * round(seconds / 5)} s" if seconds < 57 else f"{max(1, round(seconds / 60))} min"


def in_a_sentence(made: Plan, speed: Speed | None) -> str:
    """What is known of a plan's speed; "" where that is nothing."""
    tokens, picture = tokens_a_second(made, speed), picture_seconds(made, speed)
    said = [f"about {tokens_in_words(tokens)}"] if tokens is not None else []
    said += [f"an image takes about {seconds_in_words(picture)}"] if picture is not None else []
    return f"{said[0][:1].upper()}{'; '.join(said)[1:]}." if said else ""


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
