"""*Show the full prompt*: everything that the model reads, as it reads it; control tokens and pictures stand out."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtGui import QColor, QGuiApplication, QTextCharFormat
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.chat.changes import PromptShown
from app.core.protocol import PromptPart
from app.core.visible import visible
from app.ui.controls import Button, IconButton, Words
from app.ui.figures import count, tokens
from app.ui.layers import Dialog
from app.ui.look import Look
from app.ui.painting import margins

SIZE = (760, 620)
_TONES = {"control": "accent", "picture": "warn", "answer": "text2"}


class PromptDialog(Dialog):
    """Accessible as *The full prompt*."""

    def __init__(self, look: Look, window: QWidget, shown: PromptShown) -> None:
        super().__init__(look, window, *SIZE)
        self.setAccessibleName("The full prompt")
        self._text = QPlainTextEdit()
        self._text.setAccessibleName("What the model reads")
        self._text.setReadOnly(True)
        self._text.setProperty("field", "true")
        self._text.setTabChangesFocus(True)
        self._text.setFont(look.mono(12))
        total = sum(part.tokens for part in shown.parts)
        said = shown.error or f"{count(total, 'token', 'tokens')}, as they are read one after the other"
        head = QHBoxLayout()
        head.addWidget(Words(look, "The full prompt", 14, 600))
        head.addSpacing(8)
        head.addWidget(Words(look, said, 12, token="text2", figures=True), 1)
        close = IconButton(look, "close", "Close", "Esc")
        close.clicked.connect(self.reject)
        head.addWidget(close)
        copy = Button(look, "Copy", icon="copy", name="Copy the prompt")
        copy.clicked.connect(self._on_copy_clicked)
        foot = QHBoxLayout()
        foot.addWidget(Words(look, "Coloured: control tokens and pictures. Nobody can type one.", 12, token="text3"), 1)
        foot.addWidget(copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(margins(24, 12, 24, 16))
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self._text, 1)
        column.addLayout(foot)
        self._fill(look, shown.parts)

    def _fill(self, look: Look, parts: tuple[PromptPart, ...]) -> None:
        cursor = self._text.textCursor()
        for part in parts:
            style = QTextCharFormat()
            style.setForeground(QColor(look.colour(_TONES.get(part.kind, "text"))))
            words = f"[picture, {tokens(part.tokens)} tokens]" if part.kind == "picture" else visible(part.text)
            cursor.insertText(words, style)
        self._text.moveCursor(self._text.textCursor().MoveOperation.Start)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._text.toPlainText())
