"""The worker as the window and the command line see it: started, asked, killed and started again.

A worker is one child process on one end of a Pipe. Two threads belong to it: one that writes, because a send blocks
while the other side is busy, and one that reads. When the pipe ends, so has the worker: the reader waits for the
process and tells WorkerDied, once.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

import msgspec

from app.core.child_log import open_log, signal_name
from app.core.protocol import (
    PROTOCOL_VERSION,
    Event,
    Ready,
    Request,
    WorkerDied,
    WorkerFault,
    decode_event,
    encode,
)

OnEvent = Callable[[Event], None]

_JOIN_SECONDS = 5.0


class EngineClient:
    """Implements app.chat.link.EngineLink. `on_event` is called on a thread of the worker's, never after close()."""

    def __init__(self, on_event: OnEvent, log_path: Path, *, scripted: bool = False) -> None:
        """Starts nothing. What the worker and its libraries print goes to `log_path`."""
        self._on_event = on_event
        self._log_path = log_path
        self._scripted = scripted
        self._worker: _Worker | None = None
        self._before: list[_Worker] = []

    def start(self) -> None:
        """Start a worker, unless one lives; a failure is told as WorkerDied."""
        if self._worker is not None and self._worker.alive:
            return
        if self._worker is not None:
            self._before.append(self._worker)
        self._worker = _Worker(self._on_event, self._log_path, scripted=self._scripted)

    def send(self, request: Request) -> None:
        """Ask the worker; never blocks, and is dropped where the worker has died."""
        if self._worker is not None:
            self._worker.send(request)

    def kill(self) -> None:
        """End the worker at once; WorkerDied follows."""
        if self._worker is not None:
            self._worker.kill()

    def close(self) -> None:
        """End the worker; no event comes after it. Not to be called from on_event."""
        for worker in filter(None, (*self._before, self._worker)):
            worker.close()
        self._before.clear()
        self._worker = None


class _Worker:
    """One process, from its start to its death."""

    def __init__(self, on_event: OnEvent, log_path: Path, *, scripted: bool) -> None:
        self._on_event = on_event
        self._telling = threading.Lock()
        self._closed = False
        self._dead = False
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: SimpleQueue[bytes | None] = SimpleQueue()
        ours, theirs = multiprocessing.Pipe()
        failure = ""
        try:
            self._process = _spawn(theirs, log_path, scripted=scripted)
        except OSError as error:
            failure = f"The engine could not be started: {error.strerror or error}."
        finally:
            theirs.close()  # or the worker's death would never read as the end of the pipe
        self._connection = ours
        # daemons: a worker that is stuck in the kernel must not keep the program from ending
        self._reader = threading.Thread(target=self._read, args=(failure,), name="worker-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="worker-writer", daemon=True)
        self._writer.start()
        self._reader.start()

    @property
    def alive(self) -> bool:
        return not self._dead

    def send(self, request: Request) -> None:
        if not self._dead:
            self._requests.put(encode(request))

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def close(self) -> None:
        with self._telling:
            self._closed = True
        self.kill()
        self._reader.join(_JOIN_SECONDS)
        self._writer.join(_JOIN_SECONDS)

    def _write(self) -> None:
        while (frame := self._requests.get()) is not None:
            try:
                self._connection.send_bytes(frame)
            except OSError:  # the worker has died; the reader tells it
                return

    def _read(self, failure: str) -> None:
        try:
            while not failure:
                failure = self._take(self._connection.recv_bytes())
        except (EOFError, OSError):
            pass
        self._end(failure)

    def _take(self, frame: bytes) -> str:
        """Tell the event of a frame; returns a sentence where the worker cannot be understood."""
        try:
            event: Event = decode_event(frame)
        except msgspec.ValidationError as error:
            event = WorkerFault(f"The engine sent something that is no event: {error}", "")
        if isinstance(event, Ready) and event.protocol != PROTOCOL_VERSION:
            return "The engine belongs to another version of Cabochon. Install Cabochon again."
        self._tell(event)
        return ""

    def _end(self, failure: str) -> None:
        self.kill()
        code = self._process.wait() if self._process is not None else -1
        self._dead = True
        self._requests.put(None)
        self._writer.join()
        self._connection.close()
        self._tell(WorkerDied(exit_code=code, message=failure or f"The engine ended ({signal_name(code)})."))

    def _tell(self, event: Event) -> None:
        with self._telling:
            if not self._closed:
                self._on_event(event)


def _spawn(theirs: Connection, log_path: Path, *, scripted: bool) -> subprocess.Popen[bytes]:
    """The worker's process, in a session of its own: Ctrl-C in a terminal is the parent's alone."""
    log = open_log(log_path)
    try:
        return subprocess.Popen(
            [*_entry(), str(theirs.fileno()), *(["--scripted"] if scripted else [])],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        if log != subprocess.DEVNULL:
            os.close(log)


def _entry() -> list[str]:
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name("cabochon-worker"))]
    return [sys.executable, "-P", "-m", "app.worker"]
