"""*Sees images* or *No images*: what the loaded model can do, beside the Attach button."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.attachments.sight import Sight
from app.ui.look import Look
from app.ui.painting import box, mirrored, picture, words


class SightMark(QWidget):
    """28 high; empty while there is no model."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._narrow = False
        self.value = Sight()
        self.hide()
        look.changed.connect(self.updateGeometry)

    def show_sight(self, sight: Sight) -> None:
        """Say what the model sees."""
        self.value = sight
        self.setAccessibleName(self._words())
        if sight.sees:
            self.setToolTip(f"Each view of a picture is {sight.tokens} tokens, seen at {sight.side} × {sight.side}")
        else:
            self.setToolTip(sight.blind)
        self.setVisible(sight.sees is not None)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        px = self._look.px
        wide = QFontMetricsF(self._look.font(12, 500)).horizontalAdvance(self._words())
        return QSize(px(9 + 16 + 6) + round(wide) + px(11), px(28))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        px = look.px
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        sees = bool(self.value.sees)
        if sees:
            edge = look.colour("accent") if look.theme.contrast else None
            box(painter, self.rect(), 6, look.colour("tint"), edge)
        ink = "accent" if sees else "text3"
        icon = mirrored(QRect(px(9), 0, px(16), self.height()), self.rect(), self.layoutDirection())
        drawn = look.pixmap("eye" if sees else "eye-off", ink, 16, self.devicePixelRatioF())
        picture(painter, QRectF(icon).center(), drawn)
        painter.setFont(look.font(12, 500))
        inner = QRect(px(31), 0, self.width() - px(31), self.height())
        words(painter, mirrored(inner, self.rect(), self.layoutDirection()), self._words(), look.colour(ink))

    def _words(self) -> str:
        return "Sees images" if self.value.sees else "No images"
