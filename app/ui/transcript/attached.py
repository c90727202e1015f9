"""The attachments of a message, above its bubble: pictures 148 to 216 high, documents as chips of 44."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app.chat.changes import MessageView
from app.core.message import Document, Picture
from app.ui.attachments.attachment import pages_words
from app.ui.attachments.thumbs import cover, draw_rounded, thumbnail
from app.ui.controls import PaintedButton
from app.ui.painting import box, mirrored, picture, words
from app.ui.transcript.style import Style

TALL, LOW = 216, 148
NARROWEST, WIDEST = 96, 360
GAP = 8
MISSING_WIDE, MISSING_HIGH = 220, 56
CHIP_HIGH = 44
KINDS = {"pdf": "PDF", "html": "HTML", "csv": "CSV", "markdown": "Markdown", "code": "Code"}


class Thumb(PaintedButton):
    """Accessible as *Picture NAME*; a press enlarges it."""

    menu_asked = Signal(QPoint)

    def __init__(self, parent: QWidget, style: Style, shown: Picture) -> None:
        super().__init__(parent)
        self._style = style
        self._picture = shown
        self._drawn = QPixmap()
        self.is_missing = thumbnail(shown).isNull()
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        missing = ", missing" if self.is_missing else ""
        self.setAccessibleName(f"Picture {shown.name}{missing}".strip())

    def wanted(self, high: int) -> QSize:
        """Its size in a row of this height."""
        px = self._style.px
        if self.is_missing:
            return QSize(px(MISSING_WIDE), px(MISSING_HIGH))
        wide = round(high * self._picture.width / self._picture.height)
        return QSize(max(px(NARROWEST), min(wide, px(WIDEST))), high)

    def resizeEvent(self, event: object) -> None:
        self._drawn = QPixmap()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_asked.emit(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:
        style = self._style
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        if self.is_missing:
            self._paint_missing(painter)
        else:
            if self._drawn.isNull():
                self._drawn = cover(self._picture, self.size(), self.devicePixelRatioF())
            draw_rounded(painter, self.rect(), self._drawn, 8)
            box(painter, self.rect(), 8, None, style.colour("border"))
        if self.ring:
            box(painter, self.rect(), 8, None, style.colour("accent"), 2)

    def _paint_missing(self, painter: QPainter) -> None:
        style = self._style
        px = style.px
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(style.colour("control"), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        icon = mirrored(QRect(px(14), 0, px(22), self.height()), self.rect(), self.layoutDirection())
        picture(painter, QRectF(icon).center(), style.pixmap("image-off", "text3", 22, self.devicePixelRatioF()))
        inner = QRect(px(46), px(10), self.width() - px(56), px(18))
        painter.setFont(style.ui(12, 500))
        name = self._picture.name or "A picture"
        words(painter, mirrored(inner, self.rect(), self.layoutDirection()), name, style.colour("text"))
        below = inner.translated(0, px(18))
        painter.setFont(style.ui(12))
        words(
            painter, mirrored(below, self.rect(), self.layoutDirection()), "is missing · Find…", style.colour("accent")
        )


class FileChip(PaintedButton):
    """Accessible as *Document NAME*; a press shows its text."""

    def __init__(self, parent: QWidget, style: Style, shown: Document) -> None:
        super().__init__(parent)
        self._style = style
        self._document = shown
        self._note = pages_words(shown) if shown.pages > 1 else KINDS.get(shown.kind, "Text")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Document {shown.name}")
        self.setAccessibleDescription(self._note)

    def wanted(self, _high: int) -> QSize:
        """Its size, whatever the height of the pictures."""
        px = self._style.px
        named = QFontMetricsF(self._style.ui(12, 500)).horizontalAdvance(self._document.name)
        noted = QFontMetricsF(self._style.figures(11)).horizontalAdvance(self._note)
        return QSize(px(58) + min(round(max(named, noted)) + 2, px(240)), px(CHIP_HIGH))

    def paintEvent(self, event: QPaintEvent) -> None:
        style = self._style
        px = style.px
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        fill = "hover" if self.underMouse() else "sunken"
        edge, width = ("accent", 2) if self.ring else ("border", 1)
        box(painter, self.rect(), 8, style.colour(fill), style.colour(edge), width)
        icon = mirrored(QRect(px(12), 0, px(20), self.height()), self.rect(), self.layoutDirection())
        picture(painter, QRectF(icon).center(), style.pixmap("document", "text2", 20, self.devicePixelRatioF()))
        inner = QRect(px(42), px(5), self.width() - px(52), px(18))
        painter.setFont(style.ui(12, 500))
        words(painter, mirrored(inner, self.rect(), self.layoutDirection()), self._document.name, style.colour("text"))
        painter.setFont(style.figures(11))
        below = inner.translated(0, px(16))
        words(painter, mirrored(below, self.rect(), self.layoutDirection()), self._note, style.colour("text2"))


class AttachedRow(QWidget):
    """What goes with one message, from the end side; in several rows where it needs them. Pictures come first."""

    opened = Signal(str, int)  # which message, which of its pictures
    menu_asked = Signal(str, int, QPoint)
    document_opened = Signal(str, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbs: list[Thumb | FileChip] = []
        self.hide()

    def show_attached(self, message: MessageView | None, style: Style) -> None:
        """Show what goes with this message; nothing for None."""
        for thumb in self._thumbs:
            thumb.hide()
            thumb.deleteLater()
        self._thumbs = []
        if message is not None:
            self._thumbs = [*self._made_thumbs(message, style), *self._made_chips(message, style)]
        self.setVisible(bool(self._thumbs))

    def _made_thumbs(self, message: MessageView, style: Style) -> Iterator[Thumb]:
        for place, shown in enumerate(message.pictures):
            thumb = Thumb(self, style, shown)
            thumb.clicked.connect(partial(self._tell, self.opened, message.id, place))
            thumb.menu_asked.connect(partial(self.menu_asked.emit, message.id, place))
            yield thumb

    def _made_chips(self, message: MessageView, style: Style) -> Iterator[FileChip]:
        for place, document in enumerate(message.documents):
            chip = FileChip(self, style, document)
            chip.clicked.connect(partial(self._tell, self.document_opened, message.id, place))
            yield chip

    @staticmethod
    def _tell(signal: SignalInstance, message: str, place: int, _checked: bool = False) -> None:
        signal.emit(message, place)

    def widgets(self) -> list[QWidget]:
        """What takes the keyboard, in order."""
        return list(self._thumbs)

    def lay_out(self, width: int, style: Style, *, narrow: bool) -> int:
        """Fit into `width`; returns the height, 0 without pictures."""
        if not self._thumbs:
            return 0
        high = style.px(LOW if narrow or len(self._thumbs) > 2 else TALL)
        rows: list[list[tuple[Thumb | FileChip, QSize]]] = [[]]
        used = 0
        for thumb in self._thumbs:
            size = thumb.wanted(high)
            size.setWidth(min(size.width(), width))
            if rows[-1] and used + size.width() > width:
                rows.append([])
                used = 0
            rows[-1].append((thumb, size))
            used += size.width() + GAP
        whole = QRect(0, 0, width, 0)
        top = 0
        for row in rows:
            tall = max(size.height() for _, size in row)
            left = width - sum(size.width() for _, size in row) - GAP * (len(row) - 1)
            for thumb, size in row:
                spot = QRect(QPoint(left, top + tall - size.height()), size)
                thumb.setGeometry(mirrored(spot, whole, self.layoutDirection()))
                thumb.show()
                left += size.width() + GAP
            top += tall + GAP
        return top - GAP


def estimate(pictures: Sequence[Picture], documents: Sequence[Document]) -> int:
    """A height at 100% to begin with."""
    if not pictures:
        return CHIP_HIGH + GAP if documents else 0
    return TALL if len(pictures) <= 2 else (LOW + GAP) * -(-len(pictures) // 4)
