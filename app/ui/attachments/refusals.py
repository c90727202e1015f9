"""Why files that were given together were not attached, in words. No Qt."""

from __future__ import annotations

NAMED = 6  # files, each with its reason


class Refusals:
    """Begins anew with every drop, paste or choice of files."""

    def __init__(self) -> None:
        self._left_out = ""
        self._sentences: list[str] = []

    def begin(self, left_out: str = "") -> None:
        """Other files are given; `left_out` says why not all of them are taken."""
        self._left_out = left_out
        self._sentences.clear()

    def add(self, sentence: str) -> None:
        """One of them could not be opened."""
        self._sentences.append(sentence)

    @property
    def text(self) -> str:
        """All that is to be said of them."""
        number = len(self._sentences)
        head = f"{number} files were not attached." if number > 1 else ""
        rest = f"… and {number - NAMED} more." if number > NAMED else ""
        return " ".join(part for part in (self._left_out, head, *self._sentences[:NAMED], rest) if part)
