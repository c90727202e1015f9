"""A table: a rounded frame, hairlines between rows, numbers at the end side, as narrow as its words allow."""

from __future__ import annotations

import math
import re

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QTextLayout, QTextOption

from app.ui.painting import LEFT_TO_RIGHT, reading_direction
from app.ui.transcript.blocks import Block, Cell, Table, cell_text
from app.ui.transcript.letters import (
    Selection,
    draw_layout,
    fill_lines,
    is_on_words,
    link_in,
    natural_width,
    paint_code_grounds,
    place_in,
    text_layout,
)
from app.ui.transcript.pieces import Piece
from app.ui.transcript.style import Style

SIDE = 14
ABOVE = 5
ABOVE_HEAD = 6.5
RADIUS = 8
NARROWEST = 40
LONGEST_WORD = 240
NUMBER = re.compile(
    r"[\s\u2066-\u2069\u200e\u200f]*[-+−–~≈<>≤≥]?\s*[^\w\s]{0,2}\s*\d[\d.,'’ \u00a0\u202f:/×e+-]*\s*\S{0,4}\s*"
)
NOTHING = ("", "-", "–", "—", "n/a")


class _Cell:
    """One cell: its layout, and where it is."""

    __slots__ = ("_widths", "area", "head", "layout", "length", "spans", "start")

    def __init__(self, spans: Cell, style: Style, table: Qt.LayoutDirection, *, head: bool) -> None:
        self.spans = spans
        self.head = head
        text = cell_text(spans)
        self.length = len(text)
        self.layout: QTextLayout = text_layout(spans, style, reading_direction(text, table), cell=True, head=head)
        self.start = 0
        self.area = QRectF()
        self._widths: tuple[int, int] | None = None

    def widths(self) -> tuple[int, int]:
        """The width of the words on one line, and that of the longest word."""
        if self._widths is None:
            option = self.layout.textOption()
            anywhere = option.wrapMode()
            option.setWrapMode(QTextOption.WrapMode.WordWrap)
            self.layout.setTextOption(option)
            fill_lines(self.layout, 0, 1_000_000, 1)
            self._widths = math.ceil(natural_width(self.layout)), math.ceil(self.layout.minimumWidth())
            option.setWrapMode(anywhere)
            self.layout.setTextOption(option)
        return self._widths


class TablePiece(Piece):
    """One table; wider than its column, it scrolls sideways."""

    block: Table

    def __init__(self, block: Table, style: Style, window: Qt.LayoutDirection) -> None:
        super().__init__(block, style, window)
        self._cells: list[list[_Cell]] = []
        self.take(block)

    def take(self, block: Block) -> bool:
        if not isinstance(block, Table) or block.head != self.block.head:
            return False
        old = {(row, at): cell for row, cells in enumerate(self._cells) for at, cell in enumerate(cells)}
        self.block = block
        texts = [cell_text(cell) for row in (block.head, *block.rows[:3]) for cell in row]
        self._direction = reading_direction(" ".join(texts), self.window)
        rows = ([block.head] if block.head else []) + list(block.rows)
        self._cells = []
        start = 0
        for at_row, row in enumerate(rows):
            made: list[_Cell] = []
            for at, spans in enumerate(row):
                head = bool(block.head) and at_row == 0
                kept = old.get((at_row, at))
                cell = (
                    kept
                    if kept is not None and kept.spans == spans
                    else _Cell(spans, self.style, self._direction, head=head)
                )
                cell.start = start
                start += cell.length + 1
                made.append(cell)
            self._cells.append(made)
        return True

    @property
    def direction(self) -> Qt.LayoutDirection:
        return self._direction

    def lay_out(self, width: int) -> None:
        self.width = width
        columns = len(self.block.aligns)
        available = width - self.indent()
        widths = self._widths(columns, available)
        self._table_width = sum(widths) + 2
        self.overflow = max(0, self._table_width - available)
        self.shift = min(self.shift, self.overflow)
        ends = [self._at_end(column) for column in range(columns)]
        top = 1.0
        self._lines: list[float] = []
        for row in self._cells:
            top = self._lay_out_row(row, widths, ends, top)
            self._lines.append(top)
            top += 1
        self.height = round(top)

    def _lay_out_row(self, row: list[_Cell], widths: list[int], ends: list[str], top: float) -> float:
        """Place the cells of a row; returns where the row ends."""
        style = self.style
        head = bool(row) and row[0].head
        above = style.px(ABOVE_HEAD if head else ABOVE) if not head else ABOVE_HEAD * style.scale
        high = 0
        x = 1
        for cell, width, side in zip(row, widths, ends, strict=False):
            inner = width - 2 * SIDE
            option = cell.layout.textOption()
            option.setAlignment(self._alignment(side) | Qt.AlignmentFlag.AlignAbsolute)
            cell.layout.setTextOption(option)
            high = max(high, fill_lines(cell.layout, 0, inner, style.px(16 if head else 20)))
            left = x + SIDE if self._direction == LEFT_TO_RIGHT else self._table_width - x - width + SIDE
            cell.area = QRectF(left, top + above, inner, 0)
            x += width
        bottom = round(top + 2 * above + high)
        for cell in row:
            cell.area.setHeight(bottom - top - 2 * above)
        return bottom

    def _alignment(self, side: str) -> Qt.AlignmentFlag:
        if side == "center":
            return Qt.AlignmentFlag.AlignHCenter
        right = (side == "end") == (self._direction == LEFT_TO_RIGHT)
        return Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft

    def _at_end(self, column: int) -> str:
        """ "end" for numbers and what the writer put to the right, "center", else "start"."""
        wished = self.block.aligns[column]
        if wished == "center":
            return "center"
        if wished == "right":
            return "end"
        texts = [cell_text(row[column]).strip() for row in self.block.rows if column < len(row)]
        telling = [text for text in texts if text not in NOTHING]
        numbers = bool(telling) and all(len(text) < 40 and NUMBER.fullmatch(text) for text in telling)
        return "end" if numbers and wished != "left" else "start"

    def _widths(self, columns: int, available: int) -> list[int]:
        natural = [NARROWEST] * columns
        least = [NARROWEST] * columns
        for row in self._cells:
            for column, cell in enumerate(row[:columns]):
                whole, word = cell.widths()
                natural[column] = max(natural[column], whole + 2 * SIDE)
                least[column] = max(least[column], min(LONGEST_WORD, word) + 2 * SIDE)
        room = available - 2
        if sum(natural) <= room:
            return natural
        least = [min(one, other) for one, other in zip(least, natural, strict=True)]
        spare = room - sum(least)
        if spare <= 0:
            return least
        wanted = sum(natural) - sum(least)
        return [one + spare * (other - one) // wanted for one, other in zip(least, natural, strict=True)]

    def frame(self) -> QRectF:
        """The frame: as wide as the table, or as the column when it scrolls."""
        room = self.width - self.indent()
        width = min(self._table_width, room)
        left = self.left() if self._direction == LEFT_TO_RIGHT else self.width - self.indent() - width
        return QRectF(left, 0, width, self.height)

    def _origin(self) -> float:
        frame = self.frame()
        if self._direction == LEFT_TO_RIGHT:
            return frame.left() - self.shift
        return frame.right() - self._table_width + self.shift

    def paint(self, painter: QPainter, clip: QRectF, selection: Selection | None) -> None:
        style = self.style
        frame = self.frame()
        outline = QPainterPath()
        outline.addRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS - 0.5, RADIUS - 0.5)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipPath(outline, Qt.ClipOperation.IntersectClip)
        if self.block.head:
            painter.fillRect(QRectF(frame.left(), 0, frame.width(), self._lines[0]), style.colour("sunken"))
        for line in self._lines[:-1]:
            painter.fillRect(QRectF(frame.left(), line, frame.width(), 1), style.colour("border"))
        self._paint_cells(painter, clip, selection)
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(style.colour("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)

    def _paint_cells(self, painter: QPainter, clip: QRectF, selection: Selection | None) -> None:
        origin = self._origin()
        for row in self._cells:
            if not row or row[0].area.bottom() < clip.top() or row[0].area.top() > clip.bottom():
                continue
            for cell in row:
                at = cell.area.topLeft() + QPointF(origin, 0)
                chosen = None
                if selection is not None and selection[0] < cell.start + cell.length and selection[1] > cell.start:
                    chosen = (selection[0] - cell.start, min(selection[1] - cell.start, cell.length))
                paint_code_grounds(painter, cell.layout, at, cell.spans, self.style)
                painter.setPen(self.style.colour("text2" if cell.head else "text"))
                draw_layout(painter, cell.layout, at, self.style, QRectF(), chosen)

    def _cell_at(self, spot: QPointF) -> tuple[_Cell, QPointF] | None:
        """The nearest cell, and the spot in it."""
        inside = spot - QPointF(self._origin(), 0)
        nearest: _Cell | None = None
        for row in self._cells:
            if row and (nearest is None or row[0].area.top() - ABOVE <= inside.y()):
                nearest = min(row, key=lambda cell: _distance(cell.area, inside.x()))
        return (nearest, inside - nearest.area.topLeft()) if nearest is not None else None

    def place_at(self, spot: QPointF) -> int:
        found = self._cell_at(spot)
        return found[0].start + place_in(found[0].layout, found[1]) if found else 0

    def is_on_words(self, spot: QPointF) -> bool:
        found = self._cell_at(spot)
        return found is not None and self.frame().contains(spot) and is_on_words(found[0].layout, found[1])

    def link_at(self, spot: QPointF) -> str:
        found = self._cell_at(spot)
        if found is None or not self.frame().contains(spot):
            return ""
        return link_in(found[0].layout, found[0].spans, found[1])

    def caret(self) -> QRectF:
        frame = self.frame()
        return QRectF(frame.left(), frame.bottom() + 2, 0, 0)


def _distance(area: QRectF, x: float) -> float:
    return max(area.left() - x, x - area.right(), 0.0)
