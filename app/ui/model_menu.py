"""The menu of the model pill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from app.chat.changes import ModelChanged, ModelState
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.model_files import ModelFile


def show_model_menu(
    look: Look,
    anchor: QWidget,
    model: ModelChanged,
    files: Sequence[ModelFile],
    *,
    choose: Callable[[Path], None],
    browse: Callable[[], None],
    cancel: Callable[[], None],
    unload: Callable[[], None],
) -> Menu:
    """Open it below the pill: the known files, another file, and what can be done with the model that is there."""
    menu = Menu(look, anchor)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    loaded = Path(model.model.path) if model.model is not None else None
    for file in files:
        action = menu.add(file.name, _chooser(choose, file.path), note=file.note)
        action.setCheckable(True)
        action.setChecked(file.path == loaded)
    if files:
        menu.addSeparator()
    menu.add("Choose a model file…", browse, icon="folder", key="Ctrl+O")
    if model.state is ModelState.LOADING:
        menu.add("Cancel loading", cancel, icon="close")
    if model.state is ModelState.READY:
        menu.add("Unload", unload, icon="unload")
    size = menu.sizeHint()
    rightwards = anchor.layoutDirection() == Qt.LayoutDirection.LeftToRight
    below = QPoint(anchor.width() - size.width() if rightwards else 0, anchor.height() + 4)
    menu.popup(anchor.mapToGlobal(below))
    return menu


def _chooser(choose: Callable[[Path], None], path: Path) -> Callable[[], None]:
    return lambda: choose(path)
