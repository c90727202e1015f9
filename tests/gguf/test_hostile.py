"""No bytes whatever make the header reader raise anything but a refusal, take long, or fill the memory."""

from __future__ import annotations

import os
import random
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import ModelError
from app.gguf.header import read_header
from tests.gguf import files
from tests.gguf.files import array, gguf

MOST_MEMORY = 24 << 20  # bytes for a header of 30 KB: one chunk of the file, a few times over
MOST_SECONDS = 2.0  # a few milliseconds, on a machine that does something else as well
ARRAYS = ("tokenizer.ggml.token_type", "tokenizer.ggml.tokens", "tokenizer.ggml.scores")
BOUNDARIES = [0, 1, 0x7F, 0x80, 0xFF, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


class Bench:
    """One copy of a model whose header is changed again and again. Its weights are zeros."""

    def __init__(self, model: Path, folder: Path) -> None:
        header = read_header(model)
        self.size = header.file_size
        with model.open("rb") as file:
            self.good = file.read(header.data_offset)
        self.path = folder / "changed.gguf"
        self.codes: set[str] = set()
        self.path.write_bytes(self.good)
        os.truncate(self.path, self.size)

    def read(self, changed: bytes | bytearray, size: int) -> None:
        """Reads the model with this header and of this size; notes how it was refused."""
        with self.path.open("r+b") as file:
            file.write(changed)
            file.truncate(size)
        begun = time.monotonic()
        try:
            read_header(self.path, arrays=ARRAYS)
        except ModelError as error:
            error.message.encode()
            self.codes.add(error.code)
        else:
            self.codes.add("accepted")
        assert time.monotonic() - begun < MOST_SECONDS
        with self.path.open("r+b") as file:
            file.write(self.good)
            file.truncate(self.size)


@pytest.fixture
def bench(micro_model: Path, tmp_path: Path) -> Bench:
    """The micro model, to be damaged."""
    return Bench(micro_model, tmp_path)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fails a test in which Python held more than MOST_MEMORY at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def _flip_a_bit(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _change_bytes(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    for place in range(start, min(start + chance.randint(1, 16), len(data))):
        data[place] = chance.randrange(256)


def _put_a_boundary(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) - 8)
    data[start : start + 8] = struct.pack("<Q", chance.choice(BOUNDARIES))


def _remove(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randint(1, 64)]


def _repeat(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    data[start:start] = data[start : start + chance.randint(1, 64)]


CHANGES: list[Callable[[bytearray, random.Random], None]] = [
    _flip_a_bit,
    _change_bytes,
    _put_a_boundary,
    _remove,
    _repeat,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_changed_headers(bench: Bench, little_memory: None, change: Callable[[bytearray, random.Random], None]) -> None:
    chance = random.Random(change.__name__)
    for _ in range(120):
        data = bytearray(bench.good)
        change(data, chance)
        bench.read(data, bench.size if chance.random() < 0.8 else chance.randrange(bench.size))
    assert bench.codes & {"cut", "damaged"}, "the changes did reach the header"


def test_the_first_bytes_take_every_value(bench: Bench, little_memory: None) -> None:
    for place in range(24):
        for value in (*range(0, 256, 51), 1, 2, 3, 127, 128):
            data = bytearray(bench.good[:200])
            data[place] = value
            bench.read(data, bench.size)
    assert {"accepted", "not_gguf", "version", "damaged"} <= bench.codes


@pytest.mark.parametrize("value", BOUNDARIES)
def test_boundaries_where_numbers_stand(bench: Bench, little_memory: None, value: int) -> None:
    """In every word of the metadata before the vocabulary, and of the tensors' descriptions."""
    tensors = bench.good.index(b"output_norm.weight") - 8
    places = [*range(8, 1200, 8), *range(tensors, min(tensors + 1200, len(bench.good) - 8), 8)]
    for place in places[value % 5 :: 5]:
        data = bytearray(bench.good)
        data[place : place + 8] = struct.pack("<Q", value)
        bench.read(data, bench.size)
    assert bench.codes & {"cut", "damaged"}


@given(
    tail=st.binary(max_size=200), magic=st.sampled_from([b"", b"GGUF", b"GGUF\x03\0\0\0", b"GGUF\x03\0\0\0\1\0\0\0"])
)
@settings(max_examples=150, deadline=None)
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, magic: bytes, tail: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.gguf"
    path.write_bytes(magic + tail)
    try:
        header = read_header(path, arrays=ARRAYS)
    except ModelError:
        return
    assert header.expected_size <= header.file_size == len(magic + tail)


def _grown(folder: Path, data: bytes, size: int) -> Path:
    """A file that goes on with zeros which take no room on the disk."""
    path = files.write(folder, data)
    os.truncate(path, size)
    return path


def test_zeros_of_many_gigabytes_are_no_list(tmp_path: Path, little_memory: None) -> None:
    """The file has the room that the list claims, but no header is that long."""
    for kind, count in ((files.STRING, 2**33), (files.FLOAT64, 2**33), (files.UINT8, 2**36)):
        path = _grown(tmp_path, gguf([array("x", kind, count, b"")], alignment=1), 2**37)
        with pytest.raises(ModelError) as caught:
            read_header(path, arrays=("x",))
        assert caught.value.code == "damaged"


def test_a_vocabulary_of_many_gigabytes(tmp_path: Path, little_memory: None) -> None:
    """One text of the list is as long as a disk."""
    claimed = struct.pack("<Q", 2**35)
    path = _grown(tmp_path, gguf([array("x", files.STRING, 2, claimed)], alignment=1), 2**37)
    with pytest.raises(ModelError) as caught:
        read_header(path)
    assert caught.value.code == "damaged"


def test_zeros_are_no_million_of_values(tmp_path: Path, little_memory: None) -> None:
    for head in (gguf(value_count=2**16, alignment=1), gguf(tensor_count=2**20, alignment=1)):
        with pytest.raises(ModelError) as caught:
            read_header(_grown(tmp_path, head, 2**37))
        assert caught.value.code == "damaged"
