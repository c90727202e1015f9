"""What is told of a schema where a template tells it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.message import Message, Role
from app.core.protocol import Prompt
from app.core.tools import ToolDefinition
from app.prompt.schemas import plain
from app.prompt.turns import declared
from tests.engine.test_calls import ODD
from tests.prompt.test_tool_turns import MADE, WEATHER

NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}
WORDS = ("type", "properties", "required", "items", "enum", "const", "anyOf", "allOf", "$ref", "description", "a")
KINDS = ("string", "object", "array", "null", "#", "#/a")
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(KINDS))
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string", "description": "d", "maxLength": 5}, {"type": "string", "description": "d"}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "d", "default": None},
         {"type": "integer", "nullable": True, "description": "d"}),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, {"type": "integer"}),
        ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"allOf": [{"$ref": "#/$defs/s"}], "description": "d"}, {"type": "string", "description": "d"}),
        ({"type": "array", "items": {"$ref": "#/$defs/s"}}, {"type": "array", "items": {"type": "string"}}),
        ({"properties": {"a": True}, "required": ["a", 5]},
         {"type": "object", "properties": {"a": {}}, "required": ["a"]}),
        (True, {}),
    ],
)  # fmt: skip
def test_a_schema_in_few_words(schema: Any, told: dict[str, Any]) -> None:
    assert plain(schema, {"$defs": {"s": {"type": "string"}}}) == told


def test_a_schema_of_itself_comes_to_an_end() -> None:
    told = plain(NODE, {"$defs": {"n": NODE}})
    assert told["properties"]["next"]["properties"]["next"]["type"] == "object"
    assert plain({"$ref": "#"}, {"$ref": "#"}) == {}
    many = {"type": "object", "properties": {f"p{number}": {"$ref": "#"} for number in range(20)}}
    assert len(str(plain(many, many))) < 20_000


def test_what_is_plain_already_stays_as_it_is() -> None:
    assert plain(WEATHER.parameters, WEATHER.parameters) == WEATHER.parameters


def test_an_argument_that_the_template_leaves_out_is_told_in_words() -> None:
    values = {"description": {"type": "string", "description": "What it is"}, "type": {"type": "integer"}, "a": {}}
    (made,) = declared([ToolDefinition("add", "Adds.", {"type": "object", "properties": values})])
    assert made["function"]["description"] == (
        "Adds.\nArguments too:\ndescription (string): What it is\ntype (integer): "
    )


@given(st.one_of(ANYTHING, st.sampled_from(ODD)))
@settings(max_examples=200, deadline=None)
def test_no_schema_makes_a_template_fail(schema: Any) -> None:
    tool = ToolDefinition("t", "", schema if isinstance(schema, dict) else {"properties": {"a": schema}})
    for template in MADE.values():
        prompt = Prompt("c", (Message(Role.USER, "x"),), "", (tool,))
        assert template.render(prompt, open_answer=True, fingerprint="")
