"""Colours: every theme is readable, and a setting chooses the right one."""

from __future__ import annotations

import pytest

from app.ui.theme import CONTRAST_DARK, CONTRAST_LIGHT, DARK, LIGHT, Theme, theme_for

THEMES = (LIGHT, DARK, CONTRAST_LIGHT, CONTRAST_DARK)
SURFACES = ("window", "sidebar", "raised", "hover", "selected")
WORDS = 4.5
SHAPES = 3.0


def _luminance(colour: str) -> float:
    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(colour[place : place + 2]) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast of two colours after WCAG 2."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_words_are_readable_on_every_surface_they_stand_on(theme: Theme) -> None:
    for surface in SURFACES:
        for ink in ("text", "text2"):
            assert contrast(getattr(theme, ink), getattr(theme, surface)) >= WORDS, (ink, surface)
    for ink, surface in [
        ("text3", "window"),
        ("text3", "sidebar"),
        ("text3", "raised"),
        ("accent", "window"),
        ("accent", "tint"),
        ("on_accent", "accent"),
        ("on_accent", "accent_hover"),
        ("on_accent", "accent_pressed"),
        ("danger", "danger_tint"),
        ("warn", "warn_tint"),
        ("ok", "ok_tint"),
        ("text", "mark"),
    ]:
        assert contrast(getattr(theme, ink), getattr(theme, surface)) >= WORDS, (ink, surface)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_code_and_field_borders_are_told_from_their_ground(theme: Theme) -> None:
    for kind in ("keyword", "string", "number", "name", "comment"):
        assert contrast(getattr(theme, f"code_{kind}"), theme.sunken) >= WORDS, kind
    assert contrast(theme.control, theme.raised) >= SHAPES
    assert contrast(theme.accent, theme.raised) >= SHAPES


@pytest.mark.parametrize(
    ("choice", "system_dark", "system_contrast", "expected"),
    [
        ("system", False, False, LIGHT),
        ("system", True, False, DARK),
        ("system", True, True, CONTRAST_DARK),
        ("light", True, False, LIGHT),
        ("dark", False, False, DARK),
        ("contrast", False, False, CONTRAST_LIGHT),
        ("contrast", True, False, CONTRAST_DARK),
        ("light", True, True, LIGHT),
    ],
)
def test_a_setting_and_the_system_choose_the_theme(
    choice: str, system_dark: bool, system_contrast: bool, expected: Theme
) -> None:
    assert theme_for(choice, system_dark=system_dark, system_contrast=system_contrast) is expected
