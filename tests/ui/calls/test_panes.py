"""Where the panel stands in windows of every width, and the rail that opens it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.look import Look
from app.ui.painting import mirrored
from app.ui.panes import Panes
from app.ui.rail import BadgeButton
from app.ui.sidebar import WIDTH as SIDEBAR
from tests.ui.calls.making import Heard, flush

RAIL, PANEL = 44, 320


class Parts:
    """Panes with plain widgets in them."""

    def __init__(self, look: Look, qtbot: QtBot) -> None:
        self.sidebar, self.chat, self.panel = QWidget(), QWidget(), QWidget()
        self.panes = Panes(look, self.sidebar, self.chat)
        qtbot.addWidget(self.panes)
        self.panes.show()

    def resize(self, width: int) -> None:
        """Make the window so wide, and wait for no movement."""
        self.panes.resize(width, 700)

    def spans(self, widget: QWidget) -> tuple[int, int]:
        """Where a widget begins and ends, counted from the start side."""
        area = mirrored(widget.geometry(), self.panes.rect(), self.panes.layoutDirection())
        return area.left(), area.right() + 1


@pytest.fixture
def parts(face: Look, qtbot: QtBot) -> Iterator[Parts]:
    made = Parts(face, qtbot)
    made.panes.set_panel(made.panel)
    yield made
    made.panes.close()


@pytest.mark.parametrize("width", [1280, 900])
def test_a_wide_window_has_the_panel_beside_the_chat(parts: Parts, width: int) -> None:
    parts.resize(width)
    assert not parts.panel.isVisible()
    assert parts.spans(parts.chat) == (SIDEBAR, width - RAIL)
    parts.panes.open_panel(True)
    assert parts.panes.panel_open
    assert parts.panel.isVisible()
    assert parts.spans(parts.panel) == (width - RAIL - PANEL, width - RAIL)
    assert parts.spans(parts.chat) == (SIDEBAR, width - RAIL - PANEL)
    assert parts.spans(parts.panes.rail) == (width - RAIL, width)
    parts.panes.open_panel(False)
    assert not parts.panel.isVisible()
    assert parts.spans(parts.chat) == (SIDEBAR, width - RAIL)


@pytest.mark.parametrize("width", [899, 720])
def test_a_narrower_window_has_it_over_the_chat(parts: Parts, width: int) -> None:
    parts.resize(width)
    parts.panes.open_panel(True)
    assert parts.spans(parts.panel) == (width - RAIL - PANEL, width - RAIL)
    assert parts.spans(parts.chat) == (SIDEBAR, width - RAIL)
    children = parts.panes.children()
    assert children.index(parts.panel) > children.index(parts.chat), "it lies above"
    assert parts.panes.rail.isVisible()


@pytest.mark.parametrize("width", [719, 480, 300])
def test_a_narrow_window_has_no_rail(parts: Parts, width: int) -> None:
    parts.resize(width)
    assert parts.panes.narrow
    assert not parts.panes.rail.isVisible()
    parts.panes.open_panel(True)
    assert parts.spans(parts.panel) == (max(0, width - PANEL), width)
    assert parts.spans(parts.chat) == (0, width)


def test_the_panel_follows_the_window(parts: Parts) -> None:
    parts.resize(1280)
    parts.panes.open_panel(True)
    for width, beside in ((900, True), (899, False), (700, False), (1000, True)):
        parts.resize(width)
        end = width - (RAIL if width >= 720 else 0)
        assert parts.spans(parts.panel) == (end - PANEL, end)
        assert parts.spans(parts.chat)[1] == (end - PANEL if beside else end)


def test_without_a_panel_there_is_none_to_open(look: Look, qtbot: QtBot) -> None:
    parts = Parts(look, qtbot)
    parts.resize(1280)
    parts.panes.open_panel(True)
    assert not parts.panes.panel_open
    assert parts.spans(parts.chat) == (SIDEBAR, 1280 - RAIL)


def test_the_other_direction_puts_the_panel_at_the_other_side(look: Look, qtbot: QtBot) -> None:
    parts = Parts(look, qtbot)
    parts.panes.set_panel(parts.panel)
    parts.resize(1280)
    parts.panes.open_panel(True)
    assert parts.panel.x() == 1280 - RAIL - PANEL
    parts.panes.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert parts.panel.x() == RAIL
    assert parts.panes.rail.x() == 0


def test_the_badge_tells_how_many_wait(face: Look, qtbot: QtBot) -> None:
    badge = BadgeButton(face, "tools", "Tools", "Ctrl+T")
    qtbot.addWidget(badge)
    badge.resize(30, 30)
    badge.show()
    spot = 28 if badge.layoutDirection() == Qt.LayoutDirection.LeftToRight else 1
    plain = badge.grab().toImage().pixelColor(spot, 7).name()
    for number, said in ((1, "1 waiting"), (12, "12 waiting"), (0, "")):
        badge.set_number(number)
        assert badge.accessibleDescription() == said
        drawn = badge.grab().toImage().pixelColor(spot, 7).name()
        assert drawn == (face.colour("accent").name() if number else plain)
    assert badge.accessibleName() == "Tools"


def test_the_rail_opens(parts: Parts) -> None:
    parts.resize(1280)
    heard = Heard(parts.panes.rail.tools.clicked)
    assert parts.panes.rail.accessibleName() == "Panels"
    QTest.mouseClick(parts.panes.rail.tools, Qt.MouseButton.LeftButton)
    assert len(heard.told) == 1
    assert not parts.panes.rail.grab().isNull()
    flush()
