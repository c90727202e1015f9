"""What the window says in place: banners under the top bar, bars and cards above the composer, the undo bar."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QPoint, QPropertyAnimation, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.controls import Button, ElidedWords, IconButton
from app.ui.look import Look
from app.ui.painting import box, margins
from app.ui.sentence import Sentence

UNDO_MS = 8000
SLIDE_MS = 160


class Picture(QLabel):
    """An icon that stands still."""

    def __init__(self, look: Look, icon: str, token: str, size: int) -> None:
        super().__init__()
        self._look = look
        self._drawn = (icon, token, size)
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    @Slot()
    def _on_look_changed(self) -> None:
        icon, token, size = self._drawn
        self.setPixmap(self._look.pixmap(icon, token, size, self.devicePixelRatioF()))
        self.setFixedSize(self._look.px(size), self._look.px(size))


class Banner(QFrame):
    """Full width under the top bar: icon, a bold and a plain sentence, one button, close."""

    acted = Signal()
    closed = Signal()

    def __init__(self, look: Look, icon: str, button: str, *, tone: str = "", primary: bool = False) -> None:
        super().__init__()
        self._look = look
        self._fill = f"{tone}_tint" if tone else "tint"
        self.sentence = Sentence(look, token="text2" if tone else "text")
        self.button = Button(look, button, "primary" if primary else "plain", small=True)
        self.close_button = IconButton(look, "close", "Dismiss", icon_size=16, size=26)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(margins(16, 8, 12, 9))
        self._row.setSpacing(12)
        self._row.addWidget(Picture(look, icon, tone or "accent", 18))
        self._row.addWidget(self.sentence, 1)
        self._row.addWidget(self.button)
        self._row.addWidget(self.close_button)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.button.clicked.connect(self.acted)
        self.close_button.clicked.connect(self.closed)
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour(self._fill))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._look.colour("border"))


class Bar(QFrame):
    """Blocks or asks, 8 above the composer: radius 10, frame and tint of its tone."""

    def __init__(self, look: Look, icon: str, tone: str) -> None:
        super().__init__()
        self._look = look
        self._tone = tone
        self.sentence = Sentence(look)
        self._buttons: list[Button] = []
        self._row = QHBoxLayout()
        self._row.setSpacing(12)
        self._row.addWidget(Picture(look, icon, tone, 18))
        self._row.addWidget(self.sentence, 1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(margins(15, 8, 9, 8))
        self.column.setSpacing(8)
        self.column.addLayout(self._row)
        look.changed.connect(self.update)

    def add_button(self, text: str, chosen: Callable[[], object], *, kind: str = "plain", name: str = "") -> Button:
        """Add a button at the end of the sentence."""
        button = Button(self._look, text, kind, small=True, name=name)
        button.clicked.connect(lambda: chosen())
        self._row.addWidget(button)
        return button

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        box(QPainter(self), self.rect(), 10, look.colour(f"{self._tone}_tint"), look.colour(self._tone))


class NoticeCard(QFrame):
    """Something was refused: what, why, and what to do instead. 1 px frame, radius 10."""

    dismissed = Signal()
    acted = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.title = Sentence(look, 14, 20)
        self.reason = Sentence(look)
        self.action = Button(look, "Choose another file")
        self.dismiss = Button(look, "Dismiss", "quiet")
        buttons = QHBoxLayout()
        buttons.setContentsMargins(0, 8, 0, 0)
        buttons.setSpacing(8)
        buttons.addWidget(self.action)
        buttons.addStretch(1)
        buttons.addWidget(self.dismiss)
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addWidget(self.title)
        words.addWidget(self.reason)
        words.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(margins(17, 14, 16, 14))
        row.setSpacing(12)
        row.addWidget(Picture(look, "error", "danger", 18), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.action.clicked.connect(self.acted)
        self.dismiss.clicked.connect(self.dismissed)
        look.changed.connect(self.update)

    def tell(self, title: str, reason: str, action: str = "") -> None:
        """Say this; without `action` only Dismiss is offered."""
        self.title.say(title)
        self.reason.say("", reason)
        self.reason.setVisible(bool(reason))
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.action.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        box(QPainter(self), self.rect(), 10, look.colour("raised"), look.colour("danger"))


class UndoBar(QFrame):
    """38 high over the end of the column: what was done, and Undo, for eight seconds."""

    undone = Signal(object)

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self._token: object = None
        self._said = ElidedWords(look, 13)
        self.undo = Button(look, "Undo", "link", small=True, icon="undo")
        row = QHBoxLayout(self)
        row.setContentsMargins(margins(15, 0, 6, 0))
        row.addWidget(self._said, 1)
        row.addWidget(self.undo)
        self._time = QTimer(self)
        self._time.setSingleShot(True)
        self._time.setInterval(UNDO_MS)
        self._time.timeout.connect(self.hide)
        self._slide = QPropertyAnimation(self, b"pos", self)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self.undo.clicked.connect(self._on_undo_clicked)
        self.hide()

    def offer(self, said: str, token: object, place: QPoint) -> None:
        """Say what was done; `undone` carries the token when the person wants it back."""
        self._token = token
        self._said.set_text(said)
        self.show()
        self.raise_()
        self._slide.stop()
        self._slide.setDuration(self._look.motion(SLIDE_MS))
        self._slide.setStartValue(place + QPoint(0, 12))
        self._slide.setEndValue(place)
        self._slide.start()
        self._time.start()

    def move_to(self, place: QPoint) -> None:
        """Stand here now."""
        self._slide.stop()
        self.move(place)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        box(QPainter(self), self.rect(), 8, look.colour("raised"), look.colour("border_strong"))

    @Slot()
    def _on_undo_clicked(self) -> None:
        self._time.stop()
        self.hide()
        self.undone.emit(self._token)
