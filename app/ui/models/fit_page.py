"""*What fits*: the calculator of memory for every quantisation and context, on this machine or on another."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core.settings import LoadOptions
from app.models.catalogue import cards, catalogue
from app.models.choice import alternatives, in_a_sentence
from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.machine import on_card
from app.models.memory import Machine, Plan, Verdict
from app.models.table import Asked, Row, contexts, in_words, kind, planned, table
from app.ui.controls import Button, Line, Switch, Words
from app.ui.look import Look
from app.ui.models.fit_side import FitSide, Legend
from app.ui.models.fit_table import FitTable
from app.ui.models.memory_bar import MemoryBar
from app.ui.scrolling import scrolling
from app.ui.sentence import Sentence
from app.ui.settings_controls import MenuButton, NumberField, Segments

CACHES = (("f16", "16-bit"), ("q8_0", "8-bit"), ("q4_0", "4-bit"))
SIDE, NARROW, SMALL = 356, 980, 900
_GIB = 1 << 30
_PARTS = ("part_turns", "part_message", "part_working", "part_images", "part_copies", "part_system")


class Here(NamedTuple):
    """This machine: what is free of it, its cards in words ("" none), and the whole memory of the computer."""

    machine: Machine
    cards: str
    ram: int


class FitPage(QWidget):
    """`plan_chosen` tells context, cache type; 0 and "" leave it to the program."""

    plan_chosen = Signal(int, str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._here = Here(Machine((), 0), "", 0)
        self._model = catalogue()[0]
        self._kv_type, self._sees = "f16", True
        self._loaded = ""
        self._asked_card: float | None = None
        self._asked_ram: float | None = None
        self._row, self._column = 0, 1
        self._rows: tuple[Row, ...] = ()
        self.table = FitTable(look)
        self.side = FitSide(look)
        self._make_controls()
        self._lay_out()
        self._connect()
        self.cache.show_value(self._kv_type)

    def show_machine(self, here: Here) -> None:
        """This machine is so; figures that the person gave stay."""
        self._here = here
        self.card_gib.show_number(self._asked_card, f"{_free(here.machine) / _GIB:.1f}")
        self.ram_gib.show_number(self._asked_ram, f"{here.machine.ram / _GIB:.1f}")
        if self._rows:
            self._refresh()
        else:
            self.show_model(self._model.id)

    def show_model(self, model: str) -> None:
        """The calculator is about this model of the catalogue."""
        self._model = next((one for one in catalogue() if one.id == model), self._model)
        self.model.show_value(self._model.id)
        self.sees.setEnabled(self._model.projector_bytes > 0)
        self._column = min(self._column, len(contexts(self._model)) - 1)
        self._show_rows()
        trained = [number for number, row in enumerate(self._rows) if row.note == "recommended"]
        self._row = trained[0] if trained else 2
        self._show_cell()
        self.table.choose(self._row, self._column)

    def show_loaded(self, name: str) -> None:
        """The model of this name is loaded; "" for none."""
        self._loaded = name
        if self._rows:
            self._show_cell()

    @property
    def machine(self) -> Machine:
        """The machine that is planned for."""
        here = self._here.machine
        ram = here.ram if self._asked_ram is None else round(self._asked_ram * _GIB)
        return replace(here, ram=ram) if self._asked_card is None else on_card(round(self._asked_card * _GIB), ram)

    @property
    def plan(self) -> Plan:
        """The plan of the current cell."""
        return self._rows[self._row].cells[self._column]

    def _make_controls(self) -> None:
        look = self._look
        self.card_bar, self.memory_bar = MemoryBar(look), MemoryBar(look)
        self.model = MenuButton(look, "Model to plan", [(model.id, model.name) for model in catalogue()])
        self.cache = Segments(look, "Cache", CACHES)
        self.sees = Switch(look, "Images")
        self.sees.setChecked(True)
        self.reset = Button(look, "As this machine is", small=True)
        self.reset.hide()
        self.card_gib = NumberField(look, "Free memory of the card in GiB", low=0, high=512, decimals=1)
        self.ram_gib = NumberField(look, "Free memory of the computer in GiB", low=0, high=4096, decimals=1)

    def _lay_out(self) -> None:
        look = self._look
        bars = QHBoxLayout()
        bars.setSpacing(24)
        bars.addWidget(self.card_bar, 1, Qt.AlignmentFlag.AlignTop)
        bars.addWidget(self.memory_bar, 1, Qt.AlignmentFlag.AlignTop)
        self._asked = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._asked.setSpacing(16)
        first, second = QHBoxLayout(), QHBoxLayout()
        fields = (
            (first, "Model", self.model), (first, "Cache", self.cache), (first, "Images", self.sees),
            (second, "Card, GiB free", self.card_gib), (second, "Memory, GiB free", self.ram_gib),
        )  # fmt: skip
        for line, name, control in fields:
            label = Words(look, name, 13, 600)
            label.setMinimumWidth(label.sizeHint().width())
            field = QVBoxLayout()
            field.setSpacing(8)
            field.addWidget(label)
            field.addWidget(control, 0, Qt.AlignmentFlag.AlignLeft)
            field.addStretch(1)
            line.addLayout(field)
        second.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignBottom)
        for line in (first, second):
            line.setSpacing(20)
            line.addStretch(1)
            self._asked.addLayout(line)
        self._asked.addStretch(1)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.setSpacing(8)
        self._head.addWidget(Words(look, "Memory needed, GiB", 13, 600), 1)
        self._head.addWidget(Legend(look))
        column = QVBoxLayout()
        column.setContentsMargins(28, 24, 28, 24)
        column.setSpacing(18)
        column.addLayout(bars)
        column.addWidget(Line(look))
        column.addLayout(self._asked)
        column.addLayout(self._head)
        column.addWidget(self.table)
        column.addWidget(Line(look))
        self.why = Sentence(look, 12, 16)
        column.addWidget(self.why)
        column.addStretch(1)
        main = QWidget()
        main.setLayout(column)
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._both.setContentsMargins(0, 0, 0, 0)
        self._both.setSpacing(0)
        self._both.addWidget(main, 1)
        self._both.addWidget(self.side)
        whole = QWidget()
        whole.setLayout(self._both)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(scrolling(whole))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Beside each other, or in a narrow window one below the other."""
        narrow = self.width() < self._look.px(NARROW)
        direction = QBoxLayout.Direction
        self._both.setDirection(direction.TopToBottom if narrow else direction.LeftToRight)
        self.side.setMaximumWidth(self.width() if narrow else self._look.px(SIDE))
        self.side.setMinimumWidth(0 if narrow else self._look.px(SIDE))
        small = self.width() < self._look.px(SMALL)
        for line in (self._asked, self._head):
            line.setDirection(direction.TopToBottom if small else direction.LeftToRight)

    def _connect(self) -> None:
        self.table.chosen.connect(self._on_cell_chosen)
        self.model.chosen.connect(self.show_model)
        self.cache.chosen.connect(self._on_cache_chosen)
        self.sees.toggled.connect(self._on_sees_toggled)
        self.card_gib.settled.connect(self._on_card_settled)
        self.ram_gib.settled.connect(self._on_ram_settled)
        self.side.used.connect(lambda: self.plan_chosen.emit(self.plan.context, self.plan.kv_type))
        self.reset.clicked.connect(self._on_reset)
        self.side.left.connect(lambda: self.plan_chosen.emit(0, ""))

    @property
    def _wanted(self) -> Asked:
        return Asked(self._kv_type, self._sees)

    def _show_rows(self) -> None:
        self._rows = table(self._model, self.machine, self._wanted)
        self.table.show_rows(contexts(self._model), self._rows)

    def _refresh(self) -> None:
        self._show_rows()
        self._show_cell()

    def _show_cell(self) -> None:
        made, machine, row = self.plan, self.machine, self._rows[self._row]
        card_free = _free(machine)
        name = self._here.cards if self._asked_card is None else ""
        on_cards, in_memory = _parts(made)
        self.card_bar.show_parts(f"Graphics card{f', {name}' if name else ''}", card_free, on_cards)
        self.card_bar.setVisible(card_free > 0)
        whole = f", {self._here.ram / _GIB:.0f} GiB" if self._asked_ram is None and self._here.ram else ""
        self.memory_bar.show_parts(f"Memory{whole}", machine.ram, in_memory)
        options = LoadOptions(context=made.context, kv_type=made.kv_type)
        found = alternatives(row.shape, options, machine, self._encoder if self._sees else NO_ENCODER)
        others = [f"{one.name}: {in_a_sentence(one.plan)}." for one in found]
        said = in_words(row.name, made, machine)
        self.side.show_plan(said, kind(made), self._runs_on(row, made, machine), others, self._why_not())
        self.reset.setVisible(self._is_imagined)
        layers, seeing = row.shape.layers, sum(row.shape.is_global)
        if row.shape.window:
            self.why.say(
                "",
                f"Long chats cost little here: {layers - seeing} of the {layers} layers look back over "
                f"{row.shape.window:,} tokens only, so just {seeing} keep the whole conversation. "
                "Calculators that count a whole cache for every layer give several times as much.",
            )

    @property
    def _is_imagined(self) -> bool:
        return self._asked_card is not None or self._asked_ram is not None

    def _why_not(self) -> str:
        """Why this plan is none for the loaded model on this machine; "" where it is one."""
        if self._is_imagined:
            return "This is a plan for another machine."
        if _plain(self._model.name) not in _plain(self._loaded):
            return f"It is used once {self._model.name} is loaded."
        return ""

    @Slot()
    def _on_reset(self) -> None:
        self._asked_card = self._asked_ram = None
        self.show_machine(self._here)

    def _runs_on(self, row: Row, made: Plan, machine: Machine) -> list[tuple[str, str, str, str]]:
        found = []
        for card in reversed(cards()):
            plan = planned(row.shape, made.context, on_card(card.free, machine.ram), self._wanted, self._encoder)
            found.append((card.name, f"{card.gib} GiB", _verdict(plan), kind(plan)))
        return found

    @property
    def _encoder(self) -> ImageEncoder:
        return self._model.encoder

    @Slot(int, int)
    def _on_cell_chosen(self, row: int, column: int) -> None:
        self._row, self._column = row, column
        self._show_cell()

    @Slot(object)
    def _on_cache_chosen(self, kv_type: str) -> None:
        self._kv_type = kv_type
        self._refresh()

    @Slot(bool)
    def _on_sees_toggled(self, sees: bool) -> None:
        self._sees = sees
        self._refresh()

    @Slot(object)
    def _on_card_settled(self, gib: float | None) -> None:
        self._asked_card = gib
        self._refresh()

    @Slot(object)
    def _on_ram_settled(self, gib: float | None) -> None:
        self._asked_ram = gib
        self._refresh()


def _parts(made: Plan) -> tuple[list[tuple[str, int, str]], list[tuple[str, int, str]]]:
    """What is on the card and what in memory, part by part."""
    vision = made.vision if made.encoder_on_card else 0
    weights = made.gpu - vision - made.card_kv - made.card_compute
    names = ("Weights", "KV cache", "Working", "Images", "Copies", "Margin")
    on_cards = (weights, made.card_kv, made.card_compute, vision, 0, 0)
    left = (
        made.weights - weights, made.kv - made.card_kv, made.compute - made.card_compute, made.vision - vision,
        made.embedding_copy + made.checkpoints, made.margin,
    )  # fmt: skip
    return list(zip(names, on_cards, _PARTS, strict=True)), list(zip(names, left, _PARTS, strict=True))


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").replace("_", " ").split())


def _free(machine: Machine) -> int:
    return sum(card.free for card in machine.cards)


def _verdict(made: Plan) -> str:
    if made.verdict is Verdict.NO:
        return "Does not fit"
    if made.verdict is Verdict.FITS:
        return "Fits"
    return f"{made.gpu_layers} of {made.layers} layers" if made.gpu_layers else "In memory"
