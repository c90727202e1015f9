"""*What fits* by itself: the same figures as the command's, files, other plans, and what a person overrides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from app.core.settings import LoadOptions
from app.models.catalogue import catalogue
from app.models.machine import on_card
from app.models.memory import Verdict
from app.models.needs import Need, need_of
from app.models.speed import Speed
from app.models.table import of_model
from app.ui.look import Look
from app.ui.model_files import ModelFile
from app.ui.models.fit_controls import Here
from app.ui.models.fit_page import FitPage
from tests.cli.program import Program
from tests.ui.test_top_bar import INFO

GIB = 1 << 30
ALONE = Here(on_card(0, 24 * GIB), "", 32 * GIB, Speed(40e9, 4))
CARD = Here(on_card(7 * GIB, 24 * GIB), "RTX 4060", 32 * GIB, Speed(40e9, 4))


@pytest.fixture
def page(look: Look, qtbot: QtBot) -> FitPage:
    """The page for a machine with a card of 7 GiB."""
    made = FitPage(look)
    qtbot.addWidget(made)
    made.resize(1280, 780)
    made.show_machine(CARD)
    made.show()
    return made


def _button(page: FitPage, name: str) -> QAbstractButton:
    return next(
        one for one in page.findChildren(QAbstractButton) if one.accessibleName().startswith(name) and one.isVisible()
    )


def _cells(page: FitPage) -> dict[str, list[str]]:
    fits = page.table.fits
    return {
        str(fits.index(row, 0).data()): [str(fits.index(row, at).data()) for at in range(1, fits.columnCount())]
        for row in range(1, fits.rowCount())
    }


def _told(folder: Path, *arguments: str | Path) -> dict[str, list[str]]:
    program = Program(folder)
    machine = ("--gpu-memory", str(7 * GIB), "--ram", str(24 * GIB))
    rows = program.run("models", "fit", "--json", "--table", *machine, *arguments).record["table"]
    return {row["name"]: [f"{cell['total_bytes'] / GIB:.1f}" for cell in row["cells"]] for row in rows}


def test_page_and_command_give_the_same_figures(page: FitPage, tmp_path: Path, micro_model: Path) -> None:
    assert _cells(page) == _told(tmp_path, "gemma-3-12b")
    _button(page, "4-bit").click()
    assert _cells(page) == _told(tmp_path, "--kv", "q4_0", "gemma-3-12b")
    page.show_file(micro_model, need_of(micro_model))
    assert _cells(page) == _told(tmp_path, micro_model)
    assert list(_cells(page)) == ["f16 cache", "q8_0 cache", "q4_0 cache"]


def test_a_file_is_asked_for_and_planned(page: FitPage, micro_model: Path, qtbot: QtBot) -> None:
    page.show_files([ModelFile(micro_model, "micro", "3 MB", False)])
    page.controls.model.click()
    menu = QApplication.activePopupWidget()
    assert menu is not None
    names = [action.text() for action in menu.actions()]
    assert names[-2:] == ["On this computer", "micro 3 MB"]
    with qtbot.waitSignal(page.file_asked) as asked:
        menu.actions()[-1].trigger()
    menu.close()
    assert asked.args == [micro_model]
    page.show_file(micro_model, need_of(micro_model))
    assert page.controls.model.text() == "micro"
    assert page.side.title.text == "f16 cache at 8k fits your card"
    assert page.plan.vision > 0, "its real image part"
    assert not page.controls.cache.isVisible()
    assert page.side.use.text() == "Load with this plan"
    page.table.choose(1, 2)
    with qtbot.waitSignal(page.plan_chosen) as chosen:
        page.side.use.click()
    assert chosen.args == [LoadOptions(context=4096, kv_type="q8_0"), micro_model]
    page.show_loaded("Micro", msgspec.structs.replace(INFO, path=str(micro_model)))
    assert page.side.use.text() == "Use this plan"
    with qtbot.waitSignal(page.plan_chosen) as chosen:
        page.side.use.click()
    assert chosen.args == [LoadOptions(context=4096, kv_type="q8_0"), None]
    page.show_model("gemma-3-4b")
    assert page.controls.cache.isVisible()
    assert len(_cells(page)) == 8


def test_a_file_without_a_plan_is_answered_with_a_sentence(page: FitPage, tmp_path: Path) -> None:
    gone = tmp_path / "gone.gguf"
    gone.with_name("other.gguf").touch()
    page.show_file(gone, need_of(gone))
    assert page.trouble.text == "“gone.gguf” is not there any more. It was moved, renamed or deleted."
    page.show_machine(ALONE)
    assert not page.table.isVisible()
    assert not page.side.isVisible()
    assert page.controls.model.isVisible()
    page.show_model("gemma-3-1b")
    assert page.table.isVisible()
    assert page.side.isVisible()
    assert not page.trouble.isVisible()


def test_speed_is_told_where_it_was_measured(page: FitPage) -> None:
    assert "second" not in page.side.reason.text
    page.show_machine(ALONE)
    assert page.side.reason.text.endswith("About 3 tokens a second; an image takes about 1 min.")
    page.show_machine(ALONE._replace(speed=None))
    assert "second" not in page.side.reason.text
    page.show_machine(ALONE)
    page.show_machine(CARD)
    page.show_loaded("Gemma 3 12B", msgspec.structs.replace(INFO, encoder_on_card=True), 41.0, 0.7)
    assert page.side.reason.text.endswith("An image takes about 1 s."), "it was looked at here"
    made = page.plan
    same = msgspec.structs.replace(
        INFO, context=made.context, kv_type=made.kv_type, gpu_layers=made.gpu_layers, encoder_on_card=True
    )
    page.show_loaded("Gemma 3 12B", same, 41.0, 0.7)
    assert page.side.reason.text.endswith("About 41 tokens a second; an image takes about 1 s."), "it wrote so here"
    page.layers.chosen.emit(made.gpu_layers - 1)
    assert page.side.reason.text.endswith("An image takes about 1 s."), "it did not write so"
    page.show_model("gemma-3-4b")
    assert "second" not in page.side.reason.text
    page.show_machine(ALONE)
    page.controls.ram_gib.setText("48")
    QTest.keyClick(page.controls.ram_gib, Qt.Key.Key_Return)
    assert "second" not in page.side.reason.text, "another machine's memory was not measured"


def test_layers_are_chosen_and_left(page: FitPage, qtbot: QtBot) -> None:
    page.show_loaded("Gemma 3 12B", INFO)
    usual, slider = page.plan.gpu_layers, page.layers.slider
    assert slider.accessibleDescription() == f"{usual} of 49, chosen for you"
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Left)
    assert page.plan.gpu_layers == usual - 1
    assert page.card_bar.accessibleDescription().split()[0] < f"{7.0}"
    with qtbot.waitSignal(page.plan_chosen) as chosen:
        page.side.use.click()
    assert chosen.args[0] == LoadOptions(context=8192, kv_type="f16", gpu_layers=usual - 1)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    with qtbot.waitSignal(page.plan_chosen) as chosen:
        page.side.use.click()
    assert chosen.args[0].gpu_layers == -1
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert page.side.title.text.endswith("is too much for your card")
    assert not page.side.use.isEnabled()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert page.side.title.text.endswith("runs in memory")
    page.table.choose(0, 2)
    assert page.plan.gpu_layers > usual, "another cell has its own"
    page.show_machine(ALONE)
    assert not page.layers.isVisible()


def test_where_images_are_looked_at_is_chosen(page: FitPage, qtbot: QtBot) -> None:
    page.show_loaded("Gemma 3 12B", INFO)
    before = page.plan
    _button(page, "In memory").click()
    assert (page.plan.encoder_on_card, page.plan.gpu_layers > before.gpu_layers) == (False, True)
    assert "an image takes about 1 min" in page.side.reason.text.lower()
    with qtbot.waitSignal(page.plan_chosen) as chosen:
        page.side.use.click()
    assert chosen.args[0].images == "memory"
    _button(page, "Off").click()
    assert page.plan.vision == 0
    with qtbot.waitSignal(page.plan_chosen) as chosen:
        page.side.use.click()
    assert chosen.args[0].images == "off"
    with qtbot.waitSignal(page.plan_chosen) as chosen:
        page.side.leave.click()
    assert chosen.args == [LoadOptions(), None]


@pytest.mark.parametrize("name", ["Faster", "Better"])
def test_an_alternative_is_shown_when_it_is_pressed(page: FitPage, name: str, micro_model: Path) -> None:
    before, button = page.plan, _button(page, f"{name}: ")
    words = button.accessibleName()
    button.click()
    assert words.startswith(f"{name}: with {page.plan.gpu_layers} of 49 layers on the graphics card, a context of ")
    assert f"a context of {page.plan.context:,} tokens" in words
    assert page.plan.verdict is not Verdict.NO
    assert page.plan.gpu_layers > before.gpu_layers if name == "Faster" else page.plan.context > before.context
    shown = page.table.fits.plan_at(page.table.currentIndex())
    assert shown == page.plan


def test_an_alternative_of_a_file_is_a_row(page: FitPage) -> None:
    page.show_file(Path("/a.gguf"), Need(of_model(catalogue()[0]).weights[0].shape))
    assert page.plan.kv_type == "f16"
    QApplication.processEvents()
    _button(page, "Faster: ").click()
    assert page.plan.kv_type != "f16"
    assert str(page.table.fits.index(page.table.currentIndex().row(), 0).data()) == f"{page.plan.kv_type} cache"


def test_the_smallest_contexts_leave_a_narrow_window(page: FitPage) -> None:
    def shown() -> list[str]:
        fits, table = page.table.fits, page.table
        return [str(fits.index(0, at).data()) for at in range(1, 9) if not table.isColumnHidden(at)]

    assert shown() == ["1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k"]
    page.resize(480, 700)
    QApplication.processEvents()
    assert shown() == ["4k", "8k", "16k", "32k", "64k", "128k"]
    page.table.choose(0, 0)
    assert shown() == ["1k", "8k", "16k", "32k", "64k", "128k"], "the current one stays"
    page.resize(1280, 780)
    QApplication.processEvents()
    assert len(shown()) == 8


def test_a_context_that_is_no_power_of_two_has_its_column(page: FitPage, micro_model: Path) -> None:
    need = need_of(micro_model)
    assert need.shape is not None
    page.show_file(micro_model, Need(replace(need.shape, trained_context=40960)))
    assert page.table.fits.index(0, 7).data() == "40k"
    page.show_file(micro_model, Need(replace(need.shape, trained_context=512)))
    assert page.table.fits.columnCount() == 2
    assert page.side.title.text.startswith("f16 cache at 512 ")
