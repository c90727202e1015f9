"""What an event loop did, event by event, and the frames that follow from it. No Qt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

TICK_MS = 5  # of the timer that shows gaps
AT_REST = 0.0005  # seconds without an event from which on the loop counts as asleep


class Handled(msgspec.Struct, frozen=True):
    """One event that the loop delivered, with all that it led to; seconds.

    `waited` is the part of it in which the thread was ready and no core was free for it (other programs, and threads
    and processes of our own); `cpu` the part in which it computed. The rest is what it waited for: the interpreter's
    lock, the disk, the X server.
    """

    what: str
    start: float
    end: float
    waited: float
    cpu: float
    painted: bool

    @property
    def wall(self) -> float:
        """From its begin to its end."""
        return self.end - self.start

    @property
    def own(self) -> float:
        """The same, were a core always free."""
        return self.wall - self.waited


class Frame(msgspec.Struct, frozen=True):
    """A stretch in which the loop did not sleep and something was painted: events, layout and painting; seconds."""

    wall: float
    own: float


def frames(handled: Iterable[Handled]) -> list[Frame]:
    """Put together what was done without a rest in between, and keep what ended in a picture."""
    found: list[Frame] = []
    stretch: list[Handled] = []
    for event in handled:
        if stretch and event.start - stretch[-1].end > AT_REST:
            found += _framed(stretch)
            stretch = []
        stretch.append(event)
    return found + _framed(stretch)


def _framed(stretch: Sequence[Handled]) -> list[Frame]:
    if not any(event.painted for event in stretch):
        return []
    wall = stretch[-1].end - stretch[0].start
    return [Frame(wall, wall - sum(event.waited for event in stretch))]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many per cent do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]
