"""Tool servers in the session, real ones: tried, added, changed, gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.chat.changes import ServerTried, ToolsListed
from app.core.errors import UsageError
from app.core.protocol import Generate
from app.core.tools import CallState, WrittenCall
from app.tools.frames import HostDied, ServerFailed, ServerStarted, ToolsChanged
from tests.chat.driving import Bench, calls_of
from tests.tools.hosting import config


@pytest.fixture
def tooled(bench: Bench) -> Iterator[Bench]:
    bench.start(Path("/models/gem.gguf"))
    bench.load_ends(parameters=12_000_000_000)
    yield bench
    bench.close()


def _until(bench: Bench, kind: type) -> None:
    """What the host tells, up to the first event of this kind."""
    while True:
        event = bench.tool_events.get(timeout=30)
        bench.take(bench.session.tools.handle(event))
        if isinstance(event, kind):
            return


def _added(bench: Bench, name: str, script: str, *arguments: str, off: tuple[str, ...] = ()) -> None:
    server = config(name, script, *arguments)
    bench.take(bench.session.tools.try_server(server))
    _until(bench, ServerStarted)
    tried = bench.last(ServerTried)
    assert tried.message == ""
    bench.take(bench.session.tools.add_server(server, tried, off))
    _until(bench, ServerStarted)


def _declared(bench: Bench) -> list[str]:
    bench.say("Hello")
    names = [tool.name for tool in bench.engine.last(Generate).prompt.tools]
    bench.ends("Hi")
    return names


def test_a_server_is_tried_added_and_used(tooled: Bench) -> None:
    _added(tooled, "plain", "plain", off=("picture",))
    names = _declared(tooled)
    assert "echo" in names
    assert "picture" not in names
    tooled.say("Say it")
    tooled.calls(WrittenCall("echo", {"text": "hello"}))
    call = calls_of(tooled)[-1]
    assert (call.state, call.origin) == (CallState.WAITING, "plain")
    tooled.take(tooled.session.tools.decide(call.id, approve=True))
    tooled.tool_ends()
    assert tooled.engine.last(Generate).prompt.messages[-1].results[0].text == "hello"


def test_a_name_is_taken_once(tooled: Bench) -> None:
    _added(tooled, "plain", "plain")
    tried = tooled.last(ServerTried)
    with pytest.raises(UsageError, match="already"):
        tooled.session.tools.add_server(config("plain", "plain"), tried)


def test_what_does_not_start_says_so(tooled: Bench) -> None:
    tooled.take(tooled.session.tools.try_server(config("exits", "no such script")))
    _until(tooled, ServerFailed)
    assert tooled.last(ServerTried).message.startswith("The server “exits” ended at once")
    assert tooled.last(ServerTried).tools == ()


def test_a_tool_that_says_something_else_is_off_until_somebody_looked(tooled: Bench) -> None:
    _added(tooled, "odd", "hostile")
    assert "act" in _declared(tooled)
    tooled.say("Act")
    tooled.calls(WrittenCall("act", {"action": "changes"}))
    tooled.take(tooled.session.tools.decide(calls_of(tooled)[-1].id, approve=True))
    _until(tooled, ToolsChanged)
    row = tooled.last(ToolsListed).servers[0]
    assert row.unseen == ("act",)
    while tooled.states[-1] != "streaming":
        tooled.tool_ends()
    tooled.ends("Done.")
    assert "act" not in _declared(tooled)
    tooled.take(tooled.session.tools.accept_tools("odd", row.tools))
    assert "act" in _declared(tooled)


def test_a_change_while_the_question_waits_takes_the_question_back(tooled: Bench) -> None:
    _added(tooled, "odd", "hostile")
    tooled.say("Act")
    tooled.calls(WrittenCall("act", {"action": "changes"}), WrittenCall("act", {"action": "codes"}))
    first, second = calls_of(tooled)[-2:]
    tooled.take(tooled.session.tools.decide(first.id, approve=True))
    _until(tooled, ToolsChanged)
    with pytest.raises(UsageError, match="something else"):
        tooled.session.tools.decide(second.id, approve=True)
    assert next(call for call in calls_of(tooled) if call.id == second.id).state is CallState.WAITING


def test_a_server_that_ends_in_a_call_fails_and_the_chat_goes_on(tooled: Bench) -> None:
    _added(tooled, "odd", "hostile")
    tooled.say("Act")
    tooled.calls(WrittenCall("act", {"action": "exit"}))
    tooled.take(tooled.session.tools.decide(calls_of(tooled)[-1].id, approve=True))
    while tooled.states[-1] != "streaming":
        tooled.tool_ends()
    (result,) = tooled.engine.last(Generate).prompt.messages[-1].results
    assert result.failed
    tooled.ends("It broke.")
    assert tooled.texts[-1] == "It broke."
    _until(tooled, ServerFailed)
    assert tooled.last(ToolsListed).servers[0].state == "failed"
    assert "act" not in _declared(tooled)


def test_a_removed_server_is_gone(tooled: Bench) -> None:
    _added(tooled, "plain", "plain")
    tooled.take(tooled.session.tools.remove_server("plain"))
    assert "echo" not in _declared(tooled)
    assert tooled.session.settings.servers == ()


def test_the_host_may_die_in_a_call_and_the_answer_goes_on(tooled: Bench) -> None:
    _added(tooled, "odd", "hostile")
    tooled.say("Act")
    tooled.calls(WrittenCall("act", {"action": "hang"}))
    tooled.take(tooled.session.tools.decide(calls_of(tooled)[-1].id, approve=True))
    (host,) = [
        process for process in psutil.Process().children() if any("tool_host" in word for word in process.cmdline())
    ]
    host.kill()
    while tooled.states[-1] != "streaming":
        tooled.tool_ends()
    assert tooled.engine.last(Generate).prompt.messages[-1].results[0].failed
    tooled.ends("It broke.")


def test_only_what_was_shown_is_accepted(tooled: Bench) -> None:
    _added(tooled, "odd", "hostile")
    before = tooled.last(ToolsListed).servers[0].tools
    tooled.say("Act")
    tooled.calls(WrittenCall("act", {"action": "changes"}))
    tooled.take(tooled.session.tools.decide(calls_of(tooled)[-1].id, approve=True))
    _until(tooled, ToolsChanged)
    tooled.take(tooled.session.tools.accept_tools("odd", before))
    assert tooled.last(ToolsListed).servers[0].unseen == ("act",)


def test_the_host_may_die_while_a_server_is_tried(tooled: Bench) -> None:
    tooled.take(tooled.session.tools.try_server(config("odd", "hostile")))
    tooled.take(tooled.session.tools.handle(HostDied("The tool host ended.")))
    assert tooled.last(ServerTried).message == "The tool host ended."


def test_what_a_server_says_is_compared_when_it_says_it(tooled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _added(tooled, "plain", "plain")
    monkeypatch.setattr(hashlib, "sha256", lambda *_: pytest.fail("made anew for each look at the tools"))
    tooled.take(tooled.session.tick())
    assert "echo" in _declared(tooled)
