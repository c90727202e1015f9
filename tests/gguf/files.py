"""GGUF files by the byte, right or wrong on purpose, as the specification of the format lays them out."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = range(13)
F32 = 0  # ggml_type


@dataclass(frozen=True)
class Value:
    """One pair of the metadata: `data` as it stands in the file."""

    key: str
    kind: int
    data: bytes


@dataclass(frozen=True)
class Tensor:
    """The description of one tensor, and the bytes its weights take in the file."""

    name: str = "weights"
    shape: Sequence[int] = (8,)
    kind: int = F32
    offset: int = 0
    data: bytes = bytes(32)


def string(text: str | bytes) -> bytes:
    """A length and the bytes of a text."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def text(key: str, words: str) -> Value:
    """A text in the metadata."""
    return Value(key, STRING, string(words))


def number(key: str, value: int) -> Value:
    """A 32-bit number in the metadata."""
    return Value(key, UINT32, struct.pack("<I", value))


def array(key: str, kind: int, count: int, data: bytes) -> Value:
    """A list in the metadata that claims `count` elements."""
    return Value(key, ARRAY, struct.pack("<IQ", kind, count) + data)


def texts(key: str, words: Sequence[str]) -> Value:
    """A list of texts in the metadata."""
    return array(key, STRING, len(words), b"".join(map(string, words)))


def gguf(
    values: Sequence[Value] = (),
    tensors: Sequence[Tensor] = (),
    *,
    version: int = 3,
    value_count: int | None = None,
    tensor_count: int | None = None,
    alignment: int = 32,
) -> bytes:
    """The bytes of a whole file; the counts may claim something else than is there."""
    head = b"GGUF" + struct.pack(
        "<IQQ",
        version,
        len(tensors) if tensor_count is None else tensor_count,
        len(values) if value_count is None else value_count,
    )
    for value in values:
        head += string(value.key) + struct.pack("<I", value.kind) + value.data
    for tensor in tensors:
        sides = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        head += string(tensor.name) + sides + struct.pack("<IQ", tensor.kind, tensor.offset)
    head += bytes(-len(head) % alignment)
    end = max((tensor.offset + len(tensor.data) for tensor in tensors if tensor.offset < 1 << 20), default=0)
    body = bytearray(end)
    for tensor in tensors:
        if tensor.offset < 1 << 20:
            body[tensor.offset : tensor.offset + len(tensor.data)] = tensor.data
    return head + body


def write(folder: Path, data: bytes, name: str = "model.gguf") -> Path:
    """The bytes as a file."""
    path = folder / name
    path.write_bytes(data)
    return path
