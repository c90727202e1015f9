"""Calls in the transcript: an answer in parts, a call that waits, and what stays when it scrolls out of sight."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.chat.changes import MessageView
from app.core.message import MessageState
from app.core.tools import CallState
from app.ui.calls.approval import ApprovalCard
from app.ui.calls.call_line import CallLine
from app.ui.look import Look
from app.ui.theme import DARK
from app.ui.transcript.message import Message
from app.ui.transcript.view import TranscriptView
from tests.ui.calls.making import Heard, button, call, decided, flush, is_there, only, waits
from tests.ui.transcript.conftest import answer, chat, person, settle, words

FIRST = answer("a1", "I calculate.", calls=(call(result="84"),), versions=("a0", "a1"))
SECOND = answer("a2", "It is 84.", versions=("a2",))
WAITS = "The answer goes on when you decide. Nothing has run yet."


def shown(view: TranscriptView) -> dict[str, Message]:
    """The messages in sight."""
    return {each.entry.message.id: each for each in view.viewport().findChildren(Message) if each.entry}


def conversation(*answers: MessageView) -> list[MessageView]:
    return [person("q", "What is 12 times 7?"), *answers]


def gems(view: TranscriptView, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many are painted."""
    painted: list[int] = []  # no painters: one that outlives its device crashes
    monkeypatch.setattr("app.ui.transcript.message.paint_gem", lambda *_: painted.append(1))
    view.viewport().repaint()
    painted.clear()
    view.grab()
    return len(painted)


def test_the_parts_of_an_answer_are_one(
    face: Look, qtbot: QtBot, view: TranscriptView, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.set_theme(face.theme)
    view.show_conversation(conversation(FIRST, SECOND))
    settle(qtbot, view)
    first, second = shown(view)["a1"], shown(view)["a2"]
    assert gems(view, monkeypatch) == 1
    assert not first.foot.isVisible()
    assert second.foot.isVisible()
    (line,) = first.findChildren(CallLine)
    spots = [part.mapTo(view, QPoint(0, 0)).y() for part in (first.body, line, second.body, second.foot)]
    assert spots == sorted(spots)
    assert spots[2] - (spots[1] + line.height()) < 20, "the parts stand close together"
    for name in ("Copy", "Regenerate", "More"):
        assert not is_there(first, name)
        assert is_there(second, name)


def test_the_last_part_has_the_versions_of_the_first(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(conversation(FIRST, SECOND))
    settle(qtbot, view)
    second = shown(view)["a2"]
    assert second.foot.row.version == (2, 2)
    heard = Heard(view.version_chosen)
    button(second, "Previous version").click()
    assert heard.told == [("a0",)]


def test_parts_that_come_one_after_another_are_one(
    qtbot: QtBot, view: TranscriptView, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.show_conversation(conversation())
    view.add_message(replace(FIRST, text="", calls=(), state=MessageState.STREAMING))
    view.add_text("a1", "I calculate.", 3)
    view.change_message(replace(FIRST, calls=(call(CallState.RUNNING),)))
    settle(qtbot, view)
    assert shown(view)["a1"].foot.row.stats == "Esc stops"
    view.change_message(FIRST)
    settle(qtbot, view)
    assert is_there(shown(view)["a1"], "Continue")
    view.add_message(replace(SECOND, text="", state=MessageState.STREAMING))
    view.add_text("a2", "It is 84.", 3)
    view.change_message(SECOND)
    settle(qtbot, view)
    assert not shown(view)["a1"].foot.isVisible()
    assert gems(view, monkeypatch) == 1
    view.remove_messages(["a2"])
    settle(qtbot, view)
    assert shown(view)["a1"].foot.isVisible()
    assert shown(view)["a1"].foot.row.version == (2, 2)


def test_three_parts_and_a_new_question(qtbot: QtBot, view: TranscriptView, monkeypatch: pytest.MonkeyPatch) -> None:
    middle = answer("m", "", calls=(call(key="c2", result="85"),))
    view.show_conversation([*conversation(FIRST, middle, SECOND), person("r", "And?"), answer("b", "That is all.")])
    settle(qtbot, view)
    feet = {key: each.foot.isVisible() for key, each in shown(view).items()}
    assert feet == {"q": True, "a1": False, "m": False, "a2": True, "r": True, "b": True}
    assert shown(view)["a2"].foot.row.version == (2, 2)
    assert shown(view)["b"].foot.row.version is None
    assert gems(view, monkeypatch) == 2


def test_the_keyboard_finds_the_buttons_of_an_answer_once(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(conversation(FIRST, SECOND))
    settle(qtbot, view)
    view.setFocus()
    names = []
    for _ in range(8):
        QTest.keyClick(view.focusWidget() or view, Qt.Key.Key_Tab)
        focus = view.window().focusWidget()
        assert isinstance(focus, QWidget)
        assert focus.isVisible()
        names.append(focus.accessibleName())
    assert names == ["Copy", "Edit", "calculator, 84", "Copy", "Regenerate", "Edit", "More", "Previous version"]


@pytest.mark.parametrize("narrow", [False, True])
def test_a_call_that_waits_says_that_nothing_has_run(
    qtbot: QtBot, view: TranscriptView, painted: list[str], narrow: bool
) -> None:
    view.resize(600 if narrow else 964, 670)
    view.show_conversation(conversation(answer("a", "I write.", calls=(waits(),))))
    settle(qtbot, view)
    foot = shown(view)["a"].foot
    assert foot.row.note is not None
    assert (foot.row.note.words, foot.row.actions, foot.row.asks) == (WAITS, (), ())
    assert foot.row.stats == ("" if narrow else "Ctrl+Enter approves once")
    assert foot.accessibleName().startswith(WAITS)
    view.grab()
    assert "The model asks to use write_file" in painted
    if not narrow:
        assert WAITS in painted


def test_a_call_alone_stands_where_words_would(face: Look, qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(conversation(answer("a", "", calls=(waits(),))))
    settle(qtbot, view)
    message = shown(view)["a"]
    assert not message.body.isVisible()
    (card,) = message.findChildren(ApprovalCard)
    assert card.width() == message.calls.width() == 704
    assert message.rect().contains(message.calls.geometry())


def test_deny_takes_the_keyboard_when_it_is_asked_to(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(conversation())
    assert not view.focus_waiting()
    view.add_message(answer("a", "", calls=(call(result="1"), waits())))
    assert view.focus_waiting()
    (card,) = view.findChildren(ApprovalCard)
    assert card.deny.hasFocus()
    heard = Heard(view.call_decided)
    QTest.keyClick(card.deny, Qt.Key.Key_Return)
    assert heard.told == [("w1", False, None, "once")]
    view.change_message(answer("a", "", calls=(call(result="1"), decided(waits()))))
    assert not view.focus_waiting()
    assert words(view) == "What is 12 times 7?"


def test_control_and_enter_in_a_field_of_the_transcript_approve(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation(conversation(answer("a", "", calls=(waits(),))))
    settle(qtbot, view)
    heard = Heard(view.call_decided)
    field = only(view, QLineEdit, "Path")
    QTest.keyClicks(field, "x")
    QTest.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert heard.told == [("w1", True, {"path": "xa.txt", "text": "one"}, "once")]


def test_what_waits_keeps_its_widget_out_of_sight(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation([*chat(60), person("q", "Write."), answer("a", "", calls=(waits(),))])
    settle(qtbot, view)
    (card,) = view.findChildren(ApprovalCard)
    only(view, QLineEdit, "Path").setText("mine.txt")
    view.setFocus()
    bar = view.verticalScrollBar()
    for spot in (0, bar.maximum() // 2, 0):
        bar.setValue(spot)
        settle(qtbot, view)
        assert card.visibleRegion().isEmpty()
    assert "59" not in shown(view), "others give their widgets away"
    assert view.findChildren(ApprovalCard) == [card]
    bar.setValue(bar.maximum())
    settle(qtbot, view)
    flush()
    assert view.findChildren(ApprovalCard) == [card]
    assert not card.visibleRegion().isEmpty()
    assert only(view, QLineEdit, "Path").text() == "mine.txt"


def test_what_was_decided_out_of_sight_gives_its_widget_away(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation([*chat(60), person("q", "Write."), answer("a", "", calls=(waits(),))])
    settle(qtbot, view)
    view.setFocus()
    view.verticalScrollBar().setValue(0)
    view.change_message(answer("a", "", calls=(decided(waits()),)))
    settle(qtbot, view)
    flush()
    assert not view.findChildren(ApprovalCard)
    assert "a" not in shown(view)
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    settle(qtbot, view)
    assert is_there(shown(view)["a"], "write_file, denied")


def test_another_chat_takes_the_cards_away(qtbot: QtBot, view: TranscriptView) -> None:
    view.show_conversation([*chat(60), answer("a", "", calls=(waits(), call(CallState.RUNNING)))])
    settle(qtbot, view)
    view.verticalScrollBar().setValue(0)
    view.show_conversation([replace(person("x", "Something else"), conversation="other")])
    settle(qtbot, view)
    flush()
    assert not view.findChildren(ApprovalCard)
    assert not view.findChildren(CallLine)


@pytest.mark.parametrize("change", ["theme", "size", "width"])
def test_a_card_stands_in_another_theme_size_and_width(qtbot: QtBot, view: TranscriptView, change: str) -> None:
    view.show_conversation(conversation(answer("a", "", calls=(waits(),))))
    settle(qtbot, view)
    only(view, QLineEdit, "Path").setText("mine.txt")
    if change == "theme":
        view.set_theme(DARK)
    elif change == "size":
        view.set_text_scale(1.5)
    else:
        view.resize(500, 670)
    settle(qtbot, view)
    flush()
    (card,) = view.findChildren(ApprovalCard)
    message = shown(view)["a"]
    assert message.rect().contains(message.calls.geometry())
    assert message.calls.rect().contains(card.geometry())
    assert only(view, QLineEdit, "Path").text() == "mine.txt"


def test_an_error_makes_room_below_the_card(qtbot: QtBot, view: TranscriptView) -> None:
    odd = waits({"path": "a.txt", "count": 1}, {})
    view.show_conversation(conversation(answer("a", "", calls=(odd,))))
    settle(qtbot, view)
    (card,) = view.findChildren(ApprovalCard)
    high, foot = card.height(), shown(view)["a"].foot.y()
    only(card, QLineEdit, "Count").setText("one")
    button(card, "Approve").click()
    settle(qtbot, view)
    assert card.height() > high
    assert shown(view)["a"].foot.y() - foot == card.height() - high
