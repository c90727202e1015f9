"""Model files with something wrong, made from the bytes of a good one."""

from __future__ import annotations

import struct
from pathlib import Path

_UINT32, _STRING = 4, 8
_BLOCK = 32  # the alignment of a GGUF's tensors: a header that grows by whole blocks leaves them in place


def with_number(model: Path, target: Path, key: str, value: int, *, renamed: str = "") -> Path:
    """The model with another 32-bit number behind `key`, and the key `renamed` to one of the same length."""
    data = bytearray(model.read_bytes())
    at = _after_key(data, key) + 4
    struct.pack_into("<I", data, at, value)
    if renamed:
        data[at - 4 - len(key) : at - 4] = renamed.encode()
    return _write(target, data)


def with_dimension(model: Path, target: Path, tensor: str, value: int) -> Path:
    """The model with another size of the tensor's first dimension."""
    data = bytearray(model.read_bytes())
    struct.pack_into("<Q", data, _after_name(data, tensor) + 4, value)
    return _write(target, data)


def with_offset(model: Path, target: Path, tensor: str, value: int) -> Path:
    """The model with the tensor's bytes at another place."""
    data = bytearray(model.read_bytes())
    at = _after_name(data, tensor)
    (dimensions,) = struct.unpack_from("<I", data, at)
    struct.pack_into("<Q", data, at + 4 + 8 * dimensions + 4, value)
    return _write(target, data)


def with_counts(model: Path, target: Path, *, tensors: int | None = None, pairs: int | None = None) -> Path:
    """The model with other numbers of tensors and of metadata pairs in its first bytes."""
    data = bytearray(model.read_bytes())
    for at, value in ((8, tensors), (16, pairs)):
        if value is not None:
            struct.pack_into("<Q", data, at, value)
    return _write(target, data)


def with_architecture(model: Path, target: Path, architecture: str) -> Path:
    """The model with another architecture of the same length."""
    data = bytearray(model.read_bytes())
    at = _after_key(data, "general.architecture") + 4 + 8
    data[at : at + len(architecture)] = architecture.encode()
    return _write(target, data)


def with_template(model: Path, target: Path, template: str) -> Path:
    """The model with another chat template, filled up with a comment so that the tensors keep their alignment."""
    data = model.read_bytes()
    at = _after_key(data, "tokenizer.chat_template") + 4
    (length,) = struct.unpack_from("<Q", data, at)
    text = template.encode()
    missing = (length - len(text) - 4) % _BLOCK
    text += b"{#" + b"." * missing + b"#}"
    changed = data[:at] + struct.pack("<Q", len(text)) + text + data[at + 8 + length :]
    return _write(target, changed)


def _after_key(data: bytes | bytearray, key: str) -> int:
    """Where the type of this key's value stands."""
    name = struct.pack("<Q", len(key)) + key.encode()
    at = data.index(name) + len(name)
    assert struct.unpack_from("<I", data, at)[0] in (_UINT32, _STRING)
    return at


def _after_name(data: bytes | bytearray, tensor: str) -> int:
    """Where the description of this tensor goes on after its name: dimensions, sizes, type, offset."""
    name = struct.pack("<Q", len(tensor)) + tensor.encode()
    return data.index(name) + len(name)


def _write(target: Path, data: bytes | bytearray) -> Path:
    target.write_bytes(data)
    return target
