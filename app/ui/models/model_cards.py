"""Cards of models that can be fetched, told together of settings, machine and downloads."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from app.core.settings import Settings
from app.models.catalogue import CatalogueModel
from app.models.memory import Machine
from app.models.refreshed import Refreshed
from app.models.speed import Speed
from app.ui.look import Look
from app.ui.models.downloader import Downloader
from app.ui.models.model_card import ModelCard


class ModelCards(QObject):
    """`accepted` tells the address of a licence that the person accepted, `used` the path of a model that is here.

    `failed` says in a sentence what could not be deleted.
    """

    accepted = Signal(str)
    used = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        look: Look,
        models: Sequence[CatalogueModel],
        downloader: Downloader,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.cards = [ModelCard(look, model, downloader) for model in models]
        for card in self.cards:
            card.accepted.connect(self.accepted)
            card.used.connect(self.used)
            card.failed.connect(self.failed)
        downloader.changed.connect(self.refresh)
        self.refresh()

    def show_settings(self, settings: Settings) -> None:
        """Which licences are accepted, and where files come from."""
        accepted = {address for address, _ in settings.licences}
        for card in self.cards:
            card.show_terms(accepted=card.model.licence_url in accepted, endpoint=settings.mirror)

    def show_machine(self, machine: Machine, speed: Speed | None, best: str) -> None:
        """How each would run here; `best` is the id of the recommended one, "" for none."""
        for card in self.cards:
            card.show_fit(machine, speed, is_best=card.model.id == best)

    def show_files(self, kept: Refreshed) -> None:
        """The sizes and hashes that the hub told last."""
        for card in self.cards:
            card.show_model(kept.model(card.model))

    @Slot()
    def refresh(self) -> None:
        """Show what is there and what is coming."""
        for card in self.cards:
            card.refresh()
