"""Qt's application object, with a clock at every event that its loop delivers."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication

from tests.benchmarks.handled import TICK_MS, Handled


class TimedApplication(QApplication):
    """Between `begin` and `end` it notes every event with all that it leads to, painting too. GUI thread.

    Beside that a timer ticks: what comes between two ticks is also what no event shows, such as waiting for the
    interpreter's lock before one can be handled.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__(list(arguments))
        self._handled: list[Handled] = []
        self._noting = False
        self._inside = False
        self._painted = False
        self._ticks: list[float] = []
        self._ticker = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._ticker.timeout.connect(self._on_tick)
        self._schedule = -1
        with contextlib.suppress(OSError):  # Linux tells how long a thread was ready and had no core
            self._schedule = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)

    def begin(self) -> None:
        """Note from now on."""
        self._handled, self._ticks = [], []
        self._noting = True
        self._ticker.start()

    def end(self) -> tuple[list[Handled], list[float]]:
        """No more; the events there were, and the seconds between two ticks."""
        self._noting = False
        self._ticker.stop()
        return self._handled, [after - before for before, after in pairwise(self._ticks)]

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        if not self._noting:
            return super().notify(receiver, event)
        kind = event.type()
        if kind == QEvent.Type.Paint:
            self._painted = True
        if self._inside:
            return super().notify(receiver, event)
        what = f"{kind.name} to {receiver.metaObject().className()}"
        self._inside, self._painted = True, False
        waited, cpu, start = self._waited(), time.thread_time(), time.perf_counter()
        try:
            return super().notify(receiver, event)
        finally:
            end = time.perf_counter()
            spent = time.thread_time() - cpu
            self._inside = False
            self._handled.append(Handled(what, start, end, self._waited() - waited, spent, self._painted))

    @Slot()
    def _on_tick(self) -> None:
        self._ticks.append(time.perf_counter())

    def _waited(self) -> float:
        """Seconds that this thread has been ready so far while no core was free for it."""
        return int(os.pread(self._schedule, 64, 0).split()[1]) / 1e9 if self._schedule >= 0 else 0.0
