"""A message is edited where it stands: the field grows with its words, and no word of it is lost."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.message import Document, MessageState
from app.ui.transcript.editor import Editor
from app.ui.transcript.view import TranscriptView
from tests.ui.transcript.conftest import answer, chat, person

QUESTION = person("q", "What shape is it?", documents=(Document("d" * 64, "a.txt", "text", 1, ""),))
CHAT = [*chat(4), QUESTION, answer("a", "A star.")]


def _editor(view: TranscriptView) -> Editor:
    (editor,) = [each for each in view.findChildren(Editor) if each.isVisible()]
    return editor


def test_the_field_grows_with_its_words_and_is_seen_whole(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(CHAT)
    view.begin_editing("q")
    editor = _editor(view)
    high = editor.height()
    for number in range(4):
        QTest.keyClick(editor.field, Qt.Key.Key_Return)
        QTest.keyClicks(editor.field, f"line {number}")
    qtbot.waitUntil(lambda: editor.height() >= high + 60)
    message = editor.parentWidget()
    assert message is not None
    assert editor.geometry().bottom() <= message.rect().bottom()
    assert editor.field.verticalScrollBar().maximum() == 0
    below = view.entry("a")
    assert below is not None
    assert not view.viewport().grab().isNull()


def test_what_is_written_stays_when_another_chat_is_shown(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(CHAT)
    view.begin_editing("q")
    QTest.keyClicks(_editor(view).field, " And now?")
    view.show_conversation([person("z", "Something else", conversation="other")])
    assert not [each for each in view.findChildren(Editor) if each.isVisible()]
    view.show_conversation(CHAT)
    assert _editor(view).field.text() == "What shape is it? And now?"
    QTest.keyClick(_editor(view).field, Qt.Key.Key_Escape)
    view.show_conversation([])
    view.show_conversation(CHAT)
    assert not [each for each in view.findChildren(Editor) if each.isVisible()]


def test_what_is_written_stays_while_the_chat_goes_on(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(CHAT)
    view.begin_editing("q")
    QTest.keyClicks(_editor(view).field, " And now?")
    view.add_message(answer("b", "", state=MessageState.STREAMING))
    view.add_text("b", "Words. " * 400, 400)
    view.set_text_scale(1.25)
    view.resize(700, 500)
    assert _editor(view).field.text() == "What shape is it? And now?"
    with qtbot.waitSignal(view.edit_submitted) as sent:
        QTest.keyClick(_editor(view).field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert sent.args == ["q", "What shape is it? And now?"]
