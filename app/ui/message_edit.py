"""The field for a message: grows to eight lines, stays quick with a megabyte in it, never sends half-composed words.

Qt lays out a paragraph as one piece, so a line of a million letters would block the window for seconds. Long lines are
therefore kept as several blocks, each marked as belonging to the one before it; `text` and copies join them again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit

from app.ui.attachments.mime import has_picture, is_words, local_files
from app.ui.painting import reading_direction

LINES = 8
PIECE = 2000
FIRST_WORDS = 200
JOINED = int(QTextFormat.Property.UserProperty) + 1


class MessageEdit(QPlainTextEdit):
    """Accessible as *Message*. Enter sends, Shift+Enter breaks the line."""

    submitted = Signal()
    escaped = Signal()
    grown = Signal()
    focused = Signal(bool)
    data_pasted = Signal(object)  # QMimeData with files or a picture

    def __init__(self) -> None:
        super().__init__()
        self._composing = False
        self._has_joins = False
        self.setAccessibleName("Message")
        self.setPlaceholderText("Message")
        self.setObjectName("message")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        self.viewport().setAutoFillBackground(False)
        self.document().documentLayout().documentSizeChanged.connect(self._on_size_changed)
        self.textChanged.connect(self._on_text_changed)
        self._on_text_changed()

    def say_when_empty(self, words: str) -> None:
        """What stands there as long as nothing is written."""
        if words != self.placeholderText():
            self.setPlaceholderText(words)
            self.viewport().update()

    def text(self) -> str:
        """What was written, long lines whole."""
        if not self._has_joins:
            return self.toPlainText()
        document = self.document()
        return self._joined(0, document.characterCount() - 1)

    def set_text(self, text: str) -> None:
        """Put other words here, the caret at their end; nothing can be undone across it."""
        self.clear()
        self._has_joins = False
        cursor = QTextCursor(self.document())
        self._insert(cursor, text)
        self.document().clearUndoRedoStacks()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self.setTextCursor(cursor)

    def wanted_height(self) -> int:
        """Height in pixels for the lines that are there, at most eight."""
        line = self.fontMetrics().lineSpacing()
        tall = 0.0
        block = self.document().firstBlock()
        while block.isValid() and tall < LINES * line:
            tall += self.blockBoundingRect(block).height()  # lays the block out at the width there is now
            block = block.next()
        return math.ceil(min(max(tall, line), LINES * line)) + 3

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.grown.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused.emit(False)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() or is_for_window(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        if is_for_window(source):
            self.data_pasted.emit(source)
        elif source.hasText():
            self._insert(self.textCursor(), source.text())
            self.ensureCursorVisible()

    def createMimeDataFromSelection(self) -> QMimeData:
        cursor = self.textCursor()
        copied = QMimeData()
        copied.setText(self._joined(cursor.selectionStart(), cursor.selectionEnd()))
        return copied

    # Files and pictures are the window's: it says what it takes.
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if is_for_window(event.mimeData()):
            event.ignore()
        else:
            super().dragEnterEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if is_for_window(event.mimeData()):
            event.ignore()
        else:
            super().dragMoveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if is_for_window(event.mimeData()):
            event.ignore()
        else:
            super().dropEvent(event)

    def _enter(self, event: QKeyEvent) -> None:
        if self._composing:
            # the word being composed is taken as it stands; sending is for the next Enter
            QGuiApplication.inputMethod().commit()
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.textCursor().insertBlock(QTextBlockFormat())
            self.ensureCursorVisible()
        elif not event.isAutoRepeat():
            self.submitted.emit()

    def _insert(self, cursor: QTextCursor, text: str) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n")
        if not self._has_joins and not _has_long_line(text):
            cursor.insertText(text)
            return
        joined = QTextBlockFormat()
        joined.setProperty(JOINED, True)
        cursor.beginEditBlock()
        for number, line in enumerate(text.split("\n")):
            if number:
                cursor.insertBlock(QTextBlockFormat())
            for place, piece in enumerate(_pieces(line)):
                if place:
                    cursor.insertBlock(joined)
                    self._has_joins = True
                cursor.insertText(piece)
        cursor.endEditBlock()

    def _joined(self, start: int, end: int) -> str:
        parts: list[str] = []
        block: QTextBlock = self.document().findBlock(start)
        while block.isValid() and block.position() <= end:
            if parts and not block.blockFormat().hasProperty(JOINED):
                parts.append("\n")
            first = max(0, start - block.position())
            parts.append(block.text()[first : end - block.position()])
            block = block.next()
        return "".join(parts)

    def _on_text_changed(self) -> None:
        # Qt puts every line of such a field on one side: the one where the first words (or the window's) begin
        direction = reading_direction(self.document().firstBlock().text()[:FIRST_WORDS], self.layoutDirection())
        rightwards = direction == Qt.LayoutDirection.LeftToRight
        side = Qt.AlignmentFlag.AlignLeft if rightwards else Qt.AlignmentFlag.AlignRight
        option = self.document().defaultTextOption()
        if option.alignment() != side:
            option.setAlignment(side)
            self.document().setDefaultTextOption(option)

    def _on_size_changed(self) -> None:
        self.grown.emit()


def is_for_window(data: QMimeData) -> bool:
    """Whether this is files or a picture and no words."""
    return bool(local_files(data)) or (has_picture(data) and not is_words(data))


def _has_long_line(text: str) -> bool:
    start = 0
    while len(text) - start > PIECE:
        end = text.find("\n", start)
        if (len(text) if end < 0 else end) - start > PIECE:
            return True
        start = end + 1
    return False


def _pieces(line: str) -> Iterator[str]:
    start = 0
    while len(line) - start > PIECE:
        space = line.rfind(" ", start + PIECE // 2, start + PIECE)
        end = space + 1 if space > 0 else start + PIECE
        yield line[start:end]
        start = end
    yield line[start:]
