"""Values as models spell them: there and back, and what cannot be spelled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tools import ToolDefinition, WrittenCall
from app.prompt.dialect import JSON, Dialect
from app.prompt.family import GEMMA_4
from app.prompt.tool_tokens import TokenFormat
from app.prompt.tools import GEMMA_JSON

QUOTE = '<|"|>'
TOKENS = Dialect(QUOTE)
ODD = st.lists(st.sampled_from([*"<|\"|>{}[]:,\\\n\t 'é名🙂", "call:", "<tool_call|>"]), max_size=12).map("".join)
TEXTS = st.one_of(st.text(), ODD).filter(lambda text: QUOTE not in text)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


def gemma() -> TokenFormat:
    assert isinstance(GEMMA_4.tools, TokenFormat)
    return GEMMA_4.tools


@given(VALUES, st.sampled_from([JSON, TOKENS]), st.text(max_size=3))
def test_what_is_written_is_read_again(value: Any, dialect: Dialect, after: str) -> None:
    written = dialect.written(value)
    if after[:1].isdigit() or after[:1] in (".", "e", "E"):
        after = ""  # it would go on with a number
    assert dialect.read(f"x{written}{after}", 1) == (value, 1 + len(written))


@given(st.lists(st.tuples(st.text("abz_", min_size=1), st.dictionaries(TEXTS, VALUES, max_size=3)), max_size=3))
def test_calls_are_found_as_they_were_written(calls: list[tuple[str, dict[str, Any]]]) -> None:
    told = gemma()
    text = "".join(told.written(name, TOKENS.written(values)[1:-1]) for name, values in calls)
    assert told.calls(text) == tuple(WrittenCall(name, values) for name, values in calls)
    assert told.name(text) == (calls[-1][0] if calls and "call:" not in str(calls[-1][1]) else told.name(text))
    assert told.calls(text[:-1]) == tuple(WrittenCall(name, values) for name, values in calls[:-1])


def test_the_spelling_is_that_of_the_family() -> None:
    values = {"key": "text", "n": 3, "list": [1.5, None], "obj": {"k": True}}
    assert TOKENS.written(values) == '{key:<|"|>text<|"|>,n:3,list:[1.5,null],obj:{k:true}}'
    assert gemma().written("f", "a:1") == "<|tool_call>call:f{a:1}<tool_call|>"
    assert TOKENS.key("with space") == "with space"
    assert TOKENS.key("a:b") == '<|"|>a:b<|"|>'


def test_a_string_ends_at_the_first_quote() -> None:
    text = '<|tool_call>call:f{a:<|"|>x<|"|>y<|"|>}<tool_call|>'
    assert gemma().calls(text) == ()
    assert TOKENS.read('<|"|>x<|"|>y', 0) == ("x", 11)
    with pytest.raises(ValueError, match="ends it"):
        TOKENS.written({"a": ['<|"|>']})


@pytest.mark.parametrize(
    "text", ["", "{", "{a", "{a:", "{a:1", "[1,", "[1 2]", "[" * 300, '<|"|>x', "x", "-", '{<|"|>a<|"|>1}']
)
def test_half_a_value_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of those of Python and ours
        TOKENS.read(text, 0)


def test_what_is_too_deep_is_no_value() -> None:
    for dialect in (JSON, TOKENS):
        with pytest.raises(ValueError, match="deep"):
            dialect.read("[" * 100_000, 0)


@given(
    st.lists(st.sampled_from(["<|tool_call>", "call:", "f", "{", "}", "a:", "1", ",", "[", "]", QUOTE, "<tool_call|>"]))
)
def test_no_text_makes_the_reader_fail(parts: list[str]) -> None:
    text = "".join(parts)
    assert all(call.name in text for call in gemma().calls(text))


def test_what_cannot_be_spelled_is_no_choice() -> None:
    one = {"type": "object", "properties": {"a": {"enum": ['<|"|>', "b"]}, '<|"|>': True}, "required": ["a"]}
    text = gemma().grammar([ToolDefinition("t", "", one)])
    assert '"" <|"|> "b<|\\"|>"' in text
    assert (
        gemma()
        .grammar([ToolDefinition("t", "", {**one, "required": ['<|"|>']})])
        .startswith('root ::= (<|tool_call> "call:" () <tool_call|>)+')
    )


def test_a_family_with_tokens_falls_back_on_words() -> None:
    assert gemma().instead == GEMMA_JSON
    assert gemma().begins("<|tool_call>").value == "no", "the token begins a call, not its text"
    assert set(gemma().marks) < set(GEMMA_4.control_tokens)
