"""The self-check that runs by itself: once per card and driver, and never without a card."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.chat.changes import SettingsChanged, WorkerDescribed
from app.core.protocol import Described, Device
from app.core.settings import LoadOptions, Settings
from app.models.drivers import driver
from app.ui.main_window import MainWindow
from app.ui.models.by_itself import CheckByItself
from app.ui.models.machine_check import MachineCheck, Report, SetAside
from tests.ui.test_top_bar import READY
from tests.ui.windows import Asked

CARD = Device("Vulkan0", "A card", "gpu", 4 << 30, 8 << 30)
KEY = f"A card, {driver('A card')}"


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[MachineCheck]:
    """The checks that were begun; none of them runs."""
    found: list[MachineCheck] = []
    monkeypatch.setattr(MachineCheck, "begin", lambda check: found.append(check))
    return found


def _waited(window: MainWindow, asked: Asked, qtbot: QtBot) -> CheckByItself:
    """A window that has been idle for long enough."""
    desk = window.models_now
    made = CheckByItself(window.screen_now, window.actions_now, desk._made_check, desk, idle_ms=1)
    window.apply(READY)
    qtbot.waitUntil(lambda: ("describe",) in asked.calls, timeout=2000)
    asked.take()
    return made


def _tell(window: MainWindow, *devices: Device) -> None:
    window.apply(WorkerDescribed(Described(1, {}, devices, "", ())))


def test_a_new_card_is_checked_once(window: MainWindow, asked: Asked, qtbot: QtBot, begun: list[MachineCheck]) -> None:
    _waited(window, asked, qtbot)
    _tell(window, CARD)
    _tell(window, CARD)
    (check,) = begun
    check.report = Report((CARD,), (), SetAside((), ("A card",), ("A card sees pictures wrongly.",)))  # type: ignore[arg-type]
    check.changed.emit()
    expected = Settings(checked=(KEY,), load=LoadOptions(encoder_avoid=("A card",)))
    assert ("change_settings", expected) in asked.take()
    assert window.chat.notice.sentence.text == "A card sees pictures wrongly."


def test_a_card_that_was_checked_and_a_machine_without_one_are_left_alone(
    window: MainWindow, asked: Asked, qtbot: QtBot, begun: list[MachineCheck]
) -> None:
    window.apply(SettingsChanged(Settings(checked=(KEY,))))
    _waited(window, asked, qtbot)
    _tell(window, CARD)
    _tell(window, Device("CPU", "A processor", "cpu", 0, 0))
    assert begun == []


def test_a_description_that_somebody_else_asked_for_begins_nothing(
    window: MainWindow, begun: list[MachineCheck]
) -> None:
    _tell(window, CARD)
    assert begun == []
