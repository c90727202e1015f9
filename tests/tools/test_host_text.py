"""Foreign text made fit to show, and foreign results made fit to send."""

from __future__ import annotations

import json

import mcp_types as types
import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.tools.frames import CallEnded, decode_event, encode
from app.tools.host_results import Reading, server_tools
from app.tools.host_text import clean, cut, last_lines, mended_json, short

_HOSTILE = some.text(some.characters() | some.sampled_from("\x1b\x9b\x9d[];m\x07\\\ud800\n\t"))


@given(_HOSTILE)
def test_clean_text_has_no_controls_and_can_be_sent(text: str) -> None:
    cleaned = clean(text)
    assert not [c for c in cleaned if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    cleaned.encode()


@given(some.text(some.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[1;31mred\x1b[m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r\x1b\\after", "after"),
        ("\x1b]without an end\nnext", "\nnext"),
        ("\x1b(Bset", "set"),
        ("a\r\nb\rc", "a\nbc"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_sequences_go_as_a_whole(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_long_text_is_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc\n[cut: 3 of 4 characters]"
    assert short("a\n b " * 200, 5) == "a b a…"
    assert last_lines(b"first\n" + b"x" * 50 + b"\nlast\n", 30) == "last"


@given(_HOSTILE)
def test_mended_json_reads_the_same_but_for_halves(text: str) -> None:
    mended = json.loads(mended_json(json.dumps(text).encode()))
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert mended == whole or "\ufffd" in mended


def result(*content: types.ContentBlock, structured: object = None) -> types.CallToolResult:
    return types.CallToolResult(content=list(content), structured_content=structured)


def test_results_become_text() -> None:
    binary = types.BlobResourceContents(uri="a://b", blob="AAAA", mime_type="application/pdf")
    blocks = (
        types.TextContent(text="one"),
        types.AudioContent(data="AAAA", mime_type="audio/wav"),
        types.EmbeddedResource(resource=binary),
        types.ImageContent(data="no base64!", mime_type="image/png"),
        types.ImageContent(data="AAAA", mime_type="text/html"),
    )
    text = "one\n[sound left out: audio/wav]\n[file left out: a://b]\n[pictures left out: 2]"
    assert Reading(result(*blocks), 1000).text == text
    assert Reading(result(structured={"a": "ü"}), 1000).text == '{"a": "ü"}'
    assert Reading(result(types.TextContent(text="said"), structured={"a": 1}), 1000).text == "said"


def test_pictures_in_resources_are_pictures() -> None:
    inside = types.BlobResourceContents(uri="a://b", blob="AAAA", mime_type="image/png")
    (image,) = Reading(result(types.EmbeddedResource(resource=inside)), 10).images
    assert image.data == b"\0\0\0"
    ended = CallEnded("c", "", images=(image,))
    assert decode_event(encode(ended)) == ended


def test_tools_that_cannot_be_used_are_left_out_and_words_cleaned() -> None:
    schema = {"type": "object", "properties": {"\x1bx": {"description": "\x1b[1mbold", "enum": ["\x1b"]}}}
    tools = [
        types.Tool(name="ok", description="\x1b[1mdoes\x07", input_schema=schema),
        types.Tool(name="ok", description="again", input_schema={"type": "object"}),
        types.Tool(name="bad\n", input_schema={"type": "object"}),
        types.Tool(name="", input_schema={"type": "object"}),
        types.Tool(name="large", input_schema={"type": "object", "description": "x" * 100_000}),
    ]
    ok, large = server_tools(tools)
    assert (ok.description, ok.reads_only) == ("does", False)
    assert ok.parameters["properties"] == {"\x1bx": {"description": "bold", "enum": ["\x1b"]}}
    assert large.parameters == {"type": "object"}
