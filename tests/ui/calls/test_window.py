"""Calls and tools in the main window: the parts of an answer, what waits, the panel, folders, servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QListView
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ServerRow, ToolRow, ToolsListed
from app.core.message import MessageState, Role
from app.core.tools import (
    Asked as About,
)
from app.core.tools import (
    Call,
    CallDecision,
    CallState,
    Effect,
    Grant,
    LoggedCall,
    ServerConfig,
    ServerTool,
    Verdict,
)
from app.ui.calls.call_log import export_entries
from app.ui.calls.folder_card import FolderCard
from app.ui.calls.server_dialog import ServerDialog
from app.ui.calls.tools_panel import ToolsPanel
from app.ui.main_window import MainWindow
from app.ui.transcript.message import Message
from tests.ui.calls.making import flush
from tests.ui.windows import Asked, message

DONE = Call("c1", "calculator", "", {"expression": "12 * 7"}, CallState.DONE, CallDecision.ALLOWED, result="84")
WAITS = Call(
    "c2", "write_file", "", {"path": "a.txt"}, CallState.WAITING, asked=About("Writes.", Effect.WRITE, {}, "/a.txt")
)
ECHO = ServerTool("echo", "Says it again.", {"type": "object"}, reads_only=True)
CONFIG = ServerConfig("files", ("npx", "-y", "files"))


def _row(name: str, *, on: bool = True, origin: str = "", tokens: int | None = 40) -> ToolRow:
    return ToolRow(f"{origin}/{name}", name, origin, "", Effect.READ, on, Verdict.ALLOW, True, tokens, False)


def _listed(
    *, on: bool = True, too_small: bool = False, state: str = "running", unseen: tuple[str, ...] = ()
) -> ToolsListed:
    rows = (_row("calculator"), _row("current_time", on=False), _row("echo", origin="files"))
    server = ServerRow(CONFIG, True, state, 1, 40, "It broke." if state == "failed" else "", "", unseen, (ECHO,))
    return ToolsListed("a", on, too_small, rows, (server,), (Grant("/srv/data"),))


def _button(widget: object, name: str) -> QAbstractButton:
    buttons = widget.findChildren(QAbstractButton)  # type: ignore[attr-defined]
    (found,) = [one for one in buttons if one.accessibleName() == name and not one.isHidden()]
    assert isinstance(found, QAbstractButton)
    return found


@pytest.fixture
def panel(window: MainWindow) -> ToolsPanel:
    window.apply(_listed())
    window.tools_now.toggle_panel()
    (found,) = window.findChildren(ToolsPanel)
    return found


def _answered(window: MainWindow, *calls: Call, key: str = "m1", text: str = "") -> None:
    window.apply(told.MessageAdded(replace(message(key, text, Role.ASSISTANT), calls=calls)))


def replace_call(call: Call) -> Call:
    """The call when it has come back."""
    return Call(call.id, call.name, call.origin, call.arguments, CallState.DONE, result="1")


def test_an_answer_tells_that_it_calls(window: MainWindow) -> None:
    window.apply(told.MessageAdded(message("m1", "", Role.ASSISTANT, MessageState.STREAMING)))
    window.apply(told.CallWritten("a", "m1", "write_file", 42))
    row = next(one.foot.row for one in window.findChildren(Message) if one.entry and one.entry.calling)
    assert row.note is not None
    assert row.note.words == "Calls write_file · 42 tokens"


def test_the_panel_shows_and_switches(window: MainWindow, panel: ToolsPanel, asked: Asked) -> None:
    asked.take()
    switch = _button(panel, "current_time in this chat")
    switch.setFocus()
    switch.click()
    _button(panel, "Tools on in this chat").click()
    _button(panel, "Take back /srv/data").click()
    _button(panel, "Let it write in /srv/data").click()
    _button(panel, "Server files").click()
    assert asked.take() == [
        ("tools.switch", "/current_time", {"on": True}),
        ("tools.switch_all", {"on": False}),
        ("tools.take_back", "/srv/data"),
        ("tools.grant", Path("/srv/data"), {"write": True}),
        ("tools.enable_server", "files", {"enabled": False}),
    ]
    switch.setFocus()
    window.apply(_listed(too_small=True))
    focus = window.focusWidget()
    assert focus is not None
    assert focus.accessibleName() == "current_time in this chat", "the keyboard stays where it was"


def test_the_mark_beside_the_composer(window: MainWindow, asked: Asked) -> None:
    window.apply(_listed())
    mark = window.chat.composer.tools
    assert (mark.isChecked(), mark.accessibleDescription()) == (True, "2 on")
    asked.take()
    mark.click()
    assert asked.take() == [("tools.switch_all", {"on": False})]
    window.apply(_listed(on=False, too_small=True))
    assert not mark.isChecked()
    assert "small" in mark.toolTip()


def test_the_panel_stands_beside_the_chat_or_over_it(window: MainWindow, panel: ToolsPanel) -> None:
    window.resize(1280, 820)
    assert window.chat.geometry().right() < panel.geometry().left() + 2
    window.resize(800, 820)
    assert window.chat.geometry().right() > panel.geometry().left()
    assert window.panes.rail.isVisible()
    window.resize(600, 820)
    assert not window.panes.rail.isVisible()
    assert window.chat.top.tools.isVisible()


def test_the_log_is_shown_searched_and_exported(
    window: MainWindow, panel: ToolsPanel, asked: Asked, tmp_path: Path
) -> None:
    entries = (
        LoggedCall(1_790_000_000.0, "a", "c1", "calculator", "", '{"expression": "1"}', "done", "", 4.0),
        LoggedCall(1_790_000_000.0, "a", "c1", "calculator", "", '{"expression": "1"}', "allowed"),
    )
    window.apply(told.CallsLogged("", entries))
    (log,) = [one for one in panel.findChildren(QListView) if one.accessibleName() == "Decided calls"]
    model = log.model()
    assert model.rowCount() == 2
    assert str(model.data(model.index(1, 0))).endswith("calculator, allowed")
    export_entries(entries, tmp_path / "calls.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["allowed", "done"]
    asked.take()
    _button(panel, "Search decided calls").click()
    panel._log._search.setText("calc")
    assert asked.take()[-1] == ("tools.read_log", "calc")


def test_a_folder_is_asked_about_and_not_now_is_the_default(
    window: MainWindow, qtbot: QtBot, asked: Asked, tmp_path: Path
) -> None:
    window.tools_now.ask_folder(tmp_path)
    (card,) = window.findChildren(FolderCard)
    assert card.not_now.hasFocus()
    asked.take()
    QTest.keyClick(card.not_now, Qt.Key.Key_Return)
    assert not [call for call in asked.take() if call[0] == "tools.grant"]
    window.tools_now.ask_folder(tmp_path)
    flush()
    (card,) = [one for one in window.findChildren(FolderCard) if one.isVisible()]
    card.allow.click()
    assert ("tools.grant", tmp_path) in asked.take()
    qtbot.waitUntil(lambda: not [one for one in window.findChildren(FolderCard) if one.isVisible()])


def test_a_server_is_added_only_after_it_was_tried(window: MainWindow, qtbot: QtBot, asked: Asked) -> None:
    window.apply(_listed())
    window.tools_now.add_server()
    (dialog,) = window.findChildren(ServerDialog)
    dialog._form.command.setText("npx -y @scope/server-memory --flag 'a b'")
    dialog._form.environment.setPlainText("KEY=value")
    qtbot.waitUntil(lambda: "'a b'" in dialog._runs.toPlainText(), timeout=5000)
    assert "KEY=value" in dialog._runs.toPlainText()
    assert not dialog._add.isEnabled()
    asked.take()
    dialog._test.click()
    ((name, config),) = asked.take()
    assert (name, config.name, config.command[-1]) == ("tools.try_server", "memory", "a b")
    tried = told.ServerTried("memory", "", "", "Memory", "1", 0.5, (ECHO,))
    window.apply(tried)
    _button(dialog, "Use echo").click()
    dialog._add.click()
    assert asked.take() == [("tools.add_server", config, tried, ("echo",))]
    qtbot.waitUntil(lambda: not window.findChildren(ServerDialog))


def test_what_changed_is_accepted_as_it_was_shown(window: MainWindow, qtbot: QtBot, asked: Asked) -> None:
    window.apply(_listed(unseen=("echo",)))
    window.tools_now._on_server_asked("review", "files")
    (dialog,) = window.findChildren(ServerDialog)
    asked.take()
    dialog._add.click()
    assert asked.take() == [("tools.accept_tools", "files", (ECHO,), ())]
    qtbot.waitUntil(lambda: not window.findChildren(ServerDialog))
