"""The tools for files where it gets hard: long names and lines, odd bytes, links put in the way, a disk that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.core.tools import Grant, Verdict
from app.tools.folders import granted
from app.tools.policy import Standing, decide
from app.tools.registry import Surroundings, ToolError, built_in
from app.tools.toolbox import cut

TOOLS = {tool.name: tool for tool in built_in()}
LONG = "x" * 300  # no file system takes more than 255


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "docs"
    root.mkdir()
    (root / "a.txt").write_text("first\n", "utf-8")
    return root


def _run(name: str, folder: Path, **arguments: Any) -> str:
    run = TOOLS[name].run
    assert run is not None
    return run(arguments, Surroundings((Grant(str(folder), write=True),)))


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may read everything; somebody else meets folders that are closed."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("path", [LONG, f"{LONG}/x", f"sub/{LONG}", f"a.txt/{LONG}", f"{LONG}/../a.txt/x"])
def test_a_name_that_is_too_long_is_a_sentence(folder: Path, path: str) -> None:
    standing = Standing(grants=(Grant(str(folder), write=True),))
    assert decide(TOOLS["read_file"], {"path": path}, standing).verdict in Verdict
    assert "none of" in _run("search_files", folder, words="first", path=path)
    for name, more in (
        ("read_file", {}),
        ("list_folder", {}),
        ("write_file", {"text": "x", "mode": "write"}),
        ("write_file", {"text": "x", "mode": "append"}),
    ):
        with pytest.raises(ToolError):
            _run(name, folder, path=path, **more)
    assert os.listdir(folder) == ["a.txt"]


def test_a_folder_that_is_closed_to_the_person_is_a_sentence(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir()
    (closed / "b.txt").write_text("b")
    closed.chmod(0)
    grants = (Grant(str(folder), write=True),)
    standing = Standing(grants=grants)
    try:
        with _as_nobody():
            assert granted("closed/b.txt", grants) == closed / "b.txt"
            assert decide(TOOLS["read_file"], {"path": "closed/b.txt"}, standing).verdict is Verdict.ALLOW
            for name, more in (("read_file", {}), ("write_file", {"text": "x", "mode": "write"})):
                with pytest.raises(ToolError):
                    _run(name, folder, path="closed/b.txt", **more)
            assert "none of" in _run("search_files", folder, words="b", path="closed/b.txt")
    finally:
        closed.chmod(0o700)
    assert (closed / "b.txt").read_text() == "b"


def test_names_that_are_no_utf8_can_be_told(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/\xff.txt", "w") as file:
        file.write("needle")
    for text in map(cut, (_run("list_folder", folder), _run("search_files", folder, words="needle"))):
        assert "\ufffd.txt" in text
        assert text.encode("utf-8")


def test_a_line_that_is_too_long_says_that_it_is_cut(folder: Path) -> None:
    (folder / "long.txt").write_text("y" * 100_000 + "\nnext\n", "utf-8")
    text = _run("read_file", folder, path="long.txt")
    assert text.startswith("y" * 30_000 + "\n[")
    assert "line 1 is cut: 30,000 of its 100,001 characters" in text
    assert "go on with first_line 2" in text
    assert _run("read_file", folder, path="long.txt", first_line=2) == "next\n\n[lines 2 to 2 of 2]"


def test_a_file_that_is_too_large_says_that_there_is_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tools.builtin.files._LARGEST", 100)
    (folder / "large.txt").write_text("привет\n" * 50, "utf-8")  # 13 bytes a line: the hundredth cuts a letter
    text = _run("read_file", folder, path="large.txt")
    assert text == "привет\n" * 7 + "\n[only the first 100 bytes of the file can be read]"
    (folder / "fits.txt").write_bytes(b"z" * 100)
    assert _run("read_file", folder, path="fits.txt") == "z" * 100


def test_whole_numbers_may_be_written_as_floats(folder: Path) -> None:
    (folder / "b.txt").write_text("1\n2\n3\n")
    assert _run("read_file", folder, path="b.txt", first_line=2.0, lines=1.0).startswith("2\n")


def test_a_hidden_folder_and_what_is_large_or_binary_is_not_searched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tools.builtin.search._LARGEST", 50)
    (folder / ".git").mkdir()
    (folder / ".git" / "x.txt").write_text("needle")
    (folder / "large.txt").write_text("needle" * 10)
    (folder / "binary").write_bytes(b"needle\0")
    (folder / "wide.txt").write_text("needle" + " w" * 20)
    (folder / "link.txt").symlink_to("wide.txt")
    assert _run("search_files", folder, words="NEEDLE").splitlines() == ["wide.txt:1: needle" + " w" * 20]


def test_a_search_returns_a_hundred_places_with_short_lines(folder: Path) -> None:
    (folder / "many.txt").write_text(("needle " + "w" * 500 + "\n") * 150)
    lines = _run("search_files", folder, words="needle").splitlines()
    assert len(lines) == 101
    assert all(len(line) <= 200 + len("many.txt:100: ") for line in lines[:100])
    assert "the first 100" in lines[-1]


def test_a_link_inside_the_folder_writes_what_it_names(folder: Path) -> None:
    (folder / "link.txt").symlink_to("a.txt")
    _run("write_file", folder, path="link.txt", text="new", mode="write")
    assert (folder / "link.txt").is_symlink()
    assert (folder / "a.txt").read_text() == "new"


def test_a_disk_that_is_full_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ToolError, match="No space left"):
        _run("write_file", folder, path="a.txt", text="new", mode="write")
    assert (folder / "a.txt").read_text() == "first\n"
    assert os.listdir(folder) == ["a.txt"]


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "sub").mkdir()
    for path in ("sub", "."):
        for mode in ("write", "append"):
            with pytest.raises(ToolError):
                _run("write_file", folder, path=path, text="x", mode=mode)
    assert sorted(os.listdir(folder)) == ["a.txt", "sub"]
