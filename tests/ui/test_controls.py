"""The small controls: names, keyboard focus, themes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.controls import Button, ElidedWords, IconButton, Switch
from app.ui.focus_ring import FocusRing
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.painting import mirrored, reading_direction
from app.ui.sentence import Sentence


@pytest.fixture
def holder(look: Look, qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    QHBoxLayout(made)
    made.show()
    made.activateWindow()
    return made


def _put(holder: QWidget, widget: QWidget) -> None:
    layout = holder.layout()
    assert layout is not None
    layout.addWidget(widget)
    QTest.qWait(0)


def test_an_icon_button_has_a_name_and_a_tooltip_with_its_key(look: Look, holder: QWidget) -> None:
    button = IconButton(look, "sidebar", "Show or hide conversations", "Ctrl+B")
    _put(holder, button)
    assert button.accessibleName() == "Show or hide conversations"
    assert button.toolTip() == "Show or hide conversations   Ctrl+B"
    assert (button.sizeHint().width(), button.sizeHint().height()) == (30, 30)


@pytest.mark.parametrize("kind", ["plain", "primary", "quiet", "link"])
@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_buttons_are_painted_in_every_state(look: Look, holder: QWidget, kind: str, theme: str) -> None:
    look.choose(theme, 1.0)
    button = Button(look, "Retry", kind)
    _put(holder, button)
    rest = button.grab().toImage()
    button.setDown(True)
    assert button.grab().toImage() != rest
    button.setDown(False)
    button.setEnabled(False)
    assert button.grab().toImage() != rest


def test_the_ring_comes_with_the_keyboard_only(look: Look, holder: QWidget) -> None:
    button = Button(look, "Retry")
    _put(holder, button)
    button.setFocus(Qt.FocusReason.MouseFocusReason)
    assert not holder.findChildren(FocusRing)
    button.clearFocus()
    button.setFocus(Qt.FocusReason.TabFocusReason)
    rings = holder.findChildren(FocusRing)
    assert [ring.widget() for ring in rings] == [button]
    assert rings[0].geometry() == QRect(button.geometry()).adjusted(-4, -4, 4, 4)
    button.clearFocus()
    assert not [ring for ring in holder.findChildren(FocusRing) if ring.isVisible()]


def test_a_switch_is_turned_by_mouse_and_by_key(look: Look, holder: QWidget) -> None:
    switch = Switch(look, "Tell the date")
    _put(holder, switch)
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert switch.isChecked()
    QTest.keyClick(switch, Qt.Key.Key_Space)
    assert not switch.isChecked()


def test_elided_words_are_whole_for_screen_readers(look: Look, holder: QWidget) -> None:
    words = ElidedWords(look, 14, 600)
    words.set_text("A very long title that does not fit")
    words.resize(60, 20)
    assert words.accessibleName() == "A very long title that does not fit"
    assert not words.grab().isNull()
    words.deleteLater()


def test_text_size_makes_controls_larger(look: Look, holder: QWidget) -> None:
    button = Button(look, "Retry")
    _put(holder, button)
    before = button.sizeHint()
    look.choose("light", 1.5)
    assert button.sizeHint().height() == 45
    assert button.sizeHint().width() > before.width()


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_a_menu_shows_and_does_what_it_says(look: Look, holder: QWidget, theme: str) -> None:
    look.choose(theme, 1.0)
    chosen: list[str] = []
    menu = Menu(look, holder)
    menu.add("Rename", lambda: chosen.append("rename"), icon="edit", key="F2")
    menu.addSeparator()
    menu.add("Fish & chips", lambda: chosen.append("fish"), danger=True, note="98 MB")
    menu.popup(holder.mapToGlobal(holder.rect().center()))
    QTest.keyClick(menu, Qt.Key.Key_Down)
    assert not menu.grab().isNull()
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert chosen == ["rename"]
    menu.actions()[2].trigger()
    assert chosen == ["rename", "fish"]


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("text", ["scan.pdf, page 1", "What the model saw", "iiii", "WWWWWWWW"])
def test_a_menu_is_as_wide_as_its_words(look: Look, holder: QWidget, text: str, scale: float) -> None:
    look.choose("light", scale)
    menu = Menu(look, holder)
    action = menu.add(text, lambda: None, icon="image")
    menu.popup(holder.mapToGlobal(holder.rect().center()))
    room = menu.actionGeometry(action).width() - 10 - look.px(16) - 10 - 12
    assert room >= QFontMetricsF(look.font(13)).horizontalAdvance(text)


def test_directions() -> None:
    left, right = Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft
    assert reading_direction("12 · Gemma", right) is left
    assert reading_direction("12 ليمون", left) is right
    assert reading_direction("12:30", right) is right
    whole = QRect(0, 0, 100, 10)
    assert mirrored(QRect(0, 0, 30, 10), whole, right) == QRect(70, 0, 30, 10)
    assert mirrored(QRect(0, 0, 30, 10), whole, left) == QRect(0, 0, 30, 10)


def test_a_sentence_breaks_a_word_that_is_too_long(look: Look) -> None:
    sentence = Sentence(look)
    sentence.say("", "/a/path/" + "without_any_space_" * 9)
    assert sentence.heightForWidth(200) > 3 * look.px(18)
    sentence.deleteLater()
