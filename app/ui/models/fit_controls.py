"""What a plan is asked with: model or file, cache, images, and a machine that is not this one; layers on the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.models.catalogue import catalogue
from app.models.machine import on_card
from app.models.memory import Machine, Plan
from app.models.speed import Speed
from app.ui.controls import Words
from app.ui.flow import Flow
from app.ui.look import Look
from app.ui.model_files import ModelFile
from app.ui.settings_controls import MenuButton, NumberField, Segments
from app.ui.settings_pages import IMAGES
from app.ui.slider import Slider

CACHES = (("f16", "16-bit"), ("q8_0", "8-bit"), ("q4_0", "4-bit"))
GIB = 1 << 30
_FIELD = 96


class Here(NamedTuple):
    """This machine: what is free of it, its cards in words ("" none), the computer's whole memory, and its speed."""

    machine: Machine
    cards: str
    ram: int
    speed: Speed | None = None


class FitControls(QWidget):
    """One line of fields, more where there is little room; `machine_changed` comes when another one is imagined."""

    model_chosen = Signal(object)  # id or Path
    cache_chosen = Signal(object)  # str
    images_chosen = Signal(object)  # str
    machine_changed = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._here = Here(Machine((), 0), "", 0)
        self._card: float | None = None
        self._ram: float | None = None
        self.model = MenuButton(look, "Model to plan", [(model.id, model.name) for model in catalogue()])
        self.cache = Segments(look, "Cache", CACHES)
        self.images = Segments(look, "Images", IMAGES)
        self.card_gib = NumberField(look, "Free memory of the card in GiB", low=0, high=512, decimals=1, width=_FIELD)
        self.ram_gib = NumberField(
            look, "Free memory of the computer in GiB", low=0, high=4096, decimals=1, width=_FIELD
        )
        flow = Flow(20, 14)
        self._fields: dict[QWidget, QWidget] = {}
        for name, control in (
            ("Model", self.model),
            ("Cache", self.cache),
            ("Images", self.images),
            ("Card, GiB free", self.card_gib),
            ("Memory, GiB free", self.ram_gib),
        ):
            field = QWidget()
            column = QVBoxLayout(field)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(8)
            column.addWidget(Words(look, name, 13, 600))
            column.addWidget(control, 0, Qt.AlignmentFlag.AlignLeft)
            self._fields[control] = field
            flow.addWidget(field)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setLayout(flow)
        self.model.chosen.connect(self.model_chosen)
        self.cache.chosen.connect(self.cache_chosen)
        self.images.chosen.connect(self.images_chosen)
        self.card_gib.settled.connect(self._on_card_settled)
        self.ram_gib.settled.connect(self._on_ram_settled)

    def show_here(self, here: Here) -> None:
        """This machine is so; figures that the person gave stay."""
        self._here = here
        self.card_gib.show_number(self._card, f"{free_of(here.machine) / GIB:.1f}")
        self.ram_gib.show_number(self._ram, f"{here.machine.ram / GIB:.1f}")

    def show_files(self, files: Sequence[ModelFile]) -> None:
        """The files that can be planned for beside the models of the catalogue."""
        self.model.show_more("On this computer", [(file.path, file.name, file.note) for file in files])

    def show_subject(self, value: object, *, caches: bool, sees: bool) -> None:
        """What is planned; with `caches` the rows of the table are the cache types."""
        self.model.show_value(value)
        self._fields[self.cache].setVisible(not caches)
        self.images.setEnabled(sees)
        self.images.setToolTip("" if sees else "It reads text only")
        self.updateGeometry()

    def forget(self) -> None:
        """This machine again."""
        self._card = self._ram = None
        self.show_here(self._here)

    @property
    def here(self) -> Here:
        """This machine."""
        return self._here

    @property
    def machine(self) -> Machine:
        """The machine that is planned for."""
        here = self._here.machine
        ram = here.ram if self._ram is None else round(self._ram * GIB)
        return replace(here, ram=ram) if self._card is None else on_card(round(self._card * GIB), ram)

    @property
    def imagined(self) -> tuple[bool, bool]:
        """Whether the card and the memory are others than those that are here."""
        return self._card is not None, self._ram is not None

    @property
    def speed(self) -> Speed | None:
        """Of the memory that is planned for."""
        return self._here.speed if self._ram is None else None

    @Slot(object)
    def _on_card_settled(self, gib: float | None) -> None:
        self._card = gib
        self.machine_changed.emit()

    @Slot(object)
    def _on_ram_settled(self, gib: float | None) -> None:
        self._ram = gib
        self.machine_changed.emit()


class LayersField(QWidget):
    """Layers on the card; `chosen` tells their number, -1 where it is the one that is chosen by itself."""

    chosen = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._usual = 0
        self._said = Words(look, "", 13, token="text2", figures=True)
        self.slider = Slider(look, "Layers on the card")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(Words(look, "Layers on the card", 13, 600))
        head.addStretch(1)
        head.addWidget(self._said)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.slider)
        self.slider.valueChanged.connect(self._on_value_changed)

    def show_layers(self, made: Plan, usual: int) -> None:
        """So many are on the card; `usual` is the number that is chosen by itself."""
        self._usual = usual
        self.slider.blockSignals(True)
        self.slider.setRange(0, made.layers)
        self.slider.setValue(made.gpu_layers)
        self.slider.blockSignals(False)
        whose = ", chosen for you" if made.gpu_layers == usual else f", {usual} chosen for you"
        self._said.setText(f"{made.gpu_layers} of {made.layers}{whose}")
        self.slider.setAccessibleDescription(self._said.text())
        self.slider.update()

    @Slot(int)
    def _on_value_changed(self, layers: int) -> None:
        self.chosen.emit(-1 if layers == self._usual else layers)


def free_of(machine: Machine) -> int:
    """Bytes that are free on all cards together."""
    return sum(card.free for card in machine.cards)
