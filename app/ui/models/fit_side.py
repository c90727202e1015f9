"""Beside the table: what the current cell means for this machine, and which cards would hold it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.controls import Button, Line, Words
from app.ui.look import Look
from app.ui.models.fit_table import SAID, TOKENS, mark
from app.ui.painting import box
from app.ui.sentence import Sentence

_DRAWN = {"all": 1.0, "most": 0.7, "memory": 0.3}


class FitSide(QWidget):
    """What the current cell means, and where else it would run."""

    used = Signal()
    left = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._state = Mark(look)
        self.title = Sentence(look, 15, 22)
        self.reason = Sentence(look)
        self.others = Sentence(look, 12, 17)
        self.why_not = Sentence(look, 12, 17, token="text3")
        self.use = Button(look, "Use this plan", "primary")
        self.leave = Button(look, "Choose for me")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(13)
        self._grid.setColumnStretch(2, 1)
        self._cells: list[tuple[Words, Words, Chip]] = []
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
        column.addWidget(self.others)
        column.addLayout(buttons)
        column.addWidget(self.why_not)
        column.addSpacing(6)
        column.addWidget(Line(look))
        column.addSpacing(2)
        column.addLayout(self._grid)
        column.addStretch(1)
        self._foot = Sentence(look, 11, 15)
        self._foot.say("", "Sizes are reckoned from the shape of the files and agree with llama.cpp to 3%.")
        column.addWidget(self._foot)
        self._grid.addWidget(Words(look, "Runs on", 12, 600, "text2"), 0, 0)
        self._grid.addWidget(Words(look, "memory", 12, token="text2"), 0, 1, Qt.AlignmentFlag.AlignRight)
        self.use.clicked.connect(self.used)
        self.leave.clicked.connect(self.left)
        look.changed.connect(self.update)

    def show_plan(
        self,
        said: tuple[str, str],
        what: str,
        runs_on: list[tuple[str, str, str, str]],
        others: list[str],
        why_not: str = "",
    ) -> None:
        """Say what the plan means; `runs_on` are names, memory, verdicts and their kinds, `others` are alternatives.

        `why_not` is why it cannot be used now.
        """
        self.why_not.say("", why_not)
        self.why_not.setVisible(bool(why_not))
        self.others.say("", " ".join(others))
        self.others.setVisible(bool(others))
        self._state.show_kind(what)
        self.title.say(said[0])
        self.reason.say("", said[1])
        self.use.setEnabled(what != "no" and not why_not)
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
        for (name, memory, chip), found in zip(self._cells, runs_on, strict=True):
            name.setText(found[0])
            memory.setText(found[1])
            chip.tell(found[2], found[3])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("sidebar"))
        painter.fillRect(0, 0, 1, self.height(), self._look.colour("border"))


class Mark(QWidget):
    """The sign of a kind of plan."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look, self._kind = look, "no"
        self.setFixedSize(18, look.px(22))

    def show_kind(self, what: str) -> None:
        """Show this kind."""
        self._kind = what
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        area = self.rect().toRectF()
        area.setRect(area.center().x() - 5, area.center().y() - 5, 10, 10)
        mark(
            QPainter(self), area, self._look, self._kind, {"all": 1.0, "most": 0.7, "memory": 0.3}.get(self._kind, 0.0)
        )


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
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for what in SAID:
            dot = Mark(look)
            dot.show_kind(what)
            row.addWidget(dot)
            row.addWidget(Words(look, SAID[what], 12, token="text2"))
            row.addSpacing(8)
