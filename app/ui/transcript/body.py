"""The words of one message as one widget: painted pieces, selection with the mouse, links."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app.ui.tips import tip
from app.ui.transcript.blocks import Block, block_text
from app.ui.transcript.letters import Selection
from app.ui.transcript.links import true_target
from app.ui.transcript.stack import Point, Stack
from app.ui.transcript.style import Style

TOLD = 20_000  # letters that a screen reader is told at most


class Body(QLabel):
    """A label that paints itself; its accessible name is its words. GUI thread."""

    link_clicked = Signal(str)
    selection_begun = Signal()
    dragged_to = Signal(QPoint)

    def __init__(self, parent: QWidget, style: Style) -> None:
        super().__init__(parent)
        self.stack = Stack(style, self.layoutDirection())
        self.has_caret = False
        self._style = style
        self._anchor: Point | None = None
        self._cursor: Point = (0, 0)
        self._pressed_at = QPoint()
        self._is_selecting = False
        self.setMouseTracking(True)

    def begin(self, style: Style) -> None:
        """Forget what was shown: another message, theme or text size comes."""
        self._style = style
        self.stack = Stack(style, self.layoutDirection())
        self._anchor = None
        self._is_selecting = False
        self.has_caret = False

    def show_blocks(self, blocks: Sequence[Block], unchanged: int) -> None:
        """Take these blocks; they are to be laid out then."""
        self.stack.show(blocks, unchanged)
        self._tell()

    def _tell(self) -> None:
        told: list[str] = []
        letters = 0
        for block in self.stack.blocks:
            told.append(block_text(block))
            letters += len(told[-1])
            if letters > TOLD:
                break
        self.setAccessibleName("\n".join(told)[:TOLD])

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        clip = event.rect()
        for at, top, piece in self.stack.between(clip.top(), clip.bottom()):
            painter.save()
            painter.translate(0, top)
            piece.paint_containers(painter, self.stack.gap_above(at))
            piece.paint(painter, QRectF(clip.translated(0, -top)), self._selection_in(at, len(piece.text)))
            painter.restore()
        if self.has_caret:
            painter.fillRect(self.caret(), self._style.colour("accent"))

    def caret(self) -> QRectF:
        """Where the next words will come."""
        style = self._style
        if not self.stack.blocks:
            high = style.px(19)
            left = 0 if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else self.width() - 2
            return QRectF(left, (style.line_height() - high) // 2, 2, high)
        last = len(self.stack.blocks) - 1
        return self.stack.piece(last).caret().translated(0, self.stack.top(last))

    def _selection_in(self, at: int, letters: int) -> Selection | None:
        if self._anchor is None or self._anchor == self._cursor:
            return None
        start, end = sorted((self._anchor, self._cursor))
        if not start[0] <= at <= end[0]:
            return None
        return (start[1] if at == start[0] else 0, end[1] if at == end[0] else letters)

    # -- selection

    @property
    def has_selection(self) -> bool:
        """Whether letters are selected."""
        return self._anchor is not None and self._anchor != self._cursor

    def selected_text(self) -> str:
        """The selected words, without Markdown."""
        if self._anchor is None:
            return ""
        start, end = sorted((self._anchor, self._cursor))
        return self.stack.text_between(start, end)

    def select_all(self) -> None:
        """Select every word of the message."""
        self._anchor = (0, 0)
        self._cursor = self.stack.end()
        self.selection_begun.emit()
        self.update()

    def clear_selection(self) -> None:
        """Select nothing."""
        if self._anchor is not None:
            self._anchor = None
            self.update()

    def extend_selection(self, spot: QPoint) -> None:
        """Select up to this spot: the pointer is held down, and may have left the window."""
        if self._is_selecting:
            cursor = self._point_at(spot)
            if cursor != self._cursor:
                self._cursor = cursor
                self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.stack.blocks:
            event.ignore()
            return
        point = self._point_at(event.position().toPoint())
        keep = event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self._anchor is not None
        if not keep:
            self._anchor = point
        self._cursor = point
        self._is_selecting = True
        self._pressed_at = event.position().toPoint()
        self.selection_begun.emit()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.stack.blocks:
            at, letter = self._point_at(event.position().toPoint())
            start, end = word_around(block_text(self.stack.blocks[at]), letter)
            self._anchor = (at, start)
            self._cursor = (at, end)
            self.selection_begun.emit()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position().toPoint()
        if self._is_selecting and event.buttons() & Qt.MouseButton.LeftButton:
            self.extend_selection(spot)
            self.dragged_to.emit(self.mapToGlobal(spot))
            return
        self._point_out(spot)
        event.ignore()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._is_selecting = False
        spot = event.position().toPoint()
        moved = (spot - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()
        link = "" if moved or self.has_selection else self.link_at(spot)
        if link:
            self.link_clicked.emit(link)

    def link_at(self, spot: QPoint) -> str:
        """The link under a spot, or ""."""
        if not self.stack.blocks:
            return ""
        at = self.stack.index_at(spot.y())
        return self.stack.piece(at).link_at(QPointF(spot.x(), spot.y() - self.stack.top(at)))

    def _point_out(self, spot: QPoint) -> None:
        """The pointer's shape, and where a link leads."""
        if not self.stack.blocks:
            return
        at = self.stack.index_at(spot.y())
        link = self.link_at(spot)
        inside = QPointF(spot.x(), spot.y() - self.stack.top(at))
        shape = Qt.CursorShape.ArrowCursor
        if link:
            shape = Qt.CursorShape.PointingHandCursor
        elif self.stack.piece(at).is_on_words(inside):
            shape = Qt.CursorShape.IBeamCursor
        self.setCursor(shape)
        self.setToolTip(tip(true_target(link)))

    def _point_at(self, spot: QPoint) -> Point:
        if spot.y() < 0:
            return (0, 0)
        if spot.y() >= self.stack.height:
            return self.stack.end()
        at = self.stack.index_at(spot.y())
        return at, self.stack.piece(at).place_at(QPointF(spot.x(), spot.y() - self.stack.top(at)))


def word_around(text: str, letter: int) -> tuple[int, int]:
    """The word at a letter (or the run of other signs)."""
    if not text:
        return 0, 0
    letter = min(letter, len(text) - 1)
    inside = _is_word(text[letter])
    start = end = letter
    while start > 0 and _is_word(text[start - 1]) == inside and text[start - 1] != "\n":
        start -= 1
    while end < len(text) and _is_word(text[end]) == inside and text[end] != "\n":
        end += 1
    return start, end


def _is_word(letter: str) -> bool:
    return letter == "_" or unicodedata.category(letter)[0] in "LMN"
