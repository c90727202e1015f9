"""What is said before sending when a message will not fit: what will be left out, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.core.protocol import Measured
from app.ui.banners import Bar
from app.ui.controls import PaintedButton
from app.ui.figures import context_short, count, tokens_short, turns
from app.ui.look import Look
from app.ui.painting import box, mirrored, words


class Choice(PaintedButton):
    """One of several equal choices, 52 high: what it is, and what it costs."""

    def __init__(self, look: Look, title: str, cost: str) -> None:
        super().__init__()
        self._look = look
        self._cost = cost
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(cost)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def describe(self, title: str, cost: str) -> None:
        """Say other words."""
        self._cost = cost
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(cost)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(140), self._look.px(52))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        fill = "pressed" if self.isDown() else "hover" if self.underMouse() else "raised"
        edge = look.colour("accent" if self.ring else "border_strong")
        box(painter, self.rect(), 6, look.colour(fill), edge, 2 if self.ring else 1)
        inner = self.rect().adjusted(13, 0, -10, 0)
        painter.setFont(look.font(13, 500))
        title = QRectF(inner.left(), look.px(9), inner.width(), look.px(18)).toRect()
        words(painter, mirrored(title, self.rect(), self.layoutDirection()), self.text(), look.colour("text"))
        painter.setFont(look.font(12))
        cost = QRectF(inner.left(), look.px(27), inner.width(), look.px(16)).toRect()
        words(painter, mirrored(cost, self.rect(), self.layoutDirection()), self._cost, look.colour("text2"))


class ContextBar(Bar):
    """Stands above the composer while the message that is written does not fit."""

    left_out = Signal()
    larger_asked = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__(look, "warning", "warn")
        self._larger = 0
        self._choices = QWidget()
        self._leave = Choice(look, "Leave them out", "They stay in the chat, unread")
        self._enlarge = Choice(look, "Larger context", "")
        row = QHBoxLayout(self._choices)
        row.setContentsMargins(0, 0, 2, 2)
        row.setSpacing(8)
        row.addWidget(self._leave)
        row.addWidget(self._enlarge)
        self.column.addWidget(self._choices)
        self._leave.clicked.connect(self.left_out)
        self._enlarge.clicked.connect(self._on_enlarge_clicked)

    def show_measured(self, measured: Measured, larger: int, *, paged: bool = False) -> None:
        """Say what will be left out. `larger` is a context that the model can take instead, 0 for none.

        `paged`: a document of the message has pages to choose from.
        """
        self._larger = larger
        if measured.error:
            fewer = " Press a document to choose fewer pages of it." if paged else ""
            self.sentence.say("This message does not fit.", measured.error + fewer)
        else:
            oldest = turns(measured.left_out)
            size = tokens_short(sum(measured.per_message[: measured.left_out]))
            named = "The oldest turn" if oldest == 1 else f"The {count(oldest, 'oldest turn', 'oldest turns')}"
            self.sentence.say("This does not all fit.", f"{named}, {size} tokens, will not be read.")
        self._leave.setVisible(not measured.error)
        self._enlarge.setVisible(larger > 0)
        self._choices.setVisible(larger > 0 or not measured.error)
        if larger:
            self._enlarge.describe(
                f"Larger context, {context_short(larger)}", "Loads the model again, needs more memory"
            )
        self.show()

    @Slot()
    def _on_enlarge_clicked(self) -> None:
        self.larger_asked.emit(self._larger)
