"""The client with real worker processes: frames, deaths, and nothing after the end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from app.core.message import FinishReason, Message, Role
from app.core.paths import encode_path
from app.core.protocol import (
    Describe,
    Described,
    Event,
    Finished,
    Generate,
    Load,
    Loaded,
    Prompt,
    Ready,
    Stop,
    Text,
    WorkerDied,
)
from app.engine import client as client_module
from app.engine.client import EngineClient

E = TypeVar("E", bound=Event)
SECONDS = 30.0


class Heard:
    """A client, and what it told."""

    def __init__(self, log: Path, *, scripted: bool = True) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.log = log
        self.client = EngineClient(self.events.put, log, scripted=scripted)

    def until(self, kind: type[E]) -> E:
        deadline = time.monotonic() + SECONDS
        while True:
            event = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if isinstance(event, kind):
                return event

    def say(self, turn: int, text: str) -> None:
        self.client.send(Generate(turn=turn, prompt=Prompt("c", (Message(Role.USER, text),))))

    def loaded(self) -> psutil.Process:
        """Start and load; returns the worker's process."""
        self.client.start()
        process = psutil.Process(self.until(Ready).pid)
        self.client.send(Load(1, encode_path("/models/any.gguf")))
        assert self.until(Loaded).load == 1
        return process


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    made = Heard(tmp_path / "logs" / "worker.log")
    yield made
    made.client.close()


def test_a_turn(heard: Heard) -> None:
    heard.loaded()
    heard.say(7, "/say Hello there")
    finished = heard.until(Finished)
    assert (finished.turn, finished.text, finished.reason) == (7, "Hello there", FinishReason.STOP)


def test_a_frame_larger_than_the_pipe_goes_both_ways(heard: Heard) -> None:
    worker = heard.loaded()
    worker.suspend()
    heard.say(1, f"/say {'अ' * 3_000_000}")  # would never return if a send waited for the other side
    worker.resume()
    heard.client.send(Stop(1))
    assert heard.until(Finished).reason is FinishReason.CANCELLED


def test_what_was_stopped_before_its_turn_came_is_ended_once(heard: Heard) -> None:
    heard.loaded()
    heard.say(1, "/slow")
    heard.until(Text)
    heard.say(2, "/slow")
    heard.say(3, "/say Third")
    heard.client.send(Stop(2))
    heard.client.send(Stop(1))
    ended = [heard.until(Finished) for _ in range(3)]
    assert [(one.turn, one.reason.value) for one in ended] == [(1, "cancelled"), (2, "cancelled"), (3, "stop")]
    assert ended[1].text == ""


def test_a_stop_for_a_turn_that_is_over_does_not_stop_the_next(heard: Heard) -> None:
    heard.loaded()
    heard.say(1, "/say One")
    heard.until(Finished)
    heard.client.send(Stop(1))
    heard.say(2, "/say Two words")
    assert heard.until(Finished).text == "Two words"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_death_is_told_once_and_a_new_worker_answers(heard: Heard, number: signal.Signals) -> None:
    process = heard.loaded()
    heard.say(1, "/slow")
    heard.until(Text)
    process.send_signal(number)
    died = heard.until(WorkerDied)
    assert died.exit_code == -number
    assert number.name in died.message
    heard.say(2, "/say lost")  # dropped: there is nobody
    assert heard.loaded().pid != process.pid
    heard.say(3, "/say Back")
    finished = heard.until(Finished)
    assert (finished.turn, finished.text) == (3, "Back")
    assert heard.events.empty()


def test_a_worker_that_hears_nothing_is_killed(heard: Heard) -> None:
    process = heard.loaded()
    process.suspend()
    for turn in range(50):
        heard.say(turn, "x" * 100_000)  # far more than the pipe holds
    heard.client.kill()
    assert heard.until(WorkerDied).exit_code == -signal.SIGKILL
    assert not process.is_running()


def test_nothing_is_told_after_close(heard: Heard) -> None:
    process = heard.loaded()
    heard.say(1, "/slow")
    heard.until(Text)
    heard.client.close()
    while not heard.events.empty():
        assert not isinstance(heard.events.get(), WorkerDied | Finished)
    time.sleep(0.2)
    assert heard.events.empty()
    assert not process.is_running()
    heard.client.close()


def test_a_worker_that_cannot_start_has_died(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_entry", lambda: ["/nowhere/python"])
    heard.client.start()
    assert "could not be started" in heard.until(WorkerDied).message


def test_a_worker_of_another_version_is_not_used(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    other = (
        "import sys, time; from multiprocessing.connection import Connection; c = Connection(int(sys.argv[1]));"
        """c.send_bytes(b'{"type":"ready","protocol":999,"pid":1}'); time.sleep(60)"""
    )
    monkeypatch.setattr(client_module, "_entry", lambda: [sys.executable, "-c", other])
    heard.client.start()
    died = heard.until(WorkerDied)
    assert "another version" in died.message


def test_what_libraries_print_goes_to_the_log(heard: Heard) -> None:
    heard.loaded()
    heard.say(1, "/crash")
    heard.until(WorkerDied)
    assert "Fatal Python error: Aborted" in heard.log.read_text()


def test_a_log_that_has_grown_large_is_begun_anew(heard: Heard) -> None:
    heard.log.parent.mkdir()
    heard.log.write_bytes(b"x" * (3 << 20))
    heard.loaded()
    assert heard.log.stat().st_size < 1 << 20
    assert heard.log.with_suffix(".old.log").stat().st_size == 3 << 20


def test_without_a_log_it_works_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    heard = Heard(tmp_path / "file" / "worker.log")
    heard.loaded()
    heard.client.close()


def test_the_worker_ends_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from app.engine.client import EngineClient;"
        "from app.core.protocol import Ready;"
        "c = EngineClient(lambda e: print(getattr(e, 'pid', ''), flush=True), Path(sys.argv[1]), scripted=True);"
        "c.start(); time.sleep(60)"
    )
    command = [sys.executable, "-P", "-c", program, str(tmp_path / "worker.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        worker.wait(10)


def test_the_living_worker_has_loaded_neither_window_nor_store(tmp_path: Path, micro_model: Path) -> None:
    heard = Heard(tmp_path / "worker.log", scripted=False)
    heard.client.start()
    heard.until(Ready)
    heard.client.send(Load(1, encode_path(micro_model)))
    heard.until(Loaded)
    heard.say(1, "My name is Robin.")
    heard.until(Finished)
    heard.client.send(Describe(1))
    modules = set(heard.until(Described).modules)
    heard.client.close()
    assert "llama_cpp" in modules
    assert not modules & {"PySide6", "shiboken6", "apsw", "sqlite3"}


def test_the_worker_inherits_nothing_of_ours(heard: Heard, tmp_path: Path) -> None:
    secret = os.open(tmp_path / "secret", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(secret, True)
    process = heard.loaded()
    assert str(tmp_path / "secret") not in {file.path for file in process.open_files()}
    os.close(secret)
