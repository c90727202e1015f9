"""What stands in an empty chat."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from app.chat.changes import ModelChanged, ModelState
from app.core.paths import DataPaths
from app.ui.controls import Words
from app.ui.look import Look
from app.ui.model_files import ModelFile, known_models, size_text
from app.ui.welcome import EmptyChat, StarterCard
from tests.ui.test_top_bar import LOADING, READY


def _said(widget: EmptyChat) -> list[str]:
    return [label.text() for label in widget.findChildren(Words)]


def test_a_new_chat_names_the_model_and_offers_beginnings(look: Look, qtbot: QtBot) -> None:
    page = EmptyChat(look)
    qtbot.addWidget(page)
    page.show_model(READY)
    assert "Gemma 3 12B is loaded." in _said(page)
    page.show_model(LOADING)
    assert "Gemma 3 12B is loading. You can write already." in _said(page)
    page.show_model(ModelChanged(ModelState.READY, "SmolLM2 135M", demo=True))
    assert "SmolLM2 135M, the demo model, is loaded." in _said(page)
    card = page.findChildren(StarterCard)[0]
    with qtbot.waitSignal(page.started) as started:
        card.click()
    assert started.args == ["Write a Python function that "]


def test_beginnings_give_way_in_a_narrow_window(look: Look, qtbot: QtBot) -> None:
    page = EmptyChat(look)
    qtbot.addWidget(page)
    page.show()
    page.resize(1000, 700)
    assert page.findChildren(StarterCard)[0].isVisible()
    page.resize(480, 500)
    assert not page.findChildren(StarterCard)[0].isVisible()


def test_known_files_are_those_that_are_there(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    paths.models.mkdir()
    (paths.models / "here.gguf").write_bytes(b"x" * 1_500_000)
    (paths.models / "mmproj-here.gguf").write_bytes(b"x")
    lately = tmp_path / "lately.gguf"
    lately.write_bytes(b"x")
    files = known_models(paths, [lately, tmp_path / "gone.gguf"])
    assert [file.path for file in files if not file.demo] == [lately, paths.models / "here.gguf"]
    assert files[1].note == "2 MB"
    assert all(file.demo for file in files[2:])


def test_a_file_of_another_program_keeps_its_name_once_it_was_used(tmp_path: Path) -> None:
    blob = tmp_path / "sha256-0123"
    blob.write_bytes(b"x")
    theirs = ModelFile(blob, "gemma3:12b", "Ollama, 8.15 GB", False)
    gone = ModelFile(tmp_path / "gone", "gone", "Ollama, 1.00 GB", False)
    files = known_models(DataPaths(tmp_path), [blob], (theirs, gone))
    assert [file for file in files if not file.demo] == [theirs]


def test_files_are_told_in_decimal_units() -> None:
    assert size_text(7_130_000_000) == "7.13 GB"
    assert size_text(98_000_000) == "98 MB"


def test_a_model_in_several_files_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "gem"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / f"gem-0000{number}-of-00003.gguf").write_bytes(bytes(2_000_000))
    (folder / "half-00001-of-00002.gguf").write_bytes(b"")
    files = [file for file in known_models(DataPaths(tmp_path), ()) if not file.demo]
    assert [(file.path.name, file.name, file.note) for file in files] == [("gem-00001-of-00003.gguf", "gem", "6 MB")]
