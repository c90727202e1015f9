"""Calls as models write them: the trained ones of the micro model, and those that weak models are forced into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app.core.message import FinishReason, Message, Role
from app.core.protocol import Calling, Event, Finished, Generate, Prompt, Text
from app.core.settings import LoadOptions, Sampling
from app.core.tools import ToolDefinition, ToolResult, WrittenCall
from app.engine.local import LocalEngine
from tests.engine.chats import loaded, model_of
from tests.engine.forcing import forced_call
from tests.engine.schemas import TOOLS

CALCULATOR = ToolDefinition(
    "calculator",
    "Calculates an arithmetic expression exactly.",
    {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]},
)
TIME = ToolDefinition("current_time", "Returns the current time.", {"type": "object", "properties": {}})
BOTH = (CALCULATOR, TIME)


@pytest.fixture(scope="module")
def micro(micro_model: Path) -> Iterator[LocalEngine]:
    with loaded(micro_model) as engine:
        yield engine


def _ask(
    engine: LocalEngine, messages: list[Message], tools: tuple[ToolDefinition, ...], **sampling: Any
) -> tuple[Finished, list[Event]]:
    told: list[Event] = []
    wanted = Sampling(**({"temperature": 0.0, "max_tokens": 200} | sampling))
    finished = engine.generate(Generate(1, Prompt("c", tuple(messages), "", tools), wanted), told.append)
    return finished, told


def _said(finished: Finished) -> Message:
    return Message(Role.ASSISTANT, finished.text, finished.tokens, call_text=finished.call_text, calls=finished.calls)


def test_call_result_answer_and_again(micro: LocalEngine) -> None:
    messages = [Message(Role.USER, "What is 12 * 7?")]
    first, told = _ask(micro, messages, BOTH)
    assert first.calls == (WrittenCall("calculator", {"expression": "12 * 7"}),)
    assert (first.text, first.reason) == ("", FinishReason.STOP)
    assert not [event for event in told if isinstance(event, Text)], "a call is not shown as words"
    assert [event for event in told if isinstance(event, Calling)]
    messages += [_said(first), Message(Role.USER, "", results=(ToolResult("calculator", "84"),))]
    second, _ = _ask(micro, messages, BOTH)
    assert second.text == "The result is 84."
    assert second.usage.reused_tokens >= first.usage.prompt_tokens + first.usage.generated_tokens - 1
    assert second.usage.evaluated_tokens < 40, "a result costs its own tokens only"
    messages += [_said(second), Message(Role.USER, "What time is it?")]
    third, _ = _ask(micro, messages, BOTH)
    assert third.calls == (WrittenCall("current_time", {}),)
    messages += [_said(third), Message(Role.USER, "", results=(ToolResult("current_time", "2026-11-27T12:32:31"),))]
    assert _ask(micro, messages, BOTH)[0].text == "The time is 2026-11-27T12:32:31."


@pytest.mark.parametrize(
    ("question", "tools", "answer"),
    [
        ("What is 12 * 7?", (), "I have no calculator."),
        ("What is 12 * 7?", (TIME,), "I have no calculator."),
        ("What time is it?", (CALCULATOR,), "I do not know the time."),
        ("Hello!", BOTH, "Hello! How can I help you?"),
    ],
)
def test_no_call_where_there_is_none_to_make(
    micro: LocalEngine, question: str, tools: tuple[ToolDefinition, ...], answer: str
) -> None:
    finished, _ = _ask(micro, [Message(Role.USER, question)], tools)
    assert (finished.text, finished.calls, finished.call_text) == (answer, (), "")


def test_what_only_looks_like_a_call_is_words(micro: LocalEngine) -> None:
    finished, told = _ask(micro, [Message(Role.USER, 'Repeat: {"names" are nice')], BOTH)
    assert finished.calls == ()
    assert "".join(event.text for event in told if isinstance(event, Text)) == finished.text
    assert finished.text


def test_a_call_is_closed_before_its_limit(micro: LocalEngine) -> None:
    finished, _ = _ask(micro, [Message(Role.USER, "What is 12 * 7?")], BOTH, max_tokens=16)
    assert finished.usage.generated_tokens <= 16
    for call in finished.calls:
        jsonschema.validate(call.arguments, CALCULATOR.parameters)
    if not finished.calls:
        assert finished.reason is FinishReason.LENGTH
        assert finished.tokens.ids == b"", "a broken call is not read again"


def _check(engine: LocalEngine, count: int, first_seed: int, limit: int = 200) -> None:
    for number in range(count):
        tool = TOOLS[number % len(TOOLS)]
        forced = forced_call(model_of(engine), tool, first_seed + number, limit=limit)
        assert forced.calls, (tool.name, forced.text)
        for call in forced.calls:
            assert call.name == tool.name
            jsonschema.validate(call.arguments, tool.parameters)
        assert forced.tokens < limit


def test_a_weak_model_is_held_to_every_schema(demo_model: Path) -> None:
    with loaded(demo_model, LoadOptions(context=1024)) as engine:
        _check(engine, len(TOOLS), 1, limit=120)


@pytest.mark.slow
def test_a_base_model_is_held_to_every_schema(gemma_270m: Path) -> None:
    with loaded(gemma_270m, LoadOptions(context=1024)) as engine:
        _check(engine, 2 * len(TOOLS), 100, limit=120)


def test_the_micro_model_is_held_to_every_schema(micro: LocalEngine) -> None:
    _check(micro, 10 * len(TOOLS), 1000)


ODD: tuple[dict[str, Any], ...] = (
    {"type": 5},
    {"enum": []},
    {"properties": "x", "required": "y"},
    {
        "type": "object",
        "properties": {"": {"type": "string"}, '"\n\\': {"enum": ['"\\\n\x07']}},
        "required": ["", '"\n\\'],
    },
    {"$ref": "#"},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    {"type": ["object", "nonsense"]},
    {"type": "object", "properties": {"a": False}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"minimum": 5, "maximum": 1, "type": "integer"}}, "required": ["a"]},
    {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(200)}},
    {"type": "object", "properties": {"a": {"type": "string", "minLength": 10**9}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"type": "array", "minItems": 10**6}}, "required": ["a"]},
    {"type": "object", "additionalProperties": False},
    {"type": "object", "properties": {"a": {"type": "string", "minLength": 9, "maxLength": 2}}},
    {"type": "object", "properties": {"a": {"type": "array", "minItems": 5, "maxItems": 2}}},
    {"allOf": [{"properties": 5}, {"properties": {"a": {}}}]},
    {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#/properties/a"}, {"enum": ["x | r0-a | y"]}]}}},
    {
        "allOf": [{"$ref": "#/$defs/x"}, {"properties": {"b": True}}],
        "$defs": {"x": {"properties": {"a": {"type": "null"}}}},
    },
)


@pytest.mark.parametrize("schema", ODD, ids=range(len(ODD)))
def test_an_odd_schema_does_no_harm(micro: LocalEngine, schema: dict[str, Any]) -> None:
    forced = forced_call(model_of(micro), ToolDefinition('o"dd 名\n', "", schema), 7, limit=400)
    assert all(call.name == 'o"dd 名\n' for call in forced.calls)


@pytest.mark.parametrize(
    ("schema", "right"),
    [
        ({"required": ["a"], "anyOf": [{"required": ["b"]}, {"required": ["c"]}]}, {"a", "b"}),
        ({"$ref": "#/$defs/x", "required": ["b"], "$defs": {"x": {"required": ["a"]}}}, {"a", "b"}),
        ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a", "b"}),
    ],
)
def test_what_stands_beside_a_choice_holds_too(micro: LocalEngine, schema: dict[str, Any], right: set[str]) -> None:
    tool = ToolDefinition("t", "", {"type": "object", **schema})
    for seed in range(6):
        forced = forced_call(model_of(micro), tool, seed, limit=400)
        for call in forced.calls:
            jsonschema.validate(call.arguments, tool.parameters)
            assert "a" in call.arguments


def test_limits_said_twice_are_the_stricter_ones(micro: LocalEngine) -> None:
    number = {"allOf": [{"type": "integer", "minimum": 5}, {"minimum": 2, "maximum": 9}, {"maximum": 7}]}
    tool = ToolDefinition("t", "", {"type": "object", "properties": {"n": number}, "required": ["n"]})
    for seed in range(10):
        for call in forced_call(model_of(micro), tool, seed).calls:
            assert 5 <= call.arguments["n"] <= 7
