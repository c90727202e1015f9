"""The time, passed in so that tests can move it."""

from __future__ import annotations

import time
from datetime import date
from typing import Protocol


class Clock(Protocol):
    """What the session needs of time."""

    def now(self) -> float:
        """Seconds since 1970; may jump when somebody sets the clock."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward, for durations and deadlines."""
        ...

    def today(self) -> date:
        """The day on the person's calendar."""
        ...


class SystemClock:
    """The computer's clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def today(self) -> date:
        """The day on the person's calendar."""
        return date.today()
