"""A GGUF file that is written here is read by our own reader and by the format's own package."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from gguf import GGUFReader

from app.gguf.header import TensorInfo, read_header
from app.gguf.writer import Shape, Value, write_gguf

VALUES: dict[str, Value] = {"text": "grün", "yes": True, "number": 7, "part": 0.5, "list": (0.25, 0.75)}
SHAPES: list[Shape] = [("one", (3,), 0), ("other", (2, 4), 1), ("coarse", (32, 2), 2)]
DATA = [struct.pack("<3f", 1, 2, 3), struct.pack("<8e", *range(8)), bytes(range(36))]


def test_a_written_file_is_read_by_our_reader(tmp_path: Path) -> None:
    path = tmp_path / "made.gguf"
    write_gguf(path, VALUES, SHAPES, DATA)
    header = read_header(path)
    assert header.metadata == VALUES
    assert header.tensors == (
        TensorInfo("one", (3,), 0, 0),
        TensorInfo("other", (2, 4), 1, 32),
        TensorInfo("coarse", (32, 2), 2, 64),
    )
    assert header.expected_size == path.stat().st_size - 28  # the last tensor is filled up too


def test_a_written_file_is_read_by_the_formats_package(tmp_path: Path) -> None:
    path = tmp_path / "made.gguf"
    write_gguf(path, VALUES, SHAPES, DATA)
    reader = GGUFReader(path)
    assert {key: reader.fields[key].contents() for key in VALUES} == {**VALUES, "list": [0.25, 0.75]}
    assert [tensor.name for tensor in reader.tensors] == ["one", "other", "coarse"]
    assert [tensor.data.tobytes() for tensor in reader.tensors] == DATA


def test_data_of_another_size_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="other"):
        write_gguf(tmp_path / "made.gguf", {}, SHAPES, [DATA[0], b"", DATA[2]])
