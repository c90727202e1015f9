"""The panel of tools: counts and costs, what is switched and asked for, and that the keyboard stays where it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.core.tools import Effect, Grant, ServerConfig, Verdict
from app.ui.calls.tool_rows import FolderRowView, ServerRowView, ToolRowView, VerdictButton, server_words
from app.ui.calls.tools_mark import ToolsMark
from app.ui.calls.tools_panel import ToolsPanel
from app.ui.look import Look
from tests.ui.calls.making import Heard, button, flush, is_there, listed, only, row, server, texts


@pytest.fixture
def panel(look: Look, qtbot: QtBot) -> Iterator[ToolsPanel]:
    """The panel in the size that it has beside the chat, with its tools."""
    made = ToolsPanel(look)
    qtbot.addWidget(made)
    made.resize(320, 780)
    made.show()
    made.activateWindow()
    assert QTest.qWaitForWindowActive(made)
    made.show_tools(listed())
    flush()
    yield made
    made.close()


def choose(parent: QWidget, name: str) -> list[str]:
    """Choose this from the menu that is open; returns all that is in it."""
    menu = parent.findChild(QMenu)
    assert isinstance(menu, QMenu)
    offered = [action.text() for action in menu.actions() if action.text()]
    for action in menu.actions():
        if action.text() == name:
            action.trigger()
    menu.close()
    flush()
    return offered


@pytest.mark.parametrize(
    ("told", "context", "seconds", "said"),
    [
        ({}, 32_768, None, ("2 tools on", "1,240 tokens, 4% of 32k", "Switching one reads the chat again")),
        ({}, 0, 12.4, ("2 tools on", "1,240 tokens", "Switching one reads the chat again, about 12 s")),
        ({}, 8192, 0.2, ("2 tools on", "1,240 tokens, 15% of 8k", "Switching one reads the chat again, about 1 s")),
        (
            {"tools": (row("a"), row("b", on=False, tokens=900)), "servers": ()},
            8192,
            None,
            ("1 tool on", "40 tokens, 0% of 8k", "Switching one reads the chat again"),
        ),
        (
            {"tools": (row("a"), row("b", tokens=None))},
            8192,
            None,
            ("2 tools on", "", "Switching one reads the chat again"),
        ),
        ({"tools": ()}, 8192, None, ("0 tools on", "", "Switching one reads the chat again")),
        ({"on": False}, 8192, None, ("No tools", "", "Switching one reads the chat again")),
        (
            {"too_small": True},
            8192,
            None,
            (
                "2 tools on",
                "1,240 tokens, 15% of 8k",
                "This model is small: many of its calls will be wrong. Look before you approve.",
            ),
        ),
        (
            {"too_small": True, "on": False},
            8192,
            3.0,
            (
                "No tools",
                "",
                "This model is too small for tools: many of its calls would be wrong. They are off.",
            ),
        ),
    ],
)
def test_how_many_tools_are_on_and_what_they_cost(
    panel: ToolsPanel, told: dict[str, object], context: int, seconds: float | None, said: tuple[str, str, str]
) -> None:
    panel.show_cost(context, seconds)
    panel.show_tools(listed(**told))
    flush()
    found = texts(panel)
    for sentence in filter(None, said):
        assert sentence in found
    assert [text for text in found if " tokens" in text] == [text for text in said if " tokens" in text]


def test_what_it_asks_for(panel: ToolsPanel, look: Look) -> None:
    signals = ("closed", "all_switched", "switched", "folder_asked", "taken_back", "writing_asked", "server_added")
    heard = {name: Heard(getattr(panel, name)) for name in (*signals, "server_asked", "show_asked")}
    for name in (
        "Close tools", "Tools on in this chat", "echo in this chat", "current_time in this chat",
        "Open a folder to this chat", "Take back", "Let it write", "Add a tool server", "Server memory",
    ):  # fmt: skip
        QTest.mouseClick(button(panel, name), Qt.MouseButton.LeftButton)
    panel.show_waiting("write_file")
    assert "write_file waits for you" in texts(panel)
    button(panel, "Show what waits").click()
    panel.show_waiting("")
    assert not is_there(panel, "Show what waits")
    assert {name: each.told for name, each in heard.items()} == {
        "closed": [()],
        "all_switched": [(False,)],
        "switched": [("memory/echo", False), ("/current_time", True)],
        "folder_asked": [()],
        "taken_back": [("/srv/data",)],
        "writing_asked": [("/srv/data",)],
        "server_added": [()],
        "server_asked": [("disable", "memory")],
        "show_asked": [()],
    }


def test_being_told_is_no_switching(panel: ToolsPanel) -> None:
    heard = [Heard(panel.all_switched), Heard(panel.switched), Heard(panel.server_asked)]
    panel.show_tools(listed(on=False))
    panel.show_tools(listed(tools=(row("calculator", on=False),), servers=(server(enabled=False),)))
    assert [each.told for each in heard] == [[], [], []]


@pytest.mark.parametrize("name", ["current_time in this chat", "echo in this chat", "Server memory", "echo: Ask"])
def test_the_keyboard_stays_on_the_same_control(panel: ToolsPanel, name: str) -> None:
    """The rows are made again after each switch: the old ones must not keep the keyboard, to be deleted with it."""
    button(panel, name).setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(2):
        panel.show_tools(listed())
        flush()
        assert panel.focusWidget() is button(panel, name)
        assert button(panel, name).hasFocus()


def test_the_keyboard_is_not_taken_from_elsewhere(panel: ToolsPanel) -> None:
    close = button(panel, "Close tools")
    close.setFocus()
    panel.show_tools(listed(on=False))
    flush()
    assert close.hasFocus()


def test_rows_are_made_again_without_leaving_any(panel: ToolsPanel) -> None:
    before = len(panel.findChildren(QWidget))
    for _ in range(3):
        panel.show_tools(listed())
        flush()
    assert len(panel.findChildren(QWidget)) == before
    panel.show_tools(listed(tools=(), servers=(), grants=()))
    flush()
    assert not panel.findChildren(ToolRowView)
    assert not panel.findChildren(ServerRowView)
    assert not panel.findChildren(FolderRowView)
    assert "None. Drop a folder on the window to let tools read it." in texts(panel)
    assert "None. A server is a program that brings more tools (MCP)." in texts(panel)


def test_tools_of_a_server_stand_below_it(face: Look, panel: ToolsPanel) -> None:
    other = server(config=ServerConfig("files", ("x",)))
    tools = (row("echo", origin="memory"), row("calculator"), row("list", origin="files"))
    panel.show_tools(listed(tools=tools, servers=(other, server())))
    flush()
    names = ["calculator in this chat", "Server files", "list in this chat", "Server memory", "echo in this chat"]
    spots = [button(panel, name).mapTo(panel, QPoint(0, 0)) for name in names]
    assert [spot.y() for spot in spots] == sorted(spot.y() for spot in spots)
    rightwards = panel.layoutDirection() == Qt.LayoutDirection.LeftToRight
    assert all((spot.x() > 200) == rightwards for spot in spots), "switches stand at the end side"
    for view in panel.findChildren(ToolRowView):
        inside = [QRect(each.mapTo(view, QPoint(0, 0)), each.size()) for each in view.findChildren(QWidget)]
        assert all(view.rect().contains(each) for each in inside)
    assert not panel.grab().isNull()


def test_tools_that_are_off_with_all_others_cannot_be_switched(panel: ToolsPanel) -> None:
    panel.show_tools(listed(on=False))
    flush()
    assert not button(panel, "calculator in this chat").isEnabled()
    panel.show_tools(listed(tools=(row("echo", origin="memory", unseen=True), row("calculator"))))
    flush()
    assert not button(panel, "echo in this chat").isEnabled()
    assert button(panel, "calculator in this chat").isEnabled()


@pytest.mark.parametrize(
    ("told", "offered"),
    [
        ({}, ["Allow", "Ask every time", "Deny"]),
        ({"may_always": False}, ["Allow in this chat", "Ask every time", "Deny"]),
        ({"effect": Effect.NETWORK}, ["Ask every time", "Deny"]),
    ],
)
def test_what_is_done_with_a_tool_is_chosen_from_a_menu(
    panel: ToolsPanel, told: dict[str, object], offered: list[str]
) -> None:
    heard = Heard(panel.verdict_chosen)
    panel.show_tools(listed(tools=(row("calculator", **told),)))
    flush()
    verdict = only(panel, VerdictButton, "calculator: Ask")
    assert verdict.text() == "Ask"
    verdict.click()
    assert choose(panel, "Deny") == offered
    verdict.click()
    choose(panel, offered[0])
    first = Verdict.ASK if "effect" in told else Verdict.ALLOW
    assert heard.told == [("/calculator", Verdict.DENY), ("/calculator", first)]


def test_a_tool_that_needs_the_network_says_so(panel: ToolsPanel) -> None:
    assert "Needs the network" not in texts(panel)
    panel.show_tools(listed(tools=(row("fetch", effect=Effect.NETWORK),)))
    flush()
    assert "Needs the network" in texts(panel)


@pytest.mark.parametrize(
    ("state", "told", "said"),
    [
        ("running", {}, "2 tools, running"),
        ("running", {"count": 1}, "1 tool, running"),
        ("running", {"count": 0}, "0 tools, running"),
        ("running", {"unseen": ("echo",)}, "A tool is new or changed, so off"),
        ("running", {"unseen": ("echo", "forget")}, "2 tools are new or changed, so off"),
        ("starting", {}, "starts…"),
        ("starting", {"unseen": ("echo",)}, "starts…"),
        ("stopped", {}, "starts with the first use"),
        ("stopped", {"enabled": False}, "off"),
        ("failed", {"message": "It ended\u202e."}, "It ended⟦U+202E⟧."),
        ("failed", {"message": "It ended.", "unseen": ("echo",)}, "It ended."),
    ],
)
def test_what_a_server_does(panel: ToolsPanel, state: str, told: dict[str, object], said: str) -> None:
    shown = server(state, **told)
    assert server_words(shown) == said
    heard = Heard(panel.server_asked)
    panel.show_tools(listed(servers=(shown,)))
    flush()
    assert said in texts(panel)
    changed = state == "running" and "unseen" in told
    assert is_there(panel, "Review memory") == changed
    if changed:
        button(panel, "Review memory").click()
        assert heard.told == [("review", "memory")]


@pytest.mark.parametrize(("name", "asked"), [("Start again", "restart"), ("Show its log", "log"), ("Remove", "remove")])
def test_more_about_a_server(panel: ToolsPanel, name: str, asked: str) -> None:
    heard = Heard(panel.server_asked)
    button(panel, "More about memory").click()
    assert choose(panel, name) == ["Start again", "Show its log", "Remove"]
    assert heard.told == [(asked, "memory")]


def test_a_folder_that_may_be_written_to_offers_that_no_more(
    panel: ToolsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    panel.show_tools(listed(grants=(Grant("/home/me/notes", write=True), Grant("/srv/\u202edata"))))
    flush()
    found = texts(panel)
    assert [text for text in ("~/notes", "Read, search; writing asks", "/srv/⟦U+202E⟧data", "Read, search")] == [
        text for text in found if text.startswith(("~", "/", "Read"))
    ]
    assert is_there(panel, "Let it write")
    button(panel, "Let it write")


def test_another_theme_and_text_size(panel: ToolsPanel, look: Look) -> None:
    button(panel, "echo in this chat").setFocus()
    for theme, scale in (("dark", 1.0), ("contrast", 1.5), ("light", 1.0)):
        look.choose(theme, scale)
        flush()
        assert panel.grab().toImage().pixelColor(160, 5).name() == look.colour("sidebar").name()
        assert button(panel, "echo in this chat").isVisible()


# -- the mark beside Attach


def test_the_mark_is_there_once_tools_are_known(face: Look, qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    holder.show()
    mark = ToolsMark(face)
    mark.setParent(holder)
    assert mark.isHidden()
    mark.show_tools(on=True, count=12, too_small=False)
    assert mark.isVisible()
    assert (mark.accessibleName(), mark.accessibleDescription()) == ("Tools in this chat", "12 on")
    assert mark.toolTip() == "Tell the model of no tools here"
    wide = mark.sizeHint().width()
    mark.resize(mark.sizeHint())
    assert mark.grab().toImage().pixelColor(5, 14).name() == face.colour("tint").name()
    mark.show_tools(on=True, count=2, too_small=True)
    assert mark.sizeHint().width() < wide
    assert mark.toolTip().startswith("This model is small: many of its calls will be wrong. Tell")
    mark.show_tools(on=False, count=2, too_small=False)
    assert (mark.isChecked(), mark.accessibleDescription()) == (False, "off")
    assert mark.toolTip() == "Let the model use tools here"


@pytest.mark.parametrize("on", [True, False])
def test_a_press_on_the_mark_switches(look: Look, qtbot: QtBot, on: bool) -> None:
    mark = ToolsMark(look)
    qtbot.addWidget(mark)
    mark.show_tools(on=on, count=2, too_small=False)
    mark.resize(mark.sizeHint())
    heard = Heard(mark.toggled)
    QTest.mouseClick(mark, Qt.MouseButton.LeftButton)
    QTest.keyClick(mark, Qt.Key.Key_Space)
    assert heard.told == [(not on,), (on,)]
