"""What the set-up says on the terminal, what it keeps in its log, and the programs that it runs on the way."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TextIO

QUIET_SECONDS = 10.0  # where no terminal redraws a line, progress is a new line this often
TAIL_LINES = 200
END_SECONDS = 5.0

_REASONS = (
    (("No space left on device", "Disk quota exceeded", "[Errno 28]"), "The disk is full."),
    (
        ("Killed signal terminated program", "fatal error: Killed", "virtual memory exhausted", "out of memory"),
        "The compiler ran out of memory: close other programs, or set CMAKE_BUILD_PARALLEL_LEVEL=1.",
    ),
    (
        (
            "Failed to establish a new connection",
            "Temporary failure in name resolution",
            "Temporary failure resolving",
            "NewConnectionError",
            "NameResolutionError",
            "ConnectTimeoutError",
            "ReadTimeoutError",
            "ProxyError",
            "Network is unreachable",
            "Connection refused",
            "Connection timed out",
            "connection broken by",
        ),
        "The network cannot be reached.",
    ),
    (("CERTIFICATE_VERIFY_FAILED",), "The server's certificate is not trusted here."),
    (("No matching distribution found",), "The package index has no version of it for this system."),
)


class SetupError(Exception):
    """The set-up cannot go on: one sentence that says why and what to do."""


def reason(output: str) -> str:
    """Why a program failed, read from what it printed: one sentence, "" when nothing known is in it."""
    return next((sentence for signs, sentence in _REASONS if any(sign in output for sign in signs)), "")


def reason_of_os(error: OSError) -> str:
    """What an operating system error means for the person."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename} cannot be written."
    return f"{error.strerror or error}" + (f": {error.filename}." if error.filename else ".")


class Report:
    """The terminal and the log file (made with the first line that goes into it)."""

    def __init__(self, log: Path, stream: TextIO | None = None) -> None:
        self.log = log
        self._stream = stream or sys.stdout
        self._file: TextIO | None = None
        self._drawn = ""
        self._drawn_at = time.monotonic()
        self._tail: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_line()
        if self._file:
            self._file.close()

    @property
    def tail(self) -> str:
        """The last lines that a program printed."""
        return "\n".join(self._tail)

    def say(self, text: str = "") -> None:
        """A line that stays."""
        self._end_line()
        self._stream.write(text + "\n")
        self._stream.flush()
        self.note(text)

    def progress(self, text: str) -> None:
        """A line that the next one replaces; without a terminal one line in ten seconds."""
        if text == self._drawn:
            return
        if self._stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r\x1b[K" + text[:width])
        elif self._drawn_at + QUIET_SECONDS <= time.monotonic():
            self._drawn_at = time.monotonic()
            self._stream.write(text + "\n")
        self._stream.flush()
        self._drawn = text

    def note(self, text: str) -> None:
        """A line for the log alone."""
        if self._file is None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.log.open("w", encoding="utf-8")
        self._file.write(text + "\n")
        self._file.flush()

    def run(
        self,
        command: Sequence[str],
        on_line: Callable[[str], None] = lambda line: None,
        *,
        environment: Mapping[str, str] | None = None,
        own_group: bool = True,
    ) -> int:
        """Runs a program with its output in the log, each line also to `on_line`; returns its exit status.

        It gets a process group of its own so that Ctrl-C ends it and all its children; `own_group` False leaves it the
        terminal (sudo asks there).
        """
        self.note("$ " + " ".join(command))
        self._tail = []
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if own_group else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment) if environment is not None else None,
            start_new_session=own_group,
            encoding="utf-8",
            errors="replace",
        )
        try:
            assert process.stdout
            for line in process.stdout:
                self._keep(line.rstrip("\n"))
                on_line(line.rstrip("\n"))
            return process.wait()
        except BaseException:
            _end(process, own_group)
            raise
        finally:
            if process.stdout:
                process.stdout.close()

    def _keep(self, line: str) -> None:
        self._tail = [*self._tail[1 - TAIL_LINES :], line]
        self.note(line)

    def _end_line(self) -> None:
        if self._drawn and self._stream.isatty():
            self._stream.write("\r\x1b[K")
        self._drawn = ""
        self._drawn_at = time.monotonic()


def _end(process: subprocess.Popen[str], group: bool) -> None:
    """Asks the program and its children to end, then makes them."""
    for wanted in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        try:
            if group and hasattr(os, "killpg"):
                os.killpg(process.pid, wanted)
            else:
                process.send_signal(wanted)
            process.wait(END_SECONDS)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
