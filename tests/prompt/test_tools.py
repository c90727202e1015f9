"""How a family is told of tools and how its calls are found."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tools import ToolDefinition, ToolResult, WrittenCall
from app.prompt.family import GEMMA, OTHER
from app.prompt.tools import GEMMA_JSON, TAGGED_JSON, Begins

ADD = ToolDefinition("add", "Adds “two” numbers.", {"type": "object", "properties": {"a": {"type": "number"}}})


def test_gemma_is_asked_in_googles_words() -> None:
    text = GEMMA_JSON.preamble([ADD])
    assert text.startswith("You have access to functions. If you decide to invoke any of the function(s),\n")
    assert '{"name": function name, "parameters": dictionary of argument name and its value}' in text
    assert json.loads(text[text.index("\n[") :])[0]["description"] == "Adds “two” numbers."
    assert GEMMA_JSON.preamble([]) == ""
    assert (GEMMA.tools, OTHER.tools) == (GEMMA_JSON, TAGGED_JSON)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", Begins.PERHAPS),
        ("\n ", Begins.PERHAPS),
        ("{", Begins.PERHAPS),
        ('{\n  "na', Begins.PERHAPS),
        ('{"name"', Begins.YES),
        ('```json\n{"name"', Begins.YES),
        ("```", Begins.PERHAPS),
        ("```tool_code\n", Begins.PERHAPS),
        ('{"names"', Begins.NO),
        ('{"a"', Begins.NO),
        ("{}", Begins.NO),
        ("Hello", Begins.NO),
        ("```python\nprint(1)", Begins.NO),
    ],
)
def test_the_beginning_of_a_call(text: str, begins: Begins) -> None:
    assert GEMMA_JSON.begins(text) is begins


@given(st.text('{"name: \n`tol_', max_size=14))
def test_what_is_held_back_is_let_go_or_becomes_a_call(text: str) -> None:
    """Whatever is no beginning stays none however it goes on."""
    for end in range(len(text)):
        if GEMMA_JSON.begins(text[:end]) is Begins.NO:
            assert GEMMA_JSON.begins(text) is not Begins.YES
            break


def test_several_calls_one_after_the_other() -> None:
    text = '```json\n{"name": "add", "parameters": {"a": 1}}\n{"name": "add", "parameters": {"a": "}{\\""}}\n```'
    assert GEMMA_JSON.calls(text) == (WrittenCall("add", {"a": 1}), WrittenCall("add", {"a": '}{"'}))
    tagged = '<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>'
    assert TAGGED_JSON.calls(tagged) == (WrittenCall("add", {}),)


def test_half_a_character_in_a_call_does_not_lose_the_answer() -> None:
    text = r'{"name": "add", "parameters": {"a\ud83d": ["\ud83d", "\ud83d\ude00 é"]}}'
    (call,) = GEMMA_JSON.calls(text)
    assert msgspec.json.decode(msgspec.json.encode(call), type=WrittenCall) == call
    assert call.arguments["a?"] == ["?", "😀 é"]


def test_a_call_of_endless_depth_is_none() -> None:
    deep = "[" * 100_000
    assert GEMMA_JSON.calls(f'{{"name": "add", "parameters": {{"a": {deep}') == ()


def test_a_call_that_is_cut_off_is_none() -> None:
    assert GEMMA_JSON.calls('{"name": "add", "parameters": {"a": 1}}{"name": "add", "par') == (
        WrittenCall("add", {"a": 1}),
    )


def test_results() -> None:
    assert GEMMA_JSON.results([ToolResult("add", "84")]) == '{"name": "add", "result": "84"}'
    assert GEMMA_JSON.results([ToolResult("add", "No.", failed=True)]) == '{"name": "add", "error": "No."}'
    long = GEMMA_JSON.results([ToolResult("read_file", "one\n```\ntwo")])
    assert long == "Result of read_file:\n````tool_output\none\n```\ntwo\n````", (
        "the fence cannot be closed from inside"
    )
    assert TAGGED_JSON.results([ToolResult("add", "1")]).startswith("<tool_response>\n")
