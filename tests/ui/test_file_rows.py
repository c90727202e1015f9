"""Rows of model files, on the first page and on *On this computer*: what fits is found beside the window's thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import WorkerDescribed
from app.core.protocol import Described, Device
from app.core.settings import Settings
from app.models.machine import on_card
from app.models.needs import Need
from app.ui.look import Look
from app.ui.main_window import MainWindow
from app.ui.model_files import ModelFile
from app.ui.models.chip import Chip
from app.ui.models.file_fits import FileFit, FileFits
from app.ui.models.file_rows import FileRows
from app.ui.models.fit_page import FitPage
from app.ui.models.page import ModelsPage
from tests.ui.calls.making import button, flush, is_there, texts
from tests.ui.windows import Asked, opened

GIB = 1 << 30


@pytest.fixture
def fits(tmp_path: Path, qtbot: QtBot) -> Iterator[FileFits]:
    """With a memory of its own."""
    made = FileFits(tmp_path / "needs.json")
    yield made
    made.close()


def _chips(widget: FileRows) -> list[str]:
    return [chip.text() for chip in widget.findChildren(Chip) if not chip.isHidden()]


def _describe(window: MainWindow) -> None:
    card = Device("CUDA0", "NVIDIA GeForce RTX 4070", "gpu", 11 * GIB, 12 * GIB)
    window.apply(WorkerDescribed(Described(1, {}, (card,), "", ())))


def _file(path: Path, name: str = "") -> ModelFile:
    return ModelFile(path, name or path.stem, "3 MB", False)


def test_files_are_looked_at_and_say_how_they_fit(
    look: Look, qtbot: QtBot, fits: FileFits, micro_model: Path, demo_model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    rows = FileRows(look, lambda path: False)
    qtbot.addWidget(rows)
    rows.resize(760, 300)
    rows.show()
    files = [_file(micro_model), _file(demo_model), _file(broken)]
    rows.show_files(files)
    assert _chips(rows) == []
    fits.told.connect(rows.show_fit)
    fits.look([file.path for file in files], on_card(8 * GIB, 16 * GIB))
    qtbot.waitUntil(lambda: len(fits.known) == 3, timeout=10_000)
    assert _chips(rows) == ["Fits your card", "Fits your card"]
    assert any(text.startswith("“broken.gguf” ") for text in texts(rows))
    fits.known.clear()
    fits.look([file.path for file in files], on_card(0, 1 << 20))
    qtbot.waitUntil(lambda: len(fits.known) == 3, timeout=10_000)
    assert _chips(rows) == ["Too large", "Too large"]
    rows.resize(420, 300)
    flush()
    assert _chips(rows) == []
    assert "3 MB, too large" in texts(rows)


def test_one_that_is_asked_for_comes_before_the_others(
    qtbot: QtBot, fits: FileFits, micro_model: Path, tmp_path: Path
) -> None:
    paths = []
    for number in range(200):
        path = tmp_path / f"{number}.gguf"
        path.hardlink_to(_own(micro_model, tmp_path))
        paths.append(path)
    order: list[Path] = []
    fits.told.connect(lambda fit: order.append(fit.path))
    fits.look(paths, on_card(0, 8 * GIB))
    fits.ask(paths[-1], on_card(0, 8 * GIB))
    qtbot.waitUntil(lambda: len(order) == 201, timeout=60_000)
    assert order.index(paths[-1]) < 150


def _own(model: Path, folder: Path) -> Path:
    copy = folder / "copy.bin"
    if not copy.exists():
        copy.write_bytes(model.read_bytes())
    return copy


def test_rows_stay_while_they_are_the_same(look: Look, qtbot: QtBot) -> None:
    rows = FileRows(look, lambda path: path.name == "ours.gguf")
    qtbot.addWidget(rows)
    rows.show()
    ours, theirs = _file(Path("/m/ours.gguf")), _file(Path("/m/theirs.gguf"))
    rows.show_files([ours, theirs])
    flush()
    kept = button(rows, "Use theirs")
    rows.show_files([theirs, ours])
    flush()
    assert button(rows, "Use theirs") is kept
    rows.show_files([theirs], loaded=theirs.path)
    flush()
    assert not is_there(rows, "Use ours")
    assert not button(rows, "Use theirs").isEnabled()
    rows.show_fit(FileFit(theirs.path, Need(), "all"))
    rows.show_files([ours, theirs])
    flush()
    assert is_there(rows, "Remove ours")
    assert not is_there(rows, "Remove theirs")


def test_a_rows_menu_leads_to_what_it_needs(
    window: MainWindow, asked: Asked, home: Path, micro_model: Path, qtbot: QtBot
) -> None:
    theirs = home / ".lmstudio" / "models" / "org" / "theirs.gguf"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(micro_model.read_bytes())
    window.models_now.open_page(0)
    page, fit_page = window.findChild(ModelsPage), window.findChild(FitPage)
    assert isinstance(page, ModelsPage)
    assert isinstance(fit_page, FitPage)
    rows = page.findChild(FileRows)
    assert isinstance(rows, FileRows)
    qtbot.waitUntil(lambda: is_there(rows, "More about theirs"), timeout=10_000)
    assert _chips(rows) == [], "no card was told yet"
    _describe(window)
    qtbot.waitUntil(lambda: len(_chips(rows)) == 2, timeout=10_000)
    button(rows, "More about theirs").click()
    menu = QApplication.activePopupWidget()
    assert menu is not None
    (action,) = [one for one in menu.actions() if one.text() == "What it needs"]
    action.trigger()
    menu.close()
    qtbot.waitUntil(lambda: fit_page.isVisible(), timeout=10_000)
    assert fit_page.controls.model.text() == "theirs"
    asked.take()
    load = next(one for one in fit_page.findChildren(QAbstractButton) if one.text() == "Load with this plan")
    load.click()
    settings, choice = asked.take()[-2:]
    assert settings[0] == "change_settings"
    assert (settings[1].load.context, settings[1].load.kv_type) == (8192, "f16")
    assert choice == ("choose_model", theirs)


def test_the_first_page_says_what_fits(window: MainWindow, home: Path, micro_model: Path, qtbot: QtBot) -> None:
    theirs = home / ".lmstudio" / "models" / "org" / "theirs.gguf"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(micro_model.read_bytes())
    window.apply(told.ConversationsListed(()))
    window.apply(opened("", title=""))
    window.apply(told.SettingsChanged(Settings()))
    window.apply(told.ModelChanged(told.ModelState.READY, "SmolLM2 135M", demo=True))
    rows = window.chat.first.rows
    qtbot.waitUntil(lambda: is_there(rows, "Use theirs"), timeout=10_000)
    _describe(window)
    qtbot.waitUntil(lambda: _chips(rows) == ["Fits your card"], timeout=10_000)
    assert not is_there(rows, "More about theirs"), "nothing but using it is offered there"
