"""The rail at the window's end side, 44 wide: what opens the panel of tools, with a badge when a call waits."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.controls import IconButton
from app.ui.look import Look
from app.ui.painting import box

WIDTH = 44
BADGE = 14


class BadgeButton(IconButton):
    """An icon button with a number at its corner; none for 0."""

    def __init__(self, look: Look, icon: str, name: str, key: str = "") -> None:
        super().__init__(look, icon, name, key)
        self.setCheckable(True)
        self._badge_look = look
        self._number = 0

    def set_number(self, number: int) -> None:
        """Show this number."""
        if number != self._number:
            self._number = number
            self.setAccessibleDescription(f"{number} waiting" if number else "")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._number:
            return
        look = self._badge_look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        side = look.px(BADGE)
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        area = QRectF(self.width() - side if rightwards else 0, 0, side, side)
        box(painter, area, side / 2, look.colour("accent"))
        painter.setFont(look.figures(10, 600))
        painter.setPen(look.colour("on_accent"))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), str(min(self._number, 9)))


class Rail(QWidget):
    """Accessible as *Panels*."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setAccessibleName("Panels")
        self.tools = BadgeButton(look, "tools", "Tools", "Ctrl+T")
        column = QVBoxLayout(self)
        column.setContentsMargins(7, 9, 7, 9)
        column.setSpacing(6)
        column.addWidget(self.tools)
        column.addStretch(1)
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("sidebar"))
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        painter.fillRect(0 if rightwards else self.width() - 1, 0, 1, self.height(), self._look.colour("border"))
