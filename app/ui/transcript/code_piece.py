"""A code block: a frame with a head, lines that are laid out only where they are seen, always left to right."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QTextCharFormat, QTextLayout, QTextOption

from app.ui.painting import LEFT_TO_RIGHT, box, words
from app.ui.transcript.blocks import Block, Code
from app.ui.transcript.highlight import Highlighter
from app.ui.transcript.letters import (
    CARET,
    Selection,
    draw_layout,
    format_range,
    from_units,
    to_units,
    x_of,
)
from app.ui.transcript.pieces import Piece
from app.ui.transcript.style import Style

HEAD = 32
LINE = 20
SIDE = 14
ABOVE = 10
BELOW = 11
RADIUS = 8
LONGEST_ROW = 2_000  # a longer line goes on in the next row: Qt would lay it out in one go
MOST_KEPT = 300


class CodePiece(Piece):
    """One code block."""

    block: Code

    def __init__(self, block: Code, style: Style, window: Qt.LayoutDirection) -> None:
        super().__init__(block, style, window)
        self.wraps = False
        self.highlighter = Highlighter(block.language)
        self._layouts: dict[int, QTextLayout] = {}
        self._runs_drawn = 0
        self.take(block)

    def take(self, block: Block) -> bool:
        if not isinstance(block, Code) or block.language != self.block.language:
            return False
        grown = block.text.startswith(self.block.text)
        self.block = block
        self.highlighter.set_text(block.text)
        if grown and self._layouts:
            self._layouts.pop(max(self._layouts), None)
            self._forget_from = len(self._rows) - 1
            self._layouts = {row: made for row, made in self._layouts.items() if row < self._forget_from}
        else:
            self._layouts.clear()
        return True

    def step(self) -> bool:
        """Colour some more; True when there is more to do. The runs seen change only when a pass is complete."""
        before = self.highlighter.runs
        more = self.highlighter.step()
        if self.highlighter.runs is not before:
            self._layouts.clear()
        return more

    def set_wraps(self, wraps: bool) -> None:
        """Break long lines, or let them run out of the frame; it is to be laid out again then."""
        self.wraps = wraps
        self.shift = 0

    def lay_out(self, width: int) -> None:
        style = self.style
        if width != self.width or self.wraps:
            self._layouts.clear()
        self.width = width
        inner = width - self.indent() - 2 - 2 * SIDE
        columns = max(8, int(inner / style.code_letter)) if self.wraps else LONGEST_ROW
        self._rows = _rows(self.block.text, columns)
        self._starts = [row[0] for row in self._rows]
        widest = max((_cells(self.block.text[a:b]) for a, b in self._rows), default=0) * style.code_letter
        self.overflow = 0 if self.wraps else max(0, round(widest) + CARET + 1 - inner)
        self.shift = min(self.shift, self.overflow)
        self.height = style.px(HEAD) + 1 + ABOVE + len(self._rows) * style.px(LINE) + BELOW

    def frame(self) -> QRectF:
        """The frame, head included."""
        return QRectF(self.left(), 0, self.width - self.indent(), self.height)

    def head(self) -> QRectF:
        """The head, where the buttons are."""
        return QRectF(self.left(), 0, self.width - self.indent(), self.style.px(HEAD))

    def paint(self, painter: QPainter, clip: QRectF, selection: Selection | None) -> None:
        style = self.style
        frame = self.frame()
        box(painter, frame, RADIUS, style.colour("sunken"), style.colour("border"))
        head = self.head()
        painter.fillRect(QRectF(frame.left(), head.bottom(), frame.width(), 1), style.colour("border"))
        painter.setFont(style.ui(12, 500))
        painter.setLayoutDirection(self.window)
        words(painter, head.adjusted(SIDE + 1, 0, -SIDE - 1, 0), self.block.language, style.colour("text2"))
        painter.save()
        inner = QRectF(frame.left() + 1, head.bottom() + 1, frame.width() - 2, frame.height() - head.height() - 2)
        painter.setClipRect(inner.adjusted(SIDE - 4, 0, 4 - SIDE, 0), Qt.ClipOperation.IntersectClip)
        self._paint_rows(painter, clip, selection)
        painter.restore()

    def _paint_rows(self, painter: QPainter, clip: QRectF, selection: Selection | None) -> None:
        line = self.style.px(LINE)
        top = self._rows_top()
        first = max(0, int((clip.top() - top) // line))
        last = min(len(self._rows), int((clip.bottom() - top) // line) + 1)
        if len(self._layouts) > MOST_KEPT:
            self._layouts.clear()
        painter.setPen(self.style.colour("text"))
        for row in range(first, last):
            start, end = self._rows[row]
            made = self._layout(row)
            at = QPointF(self._rows_left(), top + row * line + (line - made.lineAt(0).height()) / 2)
            chosen = None
            if selection is not None and selection[0] <= end and selection[1] > start:
                chosen = (selection[0] - start, min(selection[1], end) - start)
            draw_layout(painter, made, at, self.style, clip, chosen)

    def _rows_top(self) -> int:
        return self.style.px(HEAD) + 1 + ABOVE

    def _rows_left(self) -> int:
        return self.left() + 1 + SIDE - self.shift

    def _layout(self, row: int) -> QTextLayout:
        made = self._layouts.get(row)
        if made is None:
            start, end = self._rows[row]
            made = self._layouts[row] = _row_layout(self.block.text[start:end], self.style, self._looks(start, end))
        return made

    def _looks(self, start: int, end: int) -> list[tuple[int, int, str]]:
        runs = self.highlighter.runs
        at = max(0, bisect_right(runs, start, key=lambda run: run[0]) - 1)
        found: list[tuple[int, int, str]] = []
        while at < len(runs) and runs[at][0] < end:
            first, last = max(runs[at][0], start), min(runs[at][1], end)
            if first < last:
                found.append((first - start, last - start, runs[at][2]))
            at += 1
        return found

    def place_at(self, spot: QPointF) -> int:
        row = int((spot.y() - self._rows_top()) // self.style.px(LINE))
        if row < 0:
            return 0
        if row >= len(self._rows):
            return len(self.block.text)
        start, end = self._rows[row]
        made = self._layout(row)
        return start + from_units(self.block.text[start:end], made.lineAt(0).xToCursor(spot.x() - self._rows_left()))

    def is_on_words(self, spot: QPointF) -> bool:
        return self.frame().adjusted(1, self.style.px(HEAD), -1, 0).contains(spot)

    def caret(self) -> QRectF:
        row = len(self._rows) - 1
        made = self._layout(row)
        high = self.style.px(17)
        line = self.style.px(LINE)
        x = self._rows_left() + x_of(made.lineAt(0), to_units(made.text(), len(made.text())))
        return QRectF(round(x) + 1, self._rows_top() + row * line + (line - high) / 2, CARET, high)

    @property
    def direction(self) -> Qt.LayoutDirection:
        return self.window


def _row_layout(text: str, style: Style, looks: list[tuple[int, int, str]]) -> QTextLayout:
    layout = QTextLayout(text, style.code_font)
    layout.setCacheEnabled(True)
    option = QTextOption(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute)
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    option.setTextDirection(LEFT_TO_RIGHT)
    option.setTabStopDistance(style.code_letter * 4)
    layout.setTextOption(option)
    ranges = []
    for start, end, kind in looks:
        first = to_units(text, start)
        ranges.append(format_range(first, to_units(text, end) - first, _look(style, kind)))
    layout.setFormats(ranges)
    layout.beginLayout()
    layout.createLine().setLineWidth(1_000_000)
    layout.endLayout()
    return layout


def _look(style: Style, kind: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor(style.colour(f"code_{kind}")))
    made.setFontItalic(kind == "comment")
    return made


def _rows(text: str, columns: int) -> list[tuple[int, int]]:
    """The rows of the text, from letter to letter, none wider than so many columns."""
    lines = text.split("\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=0)
    found: list[tuple[int, int]] = []
    for start, line in zip(starts, lines, strict=False):
        if len(line) <= columns and (line.isascii() or _cells(line) <= columns):
            found.append((start, start + len(line)))
        else:
            found.extend((start + a, start + b) for a, b in _broken(line, columns))
    return found


def _broken(line: str, columns: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(line):
        end = min(len(line), start + columns)
        while end > start + 1 and not line.isascii() and _cells(line[start:end]) > columns:
            end -= 1
        if end < len(line) and (space := line.rfind(" ", start + columns // 2, end)) > 0:
            end = space + 1
        found.append((start, end))
        start = end
    return found


def _cells(text: str) -> int:
    """How many columns the text takes, roughly: Chinese and emoji take two."""
    if text.isascii():
        return len(text) + 3 * text.count("\t")
    return sum(2 if letter >= "\u1100" else 1 for letter in text) + 3 * text.count("\t")
