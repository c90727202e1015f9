"""*About the models*: what is known of the model at hand, with its source, and what was measured of it here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.chat.changes import ModelMeasured
from app.models.catalogue import catalogue
from app.models.facts import Fact, ModelFacts, facts, measured_facts, self_check_fact
from app.models.self_checked import recall
from app.ui.controls import Words
from app.ui.look import Look
from app.ui.model_files import ModelFile
from app.ui.models.fact_reader import FactReader
from app.ui.models.fact_rows import FactRows
from app.ui.scrolling import fill
from app.ui.sentence import Sentence
from app.ui.settings_controls import MenuButton

COLUMN = 860


class AboutPage(QWidget):
    """A file of this computer or a model of the catalogue; `measured_asked` tells its name."""

    measured_asked = Signal(str)

    def __init__(self, look: Look, image_part: Callable[[Path], str], self_checked: Path) -> None:
        """`image_part` answers with the one that was named for a file ("" none); `self_checked` is a file."""
        super().__init__()
        self._image_part, self._self_checked = image_part, self_checked
        self._known: list[tuple[object, str]] = [(model.id, model.name) for model in catalogue()]
        self._shown: object = None  # Path or id
        self._chosen = False
        self._name = ""
        self._reader = FactReader(self)
        self.model = MenuButton(look, "Model to read about", self._known)
        self._rows, self._evaluations, self._measured = FactRows(look), FactRows(look), FactRows(look)
        self._evaluated = Words(look, "Published evaluations", 13, 600)
        self._nothing = Sentence(look)
        self._why = Sentence(look)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addWidget(self.model, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._rows)
        column.addWidget(self._evaluated)
        column.addWidget(self._evaluations)
        column.addWidget(Words(look, "Measured on this computer", 13, 600))
        column.addWidget(self._nothing)
        column.addWidget(self._measured)
        self._memory = Words(look, "Memory of a long chat", 13, 600)
        column.addWidget(self._memory)
        column.addWidget(self._why)
        column.addStretch(1)
        fill(self, column, COLUMN)
        self.model.chosen.connect(self._on_chosen)
        self._reader.read.connect(self._on_read)
        self.show_model(catalogue()[0].id)

    def close_reader(self) -> None:
        """The window closes."""
        self._reader.close()

    def show_files(self, files: Sequence[ModelFile], loaded: Path | None) -> None:
        """These files can be read about too; the loaded one is, until the person chooses another."""
        self.model.show_values([*((file.path, file.name) for file in files), *self._known])
        there = {file.path for file in files}
        if not self._chosen and loaded in there:
            self.show_model(loaded)
        elif isinstance(self._shown, Path) and self._shown not in there:
            self.show_model(self._known[0][0])
        else:
            self.model.show_value(self._shown)

    def show_model(self, model: object) -> None:
        """Tell of this one: a file's Path, or an id of the catalogue."""
        self._shown = model
        self.model.show_value(model)
        if isinstance(model, Path):
            self._reader.ask(model, self._image_part(model))
        else:
            self._show(facts(next(one for one in catalogue() if one.id == model)))

    @Slot(object)
    def show_measured(self, change: ModelMeasured) -> None:
        """What was measured of the model at hand."""
        if change.name == self._name:
            rows = (*measured_facts(change.measured), *self_check_fact(recall(self._self_checked)))
            self._measured.show_rows(rows)
            self._measured.setVisible(bool(rows))
            self._nothing.setVisible(not change.measured.answers)

    @Slot(object)
    def _on_chosen(self, model: object) -> None:
        self._chosen = True
        self.show_model(model)

    @Slot(object, object)
    def _on_read(self, path: Path, found: ModelFacts | str) -> None:
        if path == self._shown:
            self._show(found if isinstance(found, ModelFacts) else ModelFacts("", (Fact("File", found, ""),), (), ""))

    def _show(self, found: ModelFacts) -> None:
        self._name = found.name
        self._rows.show_rows(found.rows)
        self._evaluations.show_rows(found.evaluations)
        self._evaluated.setVisible(bool(found.evaluations))
        self._evaluations.setVisible(bool(found.evaluations))
        self._why.say("", found.why)
        self._why.setVisible(bool(found.why))
        self._memory.setVisible(bool(found.why))
        self._measured.hide()
        self._nothing.show()
        if isinstance(self._shown, Path):
            self._nothing.say("", "This model has answered nothing here yet.")
            self.measured_asked.emit(found.name)
        else:
            self._nothing.say("", "What is measured here stands with the file, once it is on this computer.")
