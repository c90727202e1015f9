"""How many threads compute one token. Pure: told what each token took, it answers with a count.

Threads that outnumber the free cores wait for each other at every operation, and decoding falls to a tenth. So a count
that suddenly takes twice as long, or that has a cheaper neighbour, is left. Counts that are all too many cost the same,
so fewer are tried until one is cheaper, or clearly dearer. More threads are tried again seldom, with growing patience,
because every try at a wrong count costs several tokens.
"""

from __future__ import annotations

import os
from collections import deque
from statistics import median
from time import perf_counter

_SAMPLES = 4  # tokens that a count is tried for
_DEARER = 1.15  # a count this much slower than another is left
_ALIKE = 1.5  # a count that costs less than this much more may be too many as well
_SUDDEN = 2.0  # so many times the usual time is worth a look at fewer threads
_PATIENCE = 16  # tokens until more threads are tried again, at first
_MOST_PATIENCE = 512


class ThreadGovernor:
    """Learns what a token costs at a thread count and its neighbours. Times in seconds."""

    def __init__(self, most: int, *, fixed: bool = False) -> None:
        self._counts = [most] if fixed else _ladder(most)
        self._place = 0  # in _counts, which falls
        self._recent: deque[float] = deque(maxlen=_SAMPLES)
        self._usual: list[float | None] = [None] * len(self._counts)
        self._trial_from: int | None = None
        self._patience = _PATIENCE
        self._waited = 0

    @property
    def threads(self) -> int:
        """The count for the next token."""
        return self._counts[self._place]

    @property
    def most(self) -> int:
        """The count for an idle machine."""
        return self._counts[0]

    def record(self, seconds: float) -> int:
        """Takes in what the last token cost at `threads`, and answers with the count for the next one."""
        if len(self._counts) == 1:
            return self.threads
        self._recent.append(seconds)
        if self._trial_from is not None:
            self._judge_trial(self._trial_from)
        elif len(self._recent) == _SAMPLES:
            self._judge_usual()
        return self.threads

    def _judge_trial(self, origin: int) -> None:
        before = self._usual[origin]
        assert before is not None
        if len(self._recent) < _SAMPLES and self._recent[-1] < before * 2 * _SUDDEN:
            return
        cost = median(self._recent)
        self._usual[self._place] = cost
        upward = self._place < origin
        better = cost * _DEARER < before if not upward else cost < before
        if upward:
            self._patience = _PATIENCE if better else min(self._patience * 2, _MOST_PATIENCE)
        elif not better and cost < before * _ALIKE and self._place + 1 < len(self._counts):
            self._place += 1  # both may be too many: the search goes on
            self._start_over()
            return
        if not better:
            self._place = origin
        self._trial_from = None
        self._start_over()

    def _judge_usual(self) -> None:
        now, usual = median(self._recent), self._usual[self._place]
        self._waited += 1
        sudden = usual is not None and now > usual * _SUDDEN
        if usual is not None and sudden:  # half of the samples may be from before
            now = median(sample for sample in self._recent if sample > usual * _SUDDEN)
        self._usual[self._place] = now if usual is None or sudden else usual + (now - usual) / 8
        below = self._place + 1
        if below < len(self._counts) and (sudden or self._usual[below] is None):
            self._try(below)
        elif self._place > 0 and self._waited >= self._patience:
            self._try(self._place - 1)

    def _try(self, place: int) -> None:
        self._trial_from, self._place = self._place, place
        self._start_over()

    def _start_over(self) -> None:
        self._recent.clear()
        self._waited = 0


def _ladder(most: int) -> list[int]:
    """The counts that are tried, falling by a quarter."""
    counts = [max(most, 1)]
    while counts[-1] > 1:
        counts.append(counts[-1] - max(1, counts[-1] // 4))
    return counts


def usable_cores() -> int:
    """Physical cores this process may run on: a second thread of a core adds nothing to arithmetic."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def next_batch(size: int, most: int, seconds: float, *, on_card: bool) -> int:
    """Tokens for the next batch of a prompt, after one of `size` took `seconds`.

    A batch is what progress moves by, and on a card (which cannot be interrupted) what Stop waits for.
    """
    limit = 0.4 if on_card else 2.0
    if seconds > limit and size > 64:
        return size // 2
    if seconds < limit / 4 and size < most:
        return min(size * 2, most)
    return size


class BatchPace:
    """How large the next batch of a prompt is, by the time the last one took."""

    def __init__(self, size: int, most: int, *, on_card: bool) -> None:
        """Begins with `size` tokens, now."""
        self.size = size
        self._most = most
        self._on_card = on_card
        self._began = perf_counter()

    def step(self) -> int:
        """A batch is done: the size of the next one."""
        now = perf_counter()
        self.size = next_batch(self.size, self._most, now - self._began, on_card=self._on_card)
        self._began = now
        return self.size
