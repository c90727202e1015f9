"""A program of ours in a process of its own, on the other end of a Pipe: started, written to, read from, ended.

Two threads belong to it: one that writes, because a send blocks while the other side is busy, and one that reads. When
the pipe ends, so has the program: the reader waits for the process and tells the end, once.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from app.core.child_log import open_log

_JOIN_SECONDS = 5.0


class Child:
    """One process, from its start to its death. Frames are bytes; `send` and `kill` from any thread."""

    def __init__(
        self,
        entry: Sequence[str],
        arguments: Sequence[str],
        log: Path,
        on_frame: Callable[[bytes], str],
        on_end: Callable[[int, str], None],
        *,
        patience: float = 0.0,
    ) -> None:
        """`entry` starts it (see `entry_of`); the number of its descriptor and the `arguments` follow.

        `on_frame` takes what was received and answers with a sentence where it cannot be understood, which ends the
        process; `on_end` is told its exit code (-1: it did not start) and that sentence. Both are called on a thread of
        the child's, never after close(). `patience` is how many seconds it may take to end by itself.
        """
        self._on_frame = on_frame
        self._on_end = on_end
        self._patience = patience
        self._telling = threading.Lock()
        self._closed = False
        self._dead = False
        self._process: subprocess.Popen[bytes] | None = None
        self._frames: SimpleQueue[bytes | None] = SimpleQueue()
        ours, theirs = multiprocessing.Pipe()
        failure = ""
        try:
            self._process = _spawn([*entry, str(theirs.fileno()), *arguments], theirs, log)
        except OSError as error:
            failure = error.strerror or str(error)
        finally:
            theirs.close()  # or the child's death would never read as the end of the pipe
        self._connection = ours
        # daemons: a child that is stuck in the kernel must not keep the program from ending
        self._reader = threading.Thread(target=self._read, args=(failure,), name="child-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="child-writer", daemon=True)
        self._writer.start()
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._dead

    def send(self, frame: bytes) -> None:
        """Have a frame written; never blocks, and is dropped where the process has died."""
        if not self._dead:
            self._frames.put(frame)

    def kill(self) -> None:
        """End it at once; `on_end` follows."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def close(self) -> None:
        """End it; nothing is told after it. Not to be called from what it tells."""
        with self._telling:
            self._closed = True
        if self._patience:
            # closing would not wake the reader; this ends the child's side, and then ours
            with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as pipe:
                pipe.shutdown(socket.SHUT_WR)
            self._reader.join(self._patience)
        self.kill()
        self._reader.join(_JOIN_SECONDS)
        self._writer.join(_JOIN_SECONDS)

    def _write(self) -> None:
        while (frame := self._frames.get()) is not None:
            try:
                self._connection.send_bytes(frame)
            except OSError:  # the child has died; the reader tells it
                return

    def _read(self, failure: str) -> None:
        try:
            while not failure:
                frame = self._connection.recv_bytes()
                with self._telling:
                    failure = "" if self._closed else self._on_frame(frame)
        except (EOFError, OSError):
            pass
        code = self._ended(failure)
        self._dead = True
        self._frames.put(None)
        self._writer.join()
        self._connection.close()
        with self._telling:
            if not self._closed:
                self._on_end(code, failure)

    def _ended(self, failure: str) -> int:
        if self._process is None:
            return -1
        if self._patience:
            if failure:
                self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                return self._process.wait(self._patience)
        self.kill()
        return self._process.wait()


def entry_of(module: str, executable: str) -> list[str]:
    """What starts a program of ours: the module from source, the executable beside the frozen one."""
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name(executable))]
    return [sys.executable, "-P", "-m", module]


def _spawn(command: Sequence[str], theirs: Connection, log_path: Path) -> subprocess.Popen[bytes]:
    """The process, in a session of its own: Ctrl-C in a terminal is the parent's alone."""
    log = open_log(log_path)
    try:
        return subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        if log != subprocess.DEVNULL:
            os.close(log)
