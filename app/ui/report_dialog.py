"""A report with its details: what happened when the worker ended, or a mistake of our own."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.ui.controls import Button, Words
from app.ui.layers import Dialog
from app.ui.look import Look
from app.ui.sentence import Sentence


class ReportDialog(Dialog):
    """What happened in words, the details below, to copy."""

    def __init__(self, look: Look, window: QWidget, title: str, said: str, details: str) -> None:
        super().__init__(look, window, 600, 420)
        self.setAccessibleName(title)
        sentence = Sentence(look)
        sentence.say("", said)
        self._details = QPlainTextEdit(details)
        self._details.setAccessibleName("Details")
        self._details.setReadOnly(True)
        self._details.setProperty("field", True)
        self._details.setFont(look.mono(12))
        self._details.setTabChangesFocus(True)
        copy = Button(look, "Copy", icon="copy", name="Copy details")
        close = Button(look, "Close")
        foot = QHBoxLayout()
        foot.addWidget(copy)
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(Words(look, title, 14, 600))
        column.addWidget(sentence)
        column.addWidget(self._details, 1)
        column.addLayout(foot)
        copy.clicked.connect(self._on_copy_clicked)
        close.clicked.connect(self.accept)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._details.toPlainText())
