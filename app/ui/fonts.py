"""The two bundled families: Inter for the window, JetBrains Mono for code. Sizes are pixels at 100%."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase

UI_FAMILY = "Inter"
MONO_FAMILY = "JetBrains Mono"
SMALLEST = 11
FILES = {
    "fontpkg_inter": ("Inter[opsz,wght].ttf", "Inter-Italic[opsz,wght].ttf"),
    "fontpkg_jetbrains_mono": ("JetBrainsMono[wght].ttf", "JetBrainsMono-Italic[wght].ttf"),
}


def load() -> None:
    """Register the bundled fonts with Qt, once per application. A font that is missing leaves the system's own."""
    for package, names in FILES.items():
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for name in names:
                QFontDatabase.addApplicationFont(str(Path(folder) / "files" / name))


def ui(px: float, weight: int = 400, scale: float = 1.0) -> QFont:
    """The window's font, `px` high at 100%, never below 11 px."""
    return _font(UI_FAMILY, px, weight, scale)


def figures(px: float, weight: int = 400, scale: float = 1.0) -> QFont:
    """The window's font with figures of one width, for times, counts and tables."""
    font = _font(UI_FAMILY, px, weight, scale)
    _set_feature(font, "tnum", 1)
    return font


def mono(px: float, scale: float = 1.0) -> QFont:
    """The font of code, without ligatures."""
    font = _font(MONO_FAMILY, px, 400, scale)
    font.setFixedPitch(True)
    font.setStyleHint(QFont.StyleHint.Monospace)
    _set_feature(font, "calt", 0)
    return font


def _font(family: str, px: float, weight: int, scale: float) -> QFont:
    font = QFont(family)
    font.setPixelSize(max(SMALLEST, round(px * scale)))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    # Qt finds the variable file's regular instance alone: the axis makes the weight. The weight is for the fonts that
    # stand in for other scripts; above 600 Qt would thicken what is already bold.
    font.setWeight(QFont.Weight(min(weight, 600)))
    if hasattr(font, "setVariableAxis"):
        font.setVariableAxis(QFont.Tag("wght"), weight)
    return font


def _set_feature(font: QFont, tag: str, value: int) -> None:
    # Qt 6.7 and newer; an older one keeps the font as it is
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag(tag), value)
