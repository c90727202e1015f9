"""What stands in an empty chat: what is loaded, and ways to begin."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.chat.changes import ModelChanged, ModelState
from app.ui.banners import Picture
from app.ui.controls import PaintedButton, Words
from app.ui.look import Look
from app.ui.painting import box, mirrored, picture, words
from app.ui.scrolling import fill

COLUMN = 704
STARTERS = (
    ("code", "Write and check some code", "Say what goes in and comes out", "Write a Python function that "),
    ("edit", "Draft a letter", "Say to whom and what it is about", "Draft a short, polite letter to "),
    ("book", "Explain something", "In plain words, with an example", "Explain in plain words, with an example: "),
)


class Gem(QLabel):
    """The application's icon."""

    def __init__(self, look: Look, size: int) -> None:
        super().__init__()
        self._look = look
        self._size = size
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    @Slot()
    def _on_look_changed(self) -> None:
        self.setPixmap(self._look.pixmap("cabochon", "text", self._size, self.devicePixelRatioF()))
        self.setFixedSize(self._look.px(self._size), self._look.px(self._size))


class StarterCard(PaintedButton):
    """A way to begin: icon, title, one line."""

    def __init__(self, look: Look, icon: str, title: str, line: str) -> None:
        super().__init__()
        self._look = look
        self._icon_name = icon
        self._line = line
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self._on_look_changed)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(160), self._look.px(97))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._look.px(120), self._look.px(97))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        fill = "pressed" if self.isDown() else "hover" if self.underMouse() else "window"
        edge = look.colour("accent" if self.ring else "border")
        box(painter, self.rect(), 10, look.colour(fill), edge, 2 if self.ring else 1)
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        x = 15 + look.px(20) / 2
        drawn = look.pixmap(self._icon_name, "accent", 20, self.devicePixelRatioF())
        picture(painter, QPointF(x if rightwards else self.width() - x, look.px(25)), drawn)
        inner = self.rect().adjusted(15, 0, -13, 0)
        painter.setFont(look.font(13, 500))
        title = QRectF(inner.left(), look.px(45), inner.width(), look.px(18)).toRect()
        words(painter, mirrored(title, self.rect(), self.layoutDirection()), self.text(), look.colour("text"))
        painter.setFont(look.font(12))
        line = QRectF(inner.left(), look.px(65), inner.width(), look.px(16)).toRect()
        words(painter, mirrored(line, self.rect(), self.layoutDirection()), self._line, look.colour("text2"))

    @Slot()
    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()


class EmptyChat(QWidget):
    """A new chat with a model: what is loaded, and ways to begin."""

    started = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._cards = QWidget()
        self._state = Words(look, "", 14, token="text2")
        self._state.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        title = Words(look, "What shall we talk about?", 20, 600)
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout(self._cards)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for icon, name, line, beginning in STARTERS:
            card = StarterCard(look, icon, name, line)
            card.setProperty("beginning", beginning)
            card.clicked.connect(self._on_card_clicked)
            row.addWidget(card)
        hint = Words(look, "Drop a model file (.gguf) anywhere in the window to load it", 12, token="text3")
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addStretch(1)
        column.addSpacing(look.px(14))
        column.addWidget(Gem(look, 44), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(15)
        column.addWidget(title)
        column.addSpacing(7)
        column.addWidget(self._state)
        column.addSpacing(30)
        column.addWidget(self._cards)
        column.addSpacing(22)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(Picture(look, "download", "text3", 14))
        foot.addWidget(hint)
        foot.addStretch(1)
        column.addLayout(foot)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True, around=(20, 12))

    def show_model(self, change: ModelChanged) -> None:
        """Name the model."""
        name = f"{change.name}, the demo model," if change.demo else change.name
        if change.state is ModelState.READY:
            self._state.setText(f"{name} is loaded.")
        else:
            self._state.setText(f"{change.name or 'The model'} is loading. You can write already.")

    def resizeEvent(self, event: object) -> None:
        self._cards.setVisible(self.width() >= 640)

    @Slot()
    def _on_card_clicked(self) -> None:
        self.started.emit(str(self.sender().property("beginning")))
