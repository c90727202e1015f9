"""A conversation as a chat template takes it: every message, and for the families with tokens for tools their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.message import Role
from app.core.tools import ToolDefinition, ToolResult, WrittenCall
from app.prompt.schemas import plain

# arguments of these names are left out by Gemma's template, which takes them for words of the schema
_UNTOLD = ("description", "type", "properties", "required", "nullable")
_END = " "  # words that the template trims away: the turn ends, although the model said nothing to its results
Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A message with its marks and guards. `found` is what it will look like, where that is looked for."""

    role: Role
    text: str
    found: str = ""
    calls: tuple[WrittenCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    frame: tuple[str, str] | None = None  # name and arguments of a call that stands for sampled ids


@dataclass(slots=True)
class Said:
    """What the template reads. `words` are those that stand before calls, in order.

    Templates write the words of a message behind its calls and results, so each of them leaves a mark in the name of
    the first call, and is put before it in what was rendered.
    """

    messages: list[Variables] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def said(turns: Iterable[Turn], words_mark: str) -> Said:
    """The messages: calls, their results and what the model says to them are one, as Gemma's template wants it."""
    made = Said()
    for turn in turns:
        if turn.role is Role.USER and turn.results:
            _add_results(made, turn, words_mark)
        elif turn.calls or turn.frame is not None:
            made.messages.append(_calling(made, turn, words_mark))
        elif turn.role is Role.ASSISTANT and made.messages and made.messages[-1].get("tool_responses"):
            made.messages[-1]["content"] = turn.text
        else:
            made.messages.append({"role": turn.role.value, "content": turn.text})
    return made


def _calling(made: Said, turn: Turn, words_mark: str) -> Variables:
    calls = [(call.name, call.arguments) for call in turn.calls] if turn.frame is None else [turn.frame]
    functions: list[Variables] = [{"name": name, "arguments": arguments} for name, arguments in calls]
    if turn.text:
        made.words.append(turn.text)
        functions[0]["name"] = words_mark + functions[0]["name"]
    listed = [{"type": "function", "function": function} for function in functions]
    return {"role": Role.ASSISTANT.value, "content": "", "tool_calls": listed}


def _add_results(made: Said, turn: Turn, words_mark: str) -> None:
    """Results belong to the message that called; one whose calls nobody kept gets some of their names."""
    last = made.messages[-1] if made.messages else {}
    if last.get("role") != Role.ASSISTANT.value or last.get("tool_responses"):
        last = {}
    if not last.get("tool_calls"):
        if last:
            made.messages.pop()
        calls = tuple(WrittenCall(result.name, {}) for result in turn.results)
        made.messages.append(_calling(made, Turn(Role.ASSISTANT, last.get("content", ""), calls=calls), words_mark))
    caller = made.messages[-1]
    caller["tool_responses"] = [
        {"name": result.name, "response": {"error": result.text} if result.failed else result.text}
        for result in turn.results
    ]
    if turn.text:
        caller["content"] = _END
        made.messages.append({"role": turn.role.value, "content": turn.text})


def declared(tools: Sequence[ToolDefinition]) -> list[Variables]:
    """Definitions of tools, in the form and the words that templates take them in."""
    return [{"type": "function", "function": _function(tool)} for tool in tools]


def _function(tool: ToolDefinition) -> Variables:
    parameters = {"type": "object", "properties": {}, **plain(tool.parameters, tool.parameters)}
    untold = [
        f"{name} ({one.get('type', 'any')}): {one.get('description', '')}"
        for name, one in parameters["properties"].items()
        if name in _UNTOLD
    ]
    told = "\n".join((tool.description, "Arguments too:", *untold)) if untold else tool.description
    return {"name": tool.name, "description": told, "parameters": parameters}


def guarded_turn(turn: Turn, guard: Callable[[str], str]) -> Turn:
    """The turn with every text of its calls and results guarded."""
    calls = tuple(WrittenCall(guard(call.name), mapped(call.arguments, guard)) for call in turn.calls)
    results = tuple(ToolResult(guard(result.name), guard(result.text), result.failed) for result in turn.results)
    return replace(turn, calls=calls, results=results)


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A value of JSON with every text in it changed, names too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(name): mapped(one, change) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(one, change) for one in value]
    return value
