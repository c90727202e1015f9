"""The field for a message: input methods, Enter, and pastes that must not block it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QGuiApplication, QInputMethodEvent, QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.look import Look
from app.ui.message_edit import LINES, PIECE, MessageEdit


@pytest.fixture
def edit(look: Look, qtbot: QtBot) -> MessageEdit:
    made = MessageEdit()
    qtbot.addWidget(made)
    made.resize(640, 176)
    made.show()
    return made


def _paste(edit: MessageEdit, text: str) -> None:
    data = QMimeData()
    data.setText(text)
    edit.insertFromMimeData(data)


def _blocks(edit: MessageEdit) -> list[int]:
    lengths = []
    block = edit.document().firstBlock()
    while block.isValid():
        lengths.append(block.length())
        block = block.next()
    return lengths


def test_enter_sends_and_shift_enter_breaks_the_line(edit: MessageEdit, qtbot: QtBot) -> None:
    QTest.keyClicks(edit, "one")
    QTest.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(edit, "two")
    assert edit.text() == "one\ntwo"
    with qtbot.waitSignal(edit.submitted, timeout=1000):
        QTest.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text() == "one\ntwo"


def test_enter_while_words_are_composed_does_not_send(edit: MessageEdit, qtbot: QtBot) -> None:
    QGuiApplication.sendEvent(edit, QInputMethodEvent("nihao", []))
    with qtbot.assertNotEmitted(edit.submitted):
        QTest.keyClick(edit, Qt.Key.Key_Return)
    done = QInputMethodEvent("", [])
    done.setCommitString("你好")
    QGuiApplication.sendEvent(edit, done)
    assert edit.text() == "你好"
    with qtbot.waitSignal(edit.submitted, timeout=1000):
        QTest.keyClick(edit, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    "text",
    [
        "lorem ipsum " * 90_000,
        "x" * 1_000_000,
        "\n".join(f"line {number} = {number}" for number in range(10_000)),
        "short\n\n" + "y" * 5000 + "\n\nend",
        "a" * PIECE + "\n" + "b" * PIECE,
    ],
    ids=["one long line", "one word of a megabyte", "ten thousand lines", "mixed", "just short enough"],
)
def test_a_huge_paste_is_kept_in_short_pieces_and_comes_out_whole(edit: MessageEdit, text: str) -> None:
    _paste(edit, text)
    assert edit.text() == text
    assert max(_blocks(edit)) <= PIECE + 1  # what Qt lays out as one piece is what blocks the window


def test_a_line_break_inside_a_long_line_is_kept(edit: MessageEdit, qtbot: QtBot) -> None:
    _paste(edit, "z" * 5000)
    cursor = edit.textCursor()
    cursor.setPosition(3000)
    edit.setTextCursor(cursor)
    QTest.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert "\n" in edit.text()
    assert len(edit.text().replace("\n", "")) == 5000
    assert edit.text().count("\n") == 1


def test_copying_joins_the_pieces_again(edit: MessageEdit) -> None:
    text = "w" * 5000
    _paste(edit, text)
    edit.selectAll()
    assert edit.createMimeDataFromSelection().text() == text


def test_a_paste_can_be_undone_in_one_step(edit: MessageEdit) -> None:
    _paste(edit, "v" * 5000)
    edit.undo()
    assert edit.text() == ""


def test_the_field_grows_to_eight_lines_and_no_further(edit: MessageEdit) -> None:
    one = edit.wanted_height()
    edit.set_text("a\nb\nc")
    three = edit.wanted_height()
    edit.set_text("\n".join("abcdefghijklmnop"))
    most = edit.wanted_height()
    edit.set_text("\n".join("abcdefgh"))
    assert one < three < most == edit.wanted_height()
    assert most - one == pytest.approx((three - one) / 2 * (LINES - 1), abs=2)


def test_dropped_files_are_left_to_the_window(edit: MessageEdit) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/tmp/model.gguf")])
    event = QDragEnterEvent(
        edit.rect().center(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    edit.dragEnterEvent(event)
    assert not event.isAccepted()


def test_words_put_in_leave_the_caret_at_the_end(edit: MessageEdit) -> None:
    edit.set_text("a draft")
    assert edit.textCursor().position() == len("a draft")
    edit.moveCursor(QTextCursor.MoveOperation.Start)
    edit.set_text("")
    assert edit.text() == ""


def test_words_begin_on_the_side_where_they_are_read_from(edit: MessageEdit) -> None:
    edit.set_text("hello")
    edit.moveCursor(QTextCursor.MoveOperation.Start)
    assert edit.cursorRect().x() < 40
    edit.set_text("سلام")
    edit.moveCursor(QTextCursor.MoveOperation.Start)
    assert edit.cursorRect().x() > edit.viewport().width() - 40
    edit.set_text("")
    assert edit.cursorRect().x() < 40


@pytest.mark.usefixtures("_right_to_left")
def test_an_empty_field_begins_where_the_window_begins(edit: MessageEdit) -> None:
    assert edit.cursorRect().x() > edit.viewport().width() - 40
