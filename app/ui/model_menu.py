"""The menu of the model pill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.chat.changes import ModelChanged, ModelState
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.model_files import ModelFile


class ModelMenu(Menu):
    """The known files, another file, and what can be done with the model that is there."""

    def __init__(
        self,
        look: Look,
        anchor: QWidget,
        model: ModelChanged,
        *,
        choose: Callable[[Path], None],
        browse: Callable[[], None],
        cancel: Callable[[], None],
        unload: Callable[[], None],
        more: Callable[[], None],
        fits: Callable[[], None],
    ) -> None:
        super().__init__(look, anchor)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._anchor = anchor
        self._loaded = Path(model.model.path) if model.model is not None else None
        self._choose = choose
        self._files: list[QAction] = []
        self._below = self.addSeparator()
        self.add("Choose a model file…", browse, icon="folder", key="Ctrl+O")
        self.add("Get more models…", more, icon="download", key="Ctrl+M")
        self.add("What fits this machine…", fits, icon="cpu")
        if model.state is ModelState.LOADING:
            self.add("Cancel loading", cancel, icon="close")
        if model.state is ModelState.READY:
            self.add("Unload", unload, icon="unload")

    def show_files(self, files: Sequence[ModelFile]) -> None:
        """Name these files; also while it is open."""
        active = self.activeAction()
        marked = active.data() if active in self._files else None
        for action in self._files:
            self.removeAction(action)
            action.deleteLater()
        self._files = []
        for file in files:
            action = self.add(file.name, _chooser(self._choose, file.path), note=file.note)
            action.setCheckable(True)
            action.setChecked(file.path == self._loaded)
            self.insertAction(self._below, action)
            self._files.append(action)
            action.setData(file.path)
            if marked is not None and marked == file.path:
                self.setActiveAction(action)
        self._below.setVisible(bool(files))
        if self.isVisible():
            self.adjustSize()
            self.move(self._place())

    def open_below(self) -> None:
        """Open it below the pill."""
        self.popup(self._place())

    def _place(self) -> QPoint:
        rightwards = self._anchor.layoutDirection() == Qt.LayoutDirection.LeftToRight
        x = self._anchor.width() - self.sizeHint().width() if rightwards else 0
        return self._anchor.mapToGlobal(QPoint(x, self._anchor.height() + 4))


def _chooser(choose: Callable[[Path], None], path: Path) -> Callable[[], None]:
    return lambda: choose(path)
