"""A server's process: started in a session of its own, read in bounds, and ended with all that it started."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.abc
import msgspec
import psutil
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, ErrorData, JSONRPCError, jsonrpc_message_adapter

from app.tools.host_gate import LARGEST_MESSAGE, MANY_PARTS, Gate, Link, SentTooMuchError, parts
from app.tools.host_log import ServerLog
from app.tools.host_text import mended_json

_CHUNK = 256 << 10
_LEAVE_SECONDS = 0.5  # to end after stdin has closed, before SIGTERM
_TERM_SECONDS = 1.0  # to end after SIGTERM, before SIGKILL
_POLL_SECONDS = 0.02  # nothing tells when the last of a group has ended
_DRAIN_SECONDS = 1.0  # to read what a process has left in its pipes
_SMALL = 1 << 20  # bytes; so few may have as many parts as they like

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class _Protocol(SubprocessStreamProtocol):
    """asyncio's own, but it tells the exit at once: wait() may wait for the pipes, which a grandchild can hold."""

    def __init__(self, on_exit: Callable[[], None]) -> None:
        super().__init__(limit=_CHUNK, loop=asyncio.get_running_loop())
        self._on_exit = on_exit

    def process_exited(self) -> None:
        super().process_exited()
        self._on_exit()


class ServerProcess:
    """One process and its group. All of it runs on the event loop, but for kill()."""

    def __init__(self, log: ServerLog) -> None:
        """Starts nothing; start() does."""
        self.log = log
        self.exited = asyncio.Event()
        self.log_ended = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._transport: asyncio.SubprocessTransport | None = None

    async def start(self, command: list[str], folder: str, environment: dict[str, str]) -> None:
        """Start it. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._transport, protocol = await loop.subprocess_exec(
            lambda: _Protocol(self._on_exit),
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=_before_exec,
        )
        self._process = asyncio.subprocess.Process(self._transport, protocol, loop)

    @property
    def process(self) -> asyncio.subprocess.Process:
        """asyncio's process, once it was started."""
        assert self._process is not None
        return self._process

    @property
    def exit_code(self) -> int | None:
        """What it ended with, as subprocess tells it; None while it runs."""
        return self._process.returncode if self._process else None

    async def stop(self) -> None:
        """End it and what it started, gently first; takes up to 3 s."""
        if self._process is None or self._transport is None:
            return
        started = _descendants(self._process.pid)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await _within(self.exited, _LEAVE_SECONDS)
        self._signal(signal.SIGTERM)
        with anyio.move_on_after(_TERM_SECONDS):
            while self._group_lives():
                await anyio.sleep(_POLL_SECONDS)
        self.kill()
        _kill(started)
        await _within(self.exited, _DRAIN_SECONDS)
        await _within(self.log_ended, _DRAIN_SECONDS / 4)
        self._transport.close()

    def kill(self) -> None:
        """End it and its group at once; from any thread."""
        if self._process is not None:
            started = _descendants(self._process.pid)
            self._signal(signal.SIGKILL)
            _kill(started)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def _group_lives(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _on_exit(self) -> None:
        self.exited.set()
        if self._process is not None:
            self._signal(signal.SIGTERM)  # what it left behind


@asynccontextmanager
async def process_link(process: ServerProcess) -> AsyncGenerator[Link]:
    """The streams of a session with a process that was started; stops it at the end.

    Ends with SentTooMuchError (in a group) where the server sends more than it may.
    """
    gate = Gate()
    into_session, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    # a few, so that a call that is given up need not wait for a server that does not read
    outgoing, from_session = anyio.create_memory_object_stream[SessionMessage](64)
    link = Link(incoming, outgoing)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_read_log, process)
            group.start_soon(_read, process, gate, into_session, link)
            group.start_soon(_write, process, gate, from_session)
            try:
                yield link
            finally:
                with anyio.CancelScope(shield=True):
                    await process.stop()
                group.cancel_scope.cancel()
    finally:
        for stream in (into_session, incoming, outgoing, from_session):
            stream.close()


async def _read(
    process: ServerProcess, gate: Gate, into: MemoryObjectSendStream[SessionMessage | Exception], link: Link
) -> None:
    """Give the session what comes, until the pipe ends or the process has been gone for a while."""
    async with anyio.create_task_group() as group:
        group.start_soon(_end_after_exit, process, group.cancel_scope)
        with into, suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for line in _lines(process):
                message = _parsed(line)
                if message is None:
                    gate.noise(len(line))
                elif gate.passes(message, len(line)):
                    await into.send(message)
        group.cancel_scope.cancel()
    link.over.set()


async def _end_after_exit(process: ServerProcess, scope: anyio.CancelScope) -> None:
    await process.exited.wait()
    await anyio.sleep(_DRAIN_SECONDS)
    scope.cancel()


async def _lines(process: ServerProcess) -> AsyncGenerator[bytes]:
    """The lines of stdout. Raises SentTooMuchError at one that does not end."""
    stdout = process.process.stdout
    assert stdout is not None
    begun = bytearray()
    while chunk := await stdout.read(_CHUNK):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            begun += line
            yield bytes(begun)
            begun.clear()
        begun += rest
        if len(begun) > LARGEST_MESSAGE:
            raise SentTooMuchError
    if begun:
        yield bytes(begun)


def _parsed(line: bytes) -> SessionMessage | None:
    """The message in a line; None where it is none."""
    if not line.lstrip().startswith(b"{"):
        return None
    if len(line) > _SMALL and parts(line) > MANY_PARTS:
        return _refused(line)
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        pass
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(mended_json(line), by_name=False))
    except ValueError:
        return None


class _Envelope(msgspec.Struct):
    id: int | str | None = None


def _refused(line: bytes) -> SessionMessage | None:
    """An error in the place of an answer that would take too much memory to read."""
    try:
        asked = msgspec.json.decode(line, type=_Envelope).id
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if asked is None:
        return None
    error = ErrorData(code=INVALID_REQUEST, message="The answer has too many parts.")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=asked, error=error))


async def _write(process: ServerProcess, gate: Gate, messages: MemoryObjectReceiveStream[SessionMessage]) -> None:
    stdin = process.process.stdin
    assert stdin is not None
    with messages, suppress(OSError):  # the server has closed its input; its end is told by its output
        async for message in messages:
            gate.sent(message.message)
            data = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            stdin.write(data.encode() + b"\n")
            await stdin.drain()


async def _read_log(process: ServerProcess) -> None:
    stderr = process.process.stderr
    assert stderr is not None
    try:
        while chunk := await stderr.read(_CHUNK):
            process.log.write(chunk)
    finally:
        process.log_ended.set()


def _before_exec() -> None:
    """In the child: end with the host, and hear Ctrl-C again, which the host does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    with anyio.move_on_after(seconds):
        await event.wait()
    return event.is_set()


def _descendants(pid: int) -> list[psutil.Process]:
    """What the process has started so far: a child in a session of its own is not in the group."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
