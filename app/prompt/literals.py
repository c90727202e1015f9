"""Finds the literals of control tokens in text, and breaks those that a person (not a template) wrote.

A vocabulary may have thousands of them (Gemma's `<unused…>`), and a text may have many `<`: so candidates are found by
their first character and looked up by length, which takes the same time however many literals there are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

_SPACE = " \t\r\n\f\v"


class Literals:
    """The literals of one vocabulary, those of a single character left out: a break needs two sides."""

    def __init__(self, literals: Collection[str]) -> None:
        self._known = frozenset(literal for literal in literals if len(literal) > 1)
        self._lengths = sorted({len(literal) for literal in self._known}, reverse=True)
        first = "".join(sorted({literal[0] for literal in self._known}))
        self._start = re.compile(f"[{re.escape(first)}]") if first else None
        self._heads = frozenset(literal[:count] for literal in self._known for count in range(1, len(literal)))
        self._tails = frozenset(literal[-count:] for literal in self._known for count in range(1, len(literal)))

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where literals stand, from left to right, the longest first, none inside another."""
        end = 0
        for start in self._candidates(text):
            if start < end:
                continue
            length = self._longest_at(text, start)
            if length:
                end = start + length
                yield start, end

    def guarded(self, text: str, guard: str) -> str:
        """The text with `guard` inside every literal, so that none is found in it or across its ends.

        The outer white space stays outermost: templates trim it.
        """
        breaks = [start + 1 for start in self._candidates(text) if self._longest_at(text, start)]
        core = text.strip(_SPACE)
        begin = text.find(core) if core else 0
        if core and self._is_part(core, self._tails, at_end=False):
            breaks.append(begin)
        if core and self._is_part(core, self._heads, at_end=True):
            breaks.append(begin + len(core))
        if not breaks:
            return text
        places = [0, *sorted(set(breaks)), len(text)]
        return guard.join(text[a:b] for a, b in pairwise(places))

    def _candidates(self, text: str) -> Iterator[int]:
        return (found.start() for found in self._start.finditer(text)) if self._start else iter(())

    def _longest_at(self, text: str, start: int) -> int:
        for length in self._lengths:
            if text[start : start + length] in self._known:
                return length
        return 0

    def _is_part(self, text: str, parts: frozenset[str], *, at_end: bool) -> bool:
        """Whether the text begins (or ends) with a part that another text could complete to a literal."""
        most = self._lengths[0] if self._lengths else 0
        return any((text[-n:] if at_end else text[:n]) in parts for n in range(1, min(most, len(text) + 1)))
