"""*Tools 2* beside the composer's Attach button: how many tools the model is told of, and a switch for all."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent

from app.ui.controls import PaintedButton
from app.ui.look import Look
from app.ui.painting import box, mirrored, picture, words


class ToolsMark(PaintedButton):
    """28 high; checked while tools are on in this chat. Hidden while there is no model."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._count = 0
        self.setCheckable(True)
        self.setAccessibleName("Tools in this chat")
        self.hide()
        look.changed.connect(self.updateGeometry)

    def show_tools(self, *, on: bool, count: int, too_small: bool) -> None:
        """How many are on here; a model that is `too_small` has them off until the person wants them."""
        self._count = count
        self.setChecked(on)
        state = f"{count} on" if on else "off"
        self.setAccessibleDescription(state)
        small = "This model is small: many of its calls will be wrong. " if too_small else ""
        self.setToolTip(f"{small}{'Tell the model of no tools here' if on else 'Let the model use tools here'}")
        self.show()
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
        on = self.isChecked()
        fill = look.colour("tint") if on else look.colour("hover") if self.underMouse() else None
        edge = look.colour("accent") if self.ring or (on and look.theme.contrast) else None
        box(painter, self.rect(), 6, fill, edge, 2 if self.ring else 1)
        ink = "accent" if on else "text3"
        icon = mirrored(QRect(px(9), 0, px(16), self.height()), self.rect(), self.layoutDirection())
        picture(painter, QRectF(icon).center(), look.pixmap("tools", ink, 16, self.devicePixelRatioF()))
        painter.setFont(look.font(12, 500))
        inner = QRect(px(31), 0, self.width() - px(31), self.height())
        words(painter, mirrored(inner, self.rect(), self.layoutDirection()), self._words(), look.colour(ink))

    def _words(self) -> str:
        return f"Tools {self._count}" if self.isChecked() else "No tools"
