"""Shapes that several widgets paint: crisp rounded boxes, elided words, the ring of the keyboard focus."""

from __future__ import annotations

import unicodedata

from PySide6.QtCore import QMargins, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QPainter, QPen, QPixmap

LEFT_TO_RIGHT = Qt.LayoutDirection.LeftToRight
KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


def box(
    painter: QPainter,
    rect: QRectF | QRect,
    radius: float,
    fill: QColor | None,
    border: QColor | None = None,
    width: float = 1,
) -> None:
    """A rounded box whose border lies inside `rect`."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    inset = width / 2 if border is not None else 0
    painter.setPen(QPen(border, width) if border is not None else Qt.PenStyle.NoPen)
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(
        QRectF(rect).adjusted(inset, inset, -inset, -inset), max(0, radius - inset), max(0, radius - inset)
    )


def words(painter: QPainter, rect: QRectF | QRect, text: str, colour: QColor, *, end: bool = False) -> float:
    """One line at the start (or end) of `rect`, elided to fit, centred upright; returns its width.

    Start and end follow the painter's layout direction.
    """
    area = QRectF(rect)
    metrics = QFontMetricsF(painter.font())
    elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.setPen(colour)
    window = painter.layoutDirection()
    side = Qt.AlignmentFlag.AlignRight if end == (window == LEFT_TO_RIGHT) else Qt.AlignmentFlag.AlignLeft
    flags = side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
    painter.setLayoutDirection(reading_direction(text, window))
    painter.drawText(area, int(flags | Qt.TextFlag.TextSingleLine), elided)
    painter.setLayoutDirection(window)
    return metrics.horizontalAdvance(elided)


def reading_direction(text: str, otherwise: Qt.LayoutDirection) -> Qt.LayoutDirection:
    """The direction that words are read in, by their first letter; `otherwise` for words without letters."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind == "L":
            return LEFT_TO_RIGHT
        if kind in ("R", "AL"):
            return Qt.LayoutDirection.RightToLeft
    return otherwise


def margins(start: int, top: int, end: int, bottom: int) -> QMargins:
    """A layout's margins from the start side to the end side, whichever sides these are."""
    if QGuiApplication.layoutDirection() == Qt.LayoutDirection.RightToLeft:
        start, end = end, start
    return QMargins(start, top, end, bottom)


def picture(painter: QPainter, centre: QPointF, drawn: QPixmap) -> None:
    """An icon's picture with its middle at `centre`, on whole pixels."""
    ratio = drawn.devicePixelRatio()
    painter.drawPixmap(
        QPointF(round(centre.x() - drawn.width() / ratio / 2), round(centre.y() - drawn.height() / ratio / 2)), drawn
    )


def mirrored(rect: QRect, within: QRect, direction: Qt.LayoutDirection) -> QRect:
    """The rectangle at its place from the start side, whichever side that is."""
    if direction == Qt.LayoutDirection.RightToLeft:
        return QRect(within.left() + within.right() - rect.right(), rect.top(), rect.width(), rect.height())
    return rect


def shadow(painter: QPainter, card: QRectF, radius: float, colour: QColor, *, blur: int = 24, drop: int = 8) -> None:
    """The soft shadow under a card, inside the card's translucent margin."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    shade = QColor(colour)
    steps = blur // 2
    for step in range(steps):
        spread = blur * (1 - step / steps) - blur / 2
        shade.setAlphaF(colour.alphaF() / steps * (0.4 + 1.2 * step / steps))
        painter.setBrush(shade)
        outline = card.adjusted(-spread, -spread + drop, spread, spread + drop)
        painter.drawRoundedRect(outline, radius + max(0.0, spread), radius + max(0.0, spread))
