"""Reads the header of a GGUF file: what it says of itself, its tensors, and how long the whole file should be.

Pure Python and any thread. A file that cannot be a model is refused with ModelError in words for the person, before
llama.cpp sees it. Every count and length is checked against the file's size first, so a made-up one costs nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
from collections.abc import Collection
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import BinaryIO

from app.core.errors import ModelError
from app.core.paths import display_name
from app.gguf.tensor_types import BLOCKS, QUANTISATIONS

MAGIC = b"GGUF"
PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
NEWEST_VERSION = 3
_CHUNK = 1 << 20  # bytes read from the file at a time
_LONGEST_HEADER = 1 << 27  # bytes; Gemma's with 262,144 tokens has 7 million
_LONGEST_STRING = 1 << 26
_MOST_VALUES = 1 << 16  # a model has some 50
_MOST_TENSORS = 1 << 17  # a model has some 1,000
_MOST_DIMENSIONS = 4
_SHORT = 1024  # numbers of a list that is kept unasked: one for each layer
_ALIGNMENT_KEY = "general.alignment"
_PART_COUNT = "split.count"
_STRING, _ARRAY = 8, 9
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_SIZES = {kind: struct.calcsize("<" + code) for kind, code in _FORMATS.items()}

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """A long array that was skipped: its GGUF element type and its number of elements."""

    element_type: int
    count: int


Value = Scalar | ArrayInfo | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: dimensions as GGUF orders them (fastest first), ggml type, offset in bytes from the data section."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def size(self) -> int:
        """Bytes of its data; 0 where the type is not known here."""
        block, bytes_per_block = BLOCKS.get(self.type, (1, 0))
        return prod(self.shape) // block * bytes_per_block


@dataclass(frozen=True, slots=True)
class Header:
    """All of a GGUF file but its weights. Offsets and sizes in bytes."""

    version: int
    metadata: dict[str, Value]
    tensors: tuple[TensorInfo, ...]
    alignment: int
    data_offset: int
    file_size: int
    vocabulary_digest: str  # SHA-256 over everything that defines the token ids

    @property
    def expected_size(self) -> int:
        """The file size that the tensors need (the padding after the last one may be left out)."""
        return self.data_offset + max((tensor.offset + tensor.size for tensor in self.tensors), default=0)

    @property
    def architecture(self) -> str:
        """`general.architecture`, "" where it is missing."""
        return self.text("general.architecture")

    @property
    def quantisation(self) -> str:
        """The whole file's quantisation by the name people know, "" where it is unknown."""
        return QUANTISATIONS.get(self.number("general.file_type", -1), "")

    @property
    def is_ollamas(self) -> bool:
        """Whether it is a model in Ollama's own form, with its image part inside: llama.cpp loads none of these."""
        return self.architecture != "clip" and any(tensor.name.startswith(("v.", "mm.")) for tensor in self.tensors)

    def text(self, key: str) -> str:
        """A string of the metadata, "" where it is missing or no string."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """An integer of the metadata, or the default."""
        value = self.metadata.get(key)
        return int(value) if isinstance(value, int) else default

    def numbers(self, key: str) -> tuple[int, ...]:
        """An integer of the metadata or a list of them, such as one for each layer; () where it is missing."""
        value = self.metadata.get(key)
        values = value if isinstance(value, tuple) else (value,)
        return tuple(int(one) for one in values if isinstance(one, int))


class _Cut(Exception):
    """The file ends within its header."""


class _Damaged(Exception):
    """The header contradicts itself; the words say how."""


def read_header(path: Path, arrays: Collection[str] = ()) -> Header:
    """The header of a complete GGUF file, with the values of the named arrays and of short ones of numbers.

    Of a model in several files `path` is the first; the header is that of all of them together. Raises ModelError with
    one of these codes: missing, away, folder, unreadable, empty, web_page, pointer, not_gguf, big_endian, version, cut,
    damaged, part.
    """
    header = _read_file(path, arrays)
    return _joined(path, header) if header.number(_PART_COUNT) > 1 else header


def parts(path: Path) -> list[Path]:
    """All files of a model, by the name of its first: `NAME-00001-of-00003.gguf` and so on, as llama.cpp names them."""
    part = PART.search(path.name)
    if part is None:
        return [path]
    start, count = path.name[: part.start()], max(1, int(part[2]))
    return [path.with_name(f"{start}-{number:05}-of-{count:05}.gguf") for number in range(1, min(count, 99) + 1)]


def _joined(path: Path, first: Header) -> Header:
    name, count, number = display_name(path), first.number(_PART_COUNT), first.number("split.no")
    if number:
        raise ModelError(f"“{name}” is part {number + 1} of {count} of a model. Choose the first of its files.", "part")
    if len(parts(path)) != count:
        raise ModelError(f"“{name}” is one of {count} files; its name must end with -00001-of-{count:05}.gguf.", "part")
    all_parts = [first, *(_read_file(other, ()) for other in parts(path)[1:])]
    return replace(
        first,
        metadata={key: value for key, value in first.metadata.items() if key != _PART_COUNT},
        tensors=tuple(tensor for part in all_parts for tensor in part.tensors),
        file_size=sum(part.file_size for part in all_parts),
    )


def _read_file(path: Path, arrays: Collection[str]) -> Header:
    name = display_name(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ModelError(f"“{name}” is a folder, not a model file.", "folder")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for its other end
            raise ModelError(f"“{name}” cannot be read: it is no ordinary file.", "unreadable")
        with path.open("rb") as file:
            header = _read(file, name, arrays)
    except FileNotFoundError as error:
        raise _missing(path, name) from error
    except OSError as error:
        raise ModelError(f"“{name}” cannot be read: {error.strerror or error}.", "unreadable") from error
    if header.file_size < header.expected_size:
        raise ModelError(
            f"“{name}” is cut: its header promises {in_words(header.expected_size)}, "
            f"{in_words(header.file_size)} are there. Download it again.",
            "cut",
        )
    return header


def _missing(path: Path, name: str) -> ModelError:
    """The folder of a disk that is away is gone too, or the empty folder that the disk is mounted on."""
    folder = os.fsencode(path.parent).decode("utf-8", "replace")
    if not os.path.isdir(path.parent):
        state = f"neither is its folder {folder}. Its disk may not be connected"
    elif not os.listdir(path.parent):
        state = f"its folder {folder} is empty. It was moved or deleted, or its disk is not connected"
    else:
        return ModelError(f"“{name}” is not there any more. It was moved, renamed or deleted.", "missing")
    return ModelError(f"“{name}” is not there now, and {state}.", "away")


def in_words(size: int) -> str:
    """A size for a person, in decimal units with three digits: "9.66 GB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            value = size / factor
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{size} bytes"


def _read(file: BinaryIO, name: str, arrays: Collection[str]) -> Header:
    size = file.seek(0, 2)
    file.seek(0)
    cursor = _Cursor(file, size)
    try:
        _check_start(cursor, name)
        return _parse(cursor, arrays)
    except _Cut as error:
        raise ModelError(
            f"“{name}” is cut: it ends within its header, after {in_words(size)}. Download it again.", "cut"
        ) from error
    except _Damaged as error:
        raise ModelError(f"“{name}” is damaged: {error}. Download it again.", "damaged") from error


def _check_start(cursor: _Cursor, name: str) -> None:
    start = cursor.peek(512)
    if not start:
        raise ModelError(f"“{name}” is empty (0 bytes). Download it again.", "empty")
    if start[:4] == MAGIC:
        return
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        raise ModelError(
            f"“{name}” is a web page, not a model: the download saved a page instead of the file. Download it again.",
            "web_page",
        )
    if text.startswith(b"version https://git-lfs"):
        raise ModelError(f"“{name}” only names where the model lies (Git LFS). Download the file itself.", "pointer")
    raise ModelError(f"“{name}” is not a GGUF model file.", "not_gguf")


def _parse(cursor: _Cursor, arrays: Collection[str]) -> Header:
    cursor.skip(4)
    version = cursor.number("I")
    _check_version(version)
    tensor_count, value_count = cursor.number("Q"), cursor.number("Q")
    if value_count > _MOST_VALUES or tensor_count > _MOST_TENSORS:
        raise _Damaged(f"it claims {tensor_count:,} tensors and {value_count:,} values, more than any model has")
    if value_count * 13 + tensor_count * 24 > cursor.file_size:  # the least bytes that so many can take
        raise _Cut
    metadata, digest = _parse_metadata(cursor, value_count, arrays)
    alignment = metadata.get(_ALIGNMENT_KEY, 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 24 or alignment & (alignment - 1):
        raise _Damaged(f"its alignment is {alignment}")
    tensors = _parse_tensors(cursor, tensor_count, alignment)
    return Header(
        version=version,
        metadata=metadata,
        tensors=tuple(tensors.values()),
        alignment=alignment,
        data_offset=-(-cursor.position // alignment) * alignment,
        file_size=cursor.file_size,
        vocabulary_digest=digest,
    )


def _check_version(version: int) -> None:
    if version & 0xFFFF == 0 and version != 0:
        raise ModelError(
            "The file was made for another kind of processor (big-endian) and cannot be used.", "big_endian"
        )
    if version < 2:
        raise ModelError(f"The file is GGUF version {version}, which is too old. Get a newer one.", "version")
    if version > NEWEST_VERSION:
        raise ModelError(
            f"The file is GGUF version {version}; this program reads up to {NEWEST_VERSION}. A newer one may.",
            "version",
        )


def _parse_metadata(cursor: _Cursor, count: int, arrays: Collection[str]) -> tuple[dict[str, Value], str]:
    metadata: dict[str, Value] = {}
    digest = hashlib.sha256()
    for _ in range(count):
        start = cursor.position
        key = cursor.string()
        if key in metadata:
            raise _Damaged(f"it names {key[:80]} twice")
        metadata[key] = _parse_value(cursor, keep=key in arrays)
        if key.startswith("tokenizer.") and not key.startswith("tokenizer.chat_template"):
            digest.update(cursor.since(start))
        cursor.check_length()
    return metadata, digest.hexdigest()


def _parse_value(cursor: _Cursor, *, keep: bool) -> Value:
    kind = cursor.number("I")
    if kind != _ARRAY:
        return _parse_scalar(cursor, kind)
    element, count = cursor.number("I"), cursor.number("Q")
    if element == _STRING:
        cursor.need(count * 8)  # their lengths
        return tuple(cursor.string() for _ in range(count)) if keep else _skip_strings(cursor, count)
    if element not in _FORMATS:
        raise _Damaged(f"it holds a list of an unknown kind ({element})")
    cursor.need(count * _SIZES[element])
    if keep or count <= _SHORT:
        return cursor.numbers(_FORMATS[element], count)
    cursor.skip(count * _SIZES[element])
    return ArrayInfo(element, count)


def _parse_scalar(cursor: _Cursor, kind: int) -> Scalar:
    if kind == _STRING:
        return cursor.string()
    if kind not in _FORMATS:
        raise _Damaged(f"it holds a value of an unknown kind ({kind})")
    return cursor.numbers(_FORMATS[kind], 1)[0]


def _skip_strings(cursor: _Cursor, count: int) -> ArrayInfo:
    cursor.skip_strings(count)
    return ArrayInfo(_STRING, count)


def _parse_tensors(cursor: _Cursor, count: int, alignment: int) -> dict[str, TensorInfo]:
    tensors: dict[str, TensorInfo] = {}
    for _ in range(count):
        tensor = _parse_tensor(cursor, alignment)
        if tensor.name in tensors:
            raise _Damaged(f"it holds the tensor {tensor.name[:80]} twice")
        tensors[tensor.name] = tensor
    return tensors


def _parse_tensor(cursor: _Cursor, alignment: int) -> TensorInfo:
    name = cursor.string()
    dimensions = cursor.number("I")
    if dimensions > _MOST_DIMENSIONS:
        raise _Damaged(f"a tensor has {dimensions:,} dimensions")
    shape = cursor.numbers("Q", dimensions)
    kind, offset = cursor.number("I"), cursor.number("Q")
    tensor = TensorInfo(name, tuple(int(side) for side in shape), kind, offset)
    if prod(tensor.shape) >= 1 << 63 or offset >= 1 << 63 or offset % alignment:
        raise _Damaged(f"the tensor {name[:80]} has an impossible size or place")
    cursor.check_length()
    return tensor


class _Cursor:
    """A place in the file, with what was read so far in memory."""

    def __init__(self, file: BinaryIO, file_size: int) -> None:
        self.file_size = file_size
        self.position = 0
        self._file = file
        self._data = bytearray()

    def need(self, count: int) -> None:
        """Has the next `count` bytes in memory. Raises _Cut when the file ends before."""
        end = self.position + count
        if end <= len(self._data):
            return
        if end > self.file_size:
            raise _Cut
        if end > _LONGEST_HEADER:
            raise _Damaged("its header is longer than any model needs")
        self._data += self._file.read(max(_CHUNK, end - len(self._data)))
        if end > len(self._data):
            raise _Cut

    def check_length(self) -> None:
        """Bounds the header as a whole."""
        if self.position > _LONGEST_HEADER:
            raise _Damaged("its header is longer than any model needs")

    def peek(self, count: int) -> bytes:
        """Up to `count` bytes from here, without going on."""
        self.need(min(count, self.file_size - self.position))
        return bytes(self._data[self.position : self.position + count])

    def since(self, start: int) -> memoryview:
        """The bytes from an earlier position to here."""
        return memoryview(bytes(self._data[start : self.position]))

    def skip(self, count: int) -> None:
        """Goes on by `count` bytes."""
        self.need(count)
        self.position += count

    def number(self, code: str) -> int:
        """One integer of a struct format."""
        return int(self.numbers(code, 1)[0])

    def numbers(self, code: str, count: int) -> tuple[Scalar, ...]:
        """`count` little-endian numbers of a struct format."""
        layout = struct.Struct(f"<{count}{code}")
        self.need(layout.size)
        values: tuple[Scalar, ...] = layout.unpack_from(self._data, self.position)
        self.position += layout.size
        return values

    def string(self) -> str:
        """A length and so many bytes of UTF-8."""
        length = self.number("Q")
        if length > _LONGEST_STRING:
            raise _Damaged(f"a text in its header claims {in_words(length)}")
        self.need(length)
        start, self.position = self.position, self.position + length
        return self._data[start : self.position].decode("utf-8", "replace")

    def skip_strings(self, count: int) -> None:
        """Goes on by `count` strings; the vocabulary of a large model has 262,144."""
        unpack, data, position = struct.Struct("<Q").unpack_from, self._data, self.position
        for _ in range(count):
            if position + 8 > len(data):
                self.position = position
                self.need(8)
            position += 8 + unpack(data, position)[0]
            if position > len(data):
                self.position = position
                self.need(0)
        self.position = position
