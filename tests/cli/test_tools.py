"""`ask --tools` with the real worker: off, auto, ask; and what a kill leaves while a call waits."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest

from app.core.paths import DataPaths
from app.core.tools import CallState
from app.store.store import Store
from tests.cli.program import GREEDY, Outcome, Program

SUM = "What is 12 * 7?"


def _ask(program: Program, model: Path, *arguments: str) -> Outcome:
    return program.run("ask", "--model", model, *GREEDY, "--json", *arguments)


def test_without_tools_there_is_no_call(program: Program, micro_model: Path) -> None:
    record = _ask(program, micro_model, SUM).record
    assert (record["text"], record["tool_calls"]) == ("I have no calculator.", [])


def test_what_may_run_runs(program: Program, micro_model: Path) -> None:
    record = _ask(program, micro_model, "--tools", "auto", SUM).record
    assert (record["text"], record["finish_reason"]) == ("The result is 84.", "stop")
    assert record["tool_calls"] == [
        {"name": "calculator", "arguments": {"expression": "12 * 7"}, "decision": "allowed", "result": "84"}
    ]


def test_only_the_named_tools_are_there(program: Program, micro_model: Path) -> None:
    record = _ask(program, micro_model, "--tools", "auto", "--tool", "current_time", SUM).record
    assert (record["text"], record["tool_calls"]) == ("I have no calculator.", [])
    record = _ask(program, micro_model, "--tools", "auto", "--tool", "current_time", "What time is it?").record
    (call,) = record["tool_calls"]
    assert record["text"].startswith(f"The time is {call['result'].split()[0]}")


def test_an_unknown_tool_is_a_usage_error(program: Program, micro_model: Path) -> None:
    outcome = _ask(program, micro_model, "--tools", "auto", "--tool", "nope", SUM)
    assert (outcome.code, outcome.sentence) == (2, "There is no tool “nope”.")


def test_without_a_terminal_asking_means_no(program: Program, micro_model: Path) -> None:
    record = _ask(program, micro_model, "--tools", "ask", SUM).record
    assert record["finish_reason"] == "tool_denied"
    assert record["tool_calls"][0]["decision"] == "denied"


def _on_terminal(command: list[str], typed: bytes) -> str:
    """What the program says on a terminal where this is typed once it has asked."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        seen = b""
        asked = False
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the terminal's other side has closed
                break
            seen += more
            if b"[y/N]" in seen and not asked:
                asked = True
                os.write(ours, typed)
        process.wait()
    os.close(ours)
    return seen.decode()


@pytest.mark.parametrize(("typed", "said"), [(b"y\n", "The result is 84."), (b"\n", ""), (b"no\n", "")])
def test_the_terminal_asks(program: Program, micro_model: Path, typed: bytes, said: str) -> None:
    command = program.command("ask", "--model", micro_model, *GREEDY, "--tools", "ask", SUM)
    seen = _on_terminal(command, typed)
    assert "The model asks to use calculator." in seen
    assert '"expression": "12 * 7"' in seen
    assert ("The result is 84." in seen) == bool(said)


def test_a_kill_while_it_asks_leaves_the_question_and_nothing_ran(program: Program, micro_model: Path) -> None:
    ours, theirs = pty.openpty()
    command = program.command("ask", "--model", micro_model, *GREEDY, "--tools", "ask", SUM)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        seen = b""
        while b"[y/N]" not in seen:
            seen += os.read(ours, 65536)
        process.kill()
        process.wait()
    os.close(ours)
    time.sleep(0.2)
    store = Store(DataPaths(program.data))
    (row,) = store.conversations.listed()
    found = store.conversations.find(row.id)
    assert found is not None
    (call,) = store.messages.branch(row.id, found.leaf)[-1].calls
    assert (call.state, call.result) == (CallState.WAITING, "")
    assert [entry.event for entry in store.calls.logged()] == ["asked"]
    store.close()
