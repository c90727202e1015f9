"""From the model's call to its answer through the whole window, and whom the keyboard belongs to meanwhile."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import MessageView
from app.core.message import FinishReason, MessageState, Role
from app.core.tools import Call, CallState
from app.ui.calls.approval import ApprovalCard
from app.ui.calls.tools_panel import ToolsPanel
from app.ui.look import Look
from app.ui.main_window import MainWindow
from tests.ui.calls.making import button, call, decided, flush, is_there, listed, only, texts, waits
from tests.ui.windows import Asked, message, opened


def answer(
    *calls: Call, key: str = "m1", text: str = "I write.", state: MessageState = MessageState.COMPLETE
) -> MessageView:
    return replace(message(key, text, Role.ASSISTANT, state), calls=calls)


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def decisions(asked: Asked) -> list[tuple[object, ...]]:
    return [each[1:] for each in asked.take() if each[0] == "tools.decide"]


@pytest.fixture(autouse=True)
def _active(window: MainWindow) -> None:
    assert QTest.qWaitForWindowActive(window)
    window.chat.composer.edit.setFocus()


def test_from_the_call_to_the_answer(face: Look, window: MainWindow, asked: Asked) -> None:
    composer, transcript = window.chat.composer, window.chat.transcript
    window.apply(listed())
    QTest.keyClicks(composer.edit, "Write it down.")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert asked.take()[-1][0] == "submit"
    window.apply(told.MessageAdded(message("q", "Write it down.")))
    window.apply(told.MessageAdded(answer(text="", state=MessageState.STREAMING)))
    window.apply(told.TextAdded("a", "m1", "I write.", 2))
    window.apply(told.CallWritten("a", "m1", "write_file", 9))
    window.apply(told.MessageChanged(answer(waits())))
    (card,) = window.findChildren(ApprovalCard)
    assert focused() is card.deny
    assert composer.send.stops
    assert composer.hint.text() == "Esc stops the answer"
    assert composer.edit.accessibleName() == "Message"
    assert window.panes.rail.tools.accessibleDescription() == "1 waiting"
    only(card, QLineEdit, "Path").setText("b.txt")
    asked.take()
    QTest.keyClick(only(card, QLineEdit, "Path"), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    edited = {"path": "b.txt", "text": "one"}
    assert decisions(asked) == [("w1", {"approve": True, "arguments": edited, "here": False, "always": False})]
    window.apply(told.MessageChanged(answer(replace_state(waits(), CallState.RUNNING))))
    flush()
    assert not window.findChildren(ApprovalCard)
    assert window.panes.rail.tools.accessibleDescription() == ""
    window.apply(told.MessageChanged(answer(decided(waits(), CallState.DONE, "Written."))))
    window.apply(told.MessageAdded(answer(key="m2", text="", state=MessageState.STREAMING)))
    window.apply(told.TextAdded("a", "m2", "It is written.", 3))
    window.apply(told.MessageChanged(answer(key="m2", text="It is written.")))
    window.apply(told.TurnEnded("a", "m2", FinishReason.STOP))
    flush()
    assert is_there(transcript, "write_file, Written., approved")
    assert not composer.send.stops
    assert focused().isVisible()


def replace_state(before: Call, state: CallState) -> Call:
    return Call(before.id, before.name, before.origin, before.arguments, state)


@pytest.mark.parametrize("written", ["", "half a thought"])
def test_deny_takes_the_keyboard_when_nothing_is_written(window: MainWindow, asked: Asked, written: str) -> None:
    window.chat.composer.edit.set_text(written)
    window.apply(told.MessageAdded(answer(waits())))
    (card,) = window.findChildren(ApprovalCard)
    assert focused() is (window.chat.composer.edit if written else card.deny)
    asked.take()
    QTest.keyClick(focused(), Qt.Key.Key_Return)
    denied = [("w1", {"approve": False, "arguments": None, "here": False, "always": False})]
    assert decisions(asked) == ([] if written else denied)


@pytest.mark.parametrize("written", ["", "half a thought"])
def test_a_chat_that_is_opened_with_a_waiting_call(window: MainWindow, written: str) -> None:
    window.apply(opened("b", message("q", conversation="b"), replace(answer(waits()), conversation="b"), draft=written))
    (card,) = window.findChildren(ApprovalCard)
    assert focused() is (window.chat.composer.edit if written else card.deny)


def test_the_keyboard_is_not_taken_from_who_writes_elsewhere(window: MainWindow) -> None:
    """A space in a search would deny, and the rest of the word would be lost."""
    window.sidebar.focus_search()
    search = focused()
    QTest.keyClicks(search, "heat")
    window.apply(told.MessageAdded(answer(waits())))
    assert focused() is search


def test_the_keyboard_stays_in_an_open_dialog(window: MainWindow, qtbot: QtBot) -> None:
    window.open_settings()
    before = focused()
    window.apply(told.MessageAdded(answer(waits())))
    assert focused() is before
    assert window._dialog is not None
    window._dialog.reject()


def test_the_keyboard_stays_in_a_message_that_is_edited(window: MainWindow) -> None:
    window.chat.transcript.begin_editing("m0")
    before = focused()
    window.apply(told.MessageAdded(answer(waits())))
    assert focused() is before


def test_a_second_call_of_the_message_does_not_take_the_keyboard_from_a_field(window: MainWindow) -> None:
    running = call(CallState.RUNNING, key="r")
    window.apply(told.MessageAdded(answer(waits(), running)))
    field = only(window.chat.transcript, QLineEdit, "Path")
    field.setFocus()
    QTest.keyClicks(field, "x")
    window.apply(told.MessageChanged(answer(waits(), decided(running, CallState.DONE, "84"))))
    assert focused() is field
    assert field.text() == "xa.txt"


def test_a_call_of_another_chat_waits_there(window: MainWindow) -> None:
    window.apply(told.MessageAdded(replace(answer(waits()), conversation="b")))
    assert not window.findChildren(ApprovalCard)
    assert focused() is window.chat.composer.edit
    assert window.panes.rail.tools.accessibleDescription() == ""
    assert not window.chat.composer.send.stops


def test_messages_that_go_take_what_waits_with_them(window: MainWindow) -> None:
    """Stop or a deleted message: Send is Send again, and the badge is gone."""
    window.apply(told.MessageAdded(answer(waits())))
    window.apply(told.MessagesRemoved("a", ("m1",)))
    assert window.panes.rail.tools.accessibleDescription() == ""
    assert not window.chat.composer.send.stops


def test_the_panel_leads_to_what_waits(window: MainWindow, asked: Asked) -> None:
    window.apply(listed())
    window.chat.composer.edit.set_text("half a thought")
    QTest.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert {each[0] for each in asked.take()} >= {"tools.start_servers", "tools.read_log"}
    (panel,) = window.findChildren(ToolsPanel)
    assert panel.isVisible()
    window.apply(told.MessageAdded(answer(waits())))
    flush()
    assert "write_file waits for you" in texts(panel)
    button(panel, "Show what waits").click()
    (card,) = window.findChildren(ApprovalCard)
    assert focused() is card.deny
    window.apply(told.MessageChanged(answer(decided(waits()))))
    assert not is_there(panel, "Show what waits")
    QTest.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert not panel.isVisible()
    assert not window.panes.rail.tools.isChecked()


def test_escape_stops_the_answer_from_the_card(window: MainWindow, asked: Asked) -> None:
    window.apply(told.MessageAdded(answer(waits())))
    asked.take()
    QTest.keyClick(focused(), Qt.Key.Key_Escape)
    assert [each for each in asked.take() if each[0] != "draft_changed"] == [("stop",)]


@pytest.mark.parametrize("reach", ["here", "always"])
def test_how_far_a_word_reaches_is_told_to_the_session(window: MainWindow, asked: Asked, reach: str) -> None:
    window.apply(told.MessageAdded(answer(waits(may_allow_here=True, may_always=True))))
    asked.take()
    button(window, "Allow in this chat" if reach == "here" else "Always allow").click()
    told_ = {"approve": True, "arguments": None, "here": reach == "here", "always": reach == "always"}
    assert decisions(asked) == [("w1", told_)]
