"""Calls that meet what nobody expects: odd names, odd arguments, tools that are off or raise, disks that are full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.chat.calling import ToolMode
from app.chat.changes import TurnEnded
from app.core.errors import StorageError
from app.core.protocol import Generate, encode
from app.core.settings import Settings
from app.core.tools import CallDecision, CallState, ServerConfig, ServerEntry, ServerTool, WrittenCall
from app.tools.frames import ServerStarted
from app.tools.pins import pins_of
from tests.chat.driving import Bench, calls_of

SUM = WrittenCall("calculator", {"expression": "12 * 7"})


@pytest.mark.parametrize("call", ["read_file", "list_folder"])
def test_names_that_are_no_text_are_read_all_the_same(tooled: Bench, tmp_path: Path, call: str) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    (odd / "a.txt").write_text("hello")
    (odd / os.fsdecode(b"th\xe9.txt")).write_text("tea")
    tooled.take(tooled.session.tools.grant(odd))
    tooled.say("Read")
    tooled.calls(WrittenCall(call, {"path": "a.txt" if call == "read_file" else "."}))
    tooled.tool_ends()
    (done,) = calls_of(tooled)
    assert done.state is CallState.DONE
    assert done.place == str((odd / "a.txt" if call == "read_file" else odd).resolve())
    assert ("hello" if call == "read_file" else "th\ufffd.txt") in done.result
    encode(tooled.engine.last(Generate))


def test_half_a_character_that_the_person_typed_is_replaced(tooled: Bench, tmp_path: Path) -> None:
    tooled.take(tooled.session.tools.grant(tmp_path, write=True))
    tooled.say("Write")
    written = {"path": "list.txt", "text": "one", "mode": "write"}
    tooled.calls(WrittenCall("write_file", written))
    edited = written | {"text": "\ud83d!"}
    tooled.take(tooled.session.tools.decide(calls_of(tooled)[0].id, approve=True, arguments=edited))
    tooled.tool_ends()
    assert (tmp_path / "list.txt").read_text() == "\ufffd!"


def test_true_is_another_argument_than_one(tooled: Bench) -> None:
    tool = ServerTool("set", "Sets it.", {"type": "object"})
    tooled.take(tooled.session.tools.handle(ServerStarted("s", "", "", (tool,))))
    entry = ServerEntry(ServerConfig("s", ("no such program",)), pins=pins_of((tool,)))
    tooled.session._desk.asking.settings = Settings(servers=(entry,))
    tooled.say("Set it")
    tooled.calls(WrittenCall("set", {"on": 1}))
    (call,) = calls_of(tooled)
    tooled.take(tooled.session.tools.decide(call.id, approve=True, arguments={"on": True}))
    (call,) = calls_of(tooled)
    assert (call.decision, call.given) == (CallDecision.EDITED, {"on": True})
    assert call.given["on"] is True
    tooled.close()


@pytest.mark.parametrize("off", ["one", "all"])
def test_what_was_switched_off_meanwhile_does_not_run(tooled: Bench, off: str) -> None:
    tooled.say("What is 12 * 7?")
    tools = tooled.session.tools
    tooled.take(tools.switch("/calculator", on=False) if off == "one" else tools.switch_all(on=False))
    tooled.calls(SUM)
    (call,) = calls_of(tooled)
    assert (call.state, call.result) == (CallState.FAILED, "calculator is switched off.")


def test_what_the_command_line_did_not_name_does_not_run(bench: Bench) -> None:
    bench.ready()
    bench.session.tools.begin(ToolMode.AUTO, frozenset({"current_time"}))
    bench.say("What is 12 * 7?")
    bench.calls(SUM)
    assert calls_of(bench)[0].state is CallState.FAILED


def test_a_tool_on_the_sessions_thread_may_raise_anything(tooled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tooled.store.messages, "search", lambda *_: 1 // 0)
    tooled.say("Search")
    tooled.calls(WrittenCall("search_chats", {"words": "x"}))
    (call,) = calls_of(tooled)
    assert call.state is CallState.FAILED
    assert call.result.startswith("search_chats failed")


def test_a_result_of_the_session_itself_is_written_later_too(tooled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tooled.answer("About tea", "Yes")
    tooled.say("Search and calculate")

    def full(*_: object) -> None:
        raise StorageError("The disk is full.", "disk_full")

    with monkeypatch.context() as patch:
        patch.setattr(tooled.store.calls, "change", full)
        tooled.calls(WrittenCall("search_chats", {"words": "tea"}), SUM)
        assert not tooled.all(TurnEnded)[1:], "the answer goes on once it can be written"
        with pytest.raises(StorageError):
            tooled.tool_ends()
    tooled.take(tooled.session.tick())
    assert [result.failed for result in tooled.engine.last(Generate).prompt.messages[-1].results] == [False, False]


def test_a_result_for_a_call_that_is_no_more_is_dropped(tooled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tooled.say("What is 12 * 7?")
    tooled.calls(SUM)
    monkeypatch.setattr(tooled.store.calls, "find", lambda _: None)
    tooled.tool_ends()
    assert not tooled.session._desk.calling.is_running
