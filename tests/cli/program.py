"""The real program in a process of its own, for tests of the command line and of faults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SECONDS = 60.0
"""Longest any one call may take on a busy machine."""

GREEDY = ("--temperature", "0")

_SCRIPTED = "import sys; from app.main import run; raise SystemExit(run(sys.argv[1:], scripted=True))"


@dataclass(frozen=True)
class Outcome:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self
        found = json.loads(lines[0])
        assert isinstance(found, dict)
        return found

    @property
    def sentence(self) -> str:
        """The one sentence on standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].endswith("."), lines[0]
        assert "Traceback" not in lines[0]
        return lines[0]


class Program:
    """`cabochon` with one data folder. `before` is put before the command line (a tool that injects a fault)."""

    def __init__(self, data: Path, *, scripted: bool = False, before: Sequence[str] = ()) -> None:
        self.data = data
        self._entry = ["-c", _SCRIPTED] if scripted else ["-m", "app"]
        self._before = list(before)

    def command(self, *arguments: str | Path) -> list[str]:
        """The whole command line."""
        return [*self._before, sys.executable, "-P", *self._entry, "--data-dir", str(self.data), *map(str, arguments)]

    def run(self, *arguments: str | Path, given: str | bytes = b"", env: dict[str, str] | None = None) -> Outcome:
        """Run to the end. `given` goes to standard input."""
        data = given.encode() if isinstance(given, str) else given
        ended = subprocess.run(
            self.command(*arguments),
            input=data,
            capture_output=True,
            timeout=SECONDS,
            env=_environment(env),
            check=False,
        )
        return Outcome(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def start(self, *arguments: str | Path, given: bool = False) -> subprocess.Popen[bytes]:
        """Start and go on; the caller ends it (see `running`)."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(None),
        )

    @contextmanager
    def running(self, *arguments: str | Path, given: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """A started program that does not outlive the block."""
        process = self.start(*arguments, given=given)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def shown(self, conversation: str = "last") -> dict[str, Any]:
        """`conversations show --json` of one conversation."""
        outcome = self.run("conversations", "show", conversation, "--json")
        assert outcome.code == 0, outcome
        return outcome.record

    def listed(self) -> list[dict[str, Any]]:
        """`conversations list --json`."""
        outcome = self.run("conversations", "list", "--json")
        assert outcome.code == 0, outcome
        rows = outcome.record["conversations"]
        assert isinstance(rows, list)
        return rows


def end(process: subprocess.Popen[bytes], seconds: float = SECONDS) -> Outcome:
    """Wait for the end of a started program."""
    out, err = process.communicate(timeout=seconds)
    return Outcome(process.returncode, out.decode(), err.decode())


def read_some(process: subprocess.Popen[bytes], count: int = 1) -> bytes:
    """At least `count` bytes of what a started program prints; fewer at its end."""
    assert process.stdout is not None
    found = b""
    while len(found) < count:
        more = os.read(process.stdout.fileno(), 65536)
        if not more:
            break
        found += more
    return found


def without_line_end(words: str) -> str:
    """An answer as it was printed and as it was saved: the line end that the program adds does not count."""
    return words.rstrip("\n")


def wait_for(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def worker_of(process: subprocess.Popen[bytes]) -> psutil.Process | None:
    """The worker that a started program owns, None while there is none."""
    try:
        children = psutil.Process(process.pid).children()
    except psutil.NoSuchProcess:
        return None
    return next((child for child in children if "app.worker" in _command_line(child)), None)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _environment(changed: dict[str, str] | None) -> dict[str, str]:
    return os.environ | (changed or {})
