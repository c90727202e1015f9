"""One folder below which all state is kept, and paths as text."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.paths import data_paths, decode_path, default_root, display_name, encode_path, resources

NAMES = st.binary(min_size=1, max_size=60).filter(lambda name: b"\0" not in name and name.strip(b"./") != b"")


@given(NAMES)
def test_a_path_of_any_bytes_survives_json(name: bytes) -> None:
    path = Path(os.fsdecode(b"/models/" + name))
    text = encode_path(path)
    assert text.isascii()
    assert os.fsencode(decode_path(json.loads(json.dumps(text)))) == os.fsencode(path)


def test_a_real_file_with_a_name_that_is_no_utf8_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"mod\xe8le.gguf")
    path.write_bytes(b"GGUF")
    assert decode_path(encode_path(path)).read_bytes() == b"GGUF"


def test_a_string_and_a_path_are_the_same_text() -> None:
    assert encode_path("/a/b") == encode_path(Path("/a/b"))
    assert decode_path(encode_path("/a/b")) == Path("/a/b")


@given(NAMES)
def test_a_displayed_name_is_text(name: bytes) -> None:
    display_name(Path(os.fsdecode(b"/models/" + name))).encode("utf-8")


def test_a_displayed_name_is_the_name_where_it_can_be() -> None:
    assert display_name(Path("/models/Modèle 12B.gguf")) == "Modèle 12B.gguf"
    assert display_name(Path(os.fsdecode(b"/models/mod\xe8le.gguf"))) == "mod\ufffdle.gguf"


def test_a_name_stays_on_its_line_and_turns_no_letters_around() -> None:
    assert display_name(Path("/d/bill\u202efdp.exe")) == "bill\ufffdfdp.exe"
    assert display_name(Path("/d/one\ntwo\t\x1b[31m.txt")) == "one\ufffdtwo\ufffd\ufffd[31m.txt"
    assert display_name(Path("/d/naïve – 日本語 🎉 שלום.png")) == "naïve – 日本語 🎉 שלום.png"


def test_everything_lies_below_the_one_folder(tmp_path: Path) -> None:
    paths = data_paths(tmp_path)
    places = [paths.database, paths.logs, paths.models, paths.run]
    assert [place.parent for place in places] == [tmp_path] * 4
    assert len(set(places)) == 4
    assert list(tmp_path.iterdir()) == [], "naming a place creates nothing"


def test_a_relative_data_folder_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = data_paths("data")
    monkeypatch.chdir("/")
    assert paths.database == tmp_path / "data" / "cabochon.db"


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_data_folder_it_is_the_platforms_own(
    nothing: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_paths(nothing).root == default_root()
    assert default_root().name == "cabochon"
    assert default_root().is_absolute()


def test_the_resources_are_there() -> None:
    assert (resources() / "self-check" / "micro-gemma3.gguf").is_file()
