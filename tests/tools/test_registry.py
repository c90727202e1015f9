"""Tools from functions, and the arguments that they take."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tools import Effect
from app.tools.registry import Surroundings, Tool, built_in, check_arguments, tool_of

TOOLS = {tool.name: tool for tool in built_in()}
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_words_of_schemas = st.sampled_from(
    ["type", "properties", "required", "items", "enum", "anyOf", "$ref", "pattern", "additionalProperties", "not"]
)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_every_tool_describes_itself_and_its_arguments(tool: Tool) -> None:
    assert tool.description.endswith(".")
    assert tool.definition.parameters["type"] == "object"
    assert "around" not in tool.parameters["properties"]
    assert all(schema["description"] for schema in tool.parameters["properties"].values())
    assert tool.on_session is (tool.name == "search_chats")


def test_the_words_that_the_benchmark_was_made_with() -> None:
    calculator = TOOLS["calculator"]
    assert calculator.description == "Calculates an arithmetic expression exactly."
    assert calculator.parameters["properties"] == {
        "expression": {"type": "string", "description": "The arithmetic expression, for example 12 * 7"}
    }
    assert TOOLS["current_time"].description == "Returns the current date and time."


def test_surroundings_are_given_where_they_are_asked_for() -> None:
    def look(around: Surroundings, word: str, loud: bool = False, how: Literal["a"] | None = None) -> str:
        """Looks."""
        return f"{word} {loud} {how} {around.deadline}"

    tool = tool_of(look, Effect.READ)
    assert tool.parameters["required"] == ["word"]
    assert tool.run is not None
    assert tool.run({"word": "x", "loud": True}, Surroundings(deadline=5.0)) == "x True None 5.0"


def test_whole_floats_become_whole_numbers_only_where_these_are_asked_for() -> None:
    def tell(whole: int, any_: float, word: str) -> str:
        """Tells."""
        return f"{whole!r} {any_!r} {word!r}"

    run = tool_of(tell, Effect.READ).run
    assert run is not None
    assert run({"whole": 2.0, "any_": 2.0, "word": "2.0"}, Surroundings()) == "2 2.0 '2.0'"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [({}, "path"), ({"path": 5}, "path"), ({"path": "x", "first_line": "one"}, "first_line")],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], place: str) -> None:
    said = check_arguments(TOOLS["read_file"], arguments)
    assert place in said
    assert said.endswith(".")
    assert "\n" not in said


@given(schema=st.dictionaries(_words_of_schemas, _json, max_size=5), arguments=st.dictionaries(st.text(), _json))
def test_no_schema_makes_the_check_fail(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert isinstance(check_arguments(Tool("t", "", schema, Effect.RUN, "server"), arguments), str)
