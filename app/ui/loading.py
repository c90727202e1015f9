"""What the first picture does not need is loaded after it, module by module: between two, keys and clicks are heard."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QWidget

# in an order in which each brings a few milliseconds of others along
MODULES = (
    "app.ui.end_signals",
    "app.ui.garbage",
    "app.ui.instance",
    "app.core.protocol",
    "app.chat.changes",
    "app.ui.actions",
    "app.media.host",
    "app.ui.attachments.desk",
    "app.ui.calls.desk",
    "markdown_it",
    "app.ui.transcript.document",
    "app.ui.transcript.stack",
    "app.ui.transcript.attached",
    "app.ui.calls.stack",
    "app.ui.transcript.message",
    "app.ui.transcript.view",
    "app.ui.models.desk",
    "app.tools.toolbox",
    "app.store.attachments",
    "app.store.store",
    "app.chat.answering",
    "app.chat.asking",
    "app.chat.desk",
    "app.chat.runner",
)


_ACTS = {
    QEvent.Type.KeyPress,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.TouchBegin,
    QEvent.Type.Wheel,
    QEvent.Type.InputMethod,
    QEvent.Type.DragEnter,
}


class Loading(QObject):
    """GUI thread. Imports one module whenever the loop is free; `done` comes once, when all are there.

    `needed` comes before that when the person does something in the window already, and before it is handled.
    """

    needed = Signal()
    done = Signal()

    def __init__(self, modules: Sequence[str], window: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._left = list(modules)
        self._handle = window.windowHandle()
        self._handle.installEventFilter(self)
        self._next = QTimer(self, interval=0)
        self._next.timeout.connect(self._on_free)
        self._next.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _ACTS:
            self.needed.emit()
        return False

    @Slot()
    def _on_free(self) -> None:
        import_module(self._left.pop(0))
        if not self._left:
            self._next.stop()
            self._handle.removeEventFilter(self)
            self.done.emit()
