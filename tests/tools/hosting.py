"""A tool host in a test: its events as they come, and the servers of ours that it runs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from queue import Empty, Queue
from typing import Any, TypeVar

import psutil

from app.core.paths import encode_path
from app.core.tools import ServerConfig
from app.tools.frames import CallEnded, CallTool, HostEvent, ServerStarted, ServerStopped, StartServer, StopServer
from app.tools.host_client import ToolHost

SERVERS = Path(__file__).parent / "servers"
SECONDS = 20.0

E = TypeVar("E", bound=HostEvent)


def config(name: str, script: str, *arguments: str, **fields: Any) -> ServerConfig:
    """A server of ours."""
    return ServerConfig(name, command=(sys.executable, str(SERVERS / f"{script}.py"), *arguments), **fields)


class Hosted:
    """A ToolHost and what it told."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.events: Queue[HostEvent] = Queue()
        self.host = ToolHost(self.events.put, logs)
        self._number = 0
        self._servers: set[str] = set()

    def expect(self, kind: type[E], seconds: float = SECONDS) -> E:
        """The next event, which has to be of this kind."""
        event = self.events.get(timeout=seconds)
        assert isinstance(event, kind), event
        return event

    def start(self, server: ServerConfig, seconds: float = SECONDS) -> ServerStarted:
        """Start a server that starts."""
        self.ask_to_start(server, seconds)
        return self.expect(ServerStarted)

    def ask_to_start(self, server: ServerConfig, seconds: float = SECONDS) -> None:
        """Start a server and do not wait."""
        self._servers.add(server.name)
        self.host.send(StartServer(server, seconds))

    def stop_all(self) -> None:
        """Stop what was started, and forget what was told."""
        for name in self._servers:
            self.host.send(StopServer(name))
        while self._servers:
            event = self.events.get(timeout=SECONDS)
            if isinstance(event, ServerStopped):
                self._servers.discard(event.server)

    def peak(self) -> int:
        """The most memory that the host has had, in bytes."""
        status = Path(f"/proc/{self.process().pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) << 10

    def process(self) -> psutil.Process:
        """The host's process."""
        children = psutil.Process().children()
        logs = encode_path(self.logs)
        return next(child for child in children if logs in child.cmdline())

    def begin(self, server: str, tool: str, arguments: dict[str, Any] | None = None, **fields: Any) -> str:
        """Call a tool and do not wait."""
        self._number += 1
        self.host.send(CallTool(f"call{self._number}", server, tool, arguments or {}, **fields))
        return f"call{self._number}"

    def call(self, server: str, tool: str, arguments: dict[str, Any] | None = None, **fields: Any) -> CallEnded:
        """Call a tool and wait for what it gives."""
        call = self.begin(server, tool, arguments, **fields)
        ended = self.expect(CallEnded)
        assert ended.call == call
        return ended

    def act(self, action: str, **fields: Any) -> CallEnded:
        """A call of the hostile server."""
        return self.call("hostile", "act", {"action": action}, **fields)

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing more is told for a while."""
        try:
            self.events.get(timeout=seconds)
        except Empty:
            return True
        return False


def ends(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process ends within this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
