"""How much of the context is used, in the top bar: a bar with figures, a ring in narrow windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QProgressBar, QSizePolicy

from app.ui.figures import context_short, tokens, tokens_short
from app.ui.look import Look
from app.ui.painting import KEYBOARD, box, mirrored, words

if TYPE_CHECKING:
    from app.core.protocol import Measured

BAR = 48
WARN_FROM = 0.8


def meter_words(measured: Measured) -> str:
    """`6.2k / 32k`."""
    return f"{tokens_short(measured.total)} / {context_short(measured.context)}"


def meter_token(measured: Measured) -> str:
    """The colour: calm, `warn` from 80%, `danger` when something will be left out or cannot be read."""
    if measured.left_out or measured.error or measured.total > measured.context:
        return "danger"
    return "warn" if measured.total >= WARN_FROM * measured.context else "accent"


class ContextMeter(QProgressBar):
    """Accessible as *Context used*, with the tokens as its value; a click or Enter opens what fills the context."""

    pressed = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._measured: Measured | None = None
        self._compact = False
        self._open = False
        self._ring = False
        self.setAccessibleName("Context used")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        look.changed.connect(self._on_look_changed)
        self.hide()

    def show_measured(self, measured: Measured | None, *, keep_place: bool = False) -> None:
        """Show these figures; None hides the meter, and keeps its place where others will come soon."""
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(keep_place)
        self.setSizePolicy(policy)
        self.setVisible(measured is not None)
        if measured is None:
            return
        self._measured = measured
        self.setRange(0, max(1, measured.context))
        self.setValue(min(measured.total, measured.context))
        self.setFormat(meter_words(measured))
        self.setToolTip(f"Context used: {tokens(measured.total)} of {tokens(measured.context)} tokens")
        self.updateGeometry()
        self.update()

    def set_compact(self, compact: bool) -> None:
        """A ring in place of bar and figures."""
        if compact != self._compact:
            self._compact = compact
            self._on_look_changed()

    def set_open(self, is_open: bool) -> None:
        """Frame the meter while its popover is open."""
        self._open = is_open
        self.update()

    def sizeHint(self) -> QSize:
        height = self._look.px(30)
        if self._compact or self._measured is None:
            return QSize(height, height)
        text = QFontMetricsF(self._look.figures(12)).horizontalAdvance(meter_words(self._measured))
        return QSize(round(text) + BAR + 8 * 3, height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.pressed.emit()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = event.reason() in KEYBOARD
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        measured = self._measured
        if measured is None:
            return
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        if self._ring or self._open:
            box(painter, self.rect(), 6, look.colour("raised") if self._open else None, look.colour("accent"), 2)
        elif self.underMouse():
            box(painter, self.rect(), 6, look.colour("hover"))
        share = min(1.0, measured.total / max(1, measured.context))
        token = meter_token(measured)
        if self._compact:
            self._paint_ring(painter, share, token)
            return
        height = 6 if look.theme.contrast else 4
        track = QRect(8, (self.height() - height) // 2, BAR, height)
        self._paint_bar(painter, track, share, token)
        painter.setFont(look.figures(12))
        text = QRect(8 + BAR + 8, 0, self.width() - BAR - 16, self.height())
        ink = "danger" if token == "danger" else "text2"
        words(painter, mirrored(text, self.rect(), self.layoutDirection()), meter_words(measured), look.colour(ink))

    def _paint_bar(self, painter: QPainter, track: QRect, share: float, token: str) -> None:
        look = self._look
        direction = self.layoutDirection()
        radius = track.height() / 2
        edge = look.colour("border") if look.theme.contrast else None
        box(painter, mirrored(track, self.rect(), direction), radius, look.colour("pressed"), edge)
        if share > 0:
            done = QRect(track.left(), track.top(), max(track.height(), round(track.width() * share)), track.height())
            box(painter, mirrored(done, self.rect(), direction), radius, look.colour(token))

    def _paint_ring(self, painter: QPainter, share: float, token: str) -> None:
        look = self._look
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = look.px(18) - 2.5
        area = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        painter.setPen(QPen(look.colour("pressed"), 2.5))
        painter.drawEllipse(area)
        pen = QPen(look.colour(token), 2.5)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        way = -1 if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else 1
        if share > 0:
            painter.drawArc(area, 90 * 16, round(way * share * 360 * 16))

    @Slot()
    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()
