"""Writes a small GGUF file: values, then tensors one after the other, so that no more than one is in memory.

Laid out as `app.gguf.header` reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path

from app.gguf.header import MAGIC, NEWEST_VERSION
from app.gguf.tensor_types import BLOCKS

_ALIGNMENT = 32
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9

Value = str | bool | int | float | Sequence[float]
Shape = tuple[str, tuple[int, ...], int]  # a tensor's name, dimensions (fastest first) and ggml type


def write_gguf(path: Path, values: Mapping[str, Value], shapes: Sequence[Shape], data: Iterable[bytes]) -> None:
    """Write a file of these values, and of tensors whose `data` come in the order of their shapes. Raises OSError."""
    head = bytearray(MAGIC + struct.pack("<IQQ", NEWEST_VERSION, len(shapes), len(values)))
    for key, value in values.items():
        head += _text(key) + _typed(value)
    offset = 0
    for name, shape, kind in shapes:
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        offset += _padded(_size(shape, kind))
    with path.open("wb") as file:
        file.write(_filled(bytes(head)))
        for (name, shape, kind), content in zip(shapes, data, strict=True):
            assert len(content) == _size(shape, kind), name
            file.write(_filled(content))


def _typed(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    return struct.pack(f"<IIQ{len(value)}f", _ARRAY, _FLOAT32, len(value), *value)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _size(shape: tuple[int, ...], kind: int) -> int:
    values, size = BLOCKS[kind]
    return prod(shape) // values * size


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _filled(data: bytes) -> bytes:
    return data + bytes(_padded(len(data)) - len(data))
