"""What says at a glance how a model fits: the sign of a plan's kind, and a word on its tint."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.models.table import SAID
from app.ui.controls import Words
from app.ui.flow import Flow
from app.ui.look import Look
from app.ui.painting import box

TOKENS = {"all": "ok", "most": "warn", "memory": "memory", "no": "danger"}
_DRAWN = {"all": 1.0, "most": 0.7, "memory": 0.3, "no": 0.0}


def mark(painter: QPainter, area: QRectF, look: Look, made_kind: str, part: float) -> None:
    """A pie of 10 with the share on the card, or a cross."""
    ink = look.colour(TOKENS[made_kind])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if made_kind == "no":
        painter.setPen(QPen(ink, 1.6))
        inner = area.adjusted(2, 2, -2, -2)
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
        return
    painter.setPen(QPen(ink, 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(area.adjusted(0.6, 0.6, -0.6, -0.6))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)
    painter.drawPie(area.adjusted(0.6, 0.6, -0.6, -0.6), 90 * 16, -round(360 * 16 * part))


class Mark(QWidget):
    """The sign of a kind of plan."""

    def __init__(self, look: Look, what: str = "no") -> None:
        super().__init__()
        self._look, self._kind = look, what
        self.setFixedSize(18, look.px(22))

    def show_kind(self, what: str) -> None:
        """Show this kind."""
        self._kind = what
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        area = self.rect().toRectF()
        area.setRect(area.center().x() - 5, area.center().y() - 5, 10, 10)
        mark(QPainter(self), area, self._look, self._kind, _DRAWN[self._kind])


class Chip(Words):
    """A word on a tint of its kind."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "", 11, 500)
        self._kind = "no"
        self.setContentsMargins(10, 4, 10, 4)

    def tell(self, said: str, what: str) -> None:
        """Say this."""
        self._kind = what
        self.setText(said)
        self.set_token(TOKENS[what])

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        edge = look.colour("border") if look.theme.contrast else None
        box(QPainter(self), self.rect(), self.height() / 2, look.colour(f"{TOKENS[self._kind]}_tint"), edge)
        super().paintEvent(event)


class Legend(QWidget):
    """What the signs mean."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        flow = Flow(14, 2)
        for what, said in SAID.items():
            each = QWidget()
            row = QHBoxLayout(each)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(6)
            row.addWidget(Mark(look, what))
            row.addWidget(Words(look, said, 12, token="text2"))
            flow.addWidget(each)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setLayout(flow)
