"""*On this computer*: the model files that are here, those of other programs too; ours can be removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.controls import Button, Words
from app.ui.look import Look
from app.ui.model_files import ModelFile
from app.ui.models.file_rows import FileRows
from app.ui.models.unused_card import UnusedCard
from app.ui.scrolling import fill
from app.ui.sentence import Sentence

COLUMN = 760
_NONE = "No model file is here yet. Get one, or choose a file."


class HerePage(QWidget):
    """`owns` tells which files Cabochon brought: only these can be removed."""

    used = Signal(object)  # Path
    removed = Signal(object)  # Path
    need_asked = Signal(object)  # Path
    image_part_asked = Signal(object)  # Path
    file_asked = Signal()

    def __init__(self, look: Look, owns: Callable[[Path], bool]) -> None:
        super().__init__()
        head = QHBoxLayout()
        head.addWidget(Words(look, "Model files on this computer", 13, 600))
        head.addStretch(1)
        choose = Button(look, "Choose a file…", "link", small=True)
        choose.clicked.connect(self.file_asked)
        head.addWidget(choose)
        self._none = Sentence(look)
        self.rows = FileRows(look, owns)
        self.rows.used.connect(self.used)
        self.rows.removed.connect(self.removed)
        self.rows.need_asked.connect(self.need_asked)
        self.rows.image_part_asked.connect(self.image_part_asked)
        self.unused_card = UnusedCard(look)
        foot = Sentence(look, 12, 16)
        foot.say("", "Files of other programs are used where they lie, and never changed or removed.")
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self._none)
        column.addWidget(self.rows)
        column.addWidget(foot)
        column.addWidget(self.unused_card)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True)

    def show_files(self, files: Sequence[ModelFile], loaded: Path | None, away: str = "") -> None:
        """List these; the loaded one is marked. `away` says that the models folder is not there today."""
        self._none.say("", f"{away} Its disk may not be connected." if away else _NONE)
        self.rows.show_files(files, loaded)
        self._none.setVisible(not files or bool(away))
