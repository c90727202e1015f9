"""The window's download: a process that is paused, gone on with and given up, whatever its server does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from app.core.paths import DataPaths
from app.models.hub import Hub
from app.models.refreshed import Refreshed
from app.ui.models.downloader import Downloader
from tests.models.hub_server import Faults, HubServer, micro_hub


@pytest.fixture
def server(micro_model: Path) -> Iterator[HubServer]:
    with micro_hub(micro_model) as hub:
        yield hub


@pytest.fixture
def downloader(tmp_path: Path, server: HubServer, qapp: object) -> Iterator[Downloader]:
    paths = DataPaths(tmp_path)
    Refreshed(paths.refreshed).refresh(Hub(server.endpoint), lambda done, total: None, Event())
    server.asked.clear()
    made = Downloader(lambda: paths)
    yield made
    made.close()


def _begin(downloader: Downloader, server: HubServer) -> None:
    downloader.begin("gemma-3-12b", "", vision=True, endpoint=server.endpoint)


def _waits_for_a_silent_server(downloader: Downloader, server: HubServer, qtbot: QtBot) -> None:
    server.faults = Faults(silent=True)
    _begin(downloader, server)
    qtbot.waitUntil(lambda: bool(server.asked), timeout=30_000)


def test_a_pause_does_not_wait_for_a_silent_server(downloader: Downloader, server: HubServer, qtbot: QtBot) -> None:
    _waits_for_a_silent_server(downloader, server, qtbot)
    downloader.pause()
    server.faults = Faults()
    with qtbot.waitSignal(downloader.fetched, timeout=15_000):  # less than the server is waited for
        _begin(downloader, server)
        assert downloader.running
    assert (downloader.error, downloader.order) == ("", None)


def test_another_begins_as_soon_as_one_is_given_up(downloader: Downloader, server: HubServer, qtbot: QtBot) -> None:
    _waits_for_a_silent_server(downloader, server, qtbot)
    downloader.forget()
    assert downloader.order is None
    server.faults = Faults()
    with qtbot.waitSignal(downloader.fetched, timeout=15_000):
        _begin(downloader, server)
    assert downloader.error == ""


def test_what_was_given_up_does_not_come_back(downloader: Downloader, server: HubServer, qtbot: QtBot) -> None:
    _waits_for_a_silent_server(downloader, server, qtbot)
    downloader.pause()
    _begin(downloader, server)
    downloader.forget()
    qtbot.waitUntil(lambda: not downloader.busy, timeout=15_000)
    assert (downloader.error, downloader.order, downloader.total) == ("", None, 0)


def test_a_download_that_cannot_begin_is_said(
    downloader: Downloader, server: HubServer, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("app.ui.models.fetch_process.entry_of", lambda *_: ["/nowhere/cabochon-fetch"])
    _begin(downloader, server)
    qtbot.waitUntil(lambda: not downloader.busy, timeout=5_000)
    assert downloader.error == "The download could not begin. Try again."
    monkeypatch.undo()
    with qtbot.waitSignal(downloader.fetched, timeout=15_000):
        _begin(downloader, server)


def test_whom_it_asks_is_said(
    downloader: Downloader, server: HubServer, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    with qtbot.waitSignal(downloader.fetched, timeout=15_000):
        downloader.begin("gemma-3-12b", "", vision=True, endpoint="")
        assert downloader.host == "127.0.0.1"
    assert server.asked
