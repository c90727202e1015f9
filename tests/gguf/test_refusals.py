"""Every file that is no model is refused with its own code, before anything loads it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import ExitCode, ModelError
from app.gguf.header import read_header
from tests.gguf import files
from tests.gguf.files import Tensor, Value, array, gguf, number, string, text, write

HUGE = (2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


def refusal(path: Path) -> ModelError:
    """The refusal of a file, in one sentence or two for a person."""
    with pytest.raises(ModelError) as caught:
        read_header(path)
    error = caught.value
    assert error.exit_code is ExitCode.MODEL
    assert error.message.endswith(".")
    assert "\n" not in error.message
    error.message.encode()
    return error


def code_of(folder: Path, data: bytes) -> str:
    """The code that a file of these bytes is refused with."""
    return refusal(write(folder, data)).code


# what is no file, or not to be read


def test_missing(tmp_path: Path) -> None:
    (tmp_path / "other.gguf").touch()
    error = refusal(tmp_path / "gone.gguf")
    assert error.code == "missing"
    assert "“gone.gguf”" in error.message


def test_missing_with_its_disk(tmp_path: Path) -> None:
    error = refusal(tmp_path / "disk" / "models" / "gem.gguf")
    assert error.code == "away"
    assert error.message == (
        f"“gem.gguf” is not there now, and neither is its folder {tmp_path}/disk/models. Its disk may not be connected."
    )
    error = refusal(tmp_path / "gem.gguf")
    assert error.code == "away"
    assert error.message == (
        f"“gem.gguf” is not there now, and its folder {tmp_path} is empty. "
        "It was moved or deleted, or its disk is not connected."
    )


def test_missing_where_a_link_points(tmp_path: Path) -> None:
    (tmp_path / "link.gguf").symlink_to(tmp_path / "gone.gguf")
    assert refusal(tmp_path / "link.gguf").code == "missing"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "folder"


def test_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop.gguf").symlink_to(tmp_path / "loop.gguf")
    assert refusal(tmp_path / "loop.gguf").code == "unreadable"


def test_below_a_file(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, b"GGUF") / "model.gguf").code == "unreadable"


def test_a_name_too_long_for_any_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / ("m" * 300)).code == "unreadable"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    assert refusal(tmp_path / "pipe.gguf").code == "unreadable"


def test_a_device() -> None:
    assert refusal(Path("/dev/zero")).code == "unreadable"


@pytest.fixture
def failing_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that cannot be opened (root may read all, so no mode of a real one does it)."""
    path = write(tmp_path, gguf())

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    return path


def test_no_permission(failing_disk: Path) -> None:
    error = refusal(failing_disk)
    assert error.code == "unreadable"
    assert "Permission denied" in error.message


def test_a_name_that_is_no_utf8_can_be_told(tmp_path: Path) -> None:
    path = write(tmp_path, b"", os.fsdecode(b"mod\xe8le.gguf"))
    assert "“mod\ufffdle.gguf”" in refusal(path).message


# what is a file, but no model


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html>\n<html></html>", "web_page"),
        (b"<!doctype html>", "web_page"),
        (b"\xef\xbb\xbf\r\n  <HTML lang=en>", "web_page"),
        (b"<head><title>404</title>", "web_page"),
        (b'<?xml version="1.0"?><Error>', "web_page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "pointer"),
        (b"G", "not_gguf"),
        (b"GGU", "not_gguf"),
        (b"GGML" + bytes(100), "not_gguf"),
        (b"ggjt" + bytes(100), "not_gguf"),
        (b"gguf" + bytes(100), "not_gguf"),
        (b"FUGG" + bytes(100), "not_gguf"),
        (b"PK\x03\x04" + bytes(100), "not_gguf"),
        (bytes(100), "not_gguf"),
        (b"\n" * 1000, "not_gguf"),
    ],
)
def test_another_kind_of_file(tmp_path: Path, data: bytes, code: str) -> None:
    assert code_of(tmp_path, data) == code


@pytest.mark.parametrize("version", [0, 1, 4, 77, 0xFFFF, 2**32 - 1])
def test_another_version(tmp_path: Path, version: int) -> None:
    error = refusal(write(tmp_path, gguf(version=version)))
    assert error.code == "version"
    assert str(version) in error.message


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_bytes_of_another_processor(tmp_path: Path, version: int) -> None:
    data = b"GGUF" + struct.pack(">IQQ", version, 0, 0)
    assert code_of(tmp_path, data) == "big_endian"


# cut


def test_cut_at_every_byte(tmp_path: Path) -> None:
    values = [
        text("general.architecture", "gemma3"),
        number("general.alignment", 32),
        files.texts("tokenizer.ggml.tokens", ["a", "bc"]),
        array("tokenizer.ggml.scores", files.FLOAT32, 2, bytes(8)),
    ]
    data = gguf(values, [Tensor(shape=(4, 2)), Tensor("last", offset=32)])
    read_header(write(tmp_path, data))
    codes = [code_of(tmp_path, data[:length]) for length in range(len(data))]
    assert codes[:4] == ["empty", "not_gguf", "not_gguf", "not_gguf"]
    assert set(codes[4:]) == {"cut"}


def _lengths(size: int, header: int) -> list[int]:
    """Where a real file is cut: within the header, at its end, within the weights, one byte before the end."""
    steps = range(24, header, max(1009, header // 50))
    return [*steps, header - 1, header, header + 1, header + (size - header) // 2, size - 4096, size - 1]


@pytest.mark.parametrize("model", ["micro_model", "demo_model"])
def test_a_real_model_cut_anywhere(model: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path: Path = request.getfixturevalue(model)
    header = read_header(path)
    lengths = _lengths(header.file_size, header.data_offset)
    copy = tmp_path / "cut.gguf"
    with path.open("rb") as file:
        copy.write_bytes(file.read(header.data_offset))
    os.truncate(copy, header.file_size)
    assert read_header(copy).tensors == header.tensors
    for length in sorted(lengths, reverse=True):
        os.truncate(copy, length)
        assert refusal(copy).code == "cut", length


def test_the_sentence_tells_how_much_is_missing(micro_model: Path, tmp_path: Path) -> None:
    message = refusal(write(tmp_path, micro_model.read_bytes()[:1_000_000])).message
    assert "3.06 MB" in message
    assert "1.00 MB" in message


# damaged

Maker = Callable[[], bytes]
DAMAGED: dict[str, Maker] = {
    "unknown kind of value": lambda: gguf([Value("x", 13, bytes(8))]),
    "kind of value of all bits": lambda: gguf([Value("x", 2**32 - 1, bytes(8))]),
    "unknown kind of list": lambda: gguf([array("x", 13, 1, bytes(8))]),
    "a list of lists": lambda: gguf([array("x", files.ARRAY, 1, bytes(64))]),
    "a key twice": lambda: gguf([number("general.name", 1), number("general.name", 1)]),
    "an empty key twice": lambda: gguf([number("", 1), number("", 1)]),
    "a tensor twice": lambda: gguf(tensors=[Tensor("x"), Tensor("x", offset=32)]),
    "five dimensions": lambda: gguf(tensors=[Tensor(shape=(1, 1, 1, 1, 1))]),
    "dimensions that overflow": lambda: gguf(tensors=[Tensor(shape=(2**32, 2**32))]),
    "dimensions that overflow to a little": lambda: gguf(tensors=[Tensor(shape=(2**63, 2, 1))]),
    "an offset beside the alignment": lambda: gguf(tensors=[Tensor(offset=33)]),
    "an alignment of text": lambda: gguf([text("general.alignment", "32")]),
    "an alignment of halves": lambda: gguf([Value("general.alignment", files.FLOAT32, struct.pack("<f", 32.0))]),
}


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged(tmp_path: Path, make: Maker) -> None:
    assert code_of(tmp_path, make() + bytes(256)) == "damaged"


@pytest.mark.parametrize("alignment", [0, 3, 31, 33, 2**25, 2**31, 2**32 - 1])
def test_an_impossible_alignment(tmp_path: Path, alignment: int) -> None:
    error = refusal(write(tmp_path, gguf([number("general.alignment", alignment)], [Tensor()])))
    assert error.code == "damaged"
    assert str(alignment) in error.message


@pytest.mark.parametrize("count", [2**17 + 1, *HUGE])
def test_impossible_counts(tmp_path: Path, count: int) -> None:
    assert code_of(tmp_path, gguf(value_count=count) + bytes(256)) == "damaged"
    assert code_of(tmp_path, gguf(tensor_count=count) + bytes(256)) == "damaged"


def test_counts_that_the_file_has_no_room_for(tmp_path: Path) -> None:
    assert code_of(tmp_path, gguf(value_count=100) + bytes(256)) == "cut"
    assert code_of(tmp_path, gguf(tensor_count=100) + bytes(256)) == "cut"


@pytest.mark.parametrize("count", [5, 257, 2**16, *HUGE])
@pytest.mark.parametrize("kind", [files.UINT8, files.FLOAT64, files.STRING])
def test_a_list_longer_than_the_file(tmp_path: Path, kind: int, count: int) -> None:
    path = write(tmp_path, gguf([array("x", kind, count, b"")], alignment=1))
    assert refusal(path).code == "cut"
    with pytest.raises(ModelError) as caught:
        read_header(path, arrays=["x"])
    assert caught.value.code == "cut"


@pytest.mark.parametrize("length", HUGE)
def test_a_text_longer_than_any(tmp_path: Path, length: int) -> None:
    claimed = struct.pack("<Q", length)
    assert code_of(tmp_path, gguf([Value("x", files.STRING, claimed)])) == "damaged"
    assert code_of(tmp_path, gguf(value_count=1, alignment=1) + claimed + bytes(256)) == "damaged", "a key"
    assert code_of(tmp_path, gguf(tensor_count=1, alignment=1) + claimed + bytes(256)) == "damaged", "a name"
    assert code_of(tmp_path, gguf([array("x", files.STRING, 2, string("a") + claimed)])) == "cut", "in a list"


@pytest.mark.parametrize("side", HUGE)
def test_a_tensor_larger_than_the_file(tmp_path: Path, side: int) -> None:
    assert code_of(tmp_path, gguf(tensors=[Tensor(shape=(side,))])) in ("cut", "damaged")
    assert code_of(tmp_path, gguf(tensors=[Tensor(shape=(side, 3, side, 5))])) == "damaged"


@pytest.mark.parametrize("offset", [64, 2**20, 2**40, 2**63 - 32, 2**63, 2**64 - 32])
def test_a_tensor_behind_the_end(tmp_path: Path, offset: int) -> None:
    path = write(tmp_path, gguf(tensors=[Tensor(), Tensor("far", offset=offset)])[: 24 + 2 * 40 + 32])
    assert refusal(path).code == ("damaged" if offset >= 2**63 else "cut")
