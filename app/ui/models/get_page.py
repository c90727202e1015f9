"""*Get more*: a card for each model that can be fetched, with what it needs here and how far its download is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.controls import Button
from app.ui.look import Look
from app.ui.models.model_cards import ModelCards
from app.ui.models.refresher import Refresher
from app.ui.scrolling import fill
from app.ui.sentence import Sentence

COLUMN = 760


class GetPage(QWidget):
    """The cards one below the other, and where the sizes of their files are asked for anew."""

    def __init__(self, look: Look, offers: ModelCards, refresher: Refresher, endpoint: Callable[[], str]) -> None:
        """`endpoint` answers with whom to ask, as the settings want it now."""
        super().__init__()
        self.cards = offers.cards
        self._refresher = refresher
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        for card in self.cards:
            column.addWidget(card)
        foot = Sentence(look, 12, 16)
        foot.say("", "Only a download and a refresh are on the network, while they run: where the settings say.")
        column.addWidget(foot)
        self._standing = Sentence(look, 12, 16)
        self.fresh = Button(look, "Refresh sizes", "link", small=True, name="Refresh sizes")
        self.fresh.setToolTip("Ask for the sizes and hashes of all files now")
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 3, 3)
        row.setSpacing(12)
        row.addWidget(self._standing, 1)
        row.addWidget(self.fresh, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True)
        self.fresh.clicked.connect(lambda: refresher.begin(endpoint()))
        refresher.changed.connect(self._show_standing)
        self._show_standing()

    @Slot()
    def _show_standing(self) -> None:
        self._standing.say("", self._refresher.sentence)
        self.fresh.setEnabled(not self._refresher.running)
