"""What a good model file says of itself."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import pytest
from gguf import GGUFReader

from app.gguf.header import ArrayInfo, Header, in_words, read_header
from tests.gguf import files
from tests.gguf.files import Tensor, gguf, number, text, texts, write

VOCABULARY = [
    text("tokenizer.ggml.model", "llama"),
    texts("tokenizer.ggml.tokens", ["<bos>", "a", "b"]),
    files.array("tokenizer.ggml.token_type", files.INT32, 3, struct.pack("<3i", 3, 1, 1)),
]


def test_the_micro_model(micro_model: Path) -> None:
    header = read_header(micro_model)
    assert (header.version, header.architecture, header.quantisation) == (3, "gemma3", "F16")
    assert header.number("gemma3.attention.sliding_window") == 128
    assert header.metadata["tokenizer.ggml.tokens"] == ArrayInfo(files.STRING, 1024)
    assert header.metadata["tokenizer.ggml.add_bos_token"] is True
    assert header.text("tokenizer.chat_template").startswith("{{ bos_token }}\n{%- if messages[0]['role']")
    assert len(header.tensors) == 93


def test_the_demo_model(demo_model: Path) -> None:
    header = read_header(demo_model)
    assert (header.version, header.architecture, header.quantisation) == (3, "llama", "Q4_1")
    assert header.number("llama.context_length") == 8192
    assert "<|im_start|>" in header.text("tokenizer.chat_template")


def test_the_270m_model(gemma_270m: Path) -> None:
    header = read_header(gemma_270m)
    assert (header.architecture, header.quantisation) == ("gemma3", "Q4_K_M")
    assert header.metadata["tokenizer.ggml.tokens"] == ArrayInfo(files.STRING, 262_144)
    assert header.text("tokenizer.chat_template") == ""


@pytest.mark.parametrize("model", ["micro_model", "demo_model", "gemma_270m"])
def test_the_promised_size_is_the_files(model: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(model)
    header = read_header(path)
    assert header.file_size == path.stat().st_size
    assert 0 <= header.file_size - header.expected_size < header.alignment


@pytest.mark.parametrize("model", ["micro_model", "demo_model"])
def test_it_says_what_the_reference_reader_says(model: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(model)
    header, reference = read_header(path), GGUFReader(path)
    assert (header.data_offset, header.alignment) == (reference.data_offset, reference.alignment)
    described = [(one.name, one.shape, one.type, one.offset + header.data_offset, one.size) for one in header.tensors]
    assert described == [
        (one.name, tuple(map(int, one.shape)), int(one.tensor_type), one.data_offset, one.n_bytes)
        for one in reference.tensors
    ]
    fields = {name: field for name, field in reference.fields.items() if not name.startswith("GGUF.")}
    assert header.metadata.keys() == fields.keys()
    for key, value in header.metadata.items():
        if isinstance(value, ArrayInfo):
            assert (value.element_type, value.count) == (int(fields[key].types[1]), len(fields[key].data))
        else:
            assert (list(value) if isinstance(value, tuple) else value) == fields[key].contents(), key


def test_named_arrays_come_with_their_values(micro_model: Path) -> None:
    wanted = ("tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.scores")
    header, reference = read_header(micro_model, arrays=wanted), GGUFReader(micro_model)
    for key in wanted:
        field = reference.get_field(key)
        assert field is not None
        assert list(_array(header, key)) == field.contents(), key


def _array(header: Header, key: str) -> tuple[object, ...]:
    value = header.metadata[key]
    assert isinstance(value, tuple)
    return value


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    written = {
        "u8": (files.UINT8, "<B", 255),
        "i8": (files.INT8, "<b", -128),
        "u16": (files.UINT16, "<H", 65535),
        "i16": (files.INT16, "<h", -32768),
        "u32": (files.UINT32, "<I", 2**32 - 1),
        "i32": (files.INT32, "<i", -(2**31)),
        "f32": (files.FLOAT32, "<f", 0.5),
        "bool": (files.BOOL, "<?", True),
        "u64": (files.UINT64, "<Q", 2**64 - 1),
        "i64": (files.INT64, "<q", -(2**63)),
        "f64": (files.FLOAT64, "<d", 0.1),
    }
    values = [files.Value(key, kind, struct.pack(code, value)) for key, (kind, code, value) in written.items()]
    lists = [files.array(f"list of {key}", kind, 2, struct.pack(code, value) * 2)
             for key, (kind, code, value) in written.items()]  # fmt: skip
    path = write(tmp_path, gguf([*values, *lists, text("words", "Wörter 🙂")]))
    header = read_header(path, arrays=[one.key for one in lists])
    for key, (_, _, value) in written.items():
        assert header.metadata[key] == value
        assert header.metadata[f"list of {key}"] == (value, value)
    assert header.text("words") == "Wörter 🙂"


def test_what_is_missing_or_of_another_kind_takes_the_default(tmp_path: Path) -> None:
    header = read_header(write(tmp_path, gguf([text("words", "x"), number("count", 3)])))
    assert (header.text("count"), header.text("none")) == ("", "")
    assert (header.number("words", 7), header.number("none", 7), header.number("count", 7)) == (7, 7, 3)
    assert (header.architecture, header.quantisation) == ("", "")


def test_a_text_that_is_no_utf8_is_read_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, gguf([files.Value("words", files.STRING, files.string(b"caf\xe9"))]))
    assert read_header(path).text("words") == "caf\ufffd"


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, gguf(VOCABULARY), os.fsdecode(b"mod\xe8le.gguf"))).version == 3


@pytest.mark.parametrize("missing", [0, 1, 20])
def test_the_padding_after_the_last_tensor_may_be_left_out(tmp_path: Path, missing: int) -> None:
    path = write(tmp_path, gguf(VOCABULARY, [Tensor(shape=(3,), data=bytes(32))])[: -missing or None])
    header = read_header(path)
    assert header.tensors[0].size == 12
    assert header.file_size - header.expected_size == 20 - missing


@pytest.mark.parametrize("alignment", [1, 8, 64, 4096])
def test_an_alignment_of_its_own(tmp_path: Path, alignment: int) -> None:
    values = [number("general.alignment", alignment), *VOCABULARY]
    data = gguf(values, [Tensor(), Tensor("more", offset=max(alignment, 32))], alignment=alignment)
    header = read_header(write(tmp_path, data))
    assert header.alignment == alignment
    assert header.data_offset % alignment == 0
    assert header.expected_size == len(data)


def test_an_older_version_that_is_laid_out_alike(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, gguf(VOCABULARY, version=2))).version == 2


# the digest that stored token ids are known by


def _digest(folder: Path, *values: files.Value, tensors: tuple[Tensor, ...] = ()) -> str:
    return read_header(write(folder, gguf(values, tensors))).vocabulary_digest


def test_the_digest_of_the_micro_model_stays(micro_model: Path) -> None:
    """Stored answers name it: with another one their ids would be worth nothing."""
    digest = "109a4854a02b75d705fac71615bbf86d8235373ad3827b8c0dc0ea4b2176d4c0"
    assert read_header(micro_model).vocabulary_digest == digest


def test_the_digest_does_not_depend_on_how_the_file_is_read(demo_model: Path) -> None:
    arrays = ("tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.merges")
    assert read_header(demo_model).vocabulary_digest == read_header(demo_model, arrays).vocabulary_digest


def test_other_vocabularies_have_other_digests(micro_model: Path, demo_model: Path, gemma_270m: Path) -> None:
    assert len({read_header(path).vocabulary_digest for path in (micro_model, demo_model, gemma_270m)}) == 3


def test_what_is_no_vocabulary_leaves_the_digest_alone(tmp_path: Path) -> None:
    digest = _digest(tmp_path, *VOCABULARY)
    assert _digest(tmp_path, *VOCABULARY, text("tokenizer.chat_template", "{{ x }}")) == digest
    assert _digest(tmp_path, text("general.name", "Other"), *VOCABULARY, tensors=(Tensor(),)) == digest


@pytest.mark.parametrize(
    "changed",
    [
        texts("tokenizer.ggml.tokens", ["<bos>", "a", "c"]),
        texts("tokenizer.ggml.tokens", ["<bos>", "ab"]),
        files.array("tokenizer.ggml.token_type", files.INT32, 3, struct.pack("<3i", 3, 1, 4)),
        text("tokenizer.ggml.model", "gpt2"),
        files.Value("tokenizer.ggml.add_bos_token", files.BOOL, b"\x01"),
    ],
    ids=["token", "fewer", "type", "model", "bos"],
)
def test_another_vocabulary_has_another_digest(tmp_path: Path, changed: files.Value) -> None:
    values = [changed if value.key == changed.key else value for value in VOCABULARY]
    if changed not in values:
        values.append(changed)
    assert _digest(tmp_path, *values) != _digest(tmp_path, *VOCABULARY)


def test_no_vocabulary_is_the_digest_of_nothing(tmp_path: Path) -> None:
    assert _digest(tmp_path, text("general.name", "mmproj")) == hashlib.sha256().hexdigest()


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (12_340, "12.3 kB"),
        (123_400, "123 kB"),
        (98_362_432, "98.4 MB"),
        (8_070_000_000, "8.07 GB"),
        (1_000_000_000_000, "1000 GB"),
    ],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words
