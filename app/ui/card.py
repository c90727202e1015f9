"""A card: radius 10, raised, with a frame."""

from __future__ import annotations

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.look import Look
from app.ui.painting import box


class Card(QWidget):
    """Its frame is a colour of the theme."""

    def __init__(self, look: Look, edge: str = "border") -> None:
        super().__init__()
        self._look = look
        self._edge = edge
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        box(QPainter(self), self.rect(), 10, self._look.colour("raised"), self._look.colour(self._edge))
