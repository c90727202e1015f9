"""The keyboard's way through the messages in sight."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QObject, QPoint, Qt, Slot
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.transcript.message import Message
from app.ui.transcript.scrolling import Scrolling


class Keyboard(QObject):
    """Orders what takes the keyboard as it is read, and brings what the keyboard is on into view."""

    def __init__(self, view: QWidget, viewport: QWidget, scrolling: Scrolling, above: QWidget) -> None:
        super().__init__(view)
        self._view = view
        self._viewport = viewport
        self._scrolling = scrolling
        self._above = above
        self._order: list[QWidget] = []
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus_changed)

    def set_order(self, seen: list[Message]) -> None:
        """The order in which messages lie over one another, `above` over all, and that of the keyboard."""
        order: list[QWidget] = [widget for shown in seen for widget in shown.keyboard_order()]
        if order == self._order:
            return
        self._order = order
        for shown in reversed(seen):
            shown.raise_()  # the row under a bubble lies over the room before the answer
        self._above.raise_()
        for before, after in pairwise([self._view, *order]):
            QWidget.setTabOrder(before, after)

    def forget(self) -> None:
        """The messages are put away."""
        self._order = []

    @Slot(QWidget, QWidget)
    def _on_focus_changed(self, _before: QWidget | None, now: QWidget | None) -> None:
        if now is None or not self._viewport.isAncestorOf(now) or now.focusPolicy() == Qt.FocusPolicy.NoFocus:
            return
        high = self._viewport.height()
        top = now.mapTo(self._viewport, QPoint(0, 0)).y()
        beyond = max(0, top + min(now.height(), high) - high)
        if top < 0 or beyond:
            self._scrolling.scroll_by(top if top < 0 else beyond)
