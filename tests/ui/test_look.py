"""The look: fonts of the right weight, icons in the right colour, one signal when it changes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QFontInfo, QFontMetricsF
from pytestqt.qtbot import QtBot

from app.core.paths import resources
from app.ui import fonts, icons
from app.ui.look import Look
from app.ui.theme import DARK, LIGHT


def test_the_bundled_families_are_in_use(look: Look) -> None:
    assert QFontInfo(fonts.ui(13)).family() == "Inter"
    assert QFontInfo(fonts.mono(13)).family() == "JetBrains Mono"


def test_weights_differ(look: Look) -> None:
    widths = [QFontMetricsF(fonts.ui(13, weight)).horizontalAdvance("Heat pump loan") for weight in (400, 500, 600)]
    assert widths == sorted(set(widths))


def test_figures_have_one_width(look: Look) -> None:
    measure = QFontMetricsF(look.figures(12))
    assert measure.horizontalAdvance("1111") == measure.horizontalAdvance("0000")


def test_text_is_never_below_eleven_pixels(look: Look) -> None:
    assert fonts.ui(11, scale=0.8).pixelSize() == fonts.SMALLEST


@pytest.mark.parametrize("path", sorted((resources() / "icons").glob("*.svg")), ids=lambda path: path.stem)
def test_every_icon_is_drawn(look: Look, path: object) -> None:
    drawn = icons.pixmap(path.stem, LIGHT.accent, 18, 2.0)  # type: ignore[attr-defined]
    assert drawn.size() == QSize(36, 36)
    image = drawn.toImage()
    assert any(image.pixelColor(x, y).alpha() for x in range(36) for y in range(36))


def test_an_icon_has_the_colour_it_was_asked_in(look: Look) -> None:
    image = icons.pixmap("stop", "#FF0000", 24, 1.0).toImage()
    solid = {
        image.pixelColor(x, y).name() for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 250
    }
    assert solid == {"#ff0000"}


@pytest.mark.usefixtures("_right_to_left")
def test_directional_icons_are_mirrored_from_right_to_left(look: Look) -> None:
    mirrored = icons.pixmap("chevron-right", LIGHT.text, 16, 1.0).toImage()
    plain = icons.pixmap("chevron-left", LIGHT.text, 16, 1.0)
    assert plain.toImage() != mirrored
    search = icons.pixmap("search", LIGHT.text, 16, 1.0).toImage()
    assert search == icons._drawn("search", LIGHT.text, 16, 1.0, False).toImage()


def test_a_change_is_told_once_and_after_the_style_is_in_place(look: Look, qtbot: QtBot) -> None:
    seen: list[str] = []
    look.changed.connect(lambda: seen.append(look.theme.name))
    look.choose("dark", 1.0)
    look.choose("dark", 1.0)
    assert seen == ["dark"]
    assert look.colour("window").name() == DARK.window.lower()


def test_the_text_size_stays_within_its_range(look: Look) -> None:
    look.choose("light", 9.0)
    assert look.scale == 2.0
    assert look.font(13).pixelSize() == 26
