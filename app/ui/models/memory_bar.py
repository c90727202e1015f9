"""A bar of memory in its parts, with a legend below."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.look import Look
from app.ui.painting import box, mirrored, words

_BAR, _LEGEND = 22, 20
Part = tuple[str, int, str]  # name, bytes, colour


class MemoryBar(QWidget):
    """Title and figures over the bar; the legend takes as many lines as it needs. Its words are its description."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._title = ""
        self._free = 0
        self._parts: list[Part] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.updateGeometry)
        look.changed.connect(self.update)

    def show_parts(self, title: str, free: int, parts: list[Part]) -> None:
        """Show what is taken of `free` bytes."""
        self._title, self._free = title, free
        self._parts = [part for part in parts if part[1] > 0]
        self.setAccessibleName(title)
        taken = ", ".join(f"{name} {size / (1 << 30):.2f}" for name, size, _ in self._parts)
        self.setAccessibleDescription(f"{self._figures()}: {taken}")
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._look.px(26) + _BAR + 8 + self._look.px(_LEGEND) * len(self._legend_lines(width))

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(300), self.heightForWidth(self._look.px(300)))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._look.px(180), self.heightForWidth(max(self.width(), self._look.px(180))))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        head = QRectF(0, 0, self.width(), look.px(20))
        painter.setFont(look.figures(13))
        used = words(painter, head, self._figures(), look.colour("text2"), end=True)
        painter.setFont(look.font(13, 600))
        title = head.toRect().adjusted(0, 0, -round(used) - 12, 0)
        words(painter, mirrored(title, self.rect(), self.layoutDirection()), self._title, look.colour("text"))
        self._paint_bar(painter, QRectF(0, look.px(26), self.width(), _BAR))
        self._paint_legend(painter, look.px(26) + _BAR + 8)

    def _figures(self) -> str:
        taken = sum(size for _, size, _ in self._parts)
        return f"{taken / (1 << 30):.1f} of {self._free / (1 << 30):.1f} GiB"

    def _paint_bar(self, painter: QPainter, bar: QRectF) -> None:
        look = self._look
        box(painter, bar, 6, look.colour("sunken"), look.colour("border"))
        whole = max(self._free, sum(size for _, size, _ in self._parts), 1)
        outline = QPainterPath()
        outline.addRoundedRect(bar, 6, 6)
        painter.save()
        painter.setClipPath(outline)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        at = 0.0
        for _, size, token in self._parts:
            width = size / whole * bar.width()
            piece = QRectF(bar.left() + at, bar.top(), max(2.0, width - 1), bar.height()).toRect()
            painter.fillRect(mirrored(piece, bar.toRect(), self.layoutDirection()), look.colour(token))
            at += width
        painter.restore()

    def _paint_legend(self, painter: QPainter, top: int) -> None:
        look, height = self._look, self._look.px(_LEGEND)
        for number, line in enumerate(self._legend_lines(self.width())):
            at = 0.0
            for name, size, token, width in line:
                area = QRectF(at, top + number * height, width, height).toRect()
                area = mirrored(area, self.rect(), self.layoutDirection())
                rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
                dot = QRectF(area.left() if rightwards else area.right() - 9, area.center().y() - 4, 10, 10)
                box(painter, dot, 3, look.colour(token))
                inner = area.adjusted(18, 0, 0, 0) if rightwards else area.adjusted(0, 0, -18, 0)
                painter.setFont(look.font(12))
                used = words(painter, inner, name, look.colour("text2"))
                painter.setFont(look.figures(12, 500))
                rest = (
                    inner.adjusted(round(used) + 8, 0, 0, 0)
                    if rightwards
                    else inner.adjusted(0, 0, -round(used) - 8, 0)
                )
                words(painter, rest, f"{size / (1 << 30):.2f}", look.colour("text"))
                at += width + 20

    def _legend_lines(self, width: int) -> list[list[tuple[str, int, str, float]]]:
        plain, figures = QFontMetricsF(self._look.font(12)), QFontMetricsF(self._look.figures(12, 500))
        lines: list[list[tuple[str, int, str, float]]] = [[]]
        at = 0.0
        for name, size, token in self._parts:
            needed = 18 + plain.horizontalAdvance(name) + 8 + figures.horizontalAdvance(f"{size / (1 << 30):.2f}") + 4
            if at and at + needed > width:
                lines.append([])
                at = 0.0
            lines[-1].append((name, size, token, needed))
            at += needed + 20
        return lines
