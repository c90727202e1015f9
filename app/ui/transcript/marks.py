"""What a message paints beside its words: the line between days, and the gem before an answer."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter

from app.ui.painting import LEFT_TO_RIGHT, picture
from app.ui.transcript.blocks import Block, Code, Table
from app.ui.transcript.style import Style

GEM = 28


def paint_day(painter: QPainter, style: Style, text: str, width: int) -> None:
    """The words of the line between two days, in the middle."""
    painter.setFont(style.figures(11, 500))
    painter.setPen(style.colour("text3"))
    area = QRectF(0, style.px(16), width, style.px(14))
    painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), text)


def paint_gem(painter: QPainter, style: Style, first: Block | None, column: QRect, ratio: float) -> None:
    """The gem, left of the first line of the column (`first` is the block there); `column` begins at that line."""
    level = getattr(first, "level", 0)
    high = style.px(32) if isinstance(first, Code | Table) else style.line_height(level)
    x = column.left() - GEM + style.px(18) / 2
    if painter.layoutDirection() != LEFT_TO_RIGHT:
        x = 2 * column.center().x() + 1 - x
    picture(painter, QPointF(x, column.top() + high / 2), style.pixmap("gem", "accent", 18, ratio))
