"""Beside the table: what the current plan means for this machine, other plans, and which cards would hold it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.models.catalogue import Card
from app.models.choice import Alternative, in_a_sentence
from app.models.memory import Plan
from app.models.table import in_short, kind
from app.ui.controls import Button, Line, Words
from app.ui.look import Look
from app.ui.models.chip import Chip, Mark
from app.ui.sentence import Sentence


class FitSide(QWidget):
    """What the current plan means, and where else it would run. `other_chosen` tells the plan of an alternative."""

    used = Signal()
    left = Signal()
    reset = Signal()  # to this machine
    other_chosen = Signal(object)  # Plan

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._state = Mark(look)
        self.title = Sentence(look, 15, 22)
        self.reason = Sentence(look)
        self.why_not = Sentence(look, 12, 17, token="text3")
        self.use = Button(look, "Use this plan", "primary")
        self.leave = Button(look, "Choose for me")
        self.here = Button(look, "As this machine is", small=True)
        self._others = QVBoxLayout()
        self._others.setSpacing(8)
        self._other_rows: list[_Other] = []
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(11)
        self._grid.setColumnStretch(2, 1)
        self._cells: list[tuple[Words, Words, Chip]] = []
        self._lay_out()
        self.use.clicked.connect(self.used)
        self.leave.clicked.connect(self.left)
        self.here.clicked.connect(self.reset)
        look.changed.connect(self.update)

    def show_plan(self, said: tuple[str, str], what: str, *, use: str, why_not: str, imagined: bool) -> None:
        """Say what the plan means. `use` names the button; `why_not` is why it cannot be used now."""
        self.why_not.say("", why_not)
        self.why_not.setVisible(bool(why_not))
        self.here.setVisible(imagined)
        self._state.show_kind(what)
        self.title.say(said[0])
        self.reason.say("", said[1])
        self.use.setText(use)
        self.use.updateGeometry()
        self.use.setEnabled(what != "no" and not why_not)

    def show_others(self, others: Sequence[Alternative], kv_type: str) -> None:
        """Name these alternatives to a plan with this cache, each a button that shows it."""
        for row in self._other_rows:
            row.hide()
            row.deleteLater()
        self._other_rows = [_Other(self._look, other, kv_type) for other in others]
        for row, other in zip(self._other_rows, others, strict=True):
            row.show_it.clicked.connect(partial(self.other_chosen.emit, other.plan))
            self._others.addWidget(row)

    def show_cards(self, runs_on: Sequence[tuple[Card, Plan]]) -> None:
        """Where else it would run, the largest card first."""
        while len(self._cells) < len(runs_on):
            cells = (
                Words(self._look, "", 13, 500),
                Words(self._look, "", 13, token="text2", figures=True),
                Chip(self._look),
            )
            row = len(self._cells) + 1
            self._grid.addWidget(cells[0], row, 0)
            self._grid.addWidget(cells[1], row, 1, Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(cells[2], row, 2, Qt.AlignmentFlag.AlignRight)
            self._cells.append(cells)
        for (name, memory, chip), (card, made) in zip(self._cells, reversed(runs_on), strict=True):
            name.setText(card.name)
            memory.setText(f"{card.gib} GiB")
            chip.tell(in_short(made), kind(made))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("sidebar"))
        painter.fillRect(0, 0, 1, self.height(), self._look.colour("border"))

    def _lay_out(self) -> None:
        look = self._look
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._state, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.title, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.use)
        buttons.addWidget(self.leave)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self.reason)
        column.addLayout(buttons)
        reason = QHBoxLayout()
        reason.setSpacing(8)
        reason.addWidget(self.why_not, 1)
        reason.addWidget(self.here)
        column.addLayout(reason)
        column.addLayout(self._others)
        column.addSpacing(2)
        column.addWidget(Line(look))
        column.addSpacing(2)
        column.addLayout(self._grid)
        column.addStretch(1)
        foot = Sentence(look, 11, 15)
        foot.say(
            "",
            "Sizes are reckoned from the shape of the weights and agree with llama.cpp to 3%. Speeds are estimates "
            "from this machine's measured memory; how fast a card is shows once it runs.",
        )
        column.addWidget(foot)
        self._grid.addWidget(Words(look, "Runs on", 12, 600, "text2"), 0, 0)
        self._grid.addWidget(Words(look, "memory", 12, token="text2"), 0, 1, Qt.AlignmentFlag.AlignRight)


class _Other(QWidget):
    """An alternative: its name is a button, its sentence stands beside it."""

    def __init__(self, look: Look, other: Alternative, kv_type: str) -> None:
        super().__init__()
        words = in_a_sentence(other.plan, kv_type)
        self.show_it = Button(look, other.name, small=True, name=f"{other.name}: {words}")
        said = Sentence(look, 12, 17)
        said.say("", f"{words[:1].upper()}{words[1:]}.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.show_it, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(said, 1)
