"""How much memory a model needs, part by part, and what of it a graphics card can take. Pure.

The sizes are those that llama.cpp makes for our engine, which asks for the logits of single tokens: the cache of the
sliding window is padded as its own is, and the working memory is that of one batch in its widest layer. Tests hold them
against its log.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.models.shape import Shape

KV_BYTES = {"f16": (2, 1), "q8_0": (34, 32), "q4_0": (18, 32)}  # bytes of so many values
BATCH = 512  # n_ubatch
CHECKPOINTS = 2  # of the local layers: at the start and the end of the latest answer
ENCODER_WORK = 121 << 20  # bytes; SigLIP at 896 pixels with flash attention
_PAD = 256  # cells
_MARGIN, _MARGIN_PART = 256 << 20, 0.02


class Verdict(StrEnum):
    """How a model runs on a machine."""

    FITS = "fits"  # all of it on the card
    PARTIAL = "partial"  # some layers on the card
    RAM = "ram"  # in the computer's memory
    NO = "no"


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes of every part, and where they go. `total` is the sum of all parts."""

    context: int
    kv_type: str
    weights: int
    kv: int
    compute: int
    vision: int
    checkpoints: int
    embedding_copy: int
    margin: int
    gpu_layers: int
    layers: int
    gpu: int
    ram: int
    verdict: Verdict
    why: str

    @property
    def total(self) -> int:
        """Everything together."""
        parts = self.weights + self.kv + self.compute + self.vision
        return parts + self.checkpoints + self.embedding_copy + self.margin


def kv_bytes(shape: Shape, context: int, kv_type: str, batch: int = BATCH) -> tuple[int, ...]:
    """The cache of every layer."""
    size, values = KV_BYTES[kv_type]
    whole = _padded(context)
    window = min(whole, _padded(shape.window + batch))
    return tuple(
        (whole if everything or not shape.window else window) * count // values * size
        for everything, count in zip(shape.is_global, shape.kv_values, strict=True)
    )


def compute_bytes(shape: Shape, context: int, batch: int = BATCH) -> int:
    """The working memory of one batch: activations as 32-bit floats, and a mask of 16 bits for each kind of layer."""
    activations = 3 * shape.feed_forward + 3 * shape.hidden + shape.queries
    whole = _padded(context)
    seen = whole + (min(whole, _padded(shape.window + batch)) if shape.window else 0)
    return batch * (4 * activations + 2 * seen)


def checkpoint_bytes(shape: Shape, kv_type: str) -> int:
    """One checkpoint: the window of the local layers."""
    size, values = KV_BYTES[kv_type]
    local = sum(count for count, everything in zip(shape.kv_values, shape.is_global, strict=True) if not everything)
    return shape.window * local // values * size if shape.window else 0


def plan(shape: Shape, context: int, kv_type: str, *, gpu_memory: int, ram: int, projector: int = 0) -> Plan:
    """The plan with as many layers on the card as fit beside the image encoder. Memory in bytes that is free."""
    cache = kv_bytes(shape, context, kv_type)
    compute, vision = compute_bytes(shape, context), projector + ENCODER_WORK if projector else 0
    checkpoints = CHECKPOINTS * checkpoint_bytes(shape, kv_type)
    parts = shape.weight_bytes + sum(cache) + compute + vision + checkpoints
    margin = round(max(_MARGIN, parts * _MARGIN_PART))
    all_layers = shape.layers + 1  # the output counts as one
    best = 0
    for count in range(1, all_layers + 1):
        if _on_card(shape, cache, count, compute + vision) + margin <= gpu_memory:
            best = count
    copy = shape.embedding_bytes if best == all_layers and not shape.output_bytes else 0
    gpu = _on_card(shape, cache, best, compute + vision) if best else 0
    left = parts + copy - gpu
    fits = left + margin <= ram
    return Plan(
        context=context,
        kv_type=kv_type,
        weights=shape.weight_bytes,
        kv=sum(cache),
        compute=compute,
        vision=vision,
        checkpoints=checkpoints,
        embedding_copy=copy,
        margin=margin,
        gpu_layers=best,
        layers=all_layers,
        gpu=gpu,
        ram=left + margin,
        verdict=_verdict(best, all_layers, fits=fits),
        why=_why(best, all_layers, left + margin, ram, fits=fits),
    )


def _on_card(shape: Shape, cache: tuple[int, ...], layers: int, work: int) -> int:
    """Bytes on the card for the last `layers` of the model, the output first among them, as llama.cpp places them."""
    blocks = min(layers - 1, shape.layers)
    first = shape.layers - blocks
    output = shape.output_bytes or shape.embedding_bytes
    return work + output + sum(shape.layer_bytes[first:]) + sum(cache[first:])


def _verdict(gpu_layers: int, layers: int, *, fits: bool) -> Verdict:
    if not fits:
        return Verdict.NO
    if gpu_layers == layers:
        return Verdict.FITS
    return Verdict.PARTIAL if gpu_layers else Verdict.RAM


def _why(gpu_layers: int, layers: int, needed: int, ram: int, *, fits: bool) -> str:
    if not fits:
        return f"It needs {in_gib(needed)} of the computer's memory, {in_gib(ram)} are there."
    if gpu_layers == layers:
        return "All layers fit on the graphics card."
    if gpu_layers:
        return f"{gpu_layers} of {layers} layers fit on the graphics card, the rest is in memory."
    return f"It runs in the computer's memory: {in_gib(needed)} of {in_gib(ram)}."


def in_gib(size: int) -> str:
    """Memory for a person: `6.6 GiB`."""
    return f"{size / (1 << 30):.1f} GiB"


def _padded(cells: int) -> int:
    return -(-cells // _PAD) * _PAD
