"""*On this computer*: the model files that are here, those of other programs too; ours can be removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.banners import Picture
from app.ui.card import Card
from app.ui.controls import Button, ElidedWords, Words
from app.ui.look import Look
from app.ui.model_files import ModelFile
from app.ui.models.unused_card import UnusedCard
from app.ui.scrolling import fill
from app.ui.sentence import Sentence
from app.ui.tips import tip

COLUMN = 760
SURE_MS = 4000


class HerePage(QWidget):
    """`owns` tells which files Cabochon brought: only these can be removed."""

    used = Signal(object)  # Path
    removed = Signal(object)  # Path
    file_asked = Signal()

    def __init__(self, look: Look, owns: Callable[[Path], bool]) -> None:
        super().__init__()
        self._look = look
        self._owns = owns
        self._rows: list[QWidget] = []
        head = QHBoxLayout()
        head.addWidget(Words(look, "Model files on this computer", 13, 600))
        head.addStretch(1)
        choose = Button(look, "Choose a file…", "link", small=True)
        choose.clicked.connect(self.file_asked)
        head.addWidget(choose)
        self._none = Sentence(look)
        self._none.say("", "No model file is here yet. Get one, or choose a file.")
        self._files = QVBoxLayout()
        self._files.setSpacing(8)
        self.unused_card = UnusedCard(look)
        foot = Sentence(look, 12, 16)
        foot.say("", "Files of other programs are used where they lie, and never changed or removed.")
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self._none)
        column.addLayout(self._files)
        column.addWidget(foot)
        column.addWidget(self.unused_card)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True)

    def show_files(self, files: Sequence[ModelFile], loaded: Path | None, missing: Path | None = None) -> None:
        """List these; the loaded one is marked. `missing` is a models folder that is not there today."""
        if missing is not None:
            self._none.say("", f"The models folder {missing} is not there now: its disk may not be connected.")
        else:
            self._none.say("", "No model file is here yet. Get one, or choose a file.")
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = []
        for file in files:
            made = _Row(self._look, file, is_loaded=file.path == loaded, can_go=self._owns(file.path))
            made.used.connect(self.used)
            made.removed.connect(self.removed)
            self._files.addWidget(made)
            self._rows.append(made)
        self._none.setVisible(not files or missing is not None)


class _Row(Card):
    used = Signal(object)
    removed = Signal(object)

    def __init__(self, look: Look, file: ModelFile, *, is_loaded: bool, can_go: bool) -> None:
        super().__init__(look)
        self._path = file.path
        self._sure = False
        name = ElidedWords(look, 13, 500)
        name.set_text(file.name)
        name.setToolTip(tip(str(file.path)))
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(name)
        texts.addWidget(Words(look, file.note, 12, token="text2"))
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(Picture(look, "document", "text2", 16))
        row.addLayout(texts, 1)
        self._remove = Button(look, "Remove", "quiet", small=True, name=f"Remove {file.name}")
        self._remove.setVisible(can_go and not is_loaded)
        use = Button(look, "In use" if is_loaded else "Use", small=True, name=f"Use {file.name}")
        use.setEnabled(not is_loaded)
        row.addWidget(self._remove)
        row.addWidget(use)
        use.clicked.connect(lambda: self.used.emit(self._path))
        self._remove.clicked.connect(self._on_remove_clicked)

    @Slot()
    def _on_remove_clicked(self) -> None:
        """Asks once more in its own place."""
        if self._sure:
            self.removed.emit(self._path)
            return
        self._sure = True
        self._say("Really delete it?")
        QTimer.singleShot(SURE_MS, self, self._forget)

    @Slot()
    def _forget(self) -> None:
        self._sure = False
        self._say("Remove")

    def _say(self, text: str) -> None:
        self._remove.setText(text)
        self._remove.updateGeometry()
