"""What came of graphics backends that were tried before: a driver that hangs would cost seconds at every start.

A bad end counts when it came twice running, for a week, and as long as backend and drivers are the same. `cabochon
doctor --check` forgets it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import time

import msgspec

from app.core.files import replace_whole
from app.engine.probe import Verdict
from app.models.drivers import drivers

_BAD = (Verdict.CRASHED, Verdict.HUNG, Verdict.WRONG)
_TIMES = 2  # a machine that is slow at its start hangs once
_SECONDS = 7 * 86400.0


class _End(msgspec.Struct, frozen=True):
    """How often a backend came to this end, the last time at `when` (seconds since 1970)."""

    verdict: str
    times: int
    when: float
    library: str  # what tells it and the drivers from others
    drivers: str


class Tried:
    """The ends in one file. None, or a file that cannot be read or written, costs time only."""

    def __init__(self, file: Path | None, now: Callable[[], float] = time) -> None:
        self._file = file
        self._now = now
        self._ends = self._read()

    def known(self, library: Path) -> Verdict | None:
        """How this backend does, where it need not be tried."""
        end = self._end(library)
        return Verdict[end.verdict] if end is not None and end.times >= _TIMES else None

    def keep(self, library: Path, verdict: Verdict) -> None:
        """It was tried."""
        before = self._end(library)
        if verdict in _BAD:
            times = before.times + 1 if before is not None and before.verdict == verdict.name else 1
            self._ends[str(library)] = _End(verdict.name, times, self._now(), _mark(library), drivers())
        elif self._ends.pop(str(library), None) is None:
            return
        self._write()

    def _end(self, library: Path) -> _End | None:
        end = self._ends.get(str(library))
        if end is None or not 0 <= self._now() - end.when < _SECONDS or end.verdict not in Verdict.__members__:
            return None
        return end if (end.library, end.drivers) == (_mark(library), drivers()) else None

    def _read(self) -> dict[str, _End]:
        if self._file is None:
            return {}
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, _End])
        except (OSError, msgspec.DecodeError):
            return {}

    def _write(self) -> None:
        if self._file is None:
            return
        with suppress(OSError):
            replace_whole(self._file, msgspec.json.encode(self._ends))


def _mark(library: Path) -> str:
    try:
        state = library.stat()
    except OSError:
        return ""
    return f"{state.st_size} {state.st_mtime_ns}"
