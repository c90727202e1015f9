"""Rows of what, value and source; where there is little room they stand below each other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout

from app.models.facts import Fact
from app.ui.card import Card
from app.ui.look import Look
from app.ui.sentence import Sentence

_ROOMY, _SMALL = 640, 360  # the width from which there are three columns, and two
_PARTS = {3: (3, 5, 4), 2: (3, 6, 0), 1: (1, 0, 0)}  # of the width, by columns
_TOP = Qt.AlignmentFlag.AlignTop


class FactRows(Card):
    """Every row can be read by its name: `Layers: 48`."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._look = look
        self._rows: list[tuple[Sentence, Sentence, Sentence]] = []
        self._columns = 3
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(18, 12, 18, 12)
        self._grid.setHorizontalSpacing(20)
        self._grid.setVerticalSpacing(2)

    def show_rows(self, facts: Sequence[Fact]) -> None:
        """These, and no others."""
        for row in self._rows:
            for part in row:
                self._grid.removeWidget(part)
                part.hide()
                part.deleteLater()
        self._rows = [self._made(fact) for fact in facts]
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        columns = 1 + sum(self.width() >= self._look.px(width) for width in (_ROOMY, _SMALL))
        if columns != self._columns:
            self._columns = columns
            self._arrange()

    def _made(self, fact: Fact) -> tuple[Sentence, Sentence, Sentence]:
        label, value, source = (
            Sentence(self._look, 13, 18, token="text2"),
            Sentence(self._look, 13, 18, token="text"),
            Sentence(self._look, 12, 18, token="text2"),
        )
        label.say("", fact.label)
        value.say("", fact.value)
        source.say("", fact.source)
        value.setAccessibleName(f"{fact.label}: {fact.value}")
        if not fact.source:
            source.hide()
        source.setAccessibleName(f"Source of {fact.label}: {fact.source}")
        return label, value, source

    def _arrange(self) -> None:
        last = self._columns - 1
        for number, row in enumerate(self._rows):
            for place, part in enumerate(row):
                self._grid.addWidget(part, 3 * number + max(0, place - last), min(place, last), _TOP)
        for column, share in enumerate(_PARTS[self._columns]):
            self._grid.setColumnStretch(column, share)
