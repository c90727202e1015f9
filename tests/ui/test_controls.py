"""The small controls: names, keyboard focus, themes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.controls import Button, ElidedWords, IconButton, Switch
from app.ui.flow import Flow
from app.ui.focus_ring import FocusRing
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.painting import mirrored, reading_direction
from app.ui.sentence import Sentence
from app.ui.slider import Slider
from tests.ui.calls.making import flush


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


def test_a_press_takes_the_knob_there_and_keys_move_it(look: Look, qtbot: QtBot) -> None:
    slider = Slider(look, "Layers on the card")
    qtbot.addWidget(slider)
    slider.setRange(0, 48)
    slider.resize(222, 22)
    slider.show()
    middle = QPoint(111, 11)
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert slider.value() == 24
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(219, 11))
    assert slider.value() == 48
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert slider.value() == 0
    slider.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(3, 11))
    assert slider.value() == 48


def test_controls_go_on_in_the_next_line(look: Look, qtbot: QtBot) -> None:
    held = QWidget()
    flow, buttons = Flow(10, 4), [Button(look, text) for text in ("One", "Two", "Three")]
    for each in buttons:
        flow.addWidget(each)
    held.setLayout(flow)
    qtbot.addWidget(held)
    held.resize(600, 200)
    held.show()
    flush()
    assert len({each.y() for each in buttons}) == 1
    assert [each.x() for each in buttons] == sorted(each.x() for each in buttons)
    width = buttons[0].width() + 10 + buttons[1].width()
    held.resize(width, 200)
    flush()
    assert [each.y() for each in buttons] == [0, 0, buttons[0].height() + 4]
    assert flow.heightForWidth(width) == 2 * buttons[0].height() + 4
    buttons[1].hide()
    flush()
    assert buttons[2].y() == (0 if buttons[0].width() + 10 + buttons[2].width() <= width else buttons[0].height() + 4)
    held.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    held.resize(600, 200)
    flush()
    assert buttons[0].geometry().right() == 599


def test_a_menu_has_room_for_its_words(look: Look, qtbot: QtBot) -> None:
    menu = Menu(look)
    qtbot.addWidget(menu)
    action = menu.add("What it needs", lambda: None, icon="cpu", note="7 GB")
    menu.popup(QPoint(0, 0))
    words = QFontMetricsF(look.font(13))
    needed = 36 + words.horizontalAdvance("What it needs") + 6 + words.horizontalAdvance("7 GB") + 12
    assert menu.actionGeometry(action).width() >= needed
    menu.close()
