"""The key that presses, and the ring of the keyboard focus: its widget is loaded with the first key that needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from app.ui.painting import KEYBOARD

if TYPE_CHECKING:
    from app.ui.look import Look


def is_enter(event: QKeyEvent) -> bool:
    """Whether Enter alone was pressed, the number pad's too."""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not held


class Ringed(QWidget if TYPE_CHECKING else object):  # type: ignore[misc]
    """What wears the ring while the keyboard is on it; stands before the class of the control among its bases."""

    corner: float | None = 6  # the radius of the control's own corners; None: half its height
    _look: Look
    _ringed = False

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in KEYBOARD:
            from app.ui.focus_ring import FocusRing

            FocusRing.put_on(self, self._look, self.height() / 2 if self.corner is None else self.corner)
            self._ringed = True

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self._ringed:
            from app.ui.focus_ring import FocusRing

            FocusRing.take_off(self)
            self._ringed = False
