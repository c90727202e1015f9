"""*About the models*: what is known of each, with its source."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.models.catalogue import catalogue
from app.models.facts import facts
from app.ui.card import Card
from app.ui.controls import Words
from app.ui.look import Look
from app.ui.scrolling import fill
from app.ui.sentence import Sentence
from app.ui.settings_controls import MenuButton

COLUMN = 860


class AboutPage(QWidget):
    """A row for each fact: what, value, source."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.model = MenuButton(look, "Model to read about", [(model.id, model.name) for model in catalogue()])
        self._card = Card(look)
        self._grid = QGridLayout(self._card)
        self._grid.setContentsMargins(18, 12, 18, 12)
        self._grid.setHorizontalSpacing(20)
        self._grid.setVerticalSpacing(9)
        self._grid.setColumnStretch(1, 1)
        why = Sentence(look, 12, 16)
        why.say(
            "",
            "Other calculators give more memory because they count a whole cache for every layer at 16 bits. Here only "
            "one layer in six keeps the whole conversation, and the others a window of it.",
        )
        column = QVBoxLayout()
        column.setSpacing(16)
        column.addWidget(self.model, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._card)
        column.addWidget(why)
        column.addStretch(1)
        fill(self, column, COLUMN)
        self.model.chosen.connect(self.show_model)
        self.show_model(catalogue()[0].id)

    @Slot(object)
    def show_model(self, model: str) -> None:
        """Tell of this one."""
        self.model.show_value(model)
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        found = next(one for one in catalogue() if one.id == model)
        for number, fact in enumerate(facts(found)):
            value = Sentence(self._look, 13, 18, token="text")
            value.say("", fact.value)
            value.setAccessibleName(f"{fact.label}: {fact.value}")
            self._grid.addWidget(Words(self._look, fact.label, 13, 500), number, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, number, 1)
            source = Words(self._look, fact.source, 12, token="text2")
            self._grid.addWidget(source, number, 2, Qt.AlignmentFlag.AlignTop)
