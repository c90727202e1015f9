"""Where each of thousands of messages begins. No Qt."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from app.ui.transcript.entry import Entry


class Heights:
    """Sums of the heights of entries; summed up again when one of them changed."""

    def __init__(self) -> None:
        self._tops: list[int] = [0]

    def sum_up(self, entries: Iterable[Entry]) -> None:
        """Take the heights that the entries have now."""
        self._tops = list(accumulate((entry.height for entry in entries), initial=0))

    @property
    def total(self) -> int:
        """The height of all."""
        return self._tops[-1]

    def top(self, at: int) -> int:
        """Where an entry begins."""
        return self._tops[at]

    def index_at(self, y: int) -> int:
        """The entry at a height; the first or last beyond them."""
        return min(max(0, bisect_right(self._tops, y) - 1), max(0, len(self._tops) - 2))
