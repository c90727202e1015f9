"""Calls of tools by models that were trained with tokens for them: Gemma 4.

Source: ai.google.dev/gemma/docs/core/prompt-formatting-gemma4, and the templates of its files. A call stands between
two tokens, and so do a definition and a result; strings stand between two tokens for the quote. Definitions, calls and
results are written by the model's own template (`app/prompt/template.py`); here is what the model writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.tools import Schema, ToolDefinition, WrittenCall
from app.prompt.dialect import Dialect
from app.prompt.grammar import Grammar
from app.prompt.tools import Begins, ToolFormat

_CALL = "call:"


@dataclass(frozen=True)
class TokenFormat:
    """The tokens of one family, by their literals. `instead` serves its files that have no such tokens.

    So it does those whose template does not show what it is given of tools. Several calls stand one after the other.
    """

    opening: str
    closing: str
    dialect: Dialect
    instead: ToolFormat

    @property
    def marks(self) -> tuple[str, ...]:
        """The control tokens that a call is written with: around it, and last the quote."""
        return (self.opening, self.closing, self.dialect.quote)

    def begins(self, text: str) -> Begins:
        """No text begins a call: the token does."""
        return Begins.NO

    @property
    def closers(self) -> tuple[str, ...]:
        """What ends something outside of strings, the innermost first."""
        return ("}", "]", self.closing, ":", self.dialect.quote)

    def definition(self, tool: ToolDefinition) -> str:
        """A text about as long as what the template makes of a tool."""
        return json.dumps([tool.name, tool.description, tool.parameters], ensure_ascii=False)

    def beginning(self, name: str) -> str:
        """How a call begins."""
        return f"{self.opening}{_CALL}{name}"

    def written(self, name: str, values: str) -> str:
        """A call as the template writes it, `values` without the braces around them."""
        return f"{self.beginning(name)}{{{values}}}{self.closing}"

    def grammar(self, tools: Sequence[ToolDefinition], limits: bool = True) -> str:
        """What may be written from the beginning of a call on; without `limits` only names and spelling are held."""
        grammar = Grammar(self.dialect)
        calls = []
        for tool in tools:
            schema: Schema = tool.parameters if limits else {"type": "object"}
            values = grammar.rule({"type": "object", **schema}, tool.name, schema)
            if values:
                calls.append(f"{grammar.literal(tool.name)} {values}")
        return grammar.text(f'({self.opening} "{_CALL}" ({" | ".join(calls)}) {self.closing})+')

    def calls(self, text: str) -> tuple[WrittenCall, ...]:
        """The calls in a text that the grammar held. What is cut off at its end is no call."""
        return tuple(self._found(text))

    def name(self, text: str) -> str:
        """The tool that is called last, "" as long as it is not known."""
        name, brace, _ = text.rpartition(self.beginning(""))[2].partition("{")
        return name if brace else ""

    def _found(self, text: str) -> Iterator[WrittenCall]:
        place = 0
        while (start := text.find(self.beginning(""), place)) >= 0:
            start += len(self.beginning(""))
            try:
                brace = text.index("{", start)
                values, place = self.dialect.read(text, brace)
            except ValueError:
                return
            if not text.startswith(self.closing, place):
                return
            yield WrittenCall(text[start:brace], _as_arguments(values))


def _as_arguments(values: object) -> dict[str, Any]:
    return values if isinstance(values, dict) else {}


CallFormat = ToolFormat | TokenFormat
