"""A question that a button asks in its own place before it deletes; a double click is no answer to it."""

from __future__ import annotations

from time import monotonic

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

SURE_MS = 4000


class Sure(QObject):
    """GUI thread. `changed` comes when the question is put, and when it is taken back."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.asks = False
        self._since = 0.0
        self._time = QTimer(self, singleShot=True, interval=SURE_MS)
        self._time.timeout.connect(self._forget)

    def clicked(self) -> bool:
        """Whether this click of the button says yes."""
        if not self.asks:
            self.asks, self._since = True, monotonic()
            self._time.start()
            self.changed.emit()
            return False
        if monotonic() - self._since <= QApplication.doubleClickInterval() / 1000:
            return False
        self._time.stop()
        self._forget()
        return True

    @Slot()
    def _forget(self) -> None:
        self.asks = False
        self.changed.emit()
