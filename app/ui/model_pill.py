"""The pill in the top bar that names the model and shows its load. It opens the model menu."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetricsF, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.ui.keyboard_ring import Ringed
from app.ui.look import Look
from app.ui.painting import box, mirrored, picture, words

if TYPE_CHECKING:
    from app.chat.changes import ModelChanged

CLOSE_ZONE = 32
DOTS = {"none": "danger", "loading": "warn", "ready": "ok"}


def pill_words(change: ModelChanged | None, compact: bool) -> tuple[str, str]:
    """What the pill says: the model by its name, and greyer its quantisation or how far its load is."""
    if change is None:
        return "", ""
    if change.state == "none":
        return "No model", ""
    name = "Demo" if change.demo else change.name
    if change.state == "loading":
        left = change.seconds_left
        rest = f"Loading {change.fraction * 100:.0f}%"
        if left is not None and not compact:
            rest += f", {max(1, round(left))} s left"
        return name, rest
    if change.resting and not compact:
        return name, "· resting"
    rest = change.name if change.demo else change.model.quantisation if change.model else ""
    return name, f"· {rest}" if rest and not compact else ""


class ModelPill(Ringed, QPushButton):
    """Accessible as *Model*; its description says which one. While it loads, the cross at its end gives the load up."""

    corner = None

    cancel_asked = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._change: ModelChanged | None = None
        self._compact = False
        self.setAccessibleName("Model")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        look.changed.connect(self._on_look_changed)
        self._tell()

    @property
    def _loading(self) -> bool:
        return self._change is not None and self._change.state == "loading"

    @property
    def _fraction(self) -> float:
        return self._change.fraction if self._change is not None else 0.0

    def show_model(self, change: ModelChanged) -> None:
        """Show this state."""
        self._change = change
        self._tell()

    def set_compact(self, compact: bool) -> None:
        """Leave out what a narrow window has no room for."""
        if compact != self._compact:
            self._compact = compact
            self._tell()

    def sizeHint(self) -> QSize:
        around = self._look.px(25) + self._look.px(CLOSE_ZONE)
        return QSize(self._words_width() + around, self._look.px(28))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._look.px(96), self._look.px(28))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._loading and self._close_zone().contains(event.position().toPoint()):
            self.setDown(False)
            self.cancel_asked.emit()
            return
        super().mouseReleaseEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._change is None:
            return
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        whole = self.rect()
        radius = self.height() / 2
        fill = "pressed" if self.isDown() else "hover" if self.underMouse() else "raised"
        box(painter, whole, radius, look.colour(fill))
        if self._loading:
            self._paint_progress(painter, whole, radius)
        box(painter, whole, radius, None, look.colour("border"))
        dot = mirrored(QRect(look.px(12), self.height() // 2 - 3, 6, 6), whole, self.layoutDirection())
        token = "text2" if self._change.resting else DOTS[self._change.state]
        box(painter, QRectF(dot), 3, look.colour(token))
        self._paint_words(painter)
        drawn = look.pixmap("close" if self._loading else "chevron-down", "text2", 14, self.devicePixelRatioF())
        picture(painter, QRectF(self._close_zone()).translated(-2, 0).center(), drawn)

    def _paint_words(self, painter: QPainter) -> None:
        # model names are Latin: they run from left to right in either direction of the window
        look = self._look
        bold, plain = self._fonts()
        name, rest = pill_words(self._change, self._compact)
        inner = QRect(look.px(25), 0, self.width() - look.px(25) - look.px(CLOSE_ZONE) + 1, self.height())
        inner = mirrored(inner, self.rect(), self.layoutDirection())
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            spare = self.width() - look.px(25) - look.px(CLOSE_ZONE) - self._words_width()
            inner.adjust(max(0, spare), 0, 0, 0)
        painter.setFont(bold)
        used = words(painter, inner, name, look.colour("text"))
        if rest:
            painter.setFont(plain)
            after = inner.adjusted(round(used + self._gap(plain)), 0, 1, 0)
            words(painter, after, rest, look.colour("text2"))

    def _paint_progress(self, painter: QPainter, whole: QRect, radius: float) -> None:
        look = self._look
        painter.save()
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(whole), radius, radius)
        painter.setClipPath(outline)
        done = QRect(0, 0, round(whole.width() * self._fraction), whole.height())
        if look.theme.contrast:
            done = QRect(look.px(25), whole.height() - 6, round((whole.width() - 57) * self._fraction), 2)
        token = "warn" if look.theme.contrast else "warn_tint"
        painter.fillRect(mirrored(done, whole, self.layoutDirection()), look.colour(token))
        painter.restore()

    def _close_zone(self) -> QRect:
        zone = self._look.px(CLOSE_ZONE)
        return mirrored(QRect(self.width() - zone, 0, zone, self.height()), self.rect(), self.layoutDirection())

    def _words_width(self) -> int:
        bold, plain = self._fonts()
        name, rest = pill_words(self._change, self._compact)
        width = QFontMetricsF(bold).horizontalAdvance(name)
        if rest:
            width += self._gap(plain) + QFontMetricsF(plain).horizontalAdvance(rest)
        return math.ceil(width) + 1

    def _gap(self, plain: QFont) -> float:
        space = QFontMetricsF(plain).horizontalAdvance(" ")
        return space * 2 if self._loading else space

    def _fonts(self) -> tuple[QFont, QFont]:
        return self._look.font(12, 500), self._look.font(12)

    def _tell(self) -> None:
        name, rest = pill_words(self._change, False)
        self.setAccessibleDescription(f"{name} {rest}".strip())
        info = self._change.model if self._change is not None else None
        placed = f"Model\n{info.placed}" if info is not None and info.placed else "Model"
        self.setToolTip("Loading. The cross gives it up." if self._loading else placed)
        self.updateGeometry()
        self.update()

    @Slot()
    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()
