"""*What fits*: memory for every quantisation or cache and every context, on this machine or another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core.protocol import ModelInfo
from app.core.settings import LoadOptions
from app.models.catalogue import catalogue
from app.models.choice import alternatives
from app.models.memory import Plan
from app.models.needs import Need
from app.models.shape import Shape
from app.models.speed import Speed
from app.models.table import (
    Asked,
    Row,
    Subject,
    in_words,
    kind,
    of_model,
    of_shape,
    on_common_cards,
    overfull,
    planned,
    table,
)
from app.ui.controls import Line, Words
from app.ui.look import Look
from app.ui.model_files import ModelFile
from app.ui.models.chip import Legend
from app.ui.models.fit_controls import GIB, FitControls, Here, LayersField, free_of
from app.ui.models.fit_side import FitSide
from app.ui.models.fit_table import FitTable
from app.ui.models.memory_bar import MemoryBar
from app.ui.scrolling import scrolling
from app.ui.sentence import Sentence

SIDE, NARROW, SMALL = 356, 980, 900
_PARTS = ("part_turns", "part_message", "part_working", "part_images", "part_copies", "part_system")


class FitPage(QWidget):
    """`plan_chosen` tells how a model is to be loaded, and the file that it is for (None: the one that is loaded)."""

    plan_chosen = Signal(object, object)  # LoadOptions with what the plan names, Path or None
    file_asked = Signal(object)  # Path of a file to plan for; show_file is to follow

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._subject = of_model(catalogue()[0])
        self._file: Path | None = None  # None: the subject is a model of the catalogue
        self._asked = Asked()
        self._layers = -1  # on the cards; -1: as many as fit
        self._loaded: tuple[str, ModelInfo | None] = ("", None)
        self._paced = (0.0, 0.0)
        self._row, self._column = 0, self._subject.usual_context
        self._rows: tuple[Row, ...] = ()
        self.controls = FitControls(look)
        self.table = FitTable(look)
        self.layers = LayersField(look)
        self.side = FitSide(look)
        self.card_bar, self.memory_bar = MemoryBar(look), MemoryBar(look)
        self.why, self.trouble = Sentence(look, 12, 16), Sentence(look)
        self._lay_out()
        self._connect()
        self.controls.cache.show_value(self._asked.kv_type)
        self.controls.images.show_value(self._asked.images)

    def show_machine(self, here: Here) -> None:
        """This machine is so; figures that the person gave stay."""
        self.controls.show_here(here)
        if self._rows:
            self._refresh()
        else:
            self.show_model(catalogue()[0].id)

    def show_files(self, files: Sequence[ModelFile]) -> None:
        """The files that can be planned for."""
        self.controls.show_files(files)

    def show_model(self, name: str) -> None:
        """The calculator is about this model of the catalogue."""
        model = next(one for one in catalogue() if one.id == name)
        self._take(of_model(model), model.id, None)

    def show_file(self, path: Path, need: Need) -> None:
        """The calculator is about this file. One that tells no shape is answered with a sentence."""
        self.controls.model.show_value(path)
        self._show_trouble(need.error)
        if need.shape is not None:
            self._take(of_shape(need.shape, need.encoder), path, path)

    def show_loaded(self, name: str, model: ModelInfo | None, wrote: float = 0.0, picture: float = 0.0) -> None:
        """The model of this name is loaded; "" and None for none.

        It `wrote` so many tokens a second, and took so many seconds for a `picture` (0: none yet).
        """
        self._loaded, self._paced = (name, model), (wrote, picture)
        if self._rows:
            self._show_plan()

    @property
    def plan(self) -> Plan:
        """The plan that is shown: that of the current cell, or with the layers that the person chose."""
        made, row = self._rows[self._row].cells[self._column], self._rows[self._row]
        if self._layers < 0:
            return made
        wanted = replace(self._asked, kv_type=made.kv_type)
        machine, encoder = self.controls.machine, self._subject.encoder
        return planned(row.weights.shape, made.context, machine, wanted, encoder, self._layers)

    def _lay_out(self) -> None:
        look = self._look
        bars = QHBoxLayout()
        bars.setSpacing(24)
        bars.addWidget(self.card_bar, 1, Qt.AlignmentFlag.AlignTop)
        bars.addWidget(self.memory_bar, 1, Qt.AlignmentFlag.AlignTop)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.setSpacing(8)
        self._head.addWidget(Words(look, "Memory needed, GiB", 13, 600), 1)
        self._head.addWidget(Legend(look))
        self._foot = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._foot.setSpacing(28)
        self._foot.addWidget(self.layers, 1)
        self._foot.addWidget(self.why, 1)
        column = QVBoxLayout()
        column.setContentsMargins(28, 24, 28, 24)
        column.setSpacing(18)
        column.addLayout(bars)
        column.addWidget(Line(look))
        column.addWidget(self.controls)
        column.addWidget(self.trouble)
        self._fits = QWidget()
        fits = QVBoxLayout(self._fits)
        fits.setContentsMargins(0, 0, 0, 0)
        fits.setSpacing(18)
        fits.addLayout(self._head)
        fits.addWidget(self.table)
        fits.addWidget(Line(look))
        fits.addLayout(self._foot)
        column.addWidget(self._fits)
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
        self.trouble.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Beside each other, or in a narrow window one below the other."""
        narrow = self.width() < self._look.px(NARROW)
        direction = QBoxLayout.Direction
        self._both.setDirection(direction.TopToBottom if narrow else direction.LeftToRight)
        self.side.setMaximumWidth(self.width() if narrow else self._look.px(SIDE))
        self.side.setMinimumWidth(0 if narrow else self._look.px(SIDE))
        small = self.width() < self._look.px(SMALL)
        for line in (self._head, self._foot):
            line.setDirection(direction.TopToBottom if small else direction.LeftToRight)

    def _connect(self) -> None:
        controls, side = self.controls, self.side
        self.table.chosen.connect(self._on_cell_chosen)
        controls.model_chosen.connect(self._on_model_chosen)
        controls.cache_chosen.connect(self._on_cache_chosen)
        controls.images_chosen.connect(self._on_images_chosen)
        controls.machine_changed.connect(self._refresh)
        self.layers.chosen.connect(self._on_layers_chosen)
        side.used.connect(self._on_used)
        side.left.connect(lambda: self.plan_chosen.emit(LoadOptions(), None))
        side.reset.connect(self._on_reset)
        side.other_chosen.connect(self._on_other_chosen)

    def _take(self, subject: Subject, value: object, file: Path | None) -> None:
        self._subject, self._file = subject, file
        self._layers = -1
        self._show_trouble("")
        self.controls.show_subject(value, caches=subject.caches, sees=bool(subject.encoder))
        self._row, self._column = 0 if subject.caches else subject.usual, subject.usual_context
        self._refresh()
        self.table.choose(self._row, self._column)

    def _show_trouble(self, sentence: str) -> None:
        """Why there is no plan; "" where there is one."""
        self.trouble.say("", sentence)
        self.trouble.setVisible(bool(sentence))
        for part in (self._fits, self.side, self.memory_bar):
            part.setVisible(not sentence)
        self.card_bar.setVisible(not sentence and bool(self.controls.machine.cards))

    @Slot()
    def _refresh(self) -> None:
        self._rows = table(self._subject, self.controls.machine, self._asked)
        self.table.show_rows(self._subject.contexts, self._rows)
        self._show_plan()

    def _show_plan(self) -> None:
        if not self.trouble.isHidden():
            return
        made, row, machine = self.plan, self._rows[self._row], self.controls.machine
        self._show_bars(made)
        usual = row.cells[self._column].gpu_layers
        self.layers.setVisible(free_of(machine) > 0)
        self.layers.show_layers(made, usual)
        what = "no" if overfull(made, machine) else kind(made)
        self.side.show_plan(
            in_words(row.name, made, machine, self._speed(made)),
            what,
            use="Load with this plan" if self._file is not None and not self._is_loaded else "Use this plan",
            why_not=self._why_not(),
            imagined=any(self.controls.imagined),
        )
        shape, asked = row.weights.shape, replace(self._asked, kv_type=made.kv_type)
        others = alternatives(shape, self._options(made), machine, self._subject.encoder)
        self.side.show_others(others, made.kv_type)
        self.side.show_cards(on_common_cards(shape, made.context, machine.ram, asked, self._subject.encoder))
        self._explain(shape)

    def _show_bars(self, made: Plan) -> None:
        machine, here, (other_card, other_ram) = self.controls.machine, self.controls.here, self.controls.imagined
        on_cards, in_memory = _parts(made)
        name = "" if other_card else here.cards
        self.card_bar.show_parts(f"Graphics card{f', {name}' if name else ''}", free_of(machine), on_cards)
        self.card_bar.setVisible(free_of(machine) > 0)
        whole = f", {here.ram / GIB:.0f} GiB" if here.ram and not other_ram else ""
        self.memory_bar.show_parts(f"Memory{whole}", machine.ram, in_memory)

    def _explain(self, shape: Shape) -> None:
        layers, seeing = shape.layers, sum(shape.is_global)
        said = (
            f"Long chats cost little here: {layers - seeing} of the {layers} layers look back over "
            f"{shape.window:,} tokens only, so just {seeing} keep the whole conversation. "
            "Calculators that count a whole cache for every layer give several times as much."
        )
        self.why.say("", said if shape.window else f"All {layers} layers keep the whole conversation.")

    def _why_not(self) -> str:
        """Why this plan is none for the loaded model on this machine; "" where it is one."""
        if any(self.controls.imagined):
            return "This is a plan for another machine."
        if self._file is None and not self._is_loaded:
            return f"It is used once {self._subject.name} is loaded."
        return ""

    @property
    def _is_loaded(self) -> bool:
        """Whether the subject is the model that is loaded."""
        name, model = self._loaded
        if self._file is not None:
            return model is not None and Path(model.path) == self._file
        return _plain(self._subject.name) in _plain(name)

    def _speed(self, made: Plan) -> Speed | None:
        """Of this machine, with what the loaded model took for a picture, and for words where this is its plan."""
        speed, model = self.controls.speed, self._loaded[1]
        if speed is None or model is None or not self._is_loaded or self.controls.imagined[0]:
            return speed
        wrote, picture = self._paced
        seen = (0.0, picture) if model.encoder_on_card else (picture, 0.0)
        is_same = (model.context, model.kv_type, model.gpu_layers) == (made.context, made.kv_type, made.gpu_layers)
        return replace(speed, seen=seen, wrote=wrote if is_same else 0.0)

    def _options(self, made: Plan) -> LoadOptions:
        """What this plan names; layers that are chosen by themselves stay so."""
        return LoadOptions(
            context=made.context, kv_type=made.kv_type, gpu_layers=self._layers, images=self._asked.images
        )

    @Slot()
    def _on_used(self) -> None:
        self.plan_chosen.emit(self._options(self.plan), None if self._is_loaded else self._file)

    @Slot()
    def _on_reset(self) -> None:
        self.controls.forget()
        self._refresh()

    @Slot(object)
    def _on_model_chosen(self, value: object) -> None:
        if isinstance(value, Path):
            self.file_asked.emit(value)
        else:
            self.show_model(str(value))

    @Slot(int, int)
    def _on_cell_chosen(self, row: int, column: int) -> None:
        self._row, self._column = row, column
        self._layers = -1
        self._show_plan()

    @Slot(object)
    def _on_cache_chosen(self, kv_type: str) -> None:
        self._asked = replace(self._asked, kv_type=kv_type)
        self._layers = -1
        self._refresh()

    @Slot(object)
    def _on_images_chosen(self, images: str) -> None:
        self._asked = replace(self._asked, images=images)
        self._layers = -1
        self._refresh()

    @Slot(int)
    def _on_layers_chosen(self, layers: int) -> None:
        self._layers = layers
        self._show_plan()

    @Slot(object)
    def _on_other_chosen(self, made: Plan) -> None:
        """An alternative is shown as if it had been chosen part by part."""
        beside = made.encoder_on_card or not self.controls.machine.cards
        images = ("" if beside else "memory") if made.vision else self._asked.images
        self._asked = Asked(made.kv_type, images)
        self.controls.cache.show_value(self._asked.kv_type)
        self.controls.images.show_value(self._asked.images)
        self._layers = -1
        self._refresh()
        kv_types = [row.cells[0].kv_type for row in self._rows]
        row = kv_types.index(made.kv_type) if self._subject.caches else self._row
        self.table.choose(row, self._subject.contexts.index(made.context))


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
