"""*Get more*: a card for each model that can be fetched, with what it needs here and how far its download is."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.look import Look
from app.ui.models.model_cards import ModelCards
from app.ui.scrolling import fill
from app.ui.sentence import Sentence

COLUMN = 760


class GetPage(QWidget):
    """The cards one below the other."""

    def __init__(self, look: Look, offers: ModelCards) -> None:
        super().__init__()
        self.cards = offers.cards
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        for card in self.cards:
            column.addWidget(card)
        foot = Sentence(look, 12, 16)
        foot.say("", "Nothing is on the network but a download while it runs, to the address that the settings name.")
        column.addWidget(foot)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True)
