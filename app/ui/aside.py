"""Work on files beside the window's thread, one thing after the other: a disk may be slow, or not answer at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread

_log = logging.getLogger("app.window")
_PATIENCE = 0.3  # seconds for what is under way when the window closes


class Aside:
    """GUI thread. The thread begins with the first job. What a job finds is told by a signal, unless `is_closed`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._closed = Event()
        self._thread: Thread | None = None

    def is_closed(self) -> bool:
        """Whether nothing is wanted any more; from any thread."""
        return self._closed.is_set()

    def post(self, job: Callable[[], None]) -> None:
        """Do this after what was posted before."""
        if self._thread is None:
            # a daemon: a disk that hangs must not keep the program from ending
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        """Begin nothing more; what is under way is waited for only a moment."""
        self._closed.set()
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self.is_closed():
            try:
                job()
            except Exception:  # noqa: BLE001 - the edge of a thread: without it no other job would be done
                _log.exception("What was done aside (%s) failed", self._name)
