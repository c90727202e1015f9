"""The sidebar: rows by day, search, keys, renaming in place."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.chat.changes import ConversationRow
from app.ui.look import Look
from app.ui.sidebar import Sidebar
from app.ui.sidebar_model import ITEM_ROLE, ChatItem, SectionItem

DAY = 86_400


def rows() -> list[ConversationRow]:
    """Two chats of today, one of long ago."""
    now = time.time()
    return [
        ConversationRow("a", "Heat pump loan", "Seven years\nis the  middle", now),
        ConversationRow("b", "Garden centre receipt", "Plants", now - 1),
        ConversationRow("c", "Regex for nginx", "Named groups", now - 500 * DAY),
    ]


@pytest.fixture
def sidebar(look: Look, qtbot: QtBot) -> Sidebar:
    made = Sidebar(look)
    qtbot.addWidget(made)
    made.resize(272, 600)
    made.show()
    made.show_rows(rows())
    return made


def _items(sidebar: Sidebar) -> list[object]:
    model = sidebar.list.model()
    return [model.index(row, 0).data(ITEM_ROLE) for row in range(model.rowCount())]


def _titles(sidebar: Sidebar) -> list[str]:
    return [item.title for item in _items(sidebar) if isinstance(item, ChatItem)]


def test_chats_stand_under_headings_by_day(sidebar: Sidebar) -> None:
    kinds = [type(item) for item in _items(sidebar)]
    assert kinds == [SectionItem, ChatItem, ChatItem, SectionItem, ChatItem]
    first = _items(sidebar)[1]
    assert isinstance(first, ChatItem)
    assert first.preview == "Seven years is the middle"


def test_a_chat_in_which_a_call_waits_says_so(sidebar: Sidebar) -> None:
    sidebar.show_rows([replace(rows()[0], asks=True), *rows()[1:]])
    item = _items(sidebar)[1]
    assert isinstance(item, ChatItem)
    assert (item.doing, item.asks) == ("Waits for your decision", True)
    sidebar.show_doing({"a": "Writing…"})
    item = _items(sidebar)[1]
    assert isinstance(item, ChatItem)
    assert (item.doing, item.asks) == ("Writing…", False)


def test_controls_have_their_names(sidebar: Sidebar) -> None:
    assert sidebar.search.accessibleName() == "Search conversations"
    assert sidebar.new_chat.accessibleName() == "New chat"
    assert sidebar.list.accessibleName() == "Conversations"
    assert sidebar.settings.accessibleName() == "Settings"
    assert "Ctrl+N" in sidebar.new_chat.toolTip()


def test_search_filters_titles_in_any_case(sidebar: Sidebar, qtbot: QtBot) -> None:
    QTest.keyClicks(sidebar.search, "GARDEN")
    assert _titles(sidebar) == ["Garden centre receipt"]
    with qtbot.waitSignal(sidebar.chat_chosen) as chosen:
        QTest.keyClick(sidebar.search, Qt.Key.Key_Return)
    assert chosen.args == ["b"]
    QTest.keyClick(sidebar.search, Qt.Key.Key_Escape)
    assert len(_titles(sidebar)) == 3


def test_search_says_when_nothing_matches(sidebar: Sidebar, qtbot: QtBot) -> None:
    QTest.keyClicks(sidebar.search, "zebra")
    assert _titles(sidebar) == []
    assert sidebar._nothing.isVisible()


def test_keys_open_rename_and_delete(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.list.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(sidebar.list, Qt.Key.Key_Down)
    with qtbot.waitSignal(sidebar.chat_chosen) as chosen:
        QTest.keyClick(sidebar.list, Qt.Key.Key_Return)
    assert chosen.args == ["b"]
    with qtbot.waitSignal(sidebar.delete_asked) as deleted:
        QTest.keyClick(sidebar.list, Qt.Key.Key_Delete)
    assert deleted.args == ["b"]
    QTest.keyClick(sidebar.list, Qt.Key.Key_F2)
    editor = sidebar.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("Plants for spring")
    with qtbot.waitSignal(sidebar.renamed) as renamed:
        QTest.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["b", "Plants for spring"]


def test_arrow_keys_pass_over_headings(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.list.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(2):
        QTest.keyClick(sidebar.list, Qt.Key.Key_Down)
    item = sidebar.list.currentIndex().data(ITEM_ROLE)
    assert isinstance(item, ChatItem)
    assert item.id == "c"


def test_a_renamed_title_that_is_empty_is_left_as_it_was(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.show_open("a")
    sidebar.list.rename_current()
    editor = sidebar.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("   ")
    with qtbot.assertNotEmitted(sidebar.renamed):
        QTest.keyClick(editor, Qt.Key.Key_Return)


def test_what_a_chat_does_stands_in_place_of_its_preview(sidebar: Sidebar) -> None:
    sidebar.show_doing({"a": "Writing…"})
    first = _items(sidebar)[1]
    assert isinstance(first, ChatItem)
    assert first.doing == "Writing…"
    assert "Writing…" in sidebar.list.model().index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    sidebar.show_doing({})
    assert _items(sidebar)[1] != first


def test_new_rows_keep_the_ring_where_it_was(sidebar: Sidebar) -> None:
    sidebar.show_open("c")
    newer = [ConversationRow("d", "New one", "", time.time()), *rows()]
    sidebar.show_rows(newer)
    item = sidebar.list.currentIndex().data(ITEM_ROLE)
    assert isinstance(item, ChatItem)
    assert item.id == "c"


def test_neighbours_follow_the_list(sidebar: Sidebar) -> None:
    assert sidebar.neighbour("a", 1) == "b"
    assert sidebar.neighbour("c", 1) == ""
    assert sidebar.neighbour("b", -1) == "a"
    assert sidebar.neighbour("", 1) == "a"


@pytest.mark.parametrize("name", ["light", "dark", "contrast"])
def test_rows_are_painted_in_every_theme(sidebar: Sidebar, look: Look, name: str) -> None:
    look.choose(name, 1.0)
    sidebar.show_open("a")
    image = sidebar.grab().toImage()
    row = sidebar.list.visualRect(sidebar.list.currentIndex())
    spot = sidebar.list.mapTo(sidebar, row.topLeft())
    inside = image.pixelColor(spot.x() + 14, spot.y() + row.height() - 8)
    assert inside.name() == look.colour("selected").name()
    assert image.pixelColor(3, 300).name() == look.colour("sidebar").name()
