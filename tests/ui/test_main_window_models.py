"""The main window and models: chosen, loaded, refused, and none at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import msgspec
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ModelChanged, ModelState
from app.core.protocol import Offer
from app.core.settings import LoadOptions, Settings
from app.ui.controls import Button
from app.ui.main_window import MainWindow
from app.ui.menus import Menu
from tests.ui.test_top_bar import LOADING, READY
from tests.ui.windows import Asked, message, opened


def test_the_pill_shows_the_load_and_the_cross_gives_it_up(window: MainWindow, asked: Asked) -> None:
    window.apply(LOADING)
    assert "Loading 62%" in window.chat.top.pill.accessibleDescription()
    window.chat.top.pill.cancel_asked.emit()
    assert asked.take() == [("cancel_load",)]


def test_the_model_menu_names_known_files(window: MainWindow, asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "models" / "mine.gguf"
    file.parent.mkdir()
    file.write_bytes(b"GGUF")
    QTest.mouseClick(window.chat.top.pill, Qt.MouseButton.LeftButton)
    menu = window.chat.top.pill.findChild(Menu)
    assert isinstance(menu, Menu)
    shown = [action.text().split("\t")[0] for action in menu.actions() if not action.isSeparator()]
    assert shown[0] == "mine 0 MB"
    assert shown[-4:] == ["Choose a model file…", "Get more models…", "What fits this machine…", "Unload"]
    menu.actions()[0].trigger()
    menu.close()
    assert asked.take() == [("choose_model", file)]


def test_files_of_other_programs_come_into_the_open_menu(
    window: MainWindow, asked: Asked, qtbot: QtBot, home: Path, micro_model: Path
) -> None:
    theirs = home / ".lmstudio" / "models" / "org" / "theirs.gguf"
    theirs.parent.mkdir(parents=True)
    theirs.symlink_to(micro_model)
    QTest.mouseClick(window.chat.top.pill, Qt.MouseButton.LeftButton)
    menu = window.chat.top.pill.findChild(Menu)
    assert isinstance(menu, Menu)

    def named() -> list[str]:
        return [action.text() for action in menu.actions() if action.text().startswith("theirs ")]

    qtbot.waitUntil(lambda: bool(named()))
    assert menu.isVisible()
    size = f"{micro_model.stat().st_size / 1e6:.0f} MB"
    assert named() == [f"theirs LM Studio, {size}"]
    next(action for action in menu.actions() if action.text().startswith("theirs ")).trigger()
    menu.close()
    assert asked.take() == [("choose_model", theirs)]


def test_a_tree_in_our_own_folder_is_looked_through_too(
    window: MainWindow, qtbot: QtBot, home: Path, tmp_path: Path, micro_model: Path
) -> None:
    deep = tmp_path / "models" / "org" / "gem" / "deep.gguf"
    deep.parent.mkdir(parents=True)
    deep.symlink_to(micro_model)
    desk = window.models_now
    with qtbot.waitSignal(desk.others.changed, timeout=10_000):
        desk.others.look()
    found = {file.path: file for file in desk.known()}
    assert (found[deep].name, found[deep].note) == ("deep", f"{micro_model.stat().st_size / 1e6:.0f} MB")
    assert [file.demo for file in found.values()].count(True) == 1


def test_closing_does_not_wait_for_a_disk_that_hangs(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, comes_back, done = Event(), Event(), Event()

    def walk(*_arguments: object, **_named: object) -> Iterator[tuple[str, list[str], list[str]]]:
        begun.set()
        comes_back.wait(30)
        done.set()
        return iter(())

    (tmp_path / "models").mkdir()
    monkeypatch.setattr("app.models.library.os.walk", walk)
    window.models_now.others.look()
    assert begun.wait(10)
    window.close()
    assert not done.is_set()
    comes_back.set()


def test_files_of_other_programs_come_onto_the_page(
    window: MainWindow, qtbot: QtBot, home: Path, micro_model: Path
) -> None:
    theirs = home / ".cache" / "llama.cpp" / "theirs.gguf"
    theirs.parent.mkdir(parents=True)
    theirs.symlink_to(micro_model)
    window.apply(opened("c"))
    window.apply(ModelChanged(ModelState.NONE))
    qtbot.waitUntil(
        lambda: any(button.accessibleName() == "Use theirs" for button in window.chat.first.findChildren(Button))
    )


def test_a_model_file_dropped_on_the_window_is_loaded(window: MainWindow, asked: Asked, tmp_path: Path) -> None:
    def drop(*names: str) -> QDropEvent:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in names])
        event = QDropEvent(
            QPointF(300, 300),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        event.setAccepted(False)
        window.dropEvent(event)
        return event

    drop("photo.png", "Gemma.GGUF")
    assert asked.take() == [("choose_model", tmp_path / "Gemma.GGUF")]
    drop("photo.png")
    assert asked.take() == []


def test_a_refused_model_says_why_and_what_stays(window: MainWindow) -> None:
    window.apply(told.ModelRefused("/m/cut.gguf", "The file is cut short.", "cut", kept="Gemma 3 12B"))
    assert window.chat.shows("refused")
    assert window.chat.refused.title.text == "cut.gguf was not loaded"
    assert window.chat.refused.reason.text == "The file is cut short. Gemma 3 12B stays loaded."
    window.apply(READY)
    assert not window.chat.shows("refused")


def test_a_model_whose_disk_is_away_can_be_tried_again(window: MainWindow, asked: Asked) -> None:
    window.apply(told.ModelRefused("/m/gem.gguf", "“gem.gguf” is not there now.", "away"))
    refused = window.chat.refused
    assert refused.action.text() == "Try again"
    refused.action.click()
    assert asked.take() == [("choose_model", Path("/m/gem.gguf"))]
    window.apply(told.ModelRefused("/m/cut.gguf", "The file is cut short.", "cut"))
    assert refused.action.text() == "Choose another file"


def test_a_model_that_does_not_fit_is_offered_smaller(window: MainWindow, asked: Asked) -> None:
    offer = Offer(LoadOptions(gpu_layers=30), "with 30 of 49 layers on the graphics card, a context of 8,192 tokens")
    window.apply(told.ModelRefused("/m/gem.gguf", "There is not enough memory.", "memory", "", offer))
    refused = window.chat.refused
    assert refused.reason.text == (
        "There is not enough memory. It may run with 30 of 49 layers on the graphics card, a context of 8,192 tokens."
    )
    refused.action.click()
    assert asked.take() == [("accept_offer",)]
    window.apply(told.ModelRefused("/m/cut.gguf", "The file is cut short.", "cut"))
    assert refused.action.text() == "Choose another file"


def test_an_answer_without_memory_offers_the_model_smaller(window: MainWindow, asked: Asked) -> None:
    window.apply(told.SmallerOffered("Gemma 3 12B", Offer(LoadOptions(), "in the computer's memory")))
    refused = window.chat.refused
    assert refused.title.text == "Gemma 3 12B ran out of memory"
    assert refused.reason.text == "It may run in the computer's memory. Ask again when it is loaded so."
    refused.action.click()
    assert asked.take() == [("accept_offer",)]


def test_a_model_that_rests_says_so_and_can_be_asked(window: MainWindow, asked: Asked) -> None:
    window.apply(opened("", title=""))
    window.apply(replace(READY, resting=True))
    assert window.chat.top.pill.accessibleDescription() == f"{READY.name} · resting"
    assert window.chat.empty.isVisible()


def test_the_pill_tells_where_the_model_is(window: MainWindow) -> None:
    assert READY.model is not None
    placed = msgspec.structs.replace(
        READY.model, placed="38 of 49 layers fit on the graphics card, the rest is in memory."
    )
    window.apply(replace(READY, model=placed))
    assert window.chat.top.pill.toolTip() == f"Model\n{placed.placed}"


def test_a_load_given_up_is_no_refusal(window: MainWindow) -> None:
    window.apply(told.ModelRefused("/m/a.gguf", "Given up.", "cancelled"))
    assert not window.chat.shows("refused")


def test_without_a_model_a_page_offers_one_and_chats_stay_readable(window: MainWindow) -> None:
    window.apply(told.MessageAdded(message("m1", "Hello")))
    window.apply(ModelChanged(ModelState.NONE))
    assert window.chat.transcript.isVisible()
    window.apply(opened("", title=""))
    assert window.chat.first.isVisible()
    assert not window.chat.top.meter.isVisible()
    window.apply(READY)
    assert window.chat.empty.isVisible()


def test_the_demo_notice_stays_until_it_is_closed(window: MainWindow, asked: Asked) -> None:
    demo = ModelChanged(ModelState.READY, "SmolLM2 135M", demo=True)
    window.apply(demo)
    assert window.chat.shows("demo")
    assert "tiny demo model" in window.chat.demo.sentence.text
    window.chat.demo.close_button.click()
    assert asked.take() == [("change_settings", Settings(demo_notice_closed=True))]
    window.apply(told.SettingsChanged(Settings(demo_notice_closed=True)))
    window.apply(demo)
    assert not window.chat.shows("demo")


def test_the_model_that_was_loaded_is_known_next_time(window: MainWindow) -> None:
    assert READY.model is not None
    other = msgspec.structs.replace(READY.model, path="/models/other.gguf")
    window.apply(ModelChanged(ModelState.READY, "Other", 1.0, None, other))
    assert window.state.recent_models == ("/models/other.gguf", "/models/gemma.gguf")
