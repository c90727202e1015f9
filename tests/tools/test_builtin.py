"""The other built-in tools, on real files; and how a function becomes a tool."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from app.core.tools import Effect, Grant
from app.tools.registry import Surroundings, Tool, ToolError, built_in, check_arguments, tool_of

TOOLS = {tool.name: tool for tool in built_in()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "Garten"
    (root / "sub" / ".hidden").mkdir(parents=True)
    (root / "plants.csv").write_text("name,price\nTomato,3.99\nBasil,2.79\n", "utf-8")
    (root / "sub" / "notes.txt").write_text("Grüße aus dem Garten\nTOMATO late\n", "utf-8")
    (root / "sub" / ".hidden" / "x.txt").write_text("tomato", "utf-8")
    (root / "latin.txt").write_bytes("Überschrift mit Umlauten äöüß und noch mehr Wörtern".encode("latin-1"))
    (root / "picture.bin").write_bytes(b"\x89PNG\0\0\0tomato")
    return root


def _run(name: str, folder: Path, **arguments: Any) -> str:
    run = TOOLS[name].run
    assert run is not None
    return run(arguments, Surroundings((Grant(str(folder), write=True),)))


def test_the_order_and_effects() -> None:
    assert list(TOOLS) == [
        "calculator",
        "current_time",
        "list_folder",
        "read_file",
        "search_files",
        "write_file",
        "search_chats",
        "open_link",
    ]
    assert TOOLS["write_file"].effect is Effect.WRITE
    assert TOOLS["open_link"].effect is Effect.NETWORK


def test_a_function_becomes_a_tool() -> None:
    def mix(paint: str, parts: int = 2, share: float | None = None, kind: Literal["oil", "water"] = "oil") -> str:
        """Mixes
        a paint.

        paint: The colour: its name
        parts: How many
        """
        return f"{paint} {parts} {share} {kind}"

    tool = tool_of(mix, Effect.READ)
    assert (tool.name, tool.description) == ("mix", "Mixes a paint.")
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "paint": {"type": "string", "description": "The colour: its name"},
            "parts": {"type": "integer", "description": "How many"},
            "share": {"type": "number"},
            "kind": {"enum": ["oil", "water"]},
        },
        "required": ["paint"],
    }
    assert tool.run is not None
    assert tool.run({"paint": "red", "share": None, "more": 1}, Surroundings()) == "red 2 None oil"


def test_listing(folder: Path) -> None:
    assert _run("list_folder", folder).splitlines() == [
        f"{name} ({(folder / name).stat().st_size})" for name in ("latin.txt", "picture.bin", "plants.csv")
    ] + ["sub/"]
    assert _run("list_folder", folder, path="sub").splitlines() == [
        ".hidden/",
        f"notes.txt ({(folder / 'sub' / 'notes.txt').stat().st_size})",
    ]
    with pytest.raises(ToolError):
        _run("list_folder", folder, path="not there")


def test_reading(folder: Path) -> None:
    assert _run("read_file", folder, path="plants.csv") == "name,price\nTomato,3.99\nBasil,2.79\n"
    assert _run("read_file", folder, path="plants.csv", first_line=2, lines=1).startswith(
        "Tomato,3.99\n\n[lines 2 to 2 of 3"
    )
    assert "Umlauten äöüß" in _run("read_file", folder, path="latin.txt")
    with pytest.raises(ToolError, match="no text"):
        _run("read_file", folder, path="picture.bin")
    with pytest.raises(ToolError):
        _run("read_file", folder, path="sub")


def test_a_long_file_is_read_in_parts(folder: Path) -> None:
    (folder / "long.txt").write_text("".join(f"line {number}\n" for number in range(1, 10_001)), "utf-8")
    first = _run("read_file", folder, path="long.txt")
    assert len(first) < 31_000
    last_words = first.rsplit("first_line ", 1)[1].rstrip("]")
    assert f"line {last_words}\n" in _run("read_file", folder, path="long.txt", first_line=int(last_words))
    assert "none of these" in _run("read_file", folder, path="long.txt", first_line=20_000)


def test_searching(folder: Path) -> None:
    found = _run("search_files", folder, words="tomato").splitlines()
    assert found == ["plants.csv:2: Tomato,3.99", "sub/notes.txt:2: TOMATO late"]
    assert _run("search_files", folder, words="GRÜSSE", path="sub") == "sub/notes.txt:1: Grüße aus dem Garten"
    assert "none of" in _run("search_files", folder, words="cucumber")
    with pytest.raises(ToolError):
        _run("search_files", folder, words="  ")


def test_a_search_ends_in_time(folder: Path) -> None:
    run = TOOLS["search_files"].run
    assert run is not None
    grants = (Grant(str(folder)),)
    assert "ended after 0" in run({"words": "x"}, Surroundings(grants, deadline=time.monotonic()))
    assert "ended after 0" in run({"words": "x"}, Surroundings(grants, stopped=lambda: True))


def test_writing_and_appending(folder: Path) -> None:
    assert "made" in _run("write_file", folder, path="new.txt", text="ä\n", mode="write")
    assert "replaced" in _run("write_file", folder, path="new.txt", text="b\n", mode="write")
    _run("write_file", folder, path="new.txt", text="c\n", mode="append")
    _run("write_file", folder, path="other.txt", text="d", mode="append")
    assert (folder / "new.txt").read_text() == "b\nc\n"
    assert (folder / "other.txt").read_text() == "d"
    assert not list(folder.glob(".*.part"))
    with pytest.raises(ToolError, match="no folder"):
        _run("write_file", folder, path="nowhere/x.txt", text="x", mode="write")


def test_writing_keeps_the_permissions(folder: Path) -> None:
    (folder / "plants.csv").chmod(0o600)
    _run("write_file", folder, path="plants.csv", text="x", mode="write")
    assert (folder / "plants.csv").stat().st_mode & 0o777 == 0o600


def test_the_time() -> None:
    run = TOOLS["current_time"].run
    assert run is not None
    moment, day = run({}, Surroundings()).split(" ")
    assert abs((datetime.now() - datetime.fromisoformat(moment)).total_seconds()) < 60
    assert day.endswith("day")
    assert "Asia/Kolkata (UTC+0530)" in run({"zone": "Asia/Kolkata"}, Surroundings())
    for zone in ("Mars/Olympus", "../../etc/passwd", "/etc/passwd", "\0", "x" * 9999):
        with pytest.raises(ToolError, match="no time zone"):
            run({"zone": zone}, Surroundings())


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "",
        "example.org",
        "https://",
        "http://a b",
        "ftp://x/y",
        "https://x\n",
        "--version",
        "https://[x",
    ],
)
def test_only_addresses_of_the_web_are_opened(address: str) -> None:
    opened: list[str] = []
    run = TOOLS["open_link"].run
    assert run is not None
    with pytest.raises(ToolError):
        run({"address": address}, Surroundings(open_link=opened.append))
    assert opened == []
    run({"address": "https://example.org/x"}, Surroundings(open_link=opened.append))
    assert opened == ["https://example.org/x"]


@pytest.mark.parametrize(
    ("schema", "arguments", "right"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}, {"a": 1}, True),
        (
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]},
            {"a": 0},
            False,
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string", "pattern": "^x"}}},
            {"a": "y"},
            True,
        ),  # left to the server
        ({"type": 5, "properties": "nonsense"}, {"a": 1}, True),
        ({"$ref": "#/nowhere"}, {}, True),
        ({}, {"whatever": [1]}, True),
    ],
)
def test_arguments_are_checked_and_odd_schemas_do_no_harm(
    schema: dict[str, Any], arguments: dict[str, Any], right: bool
) -> None:
    said = check_arguments(Tool("add", "", schema, Effect.RUN, "server"), arguments)
    assert (said == "") is right
    if not right:
        assert "“a”" in said
