"""The *Models* page: the calculator agrees with the plan, and a model is fetched from a server on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.chat.changes import ModelChanged, ModelState, SettingsChanged, WorkerDescribed
from app.core.protocol import Described, Device
from app.core.settings import LoadOptions, Settings
from app.models.catalogue import catalogue_shape, known_model
from app.models.graphics import Advice
from app.models.machine import on_card
from app.models.memory import Setup, Verdict, place
from app.ui.controls import Words
from app.ui.main_window import MainWindow
from app.ui.model_files import size_text
from app.ui.models.check_page import CheckPage
from app.ui.models.fit_page import FitPage
from app.ui.models.get_page import GetPage
from app.ui.models.here_page import HerePage
from app.ui.models.machine_check import Answer, Report, SetAside
from app.ui.models.machine_check import Device as CheckedDevice
from app.ui.models.model_card import ModelCard
from app.ui.models.page import ModelsPage
from app.ui.models.unused_card import UnusedCard
from app.ui.sentence import Sentence
from tests.chat.driving import model_info
from tests.models.hub_server import MODEL, PROJECTOR, REPOSITORY, Faults, HubServer, micro_hub
from tests.ui.test_top_bar import INFO
from tests.ui.windows import Asked

GIB = 1 << 30


@pytest.fixture
def fits(page: ModelsPage) -> FitPage:
    """*What fits*."""
    _button(page, "What fits").click()
    found = page.findChild(FitPage)
    assert isinstance(found, FitPage)
    return found


@pytest.fixture
def server(micro_model: Path) -> Iterator[HubServer]:
    """Has the micro model under the name of a large one."""
    with micro_hub(micro_model) as hub:
        yield hub


def _button(page: ModelsPage, name: str) -> QAbstractButton:
    (found,) = [one for one in page.findChildren(QAbstractButton) if one.accessibleName() == name]
    return found


def _button_in(fits: FitPage, name: str) -> QAbstractButton:
    found = [one for one in fits.findChildren(QAbstractButton) if one.accessibleName() == name and one.isVisible()]
    return found[0]


def _give(fits: FitPage, name: str, number: str) -> None:
    (field,) = [one for one in fits.findChildren(QLineEdit) if one.accessibleName() == name]
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClicks(field, number)
    QTest.keyClick(field, Qt.Key.Key_Return)


def _described(window: MainWindow, free: int, kind: str = "gpu") -> None:
    card = Device("CUDA0", "NVIDIA GeForce RTX 4070", kind, free, 12 * GIB)
    window.apply(WorkerDescribed(Described(1, {}, (card,), "", ())))


def test_every_cell_says_what_the_plan_says(window: MainWindow, fits: FitPage) -> None:
    _described(window, 11 * GIB)
    _give(fits, "Free memory of the computer in GiB", "32")
    known = known_model("gemma-3-12b")
    assert known is not None
    model = fits.table.fits
    for row in range(1, model.rowCount()):
        name = str(model.index(row, 0).data()).removesuffix(" QAT")
        quantisation = "Q4_0+Q8_0" if "QAT" in str(model.index(row, 0).data()) else name
        for column in range(1, model.columnCount()):
            context = 512 << column
            shape, machine = catalogue_shape(known[0], quantisation), on_card(11 * GIB, 32 * GIB)
            made = place(shape, Setup(context, "f16"), machine, known[0].encoder)
            assert model.index(row, column).data() == f"{made.total / GIB:.1f}"
            shown = model.plan_at(model.index(row, column))
            assert shown is not None
            assert (shown.verdict, shown.gpu_layers) == (made.verdict, made.gpu_layers)


def test_the_cells_are_walked_by_keys_and_read_by_name(window: MainWindow, fits: FitPage) -> None:
    _described(window, 11 * GIB)
    _give(fits, "Free memory of the computer in GiB", "32")
    assert fits.side.title.text == "Q4_0 QAT at 8k fits your card"
    fits.table.setFocus()
    QTest.keyClick(fits.table, Qt.Key.Key_Right)
    QTest.keyClick(fits.table, Qt.Key.Key_Down)
    QTest.keyClick(fits.table, Qt.Key.Key_Down)
    assert fits.side.title.text.startswith("Q4_K_M at 16k ")
    said = fits.table.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("Q4_K_M at 16k: ")
    for _ in range(9):
        QTest.keyClick(fits.table, Qt.Key.Key_Up)
    assert fits.side.title.text.startswith("Q4_0 QAT at 16k ")  # the heads are no cells


def test_another_machine_is_imagined_and_this_one_comes_back(window: MainWindow, fits: FitPage) -> None:
    _described(window, 11 * GIB)
    _give(fits, "Free memory of the card in GiB", "6")
    assert "in part" in fits.side.title.text
    _give(fits, "Free memory of the card in GiB", "0")
    assert fits.side.title.text.endswith("runs in memory") or fits.side.title.text.endswith("does not fit")
    assert not fits.card_bar.isVisible()
    _give(fits, "Free memory of the card in GiB", "")
    assert fits.side.title.text == "Q4_0 QAT at 8k fits your card"
    assert fits.card_bar.accessibleDescription().startswith("8.")
    assert "NVIDIA GeForce RTX 4070" in fits.card_bar.accessibleName()


def test_the_memory_of_the_loaded_model_counts_as_free(
    window: MainWindow, page: ModelsPage, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = psutil.virtual_memory()._replace(available=4 * GIB)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    window.apply(WorkerDescribed(Described(1, {}, (), "", (), held=8 * GIB)))
    (card,) = [one for one in page.findChildren(ModelCard) if one.model.id == "gemma-3-12b"]
    assert card.fit.text() == "Runs in memory"
    info = model_info(Path("/models/other.gguf"))
    window.apply(ModelChanged(ModelState.READY, "Other", model=info))
    assert ("describe",) in asked.take(), "another model holds another part"
    assert card.fit.text().startswith("Too large")


def test_memory_that_a_card_shares_with_the_computer_counts_once(window: MainWindow, fits: FitPage) -> None:
    _described(window, 10 * GIB, "igpu")
    _give(fits, "Free memory of the computer in GiB", "10")
    shared = fits.plan.verdict
    _described(window, 10 * GIB)
    assert (shared, fits.plan.verdict) == (Verdict.RAM, Verdict.FITS)


def test_an_imagined_machine_is_not_advised_about(window: MainWindow, page: ModelsPage, fits: FitPage) -> None:
    get = page.findChild(GetPage)
    assert isinstance(get, GetPage)
    before = [card.fit.text() for card in get.cards]
    _give(fits, "Free memory of the card in GiB", "96")
    window.models_now.leave_page()
    window.models_now.open_page(1)
    assert [card.fit.text() for card in get.cards] == before


def test_a_smaller_cache_needs_less(window: MainWindow, fits: FitPage) -> None:
    before = fits.plan.total
    _button_in(fits, "8-bit").click()
    assert (fits.plan.kv_type, fits.plan.total < before) == ("q8_0", True)
    _button_in(fits, "Off").click()
    assert fits.plan.vision == 0


def test_a_plan_is_used_or_left_to_the_program(window: MainWindow, fits: FitPage, asked: Asked) -> None:
    _described(window, 11 * GIB)
    fits.table.choose(0, 5)
    fits.show_loaded("SmolLM2", INFO)
    assert "once Gemma 3 12B is loaded" in fits.side.why_not.text
    fits.show_loaded("gemma-3 12b It Qat", INFO)
    _give(fits, "Free memory of the card in GiB", "96")
    assert not fits.side.use.isEnabled(), "a plan for another machine is used on none"
    assert "another machine" in fits.side.why_not.text
    fits.side.here.click()
    assert fits.side.use.isEnabled()
    fits.side.use.click()
    assert not fits.isVisible()
    assert asked.take()[-1] == ("change_settings", Settings(load=LoadOptions(context=32768, kv_type="f16")))
    fits.side.leave.click()
    assert asked.take()[-1] == ("change_settings", Settings(load=LoadOptions()))


@pytest.mark.parametrize("model", ["gemma-3-4b", "gemma-3-1b", "gemma-3-27b", "gemma-3-270m"])
def test_every_model_has_its_table(window: MainWindow, fits: FitPage, model: str) -> None:
    fits.show_model(model)
    known = known_model(model)
    assert known is not None
    columns = fits.table.fits.columnCount() - 1
    assert 512 << columns == known[0].context
    assert fits.plan.layers == known[0].layers + 1
    assert fits.controls.images.isEnabled() == (known[0].projector_bytes > 0)


def test_escape_leads_back_to_the_chat(window: MainWindow, page: ModelsPage) -> None:
    assert not window.panes.isEnabled()
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert not page.isVisible()
    assert window.panes.isEnabled()
    assert window.chat.composer.edit.hasFocus()


def test_a_model_is_fetched_paused_gone_on_with_and_chosen(
    window: MainWindow,
    page: ModelsPage,
    asked: Asked,
    server: HubServer,
    qtbot: QtBot,
    tmp_path: Path,
    demo_model: Path,
) -> None:
    sha256 = server.put(REPOSITORY, MODEL, demo_model)
    window.apply(SettingsChanged(Settings(mirror=server.endpoint)))
    _refresh(window, page, qtbot)
    (kept,) = [one for one in json.loads((tmp_path / "catalogue.json").read_bytes()) if one["file"] == MODEL]
    assert kept["sha256"] == sha256
    said = {words.text() for words in page.findChildren(Words)}
    assert f"{size_text(demo_model.stat().st_size + 854_200_448)}, two files" in said
    server.faults = Faults(slow=0.004)
    get = _button(page, "Download Gemma 3 12B")
    assert not get.isEnabled()
    assert get.toolTip() == "Accept the terms first"
    _button(page, "Accept the terms of Gemma 3 12B").click()
    get.click()
    (call,) = [one for one in asked.take() if one[0] == "change_settings"]
    assert call[1].licences[0][0] == "https://ai.google.dev/gemma/terms"
    part = tmp_path / "models" / "gemma-3-12b" / f"{MODEL}.part"
    qtbot.waitUntil(lambda: part.is_file() and part.stat().st_size > 2_000_000, timeout=20_000)
    assert not _button(page, "Download Gemma 3 4B").isEnabled()
    pause = _button(page, "Pause Gemma 3 12B")
    pause.click()
    loader = window.models_now.downloader
    assert loader is not None
    qtbot.waitUntil(lambda: loader._process is None, timeout=5000)
    assert part.stat().st_size < demo_model.stat().st_size / 2, "it was stopped, it did not run to its end"
    assert pause.text() == "Go on"
    kept, server.sent, server.faults = part.stat().st_size, 0, Faults()
    pause.click()
    path = part.with_suffix("")
    qtbot.waitUntil(path.is_file, timeout=20_000)
    qtbot.waitUntil(lambda: ("choose_fetched", path) in asked.calls, timeout=5000)
    assert server.sent <= demo_model.stat().st_size - kept + 2_000_000
    assert _button(page, "Use Gemma 3 12B").isEnabled()


def test_it_goes_on_from_where_the_settings_say_now(
    window: MainWindow, page: ModelsPage, asked: Asked, server: HubServer, qtbot: QtBot
) -> None:
    window.apply(SettingsChanged(Settings(mirror=server.endpoint)))
    _refresh(window, page, qtbot)
    window.apply(SettingsChanged(Settings(mirror="no address")))
    _button(page, "Accept the terms of Gemma 3 12B").click()
    _button(page, "Download Gemma 3 12B").click()
    qtbot.waitUntil(lambda: _shows(page, "Go on Gemma 3 12B"), timeout=20_000)
    window.apply(SettingsChanged(Settings(mirror=server.endpoint)))
    _button(page, "Go on Gemma 3 12B").click()
    qtbot.waitUntil(lambda: bool([call for call in asked.calls if call[0] == "choose_fetched"]), timeout=20_000)


def _shows(page: ModelsPage, name: str) -> bool:
    return any(one.accessibleName() == name and one.isVisible() for one in page.findChildren(QAbstractButton))


def test_what_has_come_before_is_told_and_can_be_discarded(
    window: MainWindow, page: ModelsPage, tmp_path: Path, qtbot: QtBot
) -> None:
    place = tmp_path / "models" / "gemma-3-12b"
    place.mkdir(parents=True)
    part, note = place / f"{MODEL}.part", place / f"{MODEL}.part.json"
    part.write_bytes(bytes(3_000_000))
    note.write_text("{}")
    (place / PROJECTOR).write_bytes(bytes(1_000_000))
    window.models_now.leave_page()
    window.models_now.open_page()
    assert _button(page, "Go on Gemma 3 12B").isVisible()
    assert "4 MB of it have come before" in {one.text() for one in page.findChildren(Words) if one.isVisible()}
    _button(page, "Discard Gemma 3 12B").click()
    asked_again = _button(page, "Really delete it? Gemma 3 12B")
    asked_again.click()  # a double click is no answer
    assert part.is_file()
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    asked_again.click()
    assert not place.exists()
    assert _button(page, "Download Gemma 3 12B").isVisible()


def _refresh(window: MainWindow, page: ModelsPage, qtbot: QtBot) -> str:
    """Clicks *Refresh sizes*; answers with what is said beside it then."""
    _button(page, "Refresh sizes").click()
    refresher = window.models_now.refresher
    assert refresher is not None
    assert not _button(page, "Refresh sizes").isEnabled()
    qtbot.waitUntil(lambda: not refresher.running, timeout=20_000)
    assert _button(page, "Refresh sizes").isEnabled()
    return refresher.sentence


def test_sizes_are_refreshed_by_a_click_and_stay_without_a_line(
    window: MainWindow, page: ModelsPage, server: HubServer, qtbot: QtBot, tmp_path: Path
) -> None:
    refresher = window.models_now.refresher
    assert refresher is not None
    assert refresher.sentence == "Sizes are those that Cabochon came with."
    window.apply(SettingsChanged(Settings(mirror="http://127.0.0.1:9")))
    assert _refresh(window, page, qtbot) == "There is no connection to 127.0.0.1:9."
    assert not (tmp_path / "catalogue.json").exists()
    window.apply(SettingsChanged(Settings(mirror=server.endpoint)))
    said = _refresh(window, page, qtbot)
    assert said.startswith("Sizes of ")
    assert "No longer there: " in said
    assert said in {one.text for one in page.findChildren(Sentence)}


def test_what_goes_wrong_is_said_on_the_card(
    window: MainWindow, page: ModelsPage, server: HubServer, qtbot: QtBot
) -> None:
    server.files.clear()
    window.apply(SettingsChanged(msgspec.structs.replace(Settings(), mirror=server.endpoint)))
    _button(page, "Accept the terms of Gemma 3 12B").click()
    _button(page, "Download Gemma 3 12B").click()
    loader = window.models_now.downloader
    assert loader is not None
    qtbot.waitUntil(lambda: "is no longer at" in loader.error, timeout=20_000)
    said = [one for one in page.findChildren(Sentence) if one.text == loader.error and one.isVisible()]
    assert len(said) == 1, "all of it can be read"
    _button(page, "Accept the terms of Gemma 3 1B").click()
    qtbot.waitUntil(_button(page, "Download Gemma 3 1B").isEnabled, timeout=5_000)  # another one may begin
    _button(page, "Cancel Gemma 3 12B").click()
    assert _button(page, "Download Gemma 3 12B").isEnabled()


def test_the_recommended_model_is_marked(window: MainWindow, page: ModelsPage, qtbot: QtBot) -> None:
    get = page.findChild(GetPage)
    assert isinstance(get, GetPage)
    qtbot.waitUntil(lambda: sum(not card.advised.isHidden() for card in get.cards) == 1, timeout=5000)


def test_this_machine_is_checked_and_a_wrong_card_is_set_aside(
    window: MainWindow, page: ModelsPage, asked: Asked, qtbot: QtBot
) -> None:
    _button(page, "Check this machine").click()
    check = page.findChild(CheckPage)
    assert isinstance(check, CheckPage)
    assert check.title.text == "Not checked yet"
    asked.take()
    check.again.click()
    assert not check.again.isEnabled()
    qtbot.waitUntil(lambda: check.again.isEnabled(), timeout=60_000)
    assert check.title.text.startswith("Text and images work on ")
    names = [one.accessibleName() for one in check.findChildren(QWidget)]
    for part in ("Text", "Images"):
        assert any(re.fullmatch(rf"{part} \d+\.\d s", name) for name in names)
    assert asked.take() == []  # nothing is set aside
    check.copy.click()
    assert '"right":true' in QApplication.clipboard().text()

    machine = window.models_now.check
    assert machine is not None
    card = CheckedDevice("Vulkan0", "A card", "gpu", 4 * GIB, 8 * GIB)
    right = Answer("CPU", "Who are you?", "I am Micro.", "I am Micro.", True, False, 0.1)
    wrong = Answer("Vulkan0", "What colour is it?", "It is red.", "blue blue", False, True, 0.2)
    cpu = CheckedDevice("CPU", "A processor", "cpu", 0, 0)
    same = "the same as on the processor"
    full = Answer("Vulkan0", "What does it see?", same, same, True, True, 0.4, full_size=True, apart=0.012)
    machine.report = Report((cpu, card), (right, full), SetAside())
    machine.changed.emit()
    said = {one.accessibleName() for one in check.findChildren(QWidget) if not one.isHidden()}
    assert "An image part of full size sees what it sees on the processor (1.2% apart)." in said
    assert asked.take() == []
    machine.report = Report((cpu, card), (right, wrong), SetAside((), ("A card",), ("A card sees pictures wrongly.",)))
    machine.changed.emit()
    assert check.title.text == "Text and images work, with a card set aside"
    assert check.said.text == "A card sees pictures wrongly."
    assert asked.take() == [("change_settings", Settings(load=LoadOptions(encoder_avoid=("A card",))))]
    for answers, told in (
        ((wrong,), "Images wrong"),
        ((msgspec.structs.replace(wrong, answer=""),), "Images no answer"),
        ((msgspec.structs.replace(full, too_slow=True),), "Images too slow"),
    ):
        machine.report = Report((cpu, card), (right, *answers), SetAside((), ("A card",)))
        machine.changed.emit()
        assert told in {one.accessibleName() for one in check.findChildren(QWidget) if not one.isHidden()}


def test_a_card_that_is_not_used_is_told_with_its_command(
    window: MainWindow, page: ModelsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Advice(
        "A card is not used.", "This gets it (about 100 MB to download, 4 min):", "python3 x run --gpu vulkan"
    )
    monkeypatch.setattr("app.models.graphics.advice", lambda has, source: told)
    processor, card = (Device(name, name, kind, 0, 0) for name, kind in (("CPU", "cpu"), ("CUDA0", "gpu")))
    pages = page.findChildren(UnusedCard)
    window.apply(WorkerDescribed(Described(1, {}, (processor, card), "", ())))
    assert [said.isHidden() for said in pages] == [True, True]
    window.apply(WorkerDescribed(Described(1, {}, (processor,), "", ())))
    assert [said.isHidden() for said in pages] == [False, False]
    assert pages[0].said.text == f"{told.what} {told.mend}"
    pages[0].copy.click()
    assert QApplication.clipboard().text() == told.command
    monkeypatch.setattr("app.models.graphics.advice", lambda has, source: None)
    window.apply(WorkerDescribed(Described(1, {}, (processor,), "", ())))
    assert [said.isHidden() for said in pages] == [True, True]


def test_files_that_are_here_are_used_and_ours_removed(
    window: MainWindow, page: ModelsPage, asked: Asked, home: Path, tmp_path: Path, micro_model: Path, qtbot: QtBot
) -> None:
    name = "gemma-3-4b-it-Q4_K_M"
    ours = tmp_path / "models" / "gemma-3-4b" / f"{name}.gguf"
    theirs = home / ".lmstudio" / "models" / "org" / "theirs.gguf"
    for path in (ours, theirs):
        path.parent.mkdir(parents=True)
        path.write_bytes(micro_model.read_bytes())
    window.models_now.leave_page()
    window.models_now.open_page(0)

    def named(name: str) -> list[QAbstractButton]:
        return [one for one in page.findChildren(QAbstractButton) if one.accessibleName() == name and one.isVisible()]

    qtbot.waitUntil(lambda: bool(named("Use theirs")), timeout=10_000)
    assert not named("Remove theirs")
    (remove,) = named(f"Remove {name}")
    remove.click()
    assert (remove.text(), ours.is_file()) == ("Really delete it?", True)
    remove.click()  # a double click is no answer
    assert (remove.text(), ours.is_file()) == ("Really delete it?", True)
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    remove.click()
    assert not ours.exists()
    qtbot.waitUntil(lambda: not named(f"Use {name}") and bool(named("Use theirs")), timeout=5000)
    named("Use theirs")[0].click()
    assert ("choose_model", theirs) in asked.take()
    assert not page.isVisible()
    assert theirs.is_file()


def test_a_models_folder_that_is_missing_is_said(window: MainWindow, page: ModelsPage, tmp_path: Path) -> None:
    gone = tmp_path / "disk"
    window.apply(SettingsChanged(Settings(models_folder=str(gone))))
    here = page.findChild(HerePage)
    assert isinstance(here, HerePage)
    said = f"The models folder {gone} is not there now. Its disk may not be connected."
    assert said in {one.text for one in here.findChildren(Sentence)}
    assert not gone.exists()
