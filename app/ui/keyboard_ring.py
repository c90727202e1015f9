"""The key that presses, and the ring of the keyboard focus: its widget is loaded with the first key that needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from app.ui.painting import KEYBOARD

if TYPE_CHECKING:
    from app.ui.look import Look

MARK = "keyboardRing"


def is_enter(event: QKeyEvent) -> bool:
    """Whether Enter alone was pressed, the number pad's too."""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not held


def ring_in(widget: QWidget, look: Look, event: QFocusEvent, radius: float) -> None:
    """The widget got the focus: by the keyboard, it gets the ring."""
    if event.reason() in KEYBOARD:
        from app.ui.focus_ring import FocusRing

        FocusRing.put_on(widget, look, radius)
        widget.setProperty(MARK, True)


def ring_out(widget: QWidget) -> None:
    """The widget has lost the focus."""
    if widget.property(MARK):
        from app.ui.focus_ring import FocusRing

        FocusRing.take_off(widget)
        widget.setProperty(MARK, False)
