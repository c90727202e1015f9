"""The round button that leads back to the latest words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui.painting import KEYBOARD, box, picture
from app.ui.transcript.style import Style

SIDE = 32
ABOVE_EDGE = 10


class JumpButton(QAbstractButton):
    """*Jump to latest*; shown while the end is out of sight."""

    def __init__(self, viewport: QWidget, style: Style) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._style = style
        self._ring = False
        self.setAccessibleName("Jump to latest")
        self.setToolTip("Jump to latest   End")
        self.hide()

    def set_style(self, style: Style) -> None:
        """Take another theme or text size."""
        self._style = style
        self.update()

    def place(self, *, shown: bool) -> None:
        """Stand in the middle at the foot of the view, or hide."""
        if shown:
            side = self._style.px(SIDE)
            whole = self._viewport.rect()
            self.setGeometry((whole.width() - side) // 2, whole.height() - side - ABOVE_EDGE, side, side)
        self.setVisible(shown)

    def sizeHint(self) -> QSize:
        side = self._style.px(SIDE)
        return QSize(side, side)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = event.reason() in KEYBOARD
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        style = self._style
        painter = QPainter(self)
        over = self.underMouse()
        fill = style.colour("pressed" if self.isDown() else "hover" if over else "raised")
        edge = style.colour("accent" if self._ring else "border_strong")
        box(painter, self.rect(), self.width() / 2, fill, edge, 2 if self._ring else 1)
        drawn = style.pixmap("arrow-down", "text" if over else "text2", 16, self.devicePixelRatioF())
        picture(painter, QRectF(self.rect()).center(), drawn)
