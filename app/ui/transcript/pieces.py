"""Painted parts of a message: each block lays itself out in a width, paints itself, finds letters under the pointer.

Places are letters of `block_text(block)`; coordinates are logical pixels from the piece's own corner.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app.ui.painting import LEFT_TO_RIGHT, reading_direction
from app.ui.transcript.blocks import QUOTE, Block, Words, block_text
from app.ui.transcript.letters import (
    Selection,
    caret_after,
    draw_layout,
    fill_lines,
    is_on_words,
    link_in,
    natural_width,
    paint_code_grounds,
    place_in,
    text_layout,
)
from app.ui.transcript.style import Style

INDENT = 22
LETTER = 9
QUOTE_INDENT = 16
QUOTE_BAR = 3
NOWHERE = QPointF()


class Piece:
    """One block on the screen. GUI thread."""

    def __init__(self, block: Block, style: Style, window: Qt.LayoutDirection) -> None:
        self.block = block
        self.style = style
        self.window = window
        self.width = 0
        self.height = 0
        self.shift = 0  # how far it is scrolled sideways,
        self.overflow = 0  # and how far it can be

    @property
    def text(self) -> str:
        """The words, as they are copied."""
        return block_text(self.block)

    def take(self, block: Block) -> bool:
        """Become a block that has grown from this one, if this piece can; it is to be laid out again then."""
        return False

    def lay_out(self, width: int) -> None:
        """Fit into `width`; sets `height` and `overflow`."""
        raise NotImplementedError

    def paint(self, painter: QPainter, clip: QRectF, selection: Selection | None) -> None:
        """Paint what lies in `clip`."""
        raise NotImplementedError

    def place_at(self, spot: QPointF) -> int:
        """The letter nearest to a spot."""
        return 0

    def is_on_words(self, spot: QPointF) -> bool:
        """Whether a spot is on words that can be selected."""
        return False

    def link_at(self, spot: QPointF) -> str:
        """The link under a spot, or ""."""
        return ""

    def caret(self) -> QRectF:
        """Where more letters will come."""
        return QRectF(0, 0, 2, self.height)

    @property
    def direction(self) -> Qt.LayoutDirection:
        """The direction this block is read in."""
        return self.window

    def indent(self) -> int:
        """The room for the list markers and quote bars it stands behind."""
        return sum(map(self._step, self.block.place.path))

    def left(self) -> int:
        """Where the block's own area begins."""
        return self.indent() if self.direction == LEFT_TO_RIGHT else 0

    def _step(self, part: int) -> int:
        if part == QUOTE:
            return self.style.px(QUOTE_INDENT)
        return self.style.px(INDENT + max(0, part - 2) * LETTER)

    def paint_containers(self, painter: QPainter, above: int) -> None:
        """Its list marker, and the bars of its quotes over `above` pixels of the gap before it too."""
        at = 0
        for part in self.block.place.path:
            if part == QUOTE:
                left = at if self.direction == LEFT_TO_RIGHT else self.width - at - QUOTE_BAR
                bar = QRectF(left, -above, QUOTE_BAR, self.height + above)
                painter.fillRect(bar, self.style.colour("border_strong"))
            at += self._step(part)
        if self.block.place.marker:
            self._paint_marker(painter, self.block.place.marker)

    def _paint_marker(self, painter: QPainter, marker: str) -> None:
        style = self.style
        rightwards = self.direction == LEFT_TO_RIGHT
        line = style.line_height()
        room = self._step(self.block.place.path[-1])
        end = self.indent()
        if marker[-1:] != ".":
            start = end - room + style.px(8)
            _paint_bullet(painter, marker, QPointF(start if rightwards else self.width - start, line / 2), style)
            return
        painter.setFont(style.figures(15))
        painter.setPen(style.colour("text"))
        gap = style.px(5)
        area = QRectF(0, 0, end - gap, line) if rightwards else QRectF(self.width - end + gap, 0, end - gap, line)
        side = Qt.AlignmentFlag.AlignRight if rightwards else Qt.AlignmentFlag.AlignLeft
        painter.drawText(area, int(side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter), marker)


def _paint_bullet(painter: QPainter, marker: str, middle: QPointF, style: Style) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    radius = 2.5 * style.scale
    ink = style.colour("text")
    if marker == "▪":
        painter.fillRect(
            QRectF(middle.x() - radius + 0.5, middle.y() - radius + 0.5, 2 * radius - 1, 2 * radius - 1), ink
        )
        return
    painter.setPen(ink if marker == "◦" else Qt.PenStyle.NoPen)
    painter.setBrush(ink if marker == "•" else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(middle, radius, radius)


class RulePiece(Piece):
    """A horizontal line."""

    def lay_out(self, width: int) -> None:
        self.width = width
        self.height = 1

    def paint(self, painter: QPainter, clip: QRectF, selection: Selection | None) -> None:
        painter.fillRect(QRectF(self.left(), 0, self.width - self.indent(), 1), self.style.colour("border_strong"))


class WordsPiece(Piece):
    """A paragraph or a heading."""

    block: Words

    def __init__(self, block: Words, style: Style, window: Qt.LayoutDirection) -> None:
        super().__init__(block, style, window)
        self._line_height = style.line_height(block.level)
        self.take(block)

    def take(self, block: Block) -> bool:
        if not isinstance(block, Words) or block.level != self.block.level:
            return False
        self.block = block
        self._direction = reading_direction(block.text[:1000], self.window)
        self._marker_letters = len(block.place.marker) + 1 if block.place.marker else 0
        self._layout = text_layout(block.spans, self.style, self._direction, block.level)
        return True

    @property
    def direction(self) -> Qt.LayoutDirection:
        return self._direction

    def natural_width(self) -> int:
        """The width of the words when nothing but their own line breaks breaks them."""
        fill_lines(self._layout, 0, 1_000_000, self._line_height)
        natural = int(natural_width(self._layout)) + 2 + self.indent()
        if self.width:  # the lines that are on the screen
            self.lay_out(self.width)
        return natural

    def lay_out(self, width: int) -> None:
        self.width = width
        self.height = fill_lines(self._layout, self.left(), max(40, width - self.indent()), self._line_height)

    def paint(self, painter: QPainter, clip: QRectF, selection: Selection | None) -> None:
        paint_code_grounds(painter, self._layout, NOWHERE, self.block.spans, self.style)
        painter.setPen(self.style.colour("text"))
        if selection is not None:
            selection = (selection[0] - self._marker_letters, selection[1] - self._marker_letters)
        draw_layout(painter, self._layout, NOWHERE, self.style, clip, selection)

    def place_at(self, spot: QPointF) -> int:
        return place_in(self._layout, spot) + self._marker_letters

    def is_on_words(self, spot: QPointF) -> bool:
        return is_on_words(self._layout, spot)

    def link_at(self, spot: QPointF) -> str:
        return link_in(self._layout, self.block.spans, spot)

    def caret(self) -> QRectF:
        start = self.left() if self._direction == LEFT_TO_RIGHT else self.width - self.indent() - 2
        return caret_after(self._layout, start, self._line_height, self.style)
