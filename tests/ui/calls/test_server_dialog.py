"""Adding a tool server: what runs is shown in full, and it stays only after a start that answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.chat.changes import ServerRow, ServerTried
from app.core.tools import ServerConfig
from app.ui.calls.server_dialog import ServerDialog
from app.ui.look import Look
from tests.ui.calls.making import ECHO, FORGET, Heard, button, flush, is_there, listed, only, server, texts

COMMAND = "npx -y @scope/server-memory"
Open = Callable[..., ServerDialog]


@pytest.fixture
def open_dialog(look: Look, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the dialog over a window of 1280 x 820."""
    monkeypatch.setattr("app.ui.calls.server_dialog._WAIT_MS", 20)
    monkeypatch.setenv("SHELL", "")  # the person's PATH is asked of their shell, which is not what is tested here
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", "/home/me")
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1280, 820)
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)

    def opened(review: ServerRow | None = None, known: Sequence[str] = ()) -> ServerDialog:
        dialog = ServerDialog(look, window, review, known)
        dialog.open_over()
        flush()
        return dialog

    return opened


def line(dialog: ServerDialog, name: str) -> QLineEdit:
    return only(dialog, QLineEdit, name)


def runs(dialog: ServerDialog) -> str:
    """What runs, in full."""
    return only(dialog, QPlainTextEdit, "What runs, in full").toPlainText()


def write(qtbot: QtBot, dialog: ServerDialog, command: str) -> None:
    """Write a command and wait until it is shown."""
    before = runs(dialog)
    line(dialog, "Command line").setText(command)
    qtbot.waitUntil(lambda: runs(dialog) != before, timeout=3000)


def paste(qtbot: QtBot, dialog: ServerDialog, text: str) -> None:
    """Paste JSON and wait until it was read."""
    if not is_there(dialog, "Configuration as JSON"):
        button(dialog, "Paste JSON").click()
    before = runs(dialog)
    only(dialog, QPlainTextEdit, "Configuration as JSON").setPlainText(text)
    qtbot.waitUntil(lambda: runs(dialog) != before, timeout=3000)


def tried(message: str = "", **rest: object) -> ServerTried:
    """How a test start ended."""
    values: dict[str, object] = {"detail": "", "title": "Memory", "version": "1.2", "seconds": 0.5, **rest}
    return ServerTried(name="memory", message=message, tools=(ECHO, FORGET), **values)  # type: ignore[arg-type]


def can_add(dialog: ServerDialog) -> bool:
    return button(dialog, "Add server").isEnabled()


def test_what_is_written_is_what_runs(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    line(dialog, "Working folder").setText("~/notes")
    only(dialog, QPlainTextEdit, "Environment").setPlainText("  KEY=a b=c \n\nLEVEL=\n")
    write(qtbot, dialog, "my-server --flag 'a b'")
    shown = runs(dialog)
    assert shown.startswith("cd /home/me/notes && env -i ")
    for part in ("'KEY=a b=c'", "LEVEL=", "PATH=/usr/bin:/bin", "HOME=/home/me", "my-server --flag 'a b'"):
        assert part in shown
    heard = Heard(dialog.tried)
    button(dialog, "Test start").click()
    config = ServerConfig(
        "a b", ("my-server", "--flag", "a b"), folder="/home/me/notes", environment=(("KEY", "a b=c"), ("LEVEL", ""))
    )
    assert heard.told == [(config,)]


def test_a_long_command_is_never_cut(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    words = [f"--argument-{number}=/a/long/path/to/something/number/{number}" for number in range(300)]
    write(qtbot, dialog, f"server {' '.join(words)}")
    field = only(dialog, QPlainTextEdit, "What runs, in full")
    assert runs(dialog).endswith(" ".join(words))
    assert "…" not in runs(dialog)
    assert field.lineWrapMode() == QPlainTextEdit.LineWrapMode.WidgetWidth
    assert field.horizontalScrollBar().maximum() == 0
    assert field.verticalScrollBar().maximum() > 0, "it scrolls to its end"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("npx -y @modelcontextprotocol/server-memory", "memory"),
        ("uvx mcp-server-fetch==1.2", "fetch"),
        ("uvx files-mcp", "files"),
        ("python /opt/tools/run.py", "python"),
        ("/usr/bin/only", "only"),
        ("mcp", "mcp"),
    ],
)
def test_a_server_without_a_name_is_named_after_its_command(
    open_dialog: Open, qtbot: QtBot, command: str, name: str
) -> None:
    dialog = open_dialog()
    write(qtbot, dialog, command)
    assert line(dialog, "Name").placeholderText() == name
    line(dialog, "Name").setText("mine")
    heard = Heard(dialog.tried)
    button(dialog, "Test start").click()
    assert heard.told[0][0].name == "mine"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("Command line", "server 'a", "A quotation mark in the command has no end."),
        ("Environment", "KEY", "The environment is written NAME=value, one in a line."),
        ("Environment", "A=1\n=2", "The environment is written NAME=value, one in a line."),
    ],
)
def test_what_cannot_run_is_said_in_a_sentence(
    open_dialog: Open, qtbot: QtBot, field: str, text: str, said: str
) -> None:
    dialog = open_dialog()
    write(qtbot, dialog, "server")
    if field == "Environment":
        only(dialog, QPlainTextEdit, field).setPlainText(text)
    else:
        line(dialog, field).setText(text)
    heard = Heard(dialog.tried)
    button(dialog, "Test start").click()  # at once: before the pause after the last key is over
    assert heard.told == []
    assert runs(dialog) == said
    assert not button(dialog, "Test start").isEnabled()
    assert not can_add(dialog)


def test_nothing_can_be_tried_or_added_at_first(open_dialog: Open) -> None:
    dialog = open_dialog()
    assert not button(dialog, "Test start").isEnabled()
    assert not can_add(dialog)
    assert line(dialog, "Command line").text() == ""


def test_a_server_stays_after_a_start_that_answered(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    asked, added = Heard(dialog.tried), Heard(dialog.added)
    write(qtbot, dialog, COMMAND)
    button(dialog, "Test start").click()
    assert not can_add(dialog)
    assert not button(dialog, "Test start").isEnabled()
    assert any(text.startswith("It starts…") for text in texts(dialog))
    dialog.show_tried(tried("It ended at once.", detail="npm: no such package"))
    flush()
    assert "It ended at once. npm: no such package" in texts(dialog)
    assert not can_add(dialog)
    button(dialog, "Test again").click()
    answered = tried()
    dialog.show_tried(answered)
    flush()
    assert "It started, answered and was stopped again. 0.5 s, over stdio, Memory 1.2" in texts(dialog)
    assert "changes something" in texts(dialog)
    QTest.mouseClick(only(dialog, QCheckBox, "Use forget"), Qt.MouseButton.LeftButton)
    assert can_add(dialog)
    button(dialog, "Add server").click()
    config = ServerConfig("memory", ("npx", "-y", "@scope/server-memory"))
    assert asked.told == [(config,), (config,)]
    assert added.told == [(config, answered, ("forget",))]


@pytest.mark.parametrize("field", ["Name", "Command line", "Working folder", "Environment"])
def test_an_edit_after_the_start_asks_for_another(open_dialog: Open, qtbot: QtBot, field: str) -> None:
    dialog = open_dialog()
    write(qtbot, dialog, COMMAND)
    button(dialog, "Test start").click()
    dialog.show_tried(tried())
    assert can_add(dialog)
    if field == "Environment":
        only(dialog, QPlainTextEdit, field).setPlainText("A=1")
    else:
        line(dialog, field).setText("other")
    assert not can_add(dialog)


def test_the_answer_of_another_command_adds_nothing(open_dialog: Open, qtbot: QtBot) -> None:
    """The command was edited while the test start ran: what is there now was never started."""
    dialog = open_dialog()
    added = Heard(dialog.added)
    write(qtbot, dialog, COMMAND)
    button(dialog, "Test start").click()
    write(qtbot, dialog, "rm -r something")
    dialog.show_tried(tried())
    assert not can_add(dialog)
    button(dialog, "Add server").click()
    assert added.told == []


def test_a_start_that_failed_takes_back_the_one_before(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    write(qtbot, dialog, COMMAND)
    button(dialog, "Test start").click()
    dialog.show_tried(tried())
    button(dialog, "Test again").click()
    dialog.show_tried(tried("It ended at once."))
    assert not can_add(dialog)


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"mcpServers": {}}', '{"mcpServers": {"a": {}}}', '{"command": "x"}', '{"a": {"url": "ftp://x"}}',
        '{"a": {"command": "x", "env": {"K": []}}}',
    ],
)  # fmt: skip
def test_pasted_json_that_is_no_server_is_said_in_a_sentence(open_dialog: Open, qtbot: QtBot, text: str) -> None:
    dialog = open_dialog()
    paste(qtbot, dialog, text)
    assert runs(dialog)[-1] in ".…}"
    assert not button(dialog, "Test start").isEnabled()
    assert not can_add(dialog)


def test_pasted_json_is_taken_whole(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    heard = Heard(dialog.tried)
    paste(
        qtbot,
        dialog,
        '{"mcpServers": {"memory": {"command": "npx", "args": ["-y", "a b"], "env": {"K": "v"}, "cwd": "~/x"}}}',
    )
    assert runs(dialog).startswith("cd /home/me/x && env -i ")
    assert "K=v" in runs(dialog)
    assert runs(dialog).endswith("-y 'a b'")
    button(dialog, "Test start").click()
    config = ServerConfig("memory", ("npx", "-y", "a b"), folder="~/x", environment=(("K", "v"),))
    assert heard.told == [(config,)]


def test_a_text_with_several_servers_adds_those_that_are_not_here(look: Look, open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog(known=["Memory"])
    asked, added, ended = Heard(dialog.tried), Heard(dialog.added), Heard(dialog.finished)
    commands = {name: {"command": f"run-{name}"} for name in ("memory", "time", "files", "git")}
    paste(qtbot, dialog, json.dumps({"mcpServers": commands}))
    for name in ("time", "files", "git"):
        assert runs(dialog).endswith(f"run-{name}")
        assert not can_add(dialog), "each is started for a look"
        (button(dialog, "Test start") if name == "time" else button(dialog, "Test again")).click()
        dialog.show_tried(tried())
        assert not ended.told
        button(dialog, "Add server").click()
    assert [config.name for (config,) in asked.told] == ["time", "files", "git"]
    assert [config.name for config, _, _ in added.told] == ["time", "files", "git"]
    assert len(ended.told) == 1


def test_a_name_that_is_taken_is_said_before_the_start(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog(known=["Memory"])
    line(dialog, "Name").setText("memory")
    write(qtbot, dialog, COMMAND)
    assert runs(dialog) == "There is a server of this name already. Give it another."
    assert not button(dialog, "Test start").isEnabled()


@pytest.mark.parametrize("way", ["Command", "Paste JSON"])
def test_a_server_at_an_address(open_dialog: Open, qtbot: QtBot, way: str) -> None:
    dialog = open_dialog()
    if way == "Command":
        write(qtbot, dialog, "https://example.org/mcp")
    else:
        paste(qtbot, dialog, '{"a": {"url": "https://example.org/mcp", "headers": {"X": "y"}}}')
    assert runs(dialog) == "Connects to https://example.org/mcp"
    assert any("reached over the network: https://example.org/mcp" in text for text in texts(dialog))
    button(dialog, "Test start").click()
    dialog.show_tried(tried())
    assert any("over HTTP" in text for text in texts(dialog))


def test_the_two_ways_keep_what_was_written(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    write(qtbot, dialog, COMMAND)
    paste(qtbot, dialog, '{"a": {"command": "x"}}')
    before = runs(dialog)
    button(dialog, "Command").click()
    qtbot.waitUntil(lambda: runs(dialog) != before, timeout=3000)
    assert line(dialog, "Command line").text() == COMMAND
    assert "server-memory" in runs(dialog)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"command": "x", "args": ["\u202egpj"], "env": {"K": "\u202e"}}}',
        '{"a": {"url": "https://example.org/\u202e"}}',
        '{"a": {"command": "x", "env": {"\u202eK": []}}}',
    ],
    ids=["command", "address", "error"],
)
def test_nothing_is_hidden_in_what_was_pasted(open_dialog: Open, qtbot: QtBot, text: str) -> None:
    dialog = open_dialog()
    paste(qtbot, dialog, text)
    assert "⟦U+202E⟧" in runs(dialog)
    field = only(dialog, QPlainTextEdit, "Configuration as JSON")
    assert "\u202e" not in "".join(set(texts(dialog)) - {field.toPlainText()})


def test_what_tools_say_of_themselves_hides_nothing(open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    odd = type(ECHO)("a\u202eb", "Reads\u200b.", {})
    write(qtbot, dialog, COMMAND)
    button(dialog, "Test start").click()
    dialog.show_tried(tried(title="\u202eMem", version="\u200b1"))
    dialog.show_tried(ServerTried("memory", "", "", "\u202eMem", "\u200b1", 0.5, (odd, type(ECHO)("silent", "", {}))))
    flush()
    found = texts(dialog)
    assert {"a⟦U+202E⟧b", "Reads⟦U+200B⟧.", "It says nothing of itself."} <= set(found)
    assert not {"\u202e", "\u200b"} & set("".join(found))
    assert is_there(dialog, "Use a⟦U+202E⟧b")


# -- what has changed


def test_what_is_new_is_accepted_as_it_was_shown(open_dialog: Open) -> None:
    dialog = open_dialog(server(unseen=("forget",)))
    heard = Heard(dialog.accepted_tools)
    assert dialog.accessibleName() == "What the tools say of themselves now"
    assert "memory has changed. Look at what is new before you go on." in texts(dialog)
    assert texts(dialog).count("new or changed") == 1
    assert not is_there(dialog, "Test start")
    only(dialog, QCheckBox, "Use forget").setChecked(False)
    button(dialog, "Accept").click()
    assert heard.told == [("memory", (ECHO, FORGET), ("forget",))]


def test_tools_that_change_while_they_are_looked_at_are_shown_again(open_dialog: Open) -> None:
    dialog = open_dialog(server(unseen=("forget",)))
    heard = Heard(dialog.accepted_tools)
    other = type(FORGET)("forget", "Sends all.", {"type": "object"})
    dialog.show_listed(listed(servers=(server(unseen=("forget",)),)))
    dialog.show_listed(listed(servers=(server(tools=(other,), unseen=("forget",)),)))
    flush()
    assert "Sends all." in texts(dialog)
    assert "Forgets all." not in texts(dialog)
    dialog.show_listed(listed(servers=()))
    button(dialog, "Accept").click()
    assert heard.told == [("memory", (other,), ())]


def test_a_tool_that_was_unticked_stays_so_when_others_change(open_dialog: Open) -> None:
    dialog = open_dialog(server(unseen=("forget",)))
    only(dialog, QCheckBox, "Use echo").setChecked(False)
    other = type(FORGET)("forget", "Sends all.", {"type": "object"})
    dialog.show_listed(listed(servers=(server(tools=(ECHO, other), unseen=("forget",)),)))
    flush()
    assert not only(dialog, QCheckBox, "Use echo").isChecked()


@pytest.mark.parametrize("by", ["escape", "Cancel", "Close"])
def test_leaving_adds_nothing(open_dialog: Open, qtbot: QtBot, by: str) -> None:
    dialog = open_dialog()
    added, finished = Heard(dialog.added), Heard(dialog.finished)
    write(qtbot, dialog, COMMAND)
    button(dialog, "Test start").click()
    dialog.show_tried(tried())
    if by == "escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        button(dialog, by).click()
    assert added.told == []
    assert len(finished.told) == 1


def test_everything_has_its_place(face: Look, open_dialog: Open, qtbot: QtBot) -> None:
    dialog = open_dialog()
    write(qtbot, dialog, COMMAND)
    button(dialog, "Test start").click()
    dialog.show_tried(tried())
    flush()
    for each in dialog.findChildren(QAbstractButton):
        if each.isVisible():
            assert dialog.rect().contains(QRect(each.mapTo(dialog, QPoint(0, 0)), each.size())), each.accessibleName()
            assert each.accessibleName() or each.text()
    rightwards = dialog.layoutDirection() == Qt.LayoutDirection.LeftToRight
    form = line(dialog, "Command line").mapTo(dialog, QPoint(0, 0)).x()
    tools = only(dialog, QCheckBox, "Use echo").mapTo(dialog, QPoint(0, 0)).x()
    assert (form < tools) == rightwards
    assert not dialog.grab().isNull()
