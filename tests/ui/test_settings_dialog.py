"""The settings: every control shows its value and changes it at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.core.settings import LoadOptions, Sampling, Settings
from app.core.versions import program_version
from app.ui import about_page
from app.ui.controls import Button, Switch
from app.ui.look import Look
from app.ui.settings_controls import FolderButton, MenuButton
from app.ui.settings_dialog import SettingsDialog
from tests.ui.test_top_bar import READY

Kind = TypeVar("Kind", bound=QWidget)


@pytest.fixture
def window(look: Look, qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(1280, 820)
    made.show()
    made.activateWindow()
    return made


@pytest.fixture
def dialog(look: Look, window: QWidget) -> SettingsDialog:
    made = SettingsDialog(look, window, Settings(), READY)
    made.open_over()
    return made


def _find(dialog: QWidget, kind: type[Kind], name: str) -> Kind:
    found = [child for child in dialog.findChildren(kind) if child.accessibleName() == name]
    assert len(found) == 1, (kind, name, found)
    return found[0]


def _last(told: list[Settings]) -> Settings:
    assert told
    return told[-1]


@pytest.fixture
def told(dialog: SettingsDialog) -> list[Settings]:
    """What the dialog has told, in order."""
    heard: list[Settings] = []
    dialog.changed.connect(heard.append)
    return heard


def test_every_control_has_a_name(dialog: SettingsDialog) -> None:
    buttons = [control.accessibleName() or control.text() for control in dialog.findChildren(QAbstractButton)]
    fields = [field.accessibleName() for field in dialog.findChildren(QLineEdit)]
    assert all(buttons)
    assert all(fields)
    assert dialog.accessibleName() == "Settings"


def test_recommended_values_stand_in_empty_fields(dialog: SettingsDialog) -> None:
    field = _find(dialog, QLineEdit, "Temperature")
    assert field.text() == ""
    assert field.placeholderText() == "1 recommended"
    assert _find(dialog, QLineEdit, "Top-p").placeholderText() == "0.95 recommended"


def test_a_number_is_taken_when_the_field_is_left(dialog: SettingsDialog, told: list[Settings]) -> None:
    dialog.show_page("Sampling")
    field = _find(dialog, QLineEdit, "Temperature")
    QTest.keyClicks(field, "0.7")
    assert told == []
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert _last(told).sampling.temperature == 0.7
    field.clear()
    QTest.keyClicks(field, "9")
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    assert _last(told).sampling.temperature is None


def test_numbers_out_of_range_are_not_taken(dialog: SettingsDialog, told: list[Settings]) -> None:
    dialog.show_page("Sampling")
    field = _find(dialog, QLineEdit, "Top-p")
    QTest.keyClicks(field, "1.5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert all(settings.sampling.top_p != 1.5 for settings in told)


def test_changes_build_on_each_other(dialog: SettingsDialog, told: list[Settings]) -> None:
    dialog.show_page("Sampling")
    for name, text in [("Top-k", "20"), ("Seed", "7")]:
        field = _find(dialog, QLineEdit, name)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)
    dialog.show_page("Model")
    threads = _find(dialog, QLineEdit, "Threads")
    QTest.keyClicks(threads, "2")
    QTest.keyClick(threads, Qt.Key.Key_Return)
    assert _last(told).sampling == Sampling(top_k=20, seed=7)
    assert _last(told).load == LoadOptions(threads=2)


def test_recommended_values_can_be_taken_back(look: Look, window: QWidget) -> None:
    settings = Settings(sampling=Sampling(temperature=0.2, top_k=5), system_prompt="Be brief.")
    dialog = SettingsDialog(look, window, settings, READY)
    heard: list[Settings] = []
    dialog.changed.connect(heard.append)
    assert _find(dialog, QLineEdit, "Temperature").text() == "0.20"
    reset = next(button for button in dialog.findChildren(Button) if button.text() == "Use recommended values")
    reset.click()
    assert heard == [msgspec.structs.replace(settings, sampling=Sampling())]
    assert _find(dialog, QLineEdit, "Temperature").text() == ""
    assert not reset.isEnabled()


def test_a_choice_from_a_menu_is_told(dialog: SettingsDialog, told: list[Settings]) -> None:
    context = _find(dialog, MenuButton, "Context")
    assert context.text() == "Automatic, 8k"
    context._choose(16_384)
    _find(dialog, MenuButton, "Cache type")._choose("q8_0")
    assert _last(told).load == LoadOptions(context=16_384, kv_type="q8_0")


def test_contexts_end_where_the_model_was_trained(look: Look, window: QWidget) -> None:
    assert READY.model is not None
    small = msgspec.structs.replace(READY.model, trained_context=8192)
    dialog = SettingsDialog(look, window, Settings(), replace(READY, model=small))
    context = _find(dialog, MenuButton, "Context")
    assert [value for value, _ in context._values] == [0, 2048, 4096, 8192]


def test_the_theme_and_the_date_apply_at_once(dialog: SettingsDialog, told: list[Settings]) -> None:
    _find(dialog, QAbstractButton, "Dark").click()
    assert _last(told).theme == "dark"
    _find(dialog, Switch, "Tell the date").click()
    assert _last(told).stamp_date
    assert _last(told).theme == "dark"


def test_a_system_prompt_being_written_is_told_when_the_dialog_closes(
    dialog: SettingsDialog, told: list[Settings]
) -> None:
    prompt = _find(dialog, QPlainTextEdit, "System prompt")
    prompt.setPlainText("Answer in verse.")
    assert told == []
    dialog.accept()
    assert _last(told).system_prompt == "Answer in verse."


def test_settings_changed_elsewhere_are_shown(dialog: SettingsDialog) -> None:
    dialog.show_settings(Settings(text_scale=1.25, load=LoadOptions(threads=3)))
    assert _find(dialog, MenuButton, "Text size").text() == "125%"
    assert _find(dialog, QLineEdit, "Threads").text() == "3"


def test_the_keyboard_stays_in_the_dialog_and_escape_closes_it(
    dialog: SettingsDialog, window: QWidget, qtbot: QtBot
) -> None:
    outside = QLineEdit(window)
    outside.show()
    for forward in (True, False):
        for _ in range(30):
            dialog.focusNextPrevChild(forward)
            focus = window.focusWidget()
            assert focus is not None
            assert dialog.isAncestorOf(focus)
    with qtbot.waitSignal(dialog.finished):
        QTest.keyClick(dialog, Qt.Key.Key_Escape)


def test_it_fits_the_smallest_window(look: Look, window: QWidget) -> None:
    window.resize(480, 560)
    dialog = SettingsDialog(look, window, Settings(), READY)
    dialog.open_over()
    assert window.rect().contains(dialog.geometry())
    assert not dialog.grab().isNull()


def test_where_models_come_from_and_how_long_they_stay(dialog: SettingsDialog, told: list[Settings]) -> None:
    dialog.show_page("Model")
    mirror = _find(dialog, QLineEdit, "Fetch models from")
    QTest.keyClicks(mirror, "mirror.example/")
    QTest.keyClick(mirror, Qt.Key.Key_Return)
    assert _last(told).mirror == "https://mirror.example"
    _find(dialog, MenuButton, "Give memory back").chosen.emit(15)
    assert _last(told).rest_minutes == 15
    assert _find(dialog, MenuButton, "Cache type").text() == "Automatic"
    _find(dialog, FolderButton, "").settled.emit("/mnt/disk/models")
    assert _last(told).models_folder == "/mnt/disk/models"
    dialog.show_settings(_last(told))
    assert _find(dialog, QAbstractButton, "Models folder").text() == "…/models"
    _find(dialog, QAbstractButton, "Models folder: the usual one").click()
    assert _last(told).models_folder == ""


def test_about_tells_the_version_and_the_licences(
    dialog: SettingsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "licences.txt").write_text("Everything is free.\n", encoding="utf-8")
    monkeypatch.setattr(about_page, "resources", lambda: tmp_path)
    dialog.show_page("About")
    shown = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert program_version() in shown
    assert _find(dialog, QPlainTextEdit, "Licences").toPlainText() == "Everything is free.\n"


def test_from_source_about_says_where_the_licences_are(dialog: SettingsDialog) -> None:
    dialog.show_page("About")
    assert "source" in _find(dialog, QPlainTextEdit, "Licences").toPlainText()
