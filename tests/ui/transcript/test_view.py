"""The view: what is seen, where it stands, what the keyboard and the mouse do."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.core.message import MessageState
from app.ui.theme import DARK
from app.ui.transcript.message import Message
from app.ui.transcript.view import TranscriptView
from tests.ui.transcript.conftest import DAY, NOON, answer, bodies, button, chat, copied, person, press, settle, words


def at_end(view: TranscriptView) -> bool:
    bar = view.verticalScrollBar()
    return bar.value() == bar.maximum()


def shown(view: TranscriptView) -> list[Message]:
    seen = [message for message in view.viewport().findChildren(Message) if message.isVisible()]
    return sorted(seen, key=lambda message: message.y())


def test_a_chat_opens_at_its_end(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(200))
    settle(qtbot, view)
    assert at_end(view)
    assert "Answer 199" in words(view)
    assert "Question 0," not in words(view)
    assert len(shown(view)) < 12


def test_messages_stand_below_one_another(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(40))
    settle(qtbot, view)
    for body, below in pairwise(bodies(view)):
        assert body.mapTo(view, QPoint(0, body.height())).y() < below.mapTo(view, QPoint(0, 0)).y()


@pytest.mark.parametrize("step", [40, 90, 350])  # the last shows whole messages at once
def test_scrolling_up_shows_what_is_there_without_a_jump(qtbot: QtBot, view: TranscriptView, step: int) -> None:
    view.show_conversation(chat(200))
    settle(qtbot, view)
    bar = view.verticalScrollBar()
    for _ in range(50):
        before = {message.entry: message.y() for message in shown(view)}
        bar.setValue(bar.value() - step)
        after = {message.entry: message.y() for message in shown(view)}
        moved = {after[entry] - before[entry] for entry in before.keys() & after.keys()}
        assert moved == {step}


def test_every_message_can_be_reached(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(60))
    settle(qtbot, view)
    seen: set[str] = set()
    bar = view.verticalScrollBar()
    while bar.value() > 0:
        seen |= {body.accessibleName().split()[1].strip(",") for body in bodies(view)}
        bar.setValue(bar.value() - 300)
    seen |= {body.accessibleName().split()[1].strip(",") for body in bodies(view)}
    assert seen == {str(number) for number in range(60)}
    assert shown(view)[0].y() == 0


def test_the_beginning_is_reached_however_high_it_turns_out(qtbot: QtBot, view: TranscriptView) -> None:
    """A table is higher than the lines that were guessed, and part of what follows was seen before."""
    high = answer("0", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 12)
    view.show_conversation([high, *chat(8)[1:]])
    settle(qtbot, view)
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() - 100)
    assert high.text not in [message.entry.message.text for message in shown(view) if message.entry]
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert bar.value() == 0
    assert shown(view)[0].y() == 0


def test_widgets_are_used_again(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(300))
    settle(qtbot, view)
    bar = view.verticalScrollBar()
    for _ in range(100):
        bar.setValue(bar.value() - 400)
    assert len(view.viewport().findChildren(Message)) < 25


def test_the_view_stays_at_the_end_while_an_answer_grows(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(20))
    view.add_message(person("q", "And?"))
    view.add_message(answer("a", "", state=MessageState.STREAMING))
    for number in range(40):
        view.add_text("a", f"Line {number}\n\n", number)
        settle(qtbot, view)
        assert at_end(view)
    assert "Line 39" in words(view)


def test_a_person_who_scrolled_up_is_left_there(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(40))
    view.add_message(answer("a", "", state=MessageState.STREAMING))
    settle(qtbot, view)
    bar = view.verticalScrollBar()
    bar.setValue(bar.value() - 700)
    before = {message.entry: message.y() for message in shown(view)}
    for number in range(20):
        view.add_text("a", f"Line {number}\n\n", number)
        settle(qtbot, view)
    assert {message.entry: message.y() for message in shown(view)} == before
    jump = button(view, "Jump to latest")
    press(qtbot, jump)
    qtbot.waitUntil(lambda: at_end(view), timeout=2000)
    assert "Line 19" in words(view)
    assert not jump.isVisible()


def test_a_message_of_the_person_leads_back_to_the_end(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(40))
    settle(qtbot, view)
    view.verticalScrollBar().setValue(0)
    view.add_message(person("q", "And?"))
    assert at_end(view)
    assert "And?" in words(view)


def test_removed_messages_are_gone(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(6))
    view.remove_messages(["4", "5"])
    settle(qtbot, view)
    assert "Answer 3" in words(view)
    assert "Question 4" not in words(view)


def test_another_conversation_takes_the_place(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(30))
    view.show_conversation([person("x", "Something else")])
    settle(qtbot, view)
    assert words(view) == "Something else"
    view.show_conversation([])
    assert words(view) == ""


def test_days_part_messages(qtbot: QtBot, view: TranscriptView) -> None:
    first = person("1", "One")
    view.show_conversation([first, answer("2", "Two"), replace(person("3", "Three"), created_at=NOON + DAY)])
    settle(qtbot, view)
    assert [bool(message.entry and message.entry.day) for message in shown(view)] == [False, False, True]


@pytest.mark.parametrize("key", [Qt.Key.Key_Up, Qt.Key.Key_PageUp, Qt.Key.Key_Home])
def test_keys_scroll(qtbot: QtBot, view: TranscriptView, key: Qt.Key) -> None:
    view.show_conversation(chat(40))
    settle(qtbot, view)
    before = view.verticalScrollBar().value()
    QTest.keyClick(view, key)
    assert view.verticalScrollBar().value() < before
    QTest.keyClick(view, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: at_end(view), timeout=2000)


def test_the_tab_key_reaches_the_actions_in_their_order(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation([person("1", "Question"), answer("2", "Answer\n\n```py\nx\n```")])
    settle(qtbot, view)
    view.activateWindow()
    view.setFocus()
    names: list[str] = []
    for _ in range(8):
        QTest.keyClick(view.window().focusWidget() or view, Qt.Key.Key_Tab)
        focus = view.window().focusWidget()
        assert isinstance(focus, QWidget)
        names.append(focus.accessibleName())
    assert names == ["Copy", "Edit", "Wrap lines", "Copy code", "Copy", "Regenerate", "Edit", "More"]


@pytest.mark.parametrize("at", range(4))
def test_messages_go_while_the_keyboard_is_in_one(qtbot: QtBot, view: TranscriptView, at: int) -> None:
    view.show_conversation(chat(60))
    settle(qtbot, view)
    view.activateWindow()
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() - 400)
    settle(qtbot, view)
    target = shown(view)[at]
    target.keyboard_order()[0].setFocus(Qt.FocusReason.TabFocusReason)
    assert view.window().focusWidget() is target.keyboard_order()[0]
    view.remove_messages([message.entry.message.id for message in shown(view) if message.entry])
    settle(qtbot, view)
    assert shown(view)
    shown(view)[-1].keyboard_order()[0].setFocus(Qt.FocusReason.TabFocusReason)
    view.show_conversation([person("x", "Something else")])
    settle(qtbot, view)
    assert words(view) == "Something else"


def test_a_new_width_keeps_the_place(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(60))
    settle(qtbot, view)
    view.verticalScrollBar().setValue(view.verticalScrollBar().value() // 2)
    before = shown(view)[0].entry
    view.resize(500, 670)
    settle(qtbot, view)
    assert before in [message.entry for message in shown(view)][:2]
    assert all(body.width() <= 460 for body in bodies(view))


def test_a_new_theme_and_text_size_keep_the_words(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(chat(4))
    settle(qtbot, view)
    before, high = words(view), bodies(view)[-1].height()
    view.set_theme(DARK)
    assert words(view) == before
    view.set_text_scale(1.5)
    settle(qtbot, view)
    assert "Answer 3" in words(view)
    assert bodies(view)[-1].height() > high


def test_words_are_selected_with_the_mouse_and_copied_without_markdown(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation([answer("1", "Some **bold** words\n\n- one\n- two\n\n```\ncode\n```")])
    settle(qtbot, view)
    [body] = bodies(view)
    QTest.mousePress(body, Qt.MouseButton.LeftButton, pos=QPoint(0, 5))
    QTest.mouseMove(body, QPoint(200, 40))
    QTest.mouseMove(body, QPoint(body.width() - 5, body.height() - 3))
    QTest.mouseRelease(body, Qt.MouseButton.LeftButton, pos=QPoint(body.width() - 5, body.height() - 3))
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert copied() == "Some bold words\n\n• one\n• two\n\ncode"


def test_a_double_click_selects_a_word_and_another_message_takes_the_selection(
    qtbot: QtBot, view: TranscriptView
) -> None:
    view.show_conversation([person("1", "Question here"), answer("2", "Answer there")])
    settle(qtbot, view)
    first, second = bodies(view)
    QTest.mouseDClick(first, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert view.selected_text() == "Question"
    QTest.mouseDClick(second, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert view.selected_text() == "Answer"
    assert not first.has_selection


def test_select_all_takes_the_message(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation([answer("1", "One\n\nTwo 👍 three")])
    settle(qtbot, view)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert view.selected_text() == "One\n\nTwo 👍 three"


def test_the_view_tells_its_words(view: TranscriptView) -> None:
    assert view.accessibleName() == "Transcript"
