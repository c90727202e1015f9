"""What is said of the context: the popover's parts, the bar before sending."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.context_bar import ContextBar
from app.ui.context_popover import ContextPopover, parts
from app.ui.look import Look
from tests.ui.test_top_bar import measured

FULL = measured(16_400, left_out=4, per_message=(1000, 1100, 1004, 1000, 400, 500, 1208))


def test_parts_add_up_to_what_was_measured() -> None:
    listed = parts(FULL, has_draft=True, has_system=False, tools=0)
    assert [(part.name, part.tokens) for part in listed] == [
        ("System", 100),
        ("Turns", 900),
        ("This message", 1208),
        ("Kept for the answer", 1400),
        ("Oldest turns", 4104),
    ]
    assert listed[1].note == "the last 1"
    assert listed[-1].note == "2, will not be read"
    assert listed[-1].hatched


def test_without_a_draft_there_is_no_message_part() -> None:
    listed = parts(measured(per_message=(50, 60)), has_draft=False, has_system=True, tools=3)
    assert [part.name for part in listed] == ["System and tools", "Turns", "Kept for the answer"]
    assert listed[0].note == "your system prompt, 3 tools"
    assert (listed[1].tokens, listed[1].note) == (110, "1 turn")


def test_the_popover_tells_each_part_to_screen_readers(look: Look, qtbot: QtBot) -> None:
    card = ContextPopover(look, FULL, has_draft=True, has_system=False, tools=0)
    qtbot.addWidget(card)
    names = {child.accessibleName() for child in card.children() if hasattr(child, "accessibleName")}
    assert "Oldest turns, 2, will not be read: 4,104 tokens" in names
    assert not card.grab().isNull()


@pytest.fixture
def bar(look: Look, qtbot: QtBot) -> ContextBar:
    made = ContextBar(look)
    qtbot.addWidget(made)
    made.resize(704, 110)
    return made


def test_the_bar_says_what_will_be_left_out(bar: ContextBar, qtbot: QtBot) -> None:
    bar.show_measured(FULL, 65_536)
    assert bar.sentence.text == "This does not all fit. The 2 oldest turns, 4.1k tokens, will not be read."
    with qtbot.waitSignal(bar.left_out):
        QTest.mouseClick(bar._leave, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(bar.larger_asked) as larger:
        QTest.mouseClick(bar._enlarge, Qt.MouseButton.LeftButton)
    assert larger.args == [65_536]


def test_a_larger_context_is_only_offered_where_there_is_one(bar: ContextBar) -> None:
    bar.show_measured(FULL, 0)
    assert not bar._enlarge.isVisibleTo(bar)
    assert bar._leave.isVisibleTo(bar)


def test_a_message_that_cannot_fit_cannot_be_left_out(bar: ContextBar) -> None:
    bar.show_measured(measured(40_000, error="It is longer than the context."), 65_536)
    assert bar.sentence.text == "This message does not fit. It is longer than the context."
    assert not bar._leave.isVisibleTo(bar)
    assert bar._enlarge.isVisibleTo(bar)
