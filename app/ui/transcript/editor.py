"""Editing a message where it stands: Ctrl+Enter takes it, Esc leaves it as it was."""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.ui.message_edit import MessageEdit
from app.ui.painting import box, mirrored
from app.ui.transcript.buttons import RowButton
from app.ui.transcript.style import Style

MOST_LINES = 16
SIDE, ABOVE, BELOW = 14, 9, 10


class Field(MessageEdit):
    """The message field, in which Enter breaks the line."""

    taken = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.taken.emit()
            else:
                QPlainTextEdit.keyPressEvent(self, event)
            return
        super().keyPressEvent(event)

    def wanted_height(self) -> int:
        line = self.fontMetrics().lineSpacing()
        tall = 0.0
        block = self.document().firstBlock()
        while block.isValid() and tall < MOST_LINES * line:
            tall += self.blockBoundingRect(block).height()
            block = block.next()
        return math.ceil(min(max(tall, line), MOST_LINES * line)) + 3


class Editor(QWidget):
    """The field in a bubble of its own, with Cancel and Send again (Save, for an answer)."""

    written = Signal(str)  # the words so far, at every change
    taken = Signal(str)
    cancelled = Signal()
    grown = Signal()

    def __init__(self, parent: QWidget, style: Style, text: str, take: str) -> None:
        super().__init__(parent)
        self._style = style
        self._before = text
        self.field = Field()
        self.field.setParent(self)
        self.field.setAccessibleName("Edit message")
        self.field.setPlaceholderText("")
        self.field.set_text(text)
        self._cancel = RowButton(self, style, "", "Cancel", "Cancel", size=30, inset=12)
        self._take = RowButton(self, style, "", take, take, kind="primary", size=30, inset=12)
        keys = QKeySequence("Ctrl+Return").toString(QKeySequence.SequenceFormat.NativeText)
        self._take.setToolTip(f"{take}   {keys}")
        self.field.taken.connect(self._on_taken)
        self.field.escaped.connect(self.cancelled)
        self.field.grown.connect(self.grown)
        self.field.textChanged.connect(self._on_text_changed)
        self._cancel.clicked.connect(self.cancelled)
        self._take.clicked.connect(self._on_taken)
        self._refresh()

    def set_style(self, style: Style) -> None:
        """Take another theme or text size."""
        self._style = style
        self._cancel.set_style(style)
        self._take.set_style(style)

    def widgets(self) -> list[QWidget]:
        """The order of the keyboard."""
        return [self.field, self._cancel, self._take]

    def arrange(self, width: int) -> int:
        """Fit into a width; returns the height that is needed."""
        px = self._style.px
        self.field.setFixedWidth(width - 2 * SIDE)
        high = self.field.wanted_height()
        self.field.setFixedHeight(high)
        self.field.move(SIDE, ABOVE)
        top = ABOVE + high + px(8)
        whole = QRect(0, 0, width, top + px(30) + BELOW)
        end = width - SIDE + 4
        for button in (self._take, self._cancel):
            size = button.sizeHint()
            end -= size.width()
            button.setGeometry(mirrored(QRect(end, top, size.width(), size.height()), whole, self.layoutDirection()))
            end -= px(8)
        return whole.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        box(QPainter(self), self.rect(), 12, self._style.colour("raised"), self._style.colour("accent"))

    @Slot()
    def _on_taken(self) -> None:
        text = self.field.text()
        if text.strip():
            self.taken.emit(text)

    @Slot()
    def _on_text_changed(self) -> None:
        self._refresh()
        self.written.emit(self.field.text())

    def _refresh(self) -> None:
        self._take.setEnabled(bool(self.field.toPlainText().strip()))
