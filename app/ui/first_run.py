"""The first page: what this computer can run well, one model to fetch, the demo model at once, files that are here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.banners import Picture
from app.ui.card import Card
from app.ui.controls import Button, ElidedWords, Words
from app.ui.look import Look
from app.ui.model_files import ModelFile
from app.ui.models.file_rows import FileRows
from app.ui.models.unused_card import UnusedCard
from app.ui.painting import box, margins
from app.ui.scrolling import fill
from app.ui.sentence import Sentence
from app.ui.tips import tip
from app.ui.welcome import Gem

if TYPE_CHECKING:
    from app.ui.models.model_card import ModelCard

COLUMN = 760
NARROW = 560
_QUIET = "Cabochon opens a connection only when you press Download."


@dataclass(frozen=True, slots=True)
class Fact:
    """Something of the machine: what it is, how much, and a note."""

    icon: str
    title: str
    value: str
    note: str


class FirstRunPage(QWidget):
    """Shown while no model was named or chosen. GUI thread; says what it is told and asks by its signals."""

    begun = Signal()  # with the demo model
    file_asked = Signal()
    model_chosen = Signal(object)  # Path
    arranged = Signal()  # its controls are others, or stand in another order

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._cards: dict[str, ModelCard] = {}
        self._offered: tuple[str, ...] = ()
        self._says = Words(look, "", 13, 600)
        self._machine = _Machine(look)
        self.unused_card = UnusedCard(look, quiet=True)
        self._offers = QVBoxLayout()
        self._offers.setSpacing(12)
        self._demo = _Demo(look)
        self._demo.begun.connect(self.begun)
        self._known_title = Words(look, "", 13, 600)
        self._choose = Button(look, "Choose a file…", "link", small=True)
        self._choose.clicked.connect(self.file_asked)
        self.rows = FileRows(look)
        self.rows.used.connect(self.model_chosen)
        self._network = Sentence(look, 12, 16)
        self._network.say("", _QUIET)
        column = QVBoxLayout()
        column.setSpacing(0)
        for part, above in (
            (self._head(), 0),
            (self._says, 24),
            (self._machine, 8),
            (self.unused_card, 8),
            (self._offers, 16),
            (self._demo, 14),
            (self._known_head(), 24),
            (self.rows, 8),
            (self._foot(), 20),
        ):
            column.addSpacing(look.px(above))
            if isinstance(part, QWidget):
                column.addWidget(part)
            else:
                column.addLayout(part)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True, around=(16, 24))
        self._says.hide()
        self._machine.hide()
        self.show_files(())

    def set_offers(self, cards: Sequence[ModelCard]) -> None:
        """The models that may be offered; which of them are is said by show_machine."""
        for card in cards:
            self._cards[card.model.id] = card
            card.hide()
            self._offers.addWidget(card)

    def show_machine(self, says: str, facts: Sequence[Fact], offered: Sequence[str]) -> None:
        """What the machine has and runs, and the ids of the models that are offered, the recommended one first."""
        self._says.setText(says)
        self._says.setVisible(bool(says))
        self._machine.tell(facts)
        self._machine.show()
        for card in self._cards.values():
            self._offers.removeWidget(card)
        for name in offered:
            self._offers.addWidget(self._cards[name])
        for name, card in self._cards.items():
            card.setVisible(name in offered)
        self._offered = tuple(offered)
        self.arranged.emit()

    def controls(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which it stands."""
        cards = [each for name in self._offered for each in self._cards[name].findChildren(QAbstractButton)]
        return [self.unused_card.copy, *cards, self._demo.begin, self._choose, *self.rows.controls()]

    def show_demo(self, *, there: bool) -> None:
        """Whether the demo model can be begun with."""
        self._demo.setVisible(there)

    def show_downloading(self, host: str) -> None:
        """To whom a connection is open now, "" for nobody."""
        said = f"One connection is open, to {host}, for this download. It closes when the files are here."
        self._network.say("", said if host else _QUIET)

    def show_files(self, files: Sequence[ModelFile]) -> None:
        """List the model files that are here; the demo model only where it has no button of its own."""
        shown = [file for file in files if not file.demo or self._demo.isHidden()]
        self.rows.show_files(shown)
        none = "No model files were found on this computer"
        self._known_title.setText("Already on this computer" if shown else none)
        self.arranged.emit()

    def _head(self) -> QHBoxLayout:
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(Words(self._look, "Welcome to Cabochon", 24, 600))
        line = Sentence(self._look, 15, 23)
        line.say("", "Chat with a model that lives on this computer. What you write and show it stays here.")
        texts.addWidget(line)
        row = QHBoxLayout()
        row.setSpacing(20)
        row.addWidget(Gem(self._look, 56), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        return row

    def _known_head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self._known_title)
        row.addStretch(1)
        row.addWidget(self._choose)
        return row

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(Picture(self._look, "shield-check", "ok", 14), 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._network, 1)
        return row


class _Machine(Card):
    """Three facts side by side, below each other in a narrow window."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._facts: list[QWidget] = []

    def tell(self, facts: Sequence[Fact]) -> None:
        """Show these."""
        for fact in self._facts:
            fact.hide()
            fact.deleteLater()
        self._facts = [_FactView(self._look, fact) for fact in facts]
        for view in self._facts:
            self._row.addWidget(view, 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        aside = self._row.direction() != QBoxLayout.Direction.TopToBottom
        painter = QPainter(self)
        for view in self._facts[1:]:
            area = view.geometry()
            start = area.left() if view.layoutDirection() == Qt.LayoutDirection.LeftToRight else area.right()
            line = QRect(start, 1, 1, self.height() - 2) if aside else QRect(1, area.top(), self.width() - 2, 1)
            painter.fillRect(line, self._look.colour("border"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        aside = self.width() >= self._look.px(NARROW)
        self._row.setDirection(QBoxLayout.Direction.LeftToRight if aside else QBoxLayout.Direction.TopToBottom)


class _FactView(QWidget):
    def __init__(self, look: Look, fact: Fact) -> None:
        super().__init__()
        value, note = ElidedWords(look, 14, 600), ElidedWords(look, 12, 400, "text2")
        value.set_text(fact.value)
        value.setToolTip(tip(fact.value))
        note.set_text(fact.note)
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(Words(look, fact.title, 11, 500, "text2"))
        texts.addWidget(value)
        texts.addWidget(note)
        row = QHBoxLayout(self)
        row.setContentsMargins(margins(17, 13, 12, 13))
        row.setSpacing(13)
        row.addWidget(Picture(look, fact.icon, "accent", 18), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)


class _Demo(QWidget):
    """The demo model is here already."""

    begun = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        line = Sentence(look)
        line.say("", "The small demo model is already here: quick, not clever, text only.")
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(Words(look, "No need to wait", 13, 600))
        texts.addWidget(line)
        self.begin = Button(look, "Start with the demo model", "primary")
        self.begin.clicked.connect(self.begun)
        row = QHBoxLayout(self)
        row.setContentsMargins(margins(18, 12, 12, 12))
        row.setSpacing(16)
        row.addLayout(texts, 1)
        row.addWidget(self.begin)
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        edge = self._look.colour("border") if self._look.theme.contrast else None
        box(QPainter(self), self.rect(), 10, self._look.colour("tint"), edge)
