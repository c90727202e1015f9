"""The card of a call that waits, with the keyboard and the mouse, in light and dark and from right to left."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from app.core.tools import CallState, Effect
from app.ui.calls.approval import ApprovalCard
from app.ui.look import Look
from tests.ui.calls.conftest import ShowCard
from tests.ui.calls.making import Heard, button, call, flush, is_there, only, schema, texts, waits

ENTER, CONTROL = Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier
GIVEN = {"path": "a.txt", "text": "one\ntwo", "count": 1}
ABOUT = schema(path={"type": "string"}, text={"type": "string"}, count={"type": "integer"}, later={"type": "string"})
NOTE = "café ⟦U+202E⟧\u202e\u2028\x85\u00a0👍"


def raw(card: ApprovalCard) -> QPlainTextEdit:
    """The field with the arguments as JSON."""
    return only(card, QPlainTextEdit, "Arguments as JSON")


def test_the_keyboard_goes_through_the_fields_to_deny(face: Look, show_card: ShowCard, holder: QWidget) -> None:
    card = show_card(waits(GIVEN, ABOUT, may_always=True, may_allow_here=True))
    names = [each.accessibleName() for each in card.widgets()]
    assert names == [
        "Path", "Text", "Count", "Later", "Raw JSON", "Always allow", "Allow in this chat", "Approve", "Deny",
    ]  # fmt: skip
    card.widgets()[0].setFocus()
    walked = [holder.focusWidget()]
    for _ in names[1:]:
        now = walked[-1]
        assert now is not None
        QTest.keyClick(now, Qt.Key.Key_Tab)
        walked.append(holder.focusWidget())
    assert [each.accessibleName() for each in walked if each is not None] == names


def test_what_is_on_the_card_lies_inside_and_apart(face: Look, show_card: ShowCard) -> None:
    for width in (600, 360):
        card = show_card(waits(GIVEN, ABOUT, may_always=True, may_allow_here=True))
        card.resize(width, card.arrange(width))
        spots = [QRect(each.mapTo(card, QPoint(0, 0)), each.size()) for each in card.widgets()]
        assert all(card.rect().contains(spot) for spot in spots)
        assert not [1 for at, spot in enumerate(spots) for other in spots[at + 1 :] if spot.intersects(other)]
        deny, approve = spots[-1], spots[-2]
        if deny.top() == approve.top():
            rightwards = card.layoutDirection() == Qt.LayoutDirection.LeftToRight
            assert (deny.left() > approve.right()) == rightwards, "Deny stands at the end"
        assert not card.grab().isNull()
        card.hide()


@pytest.mark.parametrize("key", [ENTER, Qt.Key.Key_Space], ids=["enter", "space"])
def test_enter_on_deny_denies(show_card: ShowCard, key: Qt.Key) -> None:
    card = show_card(waits())
    heard = Heard(card.decided)
    card.deny.setFocus()
    QTest.keyClick(card.deny, key)
    assert heard.told == [(False, None, "once")]


def test_the_enter_key_of_the_number_pad_denies_too(show_card: ShowCard) -> None:
    card = show_card(waits())
    heard = Heard(card.decided)
    card.deny.setFocus()
    QTest.keyClick(card.deny, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert heard.told == [(False, None, "once")]


@pytest.mark.parametrize("name", ["Path", "Text", "Deny", "Raw JSON"])
def test_control_and_enter_approve_once_from_wherever_the_keyboard_is(show_card: ShowCard, name: str) -> None:
    card = show_card(waits(GIVEN, ABOUT, may_always=True, may_allow_here=True))
    heard = Heard(card.decided)
    (at,) = [each for each in card.widgets() if each.accessibleName() == name]
    QTest.keyClick(at, ENTER, CONTROL)
    assert heard.told == [(True, None, "once")]


def test_enter_in_a_field_decides_nothing(show_card: ShowCard) -> None:
    card = show_card(waits(GIVEN, ABOUT))
    heard = Heard(card.decided)
    QTest.keyClick(only(card, QLineEdit, "Path"), ENTER)
    QTest.keyClick(only(card, QPlainTextEdit, "Text"), ENTER)
    assert heard.told == []
    assert only(card, QPlainTextEdit, "Text").toPlainText() == "\none\ntwo"


@pytest.mark.parametrize(
    ("name", "reach"), [("Approve", "once"), ("Allow in this chat", "here"), ("Always allow", "always")]
)
def test_how_far_the_word_reaches(show_card: ShowCard, name: str, reach: str) -> None:
    card = show_card(waits(GIVEN, ABOUT, may_always=True, may_allow_here=True))
    heard = Heard(card.decided)
    QTest.mouseClick(button(card, name), Qt.MouseButton.LeftButton)
    only(card, QLineEdit, "Count").setText("2")
    QTest.mouseClick(button(card, name), Qt.MouseButton.LeftButton)
    assert heard.told == [(True, None, reach), (True, GIVEN | {"count": 2}, reach)]


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("here", [False, True])
def test_wider_words_are_offered_only_where_they_are_allowed(show_card: ShowCard, always: bool, here: bool) -> None:
    card = show_card(waits(may_always=always, may_allow_here=here))
    assert (is_there(card, "Always allow"), is_there(card, "Allow in this chat")) == (always, here)
    assert is_there(card, "Approve")
    assert is_there(card, "Deny")


def test_an_edit_that_was_taken_back_is_none(show_card: ShowCard) -> None:
    card = show_card(waits(GIVEN, ABOUT))
    heard = Heard(card.decided)
    path = only(card, QLineEdit, "Path")
    QTest.keyClicks(path, "x")
    QTest.keyClick(path, Qt.Key.Key_Backspace)
    button(card, "Approve").click()
    assert heard.told == [(True, None, "once")]


def test_a_field_that_is_no_json_keeps_the_call_waiting(show_card: ShowCard, painted: list[str]) -> None:
    card = show_card(waits(GIVEN, ABOUT))
    heard = Heard(card.decided)
    before = card.height()
    only(card, QLineEdit, "Count").setText("two")
    button(card, "Approve").click()
    assert heard.told == []
    assert card.height() > before
    card.grab()
    assert "“Count” is no value of JSON." in painted


def test_raw_json_and_back_keeps_edits(face: Look, show_card: ShowCard) -> None:
    card = show_card(waits(GIVEN, ABOUT))
    heard = Heard(card.decided)
    only(card, QLineEdit, "Path").setText("b.txt")
    only(card, QLineEdit, "Later").setText("soon")
    button(card, "Raw JSON").click()
    assert raw(card).hasFocus()
    assert card.widgets()[0].accessibleName() == "Arguments as JSON"
    edited = GIVEN | {"path": "b.txt", "later": "soon"}
    assert json.loads(raw(card).toPlainText()) == edited
    raw(card).setPlainText(json.dumps(edited | {"count": 7, "new": [1]}))
    button(card, "Raw JSON").click()
    flush()
    assert only(card, QLineEdit, "Path").text() == "b.txt"
    assert only(card, QLineEdit, "Count").text() == "7"
    button(card, "Approve").click()
    assert heard.told == [(True, edited | {"count": 7, "new": [1]}, "once")]


def test_raw_json_does_not_drop_edits_when_one_of_them_is_wrong(show_card: ShowCard) -> None:
    card = show_card(waits(GIVEN, ABOUT))
    only(card, QLineEdit, "Path").setText("b.txt")
    only(card, QLineEdit, "Count").setText("two")
    button(card, "Raw JSON").click()
    flush()
    assert "b.txt" in "\n".join(texts(card))


def test_the_old_form_is_gone_at_once(show_card: ShowCard) -> None:
    """Before the event loop deletes it, too: nobody may write into a field that is read no more."""
    card = show_card(waits(GIVEN, ABOUT))
    button(card, "Raw JSON").click()
    button(card, "Raw JSON").click()
    assert len([each for each in card.findChildren(QLineEdit) if each.isVisible()]) == 3


@pytest.mark.parametrize("wrong", ["", "{", "[1]", '"a"', '{"a": NaN}', '{"a": 1e999}', "[" * 100_000])
def test_wrong_raw_json_is_said_and_stays(show_card: ShowCard, painted: list[str], wrong: str) -> None:
    card = show_card(waits(GIVEN, ABOUT))
    heard = Heard(card.decided)
    button(card, "Raw JSON").click()
    raw(card).setPlainText(wrong)
    for name in ("Approve", "Raw JSON"):
        button(card, name).click()
        painted.clear()
        card.grab()
        assert [text for text in painted if text.startswith(("This is no JSON", "The arguments are one JSON object"))]
    assert raw(card).toPlainText() == wrong
    assert heard.told == []
    button(card, "Deny").click()
    assert heard.told == [(False, None, "once")]


def test_hidden_letters_go_through_raw_json_unharmed(show_card: ShowCard) -> None:
    given = {"path": NOTE, "text": [NOTE], "count": {NOTE: NOTE}}
    card = show_card(waits(given, ABOUT))
    heard = Heard(card.decided)
    button(card, "Raw JSON").click()
    button(card, "Approve").click()
    button(card, "Raw JSON").click()
    button(card, "Approve").click()
    assert heard.told == [(True, None, "once")] * 2


def test_a_tool_that_is_not_there_now_can_be_denied_only(show_card: ShowCard) -> None:
    card = show_card(call(CallState.WAITING, {"a": 1}, name="read", origin="memory"))
    heard = Heard(card.decided)
    assert not button(card, "Approve").isEnabled()
    for widget in card.widgets():
        QTest.keyClick(widget, ENTER, CONTROL)
    button(card, "Approve").click()
    assert heard.told == []
    said = "From the server memory. It is not there now: start its server, or deny."
    assert card.accessibleName() == f"The model asks to use read. {said}"
    QTest.keyClick(card.deny, ENTER)
    assert heard.told == [(False, None, "once")]


@pytest.mark.parametrize(
    ("effect", "place", "said"),
    [
        (Effect.READ, "", "It would read and change nothing."),
        (Effect.WRITE, "", "It would change a file."),
        (Effect.WRITE, "/srv/a.txt", "It would change /srv/a.txt."),
        (Effect.RUN, "", "Its program runs with your rights."),
        (Effect.NETWORK, "", "It would leave this computer."),
    ],
)
def test_what_it_would_do(show_card: ShowCard, painted: list[str], effect: Effect, place: str, said: str) -> None:
    card = show_card(waits(effect=effect, place=place))
    card.grab()
    assert card.accessibleName() == f"The model asks to use write_file. Built in. {said}"
    assert f"Built in. {said}" in painted
    assert "Waits for you" in painted


def test_a_file_at_home_has_a_short_path(show_card: ShowCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert "change ~/notes/a.txt." in show_card(waits(place="/home/me/notes/a.txt")).accessibleName()
    assert "change /home/mele/a.txt." in show_card(waits(place="/home/mele/a.txt")).accessibleName()
