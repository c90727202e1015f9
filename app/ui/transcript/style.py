"""The theme and text size of the transcript: colours, fonts and sizes for everything that is painted in it."""

from __future__ import annotations

from functools import cached_property

from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPixmap, QTextCharFormat

from app.ui import fonts, icons
from app.ui.theme import Theme
from app.ui.transcript.blocks import Span

HEADINGS = {1: (20, 28), 2: (17, 24)}
SMALL_HEADING = (15, 22)


class Style:
    """Made anew when the theme or the text size changes; everything that holds one is laid out again. GUI thread."""

    def __init__(self, theme: Theme, scale: float) -> None:
        self.theme = theme
        self.scale = scale
        self._formats: dict[tuple[object, ...], QTextCharFormat] = {}
        self._colours: dict[str, QColor] = {}

    def colour(self, token: str) -> QColor:
        """The colour that the theme has under this name."""
        made = self._colours.get(token)
        if made is None:
            made = self._colours[token] = QColor(getattr(self.theme, token))
        return made

    def px(self, value: float) -> int:
        """A height or width that grows with the text."""
        return round(value * self.scale)

    def ui(self, px: float, weight: int = 400) -> QFont:
        """The window's font."""
        return fonts.ui(px, weight, self.scale)

    def figures(self, px: float, weight: int = 400) -> QFont:
        """The window's font with figures of one width."""
        return fonts.figures(px, weight, self.scale)

    def pixmap(self, name: str, token: str, size: int, ratio: float) -> QPixmap:
        """An icon's picture, `size` logical pixels at 100%."""
        return icons.pixmap(name, getattr(self.theme, token), self.px(size), ratio)

    @cached_property
    def code_font(self) -> QFont:
        """The font of code blocks."""
        return fonts.mono(13, self.scale)

    @cached_property
    def code_letter(self) -> float:
        """The width of one letter of a code block."""
        return QFontMetricsF(self.code_font).horizontalAdvance("0" * 100) / 100

    def base_font(self, level: int = 0, *, cell: bool = False, head: bool = False) -> QFont:
        """The font of a paragraph, of a heading of this level, or of a table's cell."""
        if head:
            return self.ui(12, 600)
        if cell:
            return self.figures(14)
        if level:
            return self.ui(HEADINGS.get(level, SMALL_HEADING)[0], 600)
        return self.ui(15)

    def line_height(self, level: int = 0) -> int:
        """The height of a line in a paragraph or heading."""
        return self.px(HEADINGS.get(level, SMALL_HEADING)[1] if level else 23)

    def format(self, span: Span, level: int = 0, *, cell: bool = False, head: bool = False) -> QTextCharFormat:
        """How a span's letters are drawn."""
        key = (span.bold, span.italic, span.strike, span.code, span.formula, bool(span.link), level, cell, head)
        made = self._formats.get(key)
        if made is not None:
            return made
        made = QTextCharFormat()
        if span.code or span.formula:
            font = fonts.mono(12 if head else 13, self.scale)
        elif span.bold and not level and not head:
            font = self.figures(14, 600) if cell else self.ui(15, 600)
        else:
            font = self.base_font(level, cell=cell, head=head)
        if span.italic:
            font.setItalic(True)
        font.setStrikeOut(span.strike)
        font.setUnderline(bool(span.link))
        made.setFont(font)
        made.setForeground(self.colour("accent" if span.link else "text2" if head else "text"))
        self._formats[key] = made
        return made
