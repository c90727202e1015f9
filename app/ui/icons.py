"""The program's own icons: SVG with `currentColor`, drawn at device pixels in the colour asked for."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap, QTransform
from PySide6.QtSvg import QSvgRenderer

from app.core.paths import resources

FOLDER = resources() / "icons"
MIRRORED = frozenset({"chevron-left", "chevron-right", "sidebar", "panel-right", "log", "undo", "arrow-right"})


@cache
def _source(name: str) -> bytes:
    return (FOLDER / f"{name}.svg").read_bytes()


@cache
def _drawn(name: str, colour: str, size: int, ratio: float, mirrored: bool) -> QPixmap:
    renderer = QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", colour.encode("ascii"))))
    pixels = round(size * ratio)
    drawn = QPixmap(QSize(pixels, pixels))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    if mirrored:
        drawn = drawn.transformed(QTransform.fromScale(-1, 1))
    drawn.setDevicePixelRatio(ratio)
    return drawn


def pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    """The icon `size` logical pixels wide for a screen with `ratio` device pixels each; cached.

    Directional icons are mirrored where the program reads from right to left. GUI thread.
    """
    mirrored = name in MIRRORED and QGuiApplication.layoutDirection() == Qt.LayoutDirection.RightToLeft
    return _drawn(name, colour, size, ratio, mirrored)


def icon(name: str, colour: str, size: int) -> QIcon:
    """The icon for a button, sharp on every screen that is there now. GUI thread."""
    made = QIcon()
    for ratio in {1.0, max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)}:
        made.addPixmap(pixmap(name, colour, size, ratio))
    return made


def application_icon() -> QIcon:
    """The program's icon, for the window and its entry in the task bar. GUI thread."""
    made = QIcon()
    for size in (16, 32, 48, 128):
        made.addPixmap(pixmap("cabochon", "", size, 1.0))
    return made
