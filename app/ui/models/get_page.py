"""*Get more*: a card for each model that can be fetched, with what it needs here and how far its download is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.settings import Settings
from app.models.advice import Speed, recommended
from app.models.catalogue import CatalogueModel, catalogue
from app.models.memory import Machine
from app.ui.look import Look
from app.ui.models.downloader import Downloader
from app.ui.models.model_card import ModelCard
from app.ui.scrolling import fill
from app.ui.sentence import Sentence

COLUMN = 760


class GetPage(QWidget):
    """`accepted` tells the address of a licence that the person accepted."""

    accepted = Signal(str)
    used = Signal(object)  # Path

    def __init__(self, look: Look, downloader: Downloader, here: Callable[[CatalogueModel], object]) -> None:
        """`here` answers with the path of a model that is there already, or None."""
        super().__init__()
        self._downloader = downloader
        offered = [model for model in catalogue() if any(file.kind == "model" for file in model.files)]
        self.cards = [ModelCard(look, model, downloader, here) for model in offered]
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        for card in self.cards:
            card.accepted.connect(self.accepted)
            card.used.connect(self.used)
            column.addWidget(card)
        foot = Sentence(look, 12, 16)
        foot.say("", "Nothing is on the network but a download while it runs, to the address that the settings name.")
        column.addWidget(foot)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True)
        downloader.changed.connect(self.refresh)
        self.refresh()

    def show_settings(self, settings: Settings) -> None:
        """Which licences are accepted, and where files come from."""
        accepted = {address for address, _ in settings.licences}
        for card in self.cards:
            card.show_terms(accepted=card.model.licence_url in accepted, endpoint=settings.mirror)

    def show_machine(self, machine: Machine, speed: Speed | None) -> None:
        """What fits this machine, and once its speed was measured, what it runs well."""
        best = recommended(machine, speed) if speed is not None else ""
        for card in self.cards:
            card.show_fit(machine, speed, is_best=card.model.id == best)

    @Slot()
    def refresh(self) -> None:
        """Show what is there and what is coming."""
        for card in self.cards:
            card.refresh()
