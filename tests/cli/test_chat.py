"""`cabochon chat` through a pipe and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import GREEDY, Outcome, Program, end, interrupt, read_some


def _chat(program: Program, model: Path, *lines: str, json_lines: bool = False) -> Outcome:
    options = ("--json",) if json_lines else ()
    return program.run("chat", "--model", model, *GREEDY, *options, given="".join(f"{line}\n" for line in lines))


def _records(outcome: Outcome) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_a_prompt_a_line_from_a_pipe(program: Program, micro_model: Path) -> None:
    outcome = _chat(program, micro_model, "My name is Robin.", "", "What is my name?")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "Nice to meet you, Robin.\nYour name is Robin.\n"
    assert len(program.shown()["messages"]) == 4


def test_an_object_a_line_for_each_answer(program: Program, micro_model: Path) -> None:
    outcome = _chat(program, micro_model, "My name is Robin.", "What is my name?", json_lines=True)
    first, second = _records(outcome)
    assert (first["text"], second["text"]) == ("Nice to meet you, Robin.", "Your name is Robin.")
    assert first["conversation"] == second["conversation"]
    assert first["timings"]["load_ms"] > 0
    assert second["timings"]["load_ms"] == 0
    assert second["usage"]["restored_from"] == "memory"
    assert second["usage"]["reused_tokens"] > 0


def test_regenerate_and_edit(program: Program, micro_model: Path) -> None:
    lines = ("My name is Robin.", "/regenerate", "/edit My name is Ada.", "What is my name?", "/quit", "Hello")
    records = _records(_chat(program, micro_model, *lines, json_lines=True))
    assert [record["text"] for record in records] == [
        "Nice to meet you, Robin.",
        "Nice to meet you, Robin.",
        "Nice to meet you, Ada.",
        "Your name is Ada.",
    ]
    assert records[0]["message"] != records[1]["message"]
    assert records[1]["usage"]["evaluated_tokens"] <= 1
    told = [message["text"] for message in program.shown()["messages"]]
    assert told == ["My name is Ada.", "Nice to meet you, Ada.", "What is my name?", "Your name is Ada."]


@pytest.mark.parametrize("line", ["/regenerate", "/edit My name is Ada.", "/edit"])
def test_a_command_with_nothing_to_work_on(program: Program, micro_model: Path, line: str) -> None:
    outcome = _chat(program, micro_model, line, "Hello")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.sentence
    assert program.listed() == []


def test_a_slash_that_is_no_command_is_a_prompt(program: Program, micro_model: Path) -> None:
    assert _chat(program, micro_model, "/etc/hosts is a file").code == 0
    assert program.shown()["messages"][0]["text"] == "/etc/hosts is a file"


def test_a_chat_goes_on_with_a_conversation(program: Program, micro_model: Path) -> None:
    program.run("ask", "--model", micro_model, *GREEDY, "My name is Robin.")
    outcome = program.run(
        "chat", "--model", micro_model, *GREEDY, "--conversation", "last", given="/edit My name is Ada.\n"
    )
    assert (outcome.code, outcome.out) == (0, "Nice to meet you, Ada.\n")
    assert len(program.listed()) == 1


def test_ctrl_c_ends_a_chat_from_a_pipe(program: Program, micro_model: Path) -> None:
    with program.running("chat", "--model", micro_model, *GREEDY, given=True) as process:
        assert process.stdin is not None
        process.stdin.write(b"Write a long list.\nHello\n")
        process.stdin.flush()
        read_some(process, 20)
        interrupt(process)
        outcome = end(process)
    assert outcome.code == 130
    answer = program.shown()["messages"][-1]
    assert (answer["role"], answer["state"]) == ("assistant", "interrupted")


def test_a_waiting_chat_ends_on_ctrl_c(program: Program, micro_model: Path) -> None:
    with program.running("chat", "--model", micro_model, *GREEDY, given=True) as process:
        assert process.stdin is not None
        process.stdin.write(b"My name is Robin.\n")
        process.stdin.flush()
        read_some(process, 24)
        time.sleep(0.3)
        interrupt(process)
        assert end(process).code == 130


class Terminal:
    """A program on a pseudo terminal."""

    def __init__(self, command: list[str]) -> None:
        self.process, self._fd = _spawn(command)
        self.seen = ""

    def expect(self, text: str, seconds: float = 60.0) -> str:
        """Wait for the text; returns what came before it, and drops both."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self._fd], [], [], 0.2)[0]:
                self.seen += _read(self._fd)
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text: str) -> None:
        """Type, as a person would."""
        os.write(self._fd, text.encode())

    def ctrl_c(self, text: str) -> None:
        """Press Ctrl-C until the text comes: a press between a prompt and the wait for a key is not seen."""
        for _ in range(10):
            self.process.send_signal(signal.SIGINT)
            with suppress(AssertionError):
                self.expect(text, seconds=2)
                return
        pytest.fail(f"Ctrl-C was not answered: {self.seen!r}")

    def close(self) -> None:
        """End what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._fd)


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, 65536).decode("utf-8", "replace")
    except OSError:  # the program has gone
        time.sleep(0.05)
        return ""


def _spawn(command: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "dumb", "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    return process, ours


@pytest.fixture
def terminal(program: Program, micro_model: Path) -> Iterator[Terminal]:
    """A chat of the micro model on a terminal."""
    terminal = Terminal(program.command("chat", "--model", micro_model, *GREEDY))
    yield terminal
    terminal.close()


def test_a_chat_on_a_terminal(terminal: Terminal, program: Program) -> None:
    header = terminal.expect("> ")
    assert "context of 8192 tokens" in header
    assert "/regenerate" in header
    terminal.type("My name is Robin.\n")
    terminal.expect("Nice to meet you, Robin.")
    terminal.expect("> ")
    terminal.type("/edit\n")
    terminal.expect("/edit needs the new text")
    terminal.expect("> ")
    terminal.type("/help\n")
    terminal.expect("There is no /help here.")
    terminal.expect("> ")
    terminal.type("What is my name?\n")
    terminal.expect("Your name is Robin.")
    terminal.expect("> ")
    terminal.type("/quit\n")
    assert terminal.process.wait(30) == 0
    assert len(program.shown()["messages"]) == 4


def test_ctrl_c_on_a_terminal_stops_the_answer_and_the_chat_goes_on(terminal: Terminal, program: Program) -> None:
    terminal.expect("> ")
    terminal.type("Write a long list.\n")
    terminal.expect("1")
    terminal.process.send_signal(signal.SIGINT)
    terminal.expect("> ", seconds=10)
    terminal.ctrl_c("/quit or Ctrl-D ends the chat.")
    terminal.expect("> ")
    terminal.type("\x04")
    assert terminal.process.wait(30) == 0
    assert program.shown()["messages"][-1]["state"] == "interrupted"


def test_a_line_can_be_edited_before_it_is_sent(terminal: Terminal, program: Program) -> None:
    terminal.expect("> ")
    terminal.type("y name is Robin.\x01M\n")  # Ctrl-A: to the start of the line
    terminal.expect("Nice to meet you, Robin.")
    assert program.shown()["messages"][0]["text"] == "My name is Robin."
