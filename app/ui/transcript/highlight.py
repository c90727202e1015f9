"""Colours for code: Pygments with the language that was named, never a guessed one. No Qt.

Loading a lexer and colouring long code take time, so both go in steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from time import perf_counter
from typing import Any

LONGEST = 100_000
STEP_SECONDS = 0.004
KINDS = (
    ("Comment", "comment"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Keyword.Type", "name"),
    ("Keyword", "keyword"),
    ("Operator.Word", "keyword"),
    ("Name.Builtin", "name"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Namespace", "name"),
    ("Name.Tag", "keyword"),
    ("Name.Attribute", "name"),
    ("Name.Decorator", "name"),
    ("Name.Exception", "name"),
    ("Generic.Heading", "keyword"),
    ("Generic.Inserted", "string"),
    ("Generic.Deleted", "number"),
)
Run = tuple[int, int, str]  # from letter, to letter, kind


class Highlighter:
    """Colours code bit by bit: `runs` are what is coloured so far, in order; `step` goes on."""

    def __init__(self, language: str) -> None:
        self.runs: list[Run] = []
        self._language = language
        self._lexer: Any = None
        self._lexer_class: Any = None
        self._left_to_load = 3 if language else 0
        self._wanted = ""
        self._coloured = ""
        self._passing = ""
        self._pass: Iterator[Run] | None = None
        self._fresh: list[Run] = []

    def set_text(self, text: str) -> None:
        """Colour this; what has its colours already keeps them until it gets them anew."""
        self._wanted = text if len(text) <= LONGEST else ""
        if not self._wanted.startswith(self._coloured):
            self.runs = []
            self._coloured = ""
            self._pass = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return self._wanted == self._coloured or (not self._left_to_load and self._lexer is None)

    def step(self) -> bool:
        """Work for some milliseconds; True when there is more to do."""
        if self.is_done:
            return False
        if self._left_to_load:
            self._load()
            return not self.is_done
        if self._pass is None:
            self._passing = self._wanted
            self._pass = _runs(self._lexer, self._wanted)
            self._fresh = []
        until = perf_counter() + STEP_SECONDS
        for run in self._pass:
            self._fresh.append(run)
            if perf_counter() > until:
                return True
        self.runs = self._fresh
        self._coloured = self._passing
        self._pass = None
        return not self.is_done

    def _load(self) -> None:
        """Pygments is loaded at the first code block, in three steps: together they would hold up a frame."""
        self._left_to_load -= 1
        if self._left_to_load == 2:
            import_module("pygments.lexers")
        elif self._left_to_load == 1:
            with suppress(ValueError):  # a language that Pygments does not know
                self._lexer_class = import_module("pygments.lexers").find_lexer_class_by_name(self._language.lower())
        elif self._lexer_class is not None:
            self._lexer = self._lexer_class()


def _runs(lexer: Any, text: str) -> Iterator[Run]:
    start, end, kind = 0, 0, ""
    for place, token, value in lexer.get_tokens_unprocessed(text):
        named = _kind(token)
        if named == kind and place == end:
            end = place + len(value)
            continue
        if kind:
            yield start, end, kind
        start, end, kind = place, place + len(value), named
    if kind:
        yield start, end, kind


@cache
def _kind(token: Any) -> str:
    name = str(token).removeprefix("Token.")
    return next((kind for prefix, kind in KINDS if name == prefix or name.startswith(f"{prefix}.")), "")
