"""The marks beside the composer's Attach button: an icon and a word, tinted while they are on. 28 high."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QWidget

from app.ui.look import Look
from app.ui.painting import box, mirrored, picture, words


def mark_size(look: Look, text: str) -> QSize:
    """The size of a mark with this word."""
    px = look.px
    wide = QFontMetricsF(look.font(12, 500)).horizontalAdvance(text)
    return QSize(px(9 + 16 + 6) + round(wide) + px(11), px(28))


def paint_mark(widget: QWidget, look: Look, icon: str, text: str, *, on: bool, ring: bool = False) -> None:
    """Paint a mark over a whole widget."""
    px = look.px
    painter = QPainter(widget)
    painter.setLayoutDirection(widget.layoutDirection())
    fill = look.colour("tint") if on else None
    edge = look.colour("accent") if ring or (on and look.theme.contrast) else None
    box(painter, widget.rect(), 6, fill, edge, 2 if ring else 1)
    ink = "accent" if on else "text3"
    spot = mirrored(QRect(px(9), 0, px(16), widget.height()), widget.rect(), widget.layoutDirection())
    picture(painter, QRectF(spot).center(), look.pixmap(icon, ink, 16, widget.devicePixelRatioF()))
    painter.setFont(look.font(12, 500))
    inner = QRect(px(31), 0, widget.width() - px(31), widget.height())
    words(painter, mirrored(inner, widget.rect(), widget.layoutDirection()), text, look.colour(ink))
