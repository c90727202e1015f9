"""What a person decided about tools, whatever they are called and whichever server starts first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.chat.changes import CallsLogged, ToolsListed
from app.core.errors import UsageError
from app.core.settings import Settings
from app.core.tools import CallState, ServerConfig, ServerEntry, ServerTool, Verdict, WrittenCall
from app.tools.frames import ServerStarted
from app.tools.pins import pins_of
from tests.chat.driving import Bench, calls_of

TOOLS = {name: ServerTool("echo", f"The echo of {name}.", {"type": "object"}) for name in "AB"}


def _started(bench: Bench, order: Sequence[str]) -> Bench:
    """With two servers of which each has an echo; nothing runs behind them."""
    entries = (ServerEntry(ServerConfig(name, ("no such program",)), pins=pins_of((TOOLS[name],))) for name in "AB")
    if not bench.store.settings().servers:
        bench.store.save_settings(Settings(servers=tuple(entries)))
    bench.start(Path("/models/gem.gguf"))
    bench.load_ends(parameters=12_000_000_000)
    for server in order:
        bench.take(bench.session.tools.handle(ServerStarted(server, "", "", (TOOLS[server],))))
    return bench


def _rows(bench: Bench) -> dict[tuple[str, str], tuple[str, Verdict]]:
    return {(row.origin, row.description): (row.key, row.verdict) for row in bench.last(ToolsListed).tools}


@pytest.mark.parametrize("order", ["AB", "BA", "B"])
def test_a_denied_tool_stays_denied_when_its_server_starts_first(new_bench: Callable[[], Bench], order: str) -> None:
    first = _started(new_bench(), "AB")
    key, _ = _rows(first)["B", "The echo of B."]
    first.take(first.session.tools.set_verdict(key, Verdict.DENY))
    first.close()
    second = _started(new_bench(), order)
    assert _rows(second)["B", "The echo of B."] == (key, Verdict.DENY)
    second.say("Echo")
    name = next(tool.name for tool in second.session._desk.toolbox.tools if tool.origin == "B")
    second.calls(WrittenCall(name, {}))
    assert calls_of(second)[-1].state is CallState.DENIED
    second.close()


def test_what_waits_is_of_the_same_tool_after_a_start_in_another_order(new_bench: Callable[[], Bench]) -> None:
    first = _started(new_bench(), "AB")
    first.say("Echo")
    first.calls(WrittenCall("B_echo", {}), WrittenCall("echo", {}))
    assert [(call.name, call.origin, call.asked_as) for call in calls_of(first)] == [
        ("B_echo", "B", "echo"),
        ("echo", "A", "echo"),
    ]
    conversation = first.conversation
    first.close()
    second = _started(new_bench(), "B")
    second.take(second.session.open_conversation(conversation))
    of_b, of_a = calls_of(second)
    assert of_b.asked is not None
    assert of_b.asked.description == "The echo of B."
    assert of_a.asked is None, "what another server says of its tool is nothing to decide by"
    with pytest.raises(UsageError, match="not there now"):
        second.session.tools.decide(of_a.id, approve=True)
    (told,) = second.session.tools.read_log()
    assert isinstance(told, CallsLogged)
    assert {(entry.tool, entry.origin) for entry in told.entries} == {("echo", "A"), ("echo", "B")}
    second.close()


def test_a_denied_tool_of_a_server_can_be_allowed_again(bench: Bench) -> None:
    tooled = _started(bench, "AB")
    key, _ = _rows(tooled)["B", "The echo of B."]
    for verdict in (Verdict.DENY, Verdict.ALLOW, Verdict.ASK, Verdict.DENY):
        tooled.take(tooled.session.tools.set_verdict(key, verdict))
        assert _rows(tooled)["B", "The echo of B."] == (key, verdict)
        assert _rows(tooled)["A", "The echo of A."][1] is Verdict.ASK


@pytest.mark.parametrize("name", ["a", " A ", "Ａ", "A\u200b", "\u2063A"])
def test_two_servers_do_not_look_the_same(bench: Bench, name: str) -> None:
    tooled = _started(bench, "A")
    with pytest.raises(UsageError):
        tooled.session._desk.tools.add_server(ServerConfig(name), (), ())
    assert [entry.config.name for entry in tooled.session.settings.servers] == ["A", "B"]


def test_a_file_may_be_read_always_where_it_asks(bench: Bench, tmp_path: Path) -> None:
    tooled = _started(bench, "")
    (tmp_path / "a.txt").write_text("a")
    tooled.take(tooled.session.tools.grant(tmp_path))
    tooled.take(tooled.session.tools.set_verdict("/read_file", Verdict.ASK))
    tooled.say("Read")
    tooled.calls(WrittenCall("read_file", {"path": "a.txt"}))
    (call,) = calls_of(tooled)
    assert call.asked is not None
    assert call.asked.may_always
    with pytest.raises(UsageError, match="not what read_file takes"):
        tooled.session.tools.decide(call.id, approve=True, arguments={"path": 1}, always=True)
    assert tooled.session.settings.tool_rules, "what was refused changes nothing"
    tooled.take(tooled.session.tools.decide(call.id, approve=True, always=True))
    assert tooled.session.settings.tool_rules == ()
    tooled.tool_ends()
    assert calls_of(tooled)[-1].result == "a"


def test_settings_that_were_read_before_take_no_denial_back(new_bench: Callable[[], Bench]) -> None:
    window, other = _started(new_bench(), "A"), new_bench()
    other.take(other.session.begin())
    before, elsewhere = window.session.settings, other.session.settings
    for key in ("/calculator", _rows(window)["A", "The echo of A."][0]):
        window.take(window.session.tools.set_verdict(key, Verdict.DENY))
    rules = window.session.settings.tool_rules
    window.take(window.session.change_settings(replace(before, theme="dark")))
    assert (window.session.settings.theme, window.session.settings.tool_rules) == ("dark", rules)
    other.take(other.session.change_settings(replace(elsewhere, mirror="https://mirror.example")))
    kept = window.store.settings()
    assert (kept.mirror, kept.tool_rules, kept.servers) == ("https://mirror.example", rules, before.servers)
    window.close()
