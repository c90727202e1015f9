"""The model files that are here, a row each: what fits, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QVBoxLayout, QWidget

from app.models.table import CHIPS
from app.ui.banners import Picture
from app.ui.card import Card
from app.ui.controls import Button, ElidedWords, IconButton
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.model_files import ModelFile
from app.ui.models.chip import Chip
from app.ui.models.sure import Sure
from app.ui.tips import tip

if TYPE_CHECKING:
    from app.ui.models.file_fits import FileFit

NARROW = 520


class FileRows(QWidget):
    """`used` and `removed` tell the path of a row, `need_asked` that of one whose needs are to be shown.

    `image_part_asked` tells that of a model whose image part the person wants to name.
    """

    used = Signal(object)
    removed = Signal(object)
    need_asked = Signal(object)
    image_part_asked = Signal(object)

    def __init__(self, look: Look, owns: Callable[[Path], bool] | None = None) -> None:
        """`owns` tells which files Cabochon brought: only these can be removed. Without it files are only used."""
        super().__init__()
        self._look = look
        self._owns = owns
        self._rows: dict[Path, _Row] = {}
        self._fits: dict[Path, FileFit] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    def show_files(self, files: Sequence[ModelFile], loaded: Path | None = None) -> None:
        """List these; the loaded one is marked."""
        before, self._rows = self._rows, {}
        while self._column.takeAt(0) is not None:
            pass
        for file in files:
            can_go = self._owns is not None and self._owns(file.path) and file.path != loaded
            said = (file, file.path == loaded, can_go)
            row = before.pop(file.path, None)
            if row is None or row.said != said:
                self._drop(row)
                row = self._made(*said)
            self._column.addWidget(row)
            self._rows[file.path] = row
        for row in before.values():
            self._drop(row)

    def _made(self, file: ModelFile, is_loaded: bool, can_go: bool) -> _Row:
        row = _Row(self._look, file, is_loaded, can_go, whole=self._owns is not None)
        row.used.connect(self.used)
        row.removed.connect(self.removed)
        row.need_asked.connect(self.need_asked)
        row.image_part_asked.connect(self.image_part_asked)
        if file.path in self._fits:
            row.show_fit(self._fits[file.path])
        return row

    def _drop(self, row: _Row | None) -> None:
        if row is not None:
            row.hide()
            row.deleteLater()

    @Slot(object)
    def show_fit(self, fit: FileFit) -> None:
        """How a file fits this machine."""
        self._fits[fit.path] = fit
        if fit.path in self._rows:
            self._rows[fit.path].show_fit(fit)

    def controls(self) -> list[QAbstractButton]:
        """What takes the keyboard, in the order in which it stands."""
        return [button for row in self._rows.values() for button in row.findChildren(QAbstractButton)]


class _Row(Card):
    used = Signal(object)
    removed = Signal(object)
    need_asked = Signal(object)
    image_part_asked = Signal(object)

    def __init__(self, look: Look, file: ModelFile, is_loaded: bool, can_go: bool, *, whole: bool) -> None:
        super().__init__(look)
        self.said = (file, is_loaded, can_go)
        self._path = file.path
        self._words = file.note
        self._blind = file.blind
        self._kind = ""
        self._sure = Sure(self)
        self._sure.changed.connect(self._on_sure_changed)
        name = ElidedWords(look, 13, 500)
        name.set_text(file.name)
        name.setToolTip(tip(str(file.path)))
        self._note = ElidedWords(look, 12, token="text2")
        self._note.set_text(file.note)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(name)
        texts.addWidget(self._note)
        self._chip = Chip(look)
        self._chip.hide()
        self._more = IconButton(look, "more", f"More about {file.name}", size=26, icon_size=16)
        self._remove = Button(look, "Remove", "quiet", small=True, name=f"Remove {file.name}")
        use = Button(look, "In use" if is_loaded else "Use", small=True, name=f"Use {file.name}")
        use.setEnabled(not is_loaded)
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(Picture(look, "document", "text2", 16))
        row.addLayout(texts, 1)
        row.addWidget(self._chip, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._remove)
        row.addWidget(use)
        row.addWidget(self._more)
        if not file.usable:
            self._note.setToolTip(tip(file.note))
        use.setVisible(file.usable)
        self._more.setVisible(whole and file.usable)
        self._remove.setVisible(can_go)
        use.clicked.connect(lambda: self.used.emit(self._path))
        self._remove.clicked.connect(self._on_remove_clicked)
        self._more.clicked.connect(self._on_more_clicked)

    def show_fit(self, fit: FileFit) -> None:
        """How it fits; a file that is no model says so in the place of its note."""
        self._kind = fit.kind
        if fit.kind:
            self._chip.tell(CHIPS[fit.kind], fit.kind)
        if fit.need.broken:
            self._words = fit.need.error
            self._note.setToolTip(tip(fit.need.error))
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """In a narrow row the note says what the chip would."""
        roomy = self.width() >= self._look.px(NARROW)
        self._chip.setVisible(roomy and bool(self._kind))
        short = "" if roomy or not self._kind else f", {CHIPS[self._kind].lower()}"
        self._note.set_text(f"{self._words}{short}")

    @Slot()
    def _on_more_clicked(self) -> None:
        menu = Menu(self._look, self._more)
        menu.add("What it needs", lambda: self.need_asked.emit(self._path), icon="cpu")
        if self._blind:
            menu.add("Choose its image part…", lambda: self.image_part_asked.emit(self._path), icon="eye")
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    @Slot()
    def _on_remove_clicked(self) -> None:
        """Asks once more in its own place."""
        if self._sure.clicked():
            self.removed.emit(self._path)

    @Slot()
    def _on_sure_changed(self) -> None:
        self._remove.setText("Really delete it?" if self._sure.asks else "Remove")
        self._remove.updateGeometry()
