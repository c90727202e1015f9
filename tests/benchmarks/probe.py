"""What the bare window and the real one have in common when they are measured: how they speak, and their first picture.

They write one JSON object a line on standard output and read one command a line from standard input. Times are seconds
of CLOCK_MONOTONIC, which all processes share.
"""

from __future__ import annotations

import json
import os
import sys
import time

from PySide6.QtCore import QEvent, QObject, QSocketNotifier, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget


def tell(event: str, **values: object) -> None:
    """A line for who measures."""
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


class FirstPicture(QObject):
    """Tells `painted` when a window that was just shown is painted for the first time. GUI thread."""

    _exposed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        # queued before the painting begins, so it comes back as soon as the painting is over
        self._exposed.connect(self._on_painted, Qt.ConnectionType.QueuedConnection)
        self._handle = window.windowHandle()
        if self._handle.isExposed():
            self._exposed.emit()
        else:
            self._handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Expose:
            watched.removeEventFilter(self)
            self._exposed.emit()
        return False

    @Slot()
    def _on_painted(self) -> None:
        now = time.monotonic()
        tell("painted", at=now)


class Commands(QObject):
    """The lines of standard input, as `came`. GUI thread."""

    came = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._rest = b""
        self._notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_activated)

    @Slot()
    def _on_activated(self) -> None:
        came = os.read(sys.stdin.fileno(), 4096)
        if not came:
            self._notifier.setEnabled(False)
        *lines, self._rest = (self._rest + came).split(b"\n")
        for line in lines:
            self.came.emit(line.decode())
