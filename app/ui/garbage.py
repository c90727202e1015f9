"""When Python looks for cycles of garbage: never while an answer is written, which a long chat would halt for 30 ms.

What is there once a chat has been opened is set aside, so that the collections that Python begins by itself look only
at what came after it. That is done when the window rests, and looks through everything before.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

REST_MS = 1000


class Housekeeping(QObject):
    """GUI thread. `due` after a chat was opened or an answer has ended; `is_busy` says whether one is being written."""

    def __init__(self, is_busy: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_busy = is_busy
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._on_rested)

    def due(self) -> None:
        """Tidy when the window has rested for a second."""
        self._rest.start()

    @Slot()
    def _on_rested(self) -> None:
        if not self._is_busy():  # the end of the answer makes it due again
            gc.unfreeze()
            gc.collect()
            gc.freeze()
