"""The tool host as the window and the command line see it: started at the first request, and again after a death.

It never loads the SDK of the servers. Two threads belong to a host: one that writes, because a send blocks while the
other side is busy, and one that reads and tells.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
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
from app.core.paths import encode_path
from app.tools.frames import AnyHostEvent, HostDied, HostRequest, decode_event, encode

OnEvent = Callable[[AnyHostEvent], None]

_END_SECONDS = 5.0  # that the host may take to end its servers


class ToolHost:
    """`on_event` is called on a thread of the host's, never after close()."""

    def __init__(self, on_event: OnEvent, logs: Path) -> None:
        """Starts nothing. The host's own log and those of its servers go into `logs`."""
        self._on_event = on_event
        self._logs = logs
        self._host: _Host | None = None
        self._before: list[_Host] = []
        self._lock = threading.Lock()

    def send(self, request: HostRequest) -> None:
        """Ask the host, which is started where none lives; never waits for it."""
        with self._lock:
            if self._host is None or not self._host.alive:
                if self._host is not None:
                    self._before.append(self._host)
                self._host = _Host(self._on_event, self._logs)
            self._host.send(request)

    def close(self) -> None:
        """End the host and its servers; no event comes after it. Takes up to 5 s; not to be called from on_event."""
        with self._lock:
            for host in filter(None, (*self._before, self._host)):
                host.close()
            self._before.clear()
            self._host = None


class _Host:
    """One process, from its start to its death."""

    def __init__(self, on_event: OnEvent, logs: Path) -> None:
        self._on_event = on_event
        self._telling = threading.Lock()
        self._closed = False
        self._dead = False
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: SimpleQueue[bytes | None] = SimpleQueue()
        ours, theirs = multiprocessing.Pipe()
        failure = ""
        try:
            self._process = _spawn(theirs, logs)
        except OSError as error:
            failure = f"The tool host could not be started: {error.strerror or error}."
        finally:
            theirs.close()  # or the host's death would never read as the end of the pipe
        self._connection = ours
        self._reader = threading.Thread(target=self._read, args=(failure,), name="tool-host-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="tool-host-writer", daemon=True)
        self._writer.start()
        self._reader.start()

    @property
    def alive(self) -> bool:
        return not self._dead

    def send(self, request: HostRequest) -> None:
        if not self._dead:
            self._requests.put(encode(request))

    def close(self) -> None:
        with self._telling:
            self._closed = True
        # closing would not wake the reader; this ends the host's side, and then ours
        with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as pipe:
            pipe.shutdown(socket.SHUT_WR)
        self._reader.join(_END_SECONDS)
        if self._reader.is_alive() and self._process is not None:
            self._process.kill()
            self._reader.join()
        self._writer.join()

    def _write(self) -> None:
        while (frame := self._requests.get()) is not None:
            try:
                self._connection.send_bytes(frame)
            except OSError:  # the host has died; the reader tells it
                return

    def _read(self, failure: str) -> None:
        try:
            while not failure:
                failure = self._take(self._connection.recv_bytes())
        except (EOFError, OSError):
            pass
        self._end(failure)

    def _take(self, frame: bytes) -> str:
        """Tell the event of a frame; returns a sentence where the host cannot be understood."""
        try:
            event = decode_event(frame)
        except msgspec.DecodeError:
            return "The tool host belongs to another version of Cabochon. Install Cabochon again."
        self._tell(event)
        return ""

    def _end(self, failure: str) -> None:
        code = -1
        if self._process is not None:
            if failure:
                self._process.terminate()
            try:
                code = self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                code = self._process.wait()
        self._dead = True
        self._requests.put(None)
        self._writer.join()
        self._connection.close()
        self._tell(HostDied(failure or f"The tool host ended ({signal_name(code)})."))

    def _tell(self, event: AnyHostEvent) -> None:
        with self._telling:
            if not self._closed:
                self._on_event(event)


def _spawn(theirs: Connection, logs: Path) -> subprocess.Popen[bytes]:
    """The host's process, in a session of its own: Ctrl-C in a terminal is the parent's alone."""
    log = open_log(logs / "tool-host.log")
    try:
        return subprocess.Popen(
            [*_entry(), str(theirs.fileno()), encode_path(logs)],
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
        return [str(Path(sys.executable).with_name("cabochon-tool-host"))]
    return [sys.executable, "-P", "-m", "app.tool_host"]
