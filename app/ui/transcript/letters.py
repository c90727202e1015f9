"""Words in lines: QTextLayout made of spans, drawn, and asked what is where. Python's letters, not Qt's halves."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QTextCharFormat, QTextLayout, QTextLine, QTextOption

from app.ui.painting import LEFT_TO_RIGHT, box
from app.ui.transcript.blocks import Span
from app.ui.transcript.style import Style

Selection = tuple[int, int]
CARET = 2


def to_units(text: str, place: int) -> int:
    """A place among Python's letters as one among UTF-16 units, which Qt counts."""
    return place if text.isascii() else len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def from_units(text: str, units: int) -> int:
    """The opposite of `to_units`."""
    if text.isascii():
        return units
    return len(text.encode("utf-16-le", "surrogatepass")[: units * 2].decode("utf-16-le", "replace"))


def text_layout(
    spans: Sequence[Span],
    style: Style,
    direction: Qt.LayoutDirection,
    level: int = 0,
    *,
    cell: bool = False,
    head: bool = False,
) -> QTextLayout:
    """The words with their looks, not yet in lines. Line breaks become Qt's own."""
    text = "".join(span.text for span in spans).replace("\n", "\u2028")
    layout = QTextLayout(text, style.base_font(level, cell=cell, head=head))
    layout.setCacheEnabled(True)
    side = Qt.AlignmentFlag.AlignLeft if direction == LEFT_TO_RIGHT else Qt.AlignmentFlag.AlignRight
    option = QTextOption(side | Qt.AlignmentFlag.AlignAbsolute)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setTextDirection(direction)
    layout.setTextOption(option)
    if head or any(not _is_plain(span) for span in spans):
        layout.setFormats(list(_ranges(spans, style, level, cell=cell, head=head)))
    return layout


def _is_plain(span: Span) -> bool:
    return not (span.bold or span.italic or span.strike or span.code or span.formula or span.link)


def _ranges(
    spans: Sequence[Span], style: Style, level: int, *, cell: bool, head: bool
) -> list[QTextLayout.FormatRange]:
    made: list[QTextLayout.FormatRange] = []
    start = 0
    for span in spans:
        length = to_units(span.text, len(span.text))
        if head or not _is_plain(span):
            made.append(format_range(start, length, style.format(span, level, cell=cell, head=head)))
        start += length
    return made


def format_range(start: int, length: int, look: QTextCharFormat) -> QTextLayout.FormatRange:
    """A look for some of a layout's letters (UTF-16 units)."""
    made = QTextLayout.FormatRange()
    made.start = start
    made.length = length
    made.format = look
    return made


def fill_lines(layout: QTextLayout, left: float, width: float, line_height: int) -> int:
    """Break the words into lines, each at least `line_height` high; returns the height of all."""
    y = 0.0
    layout.beginLayout()
    line = layout.createLine()
    while line.isValid():
        line.setLineWidth(width)
        natural = line.height()
        high = max(line_height, round(natural))
        line.setPosition(QPointF(left, y + (high - natural) / 2))
        y += high
        line = layout.createLine()
    layout.endLayout()
    return round(y) or line_height


def natural_width(layout: QTextLayout) -> float:
    """The width of the widest line of a layout that has its lines."""
    return max((layout.lineAt(at).naturalTextWidth() for at in range(layout.lineCount())), default=0.0)


def draw_layout(
    painter: QPainter, layout: QTextLayout, at: QPointF, style: Style, clip: QRectF, selection: Selection | None
) -> None:
    """Draw the lines in the painter's pen; selected letters in the colours of a selection."""
    if selection is None or selection[0] >= selection[1]:
        layout.draw(painter, at, [], clip)
        return
    text = layout.text()
    look = QTextCharFormat()
    look.setBackground(style.colour("accent"))
    look.setForeground(style.colour("on_accent"))
    start = to_units(text, max(0, selection[0]))
    layout.draw(painter, at, [format_range(start, to_units(text, selection[1]) - start, look)], clip)


def paint_code_grounds(
    painter: QPainter, layout: QTextLayout, at: QPointF, spans: Sequence[Span], style: Style
) -> None:
    """The rounded grounds of the code among the words."""
    start = 0
    for span in spans:
        length = to_units(span.text, len(span.text))
        if span.code:
            for area in areas(layout, start, start + length):
                ground = area.translated(at).adjusted(-3, 0, 3, 0)
                edge = style.colour("border") if style.theme.contrast else None
                box(painter, ground, 4, style.colour("sunken" if not style.theme.contrast else "window"), edge)
        start += length


def areas(layout: QTextLayout, start: int, end: int) -> list[QRectF]:
    """Where the letters from `start` to `end` (UTF-16 units) stand, one area a line."""
    found: list[QRectF] = []
    for at in range(layout.lineCount()):
        line = layout.lineAt(at)
        first = max(start, line.textStart())
        last = min(end, line.textStart() + line.textLength())
        if first < last:
            one, other = x_of(line, first), x_of(line, last)
            found.append(QRectF(min(one, other), line.y(), abs(other - one), line.height()))
    return found


def x_of(line: QTextLine, units: int) -> float:
    """Where a letter begins on its line."""
    found: object = line.cursorToX(units)
    return float(found[0] if isinstance(found, tuple) else found)  # type: ignore[arg-type]


def line_at(layout: QTextLayout, y: float) -> QTextLine | None:
    """The line at this height; the first or last beyond them."""
    count = layout.lineCount()
    if not count:
        return None
    for at in range(count):
        line = layout.lineAt(at)
        following = layout.lineAt(at + 1).y() if at + 1 < count else None
        if following is None or y < following - 1:
            return line
    return layout.lineAt(count - 1)


def place_in(layout: QTextLayout, spot: QPointF) -> int:
    """The letter nearest to a spot."""
    line = line_at(layout, spot.y())
    if line is None:
        return 0
    units = line.xToCursor(spot.x())
    last = line.textStart() + line.textLength()
    if units == last and line.textLength() and last < to_units(layout.text(), len(layout.text())):
        units = last - (1 if layout.text()[from_units(layout.text(), last) - 1 :][:1] in (" ", "\u2028") else 0)
    return from_units(layout.text(), units)


def is_on_words(layout: QTextLayout, spot: QPointF) -> bool:
    """Whether a spot is on the words of its line."""
    line = line_at(layout, spot.y())
    return line is not None and line.naturalTextRect().adjusted(-3, -5, 3, 5).contains(spot)


def link_in(layout: QTextLayout, spans: Sequence[Span], spot: QPointF) -> str:
    """The link under a spot, or ""."""
    if not any(span.link for span in spans) or not is_on_words(layout, spot):
        return ""
    start = 0
    for span in spans:
        length = to_units(span.text, len(span.text))
        if span.link and any(area.contains(spot) for area in areas(layout, start, start + length)):
            return span.link
        start += length
    return ""


def caret_after(layout: QTextLayout, left: float, line_height: int, style: Style) -> QRectF:
    """The caret after the last letter."""
    high = style.px(19)
    count = layout.lineCount()
    if not count:
        return QRectF(left, (line_height - high) / 2, CARET, high)
    line = layout.lineAt(count - 1)
    end = x_of(line, line.textStart() + line.textLength())
    return QRectF(round(end) + 1, line.y() + (line.height() - high) / 2, CARET, high)
