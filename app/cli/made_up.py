"""What the self-check makes up: pictures, and the image part of a large model with random weights.

The image part has the shapes of Gemma 3's encoder (SigLIP with 896 pixels) and only a few of its 27 layers: every
operation, as large as it really is, in a few seconds on a processor. Its weights are spread so that each layer keeps
the size of what goes through it and its attention looks at some patches more than at others.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from random import Random
from statistics import NormalDist

from app.gguf.writer import Shape, Value, write_gguf

LAYERS = 2
_SIDE, _PATCH, _POOLED = 896, 14, 4
_WIDTH, _HEADS, _FORWARD = 1152, 16, 4304
_F32, _F16 = 0, 1
_ATTENTIVE = 2.0  # times the usual weights of queries and keys
_SMALL = 0.02  # of biases
_SEED = 7

_Tensor = tuple[Shape, float | None]  # and the spread of its weights; None: all of them are 1


def write_image_part(path: Path, text_width: int) -> None:
    """Write a mmproj for a text model of this width (n_embd): some 80 MB, always the same. Raises OSError."""
    sizes: dict[str, Value] = {
        "projection_dim": text_width, "image_size": _SIDE, "patch_size": _PATCH, "embedding_length": _WIDTH,
        "feed_forward_length": _FORWARD, "block_count": LAYERS, "attention.head_count": _HEADS,
        "projector.scale_factor": _POOLED, "attention.layer_norm_epsilon": 1e-6,
        "image_mean": (0.5, 0.5, 0.5), "image_std": (0.5, 0.5, 0.5),
    }  # fmt: skip
    values: dict[str, Value] = {
        "general.architecture": "clip", "general.type": "mmproj", "general.file_type": _F16,
        "clip.has_vision_encoder": True, "clip.projector_type": "gemma3", "clip.use_gelu": True,
    }  # fmt: skip
    values |= {f"clip.vision.{key}": value for key, value in sizes.items()}
    random, tensors = Random(_SEED), list(_tensors(text_width))
    data = (_weights(random, prod(shape), kind, spread) for (_, shape, kind), spread in tensors)
    write_gguf(path, values, [shape for shape, _ in tensors], data)


def _tensors(text_width: int) -> Iterator[_Tensor]:
    yield ("mm.input_projection.weight", (text_width, _WIDTH), _F16), _WIDTH**-0.5
    yield ("mm.soft_emb_norm.weight", (_WIDTH,), _F32), None
    yield ("v.patch_embd.weight", (_PATCH, _PATCH, 3, _WIDTH), _F32), _SMALL * 2
    yield ("v.patch_embd.bias", (_WIDTH,), _F32), _SMALL
    yield ("v.position_embd.weight", (_WIDTH, (_SIDE // _PATCH) ** 2), _F32), _SMALL * 15
    yield from _norm("v.post_ln")
    for number in range(LAYERS):
        block = f"v.blk.{number}"
        yield from _norm(f"{block}.ln1")
        for name in ("attn_q", "attn_k"):
            yield from _linear(f"{block}.{name}", _WIDTH, _WIDTH, _ATTENTIVE)
        for name in ("attn_v", "attn_out"):
            yield from _linear(f"{block}.{name}", _WIDTH, _WIDTH)
        yield from _norm(f"{block}.ln2")
        yield from _linear(f"{block}.ffn_up", _WIDTH, _FORWARD)
        yield from _linear(f"{block}.ffn_down", _FORWARD, _WIDTH)


def _norm(name: str) -> Iterator[_Tensor]:
    yield (f"{name}.weight", (_WIDTH,), _F32), None
    yield (f"{name}.bias", (_WIDTH,), _F32), _SMALL


def _linear(name: str, wide: int, out: int, times: float = 1.0) -> Iterator[_Tensor]:
    yield (f"{name}.weight", (wide, out), _F16), times * wide**-0.5
    yield (f"{name}.bias", (out,), _F32), _SMALL


def _weights(random: Random, count: int, kind: int, spread: float | None) -> bytes:
    """Numbers that are spread normally around 0: one of 256 normal ones each, with random bits below its first ones.

    So no number is made by itself, which would take half a minute.
    """
    if spread is None:
        return struct.pack("<f", 1.0) * count
    normal = NormalDist(0.0, spread)
    packed = [struct.pack("<e" if kind == _F16 else "<f", normal.inv_cdf((place + 0.5) / 256)) for place in range(256)]
    size = len(packed[0])
    made, choice = bytearray(random.randbytes(count * size)), random.randbytes(count)
    for byte in range(1, size) if kind == _F16 else range(2, size):
        made[byte::size] = choice.translate(bytes(one[byte] for one in packed))
    return bytes(made)


def plain_picture(colour: tuple[int, int, int], side: int = 64) -> bytes:
    """A PNG of one colour."""
    return _png(side, bytes(colour) * side * side)


def ringed_picture(side: int = _SIDE // 2) -> bytes:
    """A PNG of rings that get ever narrower on a ground that changes to the right and down: no part is like another."""
    ground = [place * 255 // side for place in range(side)]
    squares = [place * place for place in range(side)]
    rows = (
        bytes(value for x in range(side) for value in (ground[x], ground[y], (squares[x] + squares[y]) // side & 255))
        for y in range(side)
    )
    return _png(side, b"".join(rows))


def _png(side: int, rgb: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = 3 * side
    rows = b"".join(b"\0" + rgb[start : start + row] for start in range(0, len(rgb), row))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
