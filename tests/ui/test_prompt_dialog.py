"""*Show the full prompt* in the window."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.chat.changes import PromptShown
from app.core.protocol import PromptPart
from app.ui.main_window import MainWindow
from app.ui.prompt_dialog import PromptDialog

PARTS = (
    PromptPart("control", "<start_of_turn>", 1),
    PromptPart("text", "user\nHi\u202e", 3),
    PromptPart("picture", "", 256),
    PromptPart("answer", "Hello", 1),
)


def test_it_shows_every_part_and_hides_nothing(window: MainWindow, qtbot: QtBot) -> None:
    window.apply(PromptShown("", PARTS, ""))
    dialog = window.findChild(PromptDialog)
    assert isinstance(dialog, PromptDialog)
    text = dialog.findChild(QPlainTextEdit)
    assert isinstance(text, QPlainTextEdit)
    assert text.toPlainText() == "<start_of_turn>user\nHi⟦U+202E⟧[picture, 256 tokens]Hello"
    (copy,) = [one for one in dialog.findChildren(QAbstractButton) if one.accessibleName() == "Copy the prompt"]
    copy.click()
    assert QGuiApplication.clipboard().text() == text.toPlainText()
    dialog.reject()
    qtbot.waitUntil(lambda: window.findChild(PromptDialog) is None)
