"""A call that was decided: its line, all of it when opened, and the stack of an answer's calls."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from app.core.message import Picture
from app.core.paths import encode_path
from app.core.tools import Call, CallDecision, CallState
from app.ui.calls.approval import ApprovalCard
from app.ui.calls.call_line import CallDetail, CallLine, result_words, time_words
from app.ui.calls.stack import CallStack
from app.ui.look import Look
from app.ui.theme import DARK
from app.ui.transcript.attached import Thumb
from app.ui.transcript.style import Style
from tests.ui.attaching import Make
from tests.ui.calls.making import Heard, button, call, decided, flush, only, waits

RUNNING, DONE, FAILED, DENIED = CallState.RUNNING, CallState.DONE, CallState.FAILED, CallState.DENIED


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0.0, "1 ms"), (0.4, "1 ms"), (4.4, "4 ms"), (99.0, "99 ms"), (100, "0.1 s"), (230, "0.2 s"),
        (1_000, "1.0 s"), (9_940, "9.9 s"), (9_960, "10 s"), (10_000, "10 s"), (12_400, "12 s"), (90_000, "90 s"),
    ],
)  # fmt: skip
def test_how_long_a_call_took(milliseconds: float, said: str) -> None:
    assert time_words(milliseconds) == said


@pytest.mark.parametrize(
    ("shown", "seconds", "said"),
    [
        (call(RUNNING), 0.2, "runs…"),
        (call(RUNNING), 3.4, "runs, 3 s"),
        (call(DENIED, result="No."), 0, "denied"),
        (call(FAILED, result="No such file."), 0, "failed"),
        (call(DONE, result="84"), 0, "84"),
        (call(DONE, result="  8 4\t"), 0, "8 4"),
        (call(DONE, result="a\nb\nc"), 0, "3 lines"),
        (call(DONE, result="84\n"), 0, "84"),
        (call(DONE, result="seen", pictures=("a",)), 0, "1 picture"),
        (call(DONE, result="seen\nall", pictures=("a", "b")), 0, "2 pictures"),
        (call(DONE, result="a\u202eb"), 0, "a⟦U+202E⟧b"),
    ],
)
def test_what_came_out(shown: Call, seconds: float, said: str) -> None:
    assert result_words(shown, seconds) == said


@pytest.mark.parametrize(
    ("shown", "name", "description"),
    [
        (call(result="84", decision=CallDecision.ALLOWED), "calculator, 84", "12 * 7"),
        (call(result="84", decision=CallDecision.APPROVED), "calculator, 84, approved", "12 * 7"),
        (
            call(result="7", decision=CallDecision.EDITED, used={"expression": "7"}),
            "calculator, 7, with your changes",
            "7",
        ),
        (call(DENIED, decision=CallDecision.DENIED), "calculator, denied", "12 * 7"),
        (call(FAILED, {"a": 1, "b": [2]}), "calculator, failed", "a: 1, b: [2]"),
        (call(DONE, {}, result="x" * 900), f"calculator, {'x' * 288}", ""),
    ],
)
def test_what_a_screen_reader_finds(holder: QWidget, style: Style, shown: Call, name: str, description: str) -> None:
    line = CallLine(holder, style, shown)
    assert (line.accessibleName(), line.accessibleDescription()) == (name, description)


def test_a_call_without_a_result_has_no_comma_behind_its_name(holder: QWidget, style: Style) -> None:
    assert CallLine(holder, style, call(DONE, result="")).accessibleName() == "calculator"


@pytest.mark.parametrize("state", [RUNNING, DONE, FAILED, DENIED])
@pytest.mark.parametrize("width", [580, 120])
def test_a_line_is_painted(face: Look, holder: QWidget, painted: list[str], state: CallState, width: int) -> None:
    style = Style(face.theme, 1.0)
    shown = call(state, result="84", milliseconds=230)
    line = CallLine(holder, style, shown)
    line.resize(width, 34)
    image = line.grab().toImage()
    assert image.pixelColor(width // 2, 0).name() == style.colour("border").name()
    assert "calculator" in painted
    assert ("0.2 s" in painted) == (state is not RUNNING)
    assert result_words(shown) in painted
    assert ("12 * 7" in painted) == (width == 580)
    line.show_call(call(DONE, result="84"))


def test_a_line_counts_only_while_its_call_runs(holder: QWidget, style: Style) -> None:
    line = CallLine(holder, style, call(RUNNING))
    assert line._ticking.isActive()
    line.show_call(call(DONE, result="84"))
    assert not line._ticking.isActive()


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (call(result="84"), '{\n  "expression": "12 * 7"\n}\n\n84'),
        (call(RUNNING), '{\n  "expression": "12 * 7"\n}'),
        (call(DENIED, {}, why="You said no.", result="You said no."), "{}\n\nYou said no."),
        (call(FAILED, {}, why="Too slow.", result="Stopped after 30 s."), "{}\n\nToo slow.\n\nStopped after 30 s."),
        (
            call(DONE, {"a": "\u202e"}, used={"a": "ü"}, result="x"),
            'The model wrote: {"a": "⟦U+202E⟧"}\nIt ran with:\n\n{\n  "a": "ü"\n}\n\nx',
        ),
    ],
)
def test_all_of_a_call(holder: QWidget, style: Style, shown: Call, said: str) -> None:
    detail = CallDetail(holder, style, shown, ())
    text = detail.findChild(QPlainTextEdit)
    assert isinstance(text, QPlainTextEdit)
    assert text.toPlainText() == said
    assert text.isReadOnly()
    assert text.accessibleName() == "Call of calculator"
    few = detail.arrange(580)
    text.setPlainText("line\n" * 400)
    assert few < detail.arrange(580) < 400, "long results scroll"


def drawn(make: Make, name: str) -> Picture:
    """A picture with its thumbnail, as the store keeps them."""
    thumb = make(name)
    thumb.rename(thumb.with_suffix(".thumb.png"))
    return Picture(Path(name).stem, 64, 48, encode_path(make(name)), name=name)


def test_pictures_stand_below_from_the_start_side(face: Look, holder: QWidget, make: Make) -> None:
    pictures = (drawn(make, "one.png"), drawn(make, "two.png"))
    shown = call(result="Two pictures.", pictures=("one", "two"))
    detail = CallDetail(holder, Style(face.theme, 1.0), shown, pictures)
    heard = Heard(detail.picture_opened)
    detail.setGeometry(0, 0, 580, detail.arrange(580))
    detail.show()
    first, second = detail.findChildren(Thumb)
    assert [first.accessibleName(), second.accessibleName()] == ["Picture one.png", "Picture two.png"]
    rightwards = detail.layoutDirection() == Qt.LayoutDirection.LeftToRight
    assert (first.x() == 0) if rightwards else (first.geometry().right() == 579)
    assert (first.x() < second.x()) == rightwards
    assert detail.rect().contains(first.geometry())
    assert detail.widgets()[1:] == [first, second]
    QTest.mouseClick(second, Qt.MouseButton.LeftButton)
    assert heard.told == [("two",)]
    assert not detail.grab().isNull()


# -- the stack


def show(stack: CallStack, style: Style, *calls: Call) -> None:
    stack.show_calls(calls, (), style)
    stack.sized.emit()


def test_calls_stand_in_their_order(face: Look, stack: CallStack) -> None:
    style = Style(face.theme, 1.0)
    show(stack, style, call(key="1", result="1"), waits(key="2"), call(key="3", result="3"), waits(key="4"))
    parts = [each for each in stack.findChildren(QWidget) if isinstance(each, CallLine | ApprovalCard)]
    parts.sort(key=lambda part: part.y())
    assert [type(part) for part in parts] == [CallLine, ApprovalCard, CallLine, ApprovalCard]
    assert all(above.geometry().bottom() < below.y() for above, below in pairwise(parts))
    assert stack.waiting is parts[1]
    names = [each.accessibleName() for each in stack.widgets()]
    assert names == [
        "calculator, 1", "Path", "Text", "Raw JSON", "Approve", "Deny",
        "calculator, 3", "Path", "Text", "Raw JSON", "Approve", "Deny",
    ]  # fmt: skip


def test_what_was_typed_stays_when_another_call_changes(stack: CallStack, style: Style) -> None:
    running, waiting = call(RUNNING, key="r"), waits()
    show(stack, style, running, waiting)
    card = stack.waiting
    assert card is not None
    field = only(card, QLineEdit, "Path")
    field.setText("mine.txt")
    field.setFocus()
    show(stack, style, call(DONE, key="r", result="84"), waiting)
    show(stack, style, call(DONE, key="r", result="84"), waiting, call(RUNNING, key="s"))
    show(stack, style, call(DONE, key="r", result="84"), waits(), call(DONE, key="s"))
    flush()
    assert stack.waiting is card
    assert field.text() == "mine.txt"
    assert field.hasFocus()
    heard = Heard(stack.decided)
    button(card, "Approve").click()
    assert heard.told == [("w1", True, {"path": "mine.txt", "text": "one"}, "once")]


def test_a_card_is_made_again_when_its_tool_comes_or_goes(stack: CallStack, style: Style) -> None:
    gone = Call("w1", "write_file", "", waits().arguments, CallState.WAITING)
    for waiting, enabled in ((gone, False), (waits(), True), (gone, False)):
        show(stack, style, waiting)
        flush()
        (card,) = stack.findChildren(ApprovalCard)
        assert button(card, "Approve").isEnabled() == enabled


@pytest.mark.parametrize("state", [RUNNING, DONE, FAILED, DENIED])
def test_a_card_that_was_decided_becomes_a_line(stack: CallStack, style: Style, state: CallState) -> None:
    show(stack, style, waits(), waits(key="w2"))
    show(stack, style, decided(waits(), state, "x"), waits(key="w2"))
    flush()
    (card,), (line,) = stack.findChildren(ApprovalCard), stack.findChildren(CallLine)
    assert card.call.id == "w2"
    assert line.isVisible()
    show(stack, style, decided(waits(), DONE, "x"), decided(waits(key="w2"), DENIED))
    flush()
    assert not stack.findChildren(ApprovalCard)
    assert stack.waiting is None
    assert len(stack.findChildren(CallLine)) == 2


def test_a_line_opens_closes_and_stays_open_when_its_call_ends(stack: CallStack, style: Style) -> None:
    show(stack, style, call(RUNNING))
    heard = Heard(stack.sized)
    closed = stack.height()
    line = button(stack, "calculator, runs…")
    QTest.keyClick(line, Qt.Key.Key_Space)
    assert stack.height() > closed
    assert len(heard.told) == 1
    show(stack, style, call(DONE, result="84"))
    flush()
    (detail,) = stack.findChildren(CallDetail)
    assert only(detail, QPlainTextEdit, "Call of calculator").toPlainText().endswith("84")
    QTest.mouseClick(line, Qt.MouseButton.LeftButton)
    flush()
    assert not stack.findChildren(CallDetail)
    assert stack.height() == closed


def test_calls_that_are_gone_take_their_widgets_with_them(stack: CallStack, style: Style) -> None:
    show(stack, style, call(key="1", result="1"), waits(), call(RUNNING, key="3"))
    button(stack, "calculator, 1").click()
    show(stack, style, waits())
    flush()
    assert not stack.findChildren(CallLine)
    assert not stack.findChildren(CallDetail)
    stack.clear()
    flush()
    assert not stack.findChildren(QWidget)
    assert stack.isHidden()
    assert stack.lay_out(600) == 0


def test_a_new_theme_keeps_what_was_typed(stack: CallStack, style: Style) -> None:
    """The system goes dark in the evening: an edited call must not become the model's again without a word."""
    show(stack, style, waits())
    only(stack, QLineEdit, "Path").setText("mine.txt")
    show(stack, Style(DARK, 1.0), waits())
    flush()
    assert only(stack, QLineEdit, "Path").text() == "mine.txt"


def test_only_the_pictures_of_a_call_are_shown_with_it(stack: CallStack, style: Style, make: Make) -> None:
    pictures = (drawn(make, "one.png"), drawn(make, "two.png"))
    calls = (call(key="1", result="a", pictures=("one",)), call(key="2", result="b", pictures=("two", "lost")))
    stack.show_calls(calls, pictures, style)
    stack.sized.emit()
    heard = Heard(stack.picture_opened)
    for line in stack.findChildren(CallLine):
        line.click()
    assert sorted(each.accessibleName() for each in stack.findChildren(Thumb)) == ["Picture one.png", "Picture two.png"]
    button(stack, "Picture two.png").click()
    assert heard.told == [("two",)]
