"""The tool host: one process that runs the tool servers and speaks app.tools.frames with the program."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

import msgspec

from app.tools.frames import (
    CallEnded,
    CallTool,
    CancelCall,
    HostEvent,
    ServerStopped,
    StartServer,
    StopServer,
    decode_request,
    encode,
)
from app.tools.host_calls import Calls
from app.tools.host_servers import Server

_END_SECONDS = 4.0  # that servers get to end once the program is gone

_log = logging.getLogger(__name__)


def serve(connection: Connection, logs: Path) -> None:
    """Serve the program until its end of the pipe closes, then end all servers and the process; never returns."""
    for name in ("mcp", "client", "httpx2", "httpcore2"):
        # what these log is what servers make them log, without bound
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.run(_Host(connection, logs).run())
    os._exit(0)


class _Host:
    """Everything happens on the event loop, but for the two threads that read and write the pipe."""

    def __init__(self, connection: Connection, logs: Path) -> None:
        self._connection = connection
        self._logs = logs
        self._events: SimpleQueue[bytes] = SimpleQueue()
        self._calls = Calls(self._tell)
        self._servers: dict[str, Server] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._loop.add_signal_handler(signal.SIGTERM, self._over.set)
        threading.Thread(target=self._read, name="host-reader", daemon=True).start()
        threading.Thread(target=self._write, name="host-writer", daemon=True).start()
        await self._over.wait()
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    def _read(self) -> None:
        try:
            while True:
                self._loop.call_soon_threadsafe(self._take, self._connection.recv_bytes())
        except (EOFError, OSError):
            pass
        self._loop.call_soon_threadsafe(self._over.set)
        time.sleep(_END_SECONDS)
        # the loop is stuck, or a server is
        for server in list(self._servers.values()):
            server.kill()
        os._exit(1)

    def _write(self) -> None:
        while True:
            try:
                self._connection.send_bytes(self._events.get())
            except OSError:  # the program has gone; the reader sees it too
                return

    def _tell(self, event: HostEvent) -> None:
        self._events.put(encode(event))

    def _take(self, frame: bytes) -> None:
        try:
            request = decode_request(frame)
        except msgspec.DecodeError:
            _log.exception("a frame that is no request")
            return
        match request:
            case StartServer():
                self._later(self._start(request))
            case StopServer():
                self._later(self._stop(request.server))
            case CallTool():
                self._call(request)
            case CancelCall():
                self._calls.give_up(request.call, "The call was stopped.")

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, request: StartServer) -> None:
        name = request.config.name
        async with self._turn(name):
            if name in self._servers:
                await self._servers.pop(name).stop()
            self._servers[name] = Server(request, self._logs, self._tell, self._calls)
            self._servers[name].begin()

    async def _stop(self, name: str) -> None:
        async with self._turn(name):
            if name in self._servers:
                await self._servers[name].stop()
                del self._servers[name]
            self._tell(ServerStopped(name))

    def _call(self, request: CallTool) -> None:
        server = self._servers.get(request.server)
        if server is None:
            self._tell(CallEnded(request.call, f"The server “{request.server}” is not running.", failed=True))
        else:
            server.call(request)

    def _turn(self, name: str) -> asyncio.Lock:
        """One thing at a time happens to a server, in the order asked."""
        return self._turns.setdefault(name, asyncio.Lock())
