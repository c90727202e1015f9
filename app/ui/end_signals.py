"""SIGINT and SIGTERM close the window as its button does."""

from __future__ import annotations

import signal
import socket
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot


class EndSignals(QObject):
    """Python runs its handlers only when Qt's loop comes back to it: a socket wakes the loop. GUI thread."""

    came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_activated)
        self._wakeup = signal.set_wakeup_fd(self._theirs.fileno())
        self._handlers = {number: signal.signal(number, self._ignore) for number in (signal.SIGINT, signal.SIGTERM)}

    def close(self) -> None:
        """Put the handlers back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._notifier.setEnabled(False)
        self._ours.close()
        self._theirs.close()

    @Slot()
    def _on_activated(self) -> None:
        self._ours.recv(64)
        self.came.emit()

    @staticmethod
    def _ignore(_number: int, _frame: FrameType | None) -> None:
        """The socket has the news."""
