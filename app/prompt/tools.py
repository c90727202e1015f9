"""How a family of models is told of tools, how it writes a call, and how results come back to it.

Gemma 3 has no tokens for tools: it is asked in words (ai.google.dev/gemma/docs/capabilities/function-calling), with one
JSON object for a call. Several objects, one after the other, are our extension. Everything that differs between the
families is data of `ToolFormat`, or of `TokenFormat` (`tool_tokens.py`) where the family has tokens for tools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar

from app.core.tools import Schema, ToolDefinition, ToolResult, WrittenCall
from app.prompt.dialect import JSON, Dialect
from app.prompt.grammar import Grammar

_NAME = re.compile(r'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')
_SHORT = 240  # characters of a result that stands inside JSON


class Begins(Enum):
    """Whether a text, from the beginning of a line, is the beginning of a call."""

    NO = "no"
    PERHAPS = "perhaps"
    YES = "yes"


@dataclass(frozen=True)
class ToolFormat:
    """The words of one family. `opening` and `closing` stand around every call, `arguments` is the key of its values.

    `asked` tells the model of tools, with DEFINITIONS in it; `wrapped` are definitions inside a "function" object.
    """

    asked: str
    arguments: str
    opening: str = ""
    closing: str = ""
    wrapped: bool = False
    result_opening: str = ""
    result_closing: str = ""
    dialect: ClassVar[Dialect] = JSON
    marks: ClassVar[tuple[str, ...]] = ()  # the control tokens of a call: none
    closers: ClassVar[tuple[str, ...]] = ("}", "]", '"')

    def preamble(self, tools: Sequence[ToolDefinition]) -> str:
        """What stands in the system text, "" without tools."""
        if not tools:
            return ""
        listed = ", ".join(map(self.definition, tools))
        return self.asked.replace("DEFINITIONS", f"[{listed}]")

    def definition(self, tool: ToolDefinition) -> str:
        """One tool as the model reads it."""
        told = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        return json.dumps({"type": "function", "function": told} if self.wrapped else told, ensure_ascii=False)

    def results(self, results: Sequence[ToolResult]) -> str:
        """What came back, as the text of a user turn."""
        return "\n".join(f"{self.result_opening}{_result(result)}{self.result_closing}" for result in results)

    def begins(self, text: str) -> Begins:
        """Whether `text`, which begins a line, begins a call; PERHAPS where more of it must be seen."""
        if self._whole_beginning.match(text):
            return Begins.YES
        return Begins.PERHAPS if self._part_of_beginning.match(text) else Begins.NO

    def grammar(self, tools: Sequence[ToolDefinition], limits: bool = True) -> str:
        """What may be written from the beginning of a call on; without `limits` only names and JSON are held."""
        grammar = Grammar()
        calls = []
        for tool in tools:
            schema: Schema = tool.parameters if limits else {"type": "object"}
            values = grammar.rule({"type": "object", **schema}, tool.name, schema)
            name = grammar.literal(json.dumps(tool.name, ensure_ascii=False))
            key = grammar.literal(json.dumps(self.arguments))
            if values:
                calls.append(f'{name} space "," space {key} space ":" space {values} space')
        name = grammar.literal('"name"')
        call = f'{self._around(grammar, self.opening)} "{{" space {name} space ":" space ({" | ".join(calls)}) "}}"'
        call = f"{call} {self._around(grammar, self.closing, before=True)}"
        # what stands before the first call in the token that it begins in; a fence that was opened is closed
        first = f"[^{{{_in_class(self.opening[:1])}]* {call}"
        fence = grammar.literal("```")
        return grammar.text(f'{first} ([ \\n]{{0,2}} {call})* ("\\n" {fence})?')

    def name(self, text: str) -> str:
        """The tool that is called last in the text of calls, "" as long as it is not known."""
        found = _NAME.findall(text)
        return str(found[-1]) if found else ""

    def calls(self, text: str) -> tuple[WrittenCall, ...]:
        """The calls in a text that the grammar held. What is cut off at its end is no call."""
        return tuple(self._found(text))

    def _around(self, grammar: Grammar, mark: str, *, before: bool = False) -> str:
        if not mark:
            return ""
        return f"space {grammar.literal(mark)}" if before else f"{grammar.literal(mark)} space"

    def _found(self, text: str) -> Iterator[WrittenCall]:
        place = 0
        while (place := text.find("{", place)) >= 0:
            try:
                found, end = self.dialect.read(text, place)
            except ValueError:
                return
            if isinstance(found, dict) and isinstance(found.get("name"), str):
                arguments = found.get(self.arguments)
                yield WrittenCall(found["name"], arguments if isinstance(arguments, dict) else {})
            place = end

    @cached_property
    def _whole_beginning(self) -> re.Pattern[str]:
        fence = "" if self.opening else r"(?:```\w*[ \t]*\n\s*)?"
        opening = re.escape(self.opening)
        return re.compile(rf'\s*{fence}{opening}\s*\{{\s*"name"' if not opening else rf"\s*{opening}")

    @cached_property
    def _part_of_beginning(self) -> re.Pattern[str]:
        if self.opening:
            return re.compile(rf"\s*{_beginnings(self.opening)}\Z")
        head = r"(?:```\w*[ \t]*\n\s*)?(?:\{\s*(?:" + _beginnings('"name"') + r"))?\Z"
        return re.compile(rf"\s*(?:`{{1,3}}\Z|```\w*[ \t]*\Z|{head})")


def _beginnings(word: str) -> str:
    """A pattern for every part of a word that begins it, "" among them."""
    pattern = ""
    for letter in reversed(word):
        pattern = f"(?:{re.escape(letter)}{pattern})?"
    return pattern


def _in_class(letter: str) -> str:
    return re.escape(letter) if letter in "[]^-\\" else letter


def _result(result: ToolResult) -> str:
    if len(result.text) <= _SHORT and "\n" not in result.text:
        key = "error" if result.failed else "result"
        return json.dumps({"name": result.name, key: result.text}, ensure_ascii=False)
    said = "Error of" if result.failed else "Result of"
    fence = "```"
    while fence in result.text:
        fence += "`"
    return f"{said} {result.name}:\n{fence}tool_output\n{result.text}\n{fence}"


GEMMA_JSON = ToolFormat(
    asked=(
        "You have access to functions. If you decide to invoke any of the function(s),\n"
        "you MUST put it in the format of\n"
        '{"name": function name, "parameters": dictionary of argument name and its value}\n\n'
        "You SHOULD NOT include any other text in the response if you call a function\nDEFINITIONS"
    ),
    arguments="parameters",
)
# The tags that Qwen, SmolLM2 and others of their kind were trained with (Hermes).
TAGGED_JSON = ToolFormat(
    asked=(
        "You may call one or more functions to help with the request. These are the functions:\n"
        "<tools>\nDEFINITIONS\n</tools>\n\n"
        "To call a function, write a JSON object with its name and arguments between tags:\n"
        '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
    ),
    arguments="arguments",
    opening="<tool_call>",
    closing="</tool_call>",
    wrapped=True,
    result_opening="<tool_response>\n",
    result_closing="\n</tool_response>",
)
