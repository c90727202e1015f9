"""*On this computer* and *About the models*: image parts that are named, and what is known of a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from app.chat.changes import ModelMeasured
from app.core.message import MeasuredHere
from app.models.self_checked import keep
from app.ui.main_window import MainWindow
from app.ui.models.about_page import AboutPage
from app.ui.models.here_page import HerePage
from app.ui.models.page import ModelsPage
from app.ui.sentence import Sentence
from tests.gguf.splitting import with_image_inside
from tests.models.library_places import into_ollama
from tests.ui.calls.making import is_there, texts
from tests.ui.windows import Asked


def test_a_file_with_no_image_part_beside_it_can_have_one_named(
    window: MainWindow, page: ModelsPage, asked: Asked, home: Path, tmp_path: Path, micro_model: Path, qtbot: QtBot
) -> None:
    alone = tmp_path / "models" / "gemma-3-4b" / "alone.gguf"
    seeing = home / ".lmstudio" / "models" / "org" / "seeing.gguf"
    part = micro_model.with_name("mmproj-micro-gemma3.gguf")
    for path in (alone, seeing):
        path.parent.mkdir(parents=True)
        path.write_bytes(micro_model.read_bytes())
    seeing.with_name("mmproj.gguf").write_bytes(part.read_bytes())
    window.models_now.leave_page()
    window.models_now.open_page(0)

    def named(name: str) -> list[QAbstractButton]:
        return [one for one in page.findChildren(QAbstractButton) if one.accessibleName() == name and one.isVisible()]

    def offered(name: str) -> tuple[QMenu, dict[str, QAction]]:
        named(f"More about {name}")[0].click()
        (menu,) = [one for one in page.findChildren(QMenu) if one.isVisible()]
        return menu, {action.text(): action for action in menu.actions()}

    qtbot.waitUntil(lambda: alone in window.models_now.others.blind and bool(named("Use seeing")), timeout=10_000)
    menu, actions = offered("seeing")
    assert "Choose its image part…" not in actions
    menu.close()
    menu, actions = offered("alone")
    actions["Choose its image part…"].trigger()
    menu.close()
    (dialog,) = window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(part))
    dialog.close()
    assert ("choose_model", alone, {"mmproj": part}) in asked.take()
    assert not page.isVisible()


def test_a_model_that_only_ollama_can_load_is_named_without_being_offered(
    window: MainWindow, page: ModelsPage, home: Path, tmp_path: Path, micro_model: Path, qtbot: QtBot
) -> None:
    part = micro_model.with_name("mmproj-micro-gemma3.gguf")
    inside = with_image_inside(micro_model, part, tmp_path / "inside.gguf")
    into_ollama(home / ".ollama" / "models", inside, part, "registry.ollama.ai/library/gemma3/4b")
    window.models_now.leave_page()
    window.models_now.open_page(0)
    here = page.findChild(HerePage)
    assert isinstance(here, HerePage)
    said = "“gemma3:4b” is in a form that only Ollama reads: its image part is inside."
    qtbot.waitUntil(lambda: said in texts(here), timeout=10_000)
    assert not is_there(here, "Use gemma3:4b")
    assert not is_there(here, "More about gemma3:4b")
    assert "gemma3:4b" not in {file.name for file in window.models_now.known()}


def test_a_model_of_ollama_is_loaded_with_the_image_part_that_its_manifest_names(
    window: MainWindow, page: ModelsPage, asked: Asked, home: Path, micro_model: Path, qtbot: QtBot
) -> None:
    part = micro_model.with_name("mmproj-micro-gemma3.gguf")
    model, image_part = into_ollama(
        home / ".ollama" / "models", micro_model, part, "registry.ollama.ai/library/micro/latest"
    )
    window.models_now.leave_page()
    window.models_now.open_page(0)

    def use() -> list[QAbstractButton]:
        return [one for one in page.findChildren(QAbstractButton) if one.accessibleName() == "Use micro:latest"]

    qtbot.waitUntil(lambda: bool(use()), timeout=10_000)
    use()[-1].click()
    assert ("choose_model", model, {"mmproj": image_part}) in asked.take()


def test_what_is_known_of_a_model_has_its_source(window: MainWindow, page: ModelsPage, qtbot: QtBot) -> None:
    window.models_now.open_page(3)
    about = page.findChild(AboutPage)
    assert isinstance(about, AboutPage)

    def said() -> set[str]:
        return {one.accessibleName() for one in about.findChildren(Sentence) if not one.isHidden()}

    assert {"Hidden size: 3,840", "Layers: 48", "Release date: 2025-03-12", "MMLU-Pro: 60.6"} <= said()
    assert "Source of MMLU-Pro: Gemma 3 technical report, table 6" in said()
    about.show_model("gemma-3-1b")
    qtbot.waitUntil(lambda: "Layers: 26" in said(), timeout=2000)
    assert "Layers: 48" not in said()


def test_a_file_tells_of_itself_and_of_what_was_measured_here(
    window: MainWindow, page: ModelsPage, asked: Asked, tmp_path: Path, micro_model: Path, qtbot: QtBot
) -> None:
    ours = tmp_path / "models" / "micro" / "micro.gguf"
    ours.parent.mkdir(parents=True)
    ours.write_bytes(micro_model.read_bytes())
    keep(tmp_path / "self-check.json", 8, 9)
    window.models_now.leave_page()
    window.models_now.open_page(3)
    about = page.findChild(AboutPage)
    assert isinstance(about, AboutPage)

    def said() -> set[str]:
        return {one.accessibleName() for one in about.findChildren(Sentence) if not one.isHidden()}

    asked.take()
    about.show_model(ours)
    qtbot.waitUntil(lambda: "Architecture: gemma3" in said(), timeout=5000)
    assert "Source of Layers: the file’s header" in said()
    (call,) = [one for one in asked.take() if one[0] == "tell_measured"]
    window.apply(ModelMeasured(call[1], MeasuredHere(3, 1_700_000_000.0, 8.25, 0.0, 2.5, 8 << 30)))
    assert {"Answers written at: 8.2 tokens a second", "An image takes: 2.5 seconds"} <= said()
    assert "Self-check: 8 of 9 answers right" in said()
    assert "Source of Memory in use: measured here, 3 answers, 2023-11-14" in said()
