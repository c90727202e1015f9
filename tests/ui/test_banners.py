"""Banners, bars, the refusal card and the undo bar."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui import banners
from app.ui.banners import Banner, Bar, NoticeCard, UndoBar
from app.ui.look import Look


def test_a_banner_acts_and_closes(look: Look, qtbot: QtBot) -> None:
    banner = Banner(look, "info", "What happened", tone="warn")
    qtbot.addWidget(banner)
    banner.sentence.say("The model stopped working.", "Restarted, your words are safe.")
    assert banner.sentence.accessibleName() == "The model stopped working. Restarted, your words are safe."
    with qtbot.waitSignal(banner.acted):
        banner.button.click()
    with qtbot.waitSignal(banner.closed):
        banner.close_button.click()
    assert banner.close_button.accessibleName() == "Dismiss"


def test_a_long_sentence_wraps_instead_of_being_cut(look: Look, qtbot: QtBot) -> None:
    banner = Banner(look, "info", "What happened", tone="warn")
    qtbot.addWidget(banner)
    banner.sentence.say("The model stopped working.", "Restarted, your words are safe. The answer before it is marked.")
    assert banner.heightForWidth(480) > banner.heightForWidth(1000)


def test_a_bar_has_its_buttons(look: Look, qtbot: QtBot) -> None:
    bar = Bar(look, "disk", "danger")
    qtbot.addWidget(bar)
    pressed: list[int] = []
    bar.add_button("Retry", lambda: pressed.append(1)).click()
    assert pressed == [1]


def test_a_refusal_names_the_file_and_the_reason(look: Look, qtbot: QtBot) -> None:
    card = NoticeCard(look)
    qtbot.addWidget(card)
    card.tell("a.gguf was not loaded", "The file is cut short.", "Choose another file")
    assert card.title.text == "a.gguf was not loaded"
    with qtbot.waitSignal(card.acted):
        card.action.click()
    with qtbot.waitSignal(card.dismissed):
        card.dismiss.click()
    card.tell("Something", "")
    assert not card.action.isVisibleTo(card)


@pytest.fixture
def undo(look: Look, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[UndoBar]:
    monkeypatch.setattr(banners, "UNDO_MS", 60)
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.resize(700, 400)
    parent.show()
    yield UndoBar(look, parent)
    parent.close()


def test_undo_carries_its_token_and_goes(undo: UndoBar, qtbot: QtBot) -> None:
    undo.offer("Heat pump loan was deleted", ("chat", "a"), QPoint(0, 300))
    assert undo.isVisible()
    with qtbot.waitSignal(undo.undone) as undone:
        QTest.mouseClick(undo.undo, Qt.MouseButton.LeftButton)
    assert undone.args == [("chat", "a")]
    assert not undo.isVisible()


def test_undo_goes_by_itself(undo: UndoBar, qtbot: QtBot) -> None:
    undo.offer("Heat pump loan was deleted", 1, QPoint(0, 300))
    qtbot.waitUntil(lambda: not undo.isVisible(), timeout=2000)
