"""Real widgets on Qt's offscreen platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ConversationRow
from app.core.paths import DataPaths
from app.ui import fonts
from app.ui.look import Look
from app.ui.main_window import MainWindow
from app.ui.models.page import ModelsPage
from app.ui.window_state import WindowState
from tests.media.drawn import shape
from tests.ui.attaching import Make
from tests.ui.test_top_bar import READY
from tests.ui.windows import Asked, message, opened


@pytest.fixture(scope="session")
def _bundled_fonts(qapp: QApplication) -> None:
    qapp.setStyle("fusion")
    fonts.load()


@pytest.fixture
def look(qapp: QApplication, _bundled_fonts: None) -> Iterator[Look]:
    """The light theme at 100%."""
    made = Look()
    made.choose("light", 1.0)
    yield made
    made.deleteLater()
    qapp.setStyleSheet("")


@pytest.fixture
def _right_to_left(qapp: QApplication) -> Iterator[None]:
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    yield
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


@pytest.fixture
def asked() -> Asked:
    """What the window has asked of the session."""
    return Asked()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's home folder: the models of other programs are looked for there."""
    found = tmp_path / "home"
    found.mkdir()
    monkeypatch.setenv("HOME", str(found))
    return found


@pytest.fixture
def window(look: Look, qtbot: QtBot, asked: Asked, tmp_path: Path, home: Path) -> Iterator[MainWindow]:
    """The main window with a model, two chats and one message."""
    made = MainWindow(look, DataPaths(tmp_path), WindowState(), asked.post)
    made.resize(1280, 820)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    made.begin()
    made.apply(READY)
    rows = (ConversationRow("a", "Heat pump loan", "", 2.0), ConversationRow("b", "B", "", 1.0))
    made.apply(told.ConversationsListed(rows))
    made.apply(opened("a", message("m0", "Compare 5, 7 and 10 years.")))
    asked.take()
    yield made
    made.close()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a picture file: `make("star.png")`, `make("wide.jpg", size=(1200, 500))`."""

    def made(name: str, kind: str = "star", colour: str = "red", size: tuple[int, int] = (64, 48)) -> Path:
        folder = tmp_path / "given"
        folder.mkdir(exist_ok=True)
        shape(kind, colour, size=size).save(folder / name)
        return folder / name

    return made


@pytest.fixture
def page(window: MainWindow, asked: Asked, qtbot: QtBot) -> ModelsPage:
    """The page, opened by its key."""
    shortcut = next(one for one in window.findChildren(QShortcut) if one.key() == QKeySequence("Ctrl+M"))
    shortcut.activated.emit()
    found = window.findChild(ModelsPage)
    assert isinstance(found, ModelsPage)
    assert found.isVisible()
    assert ("describe",) in asked.take()
    return found
