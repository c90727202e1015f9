"""All tools there are, and the running of their calls: built-in ones on threads, those of servers in the tool host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from app.core.tools import Arguments, Effect, ServerConfig, ServerTool
from app.tools.frames import (
    AnyHostEvent,
    CallEnded,
    CallTool,
    CancelCall,
    HostDied,
    ServerFailed,
    ServerStarted,
    ServerStopped,
    StartServer,
    StopServer,
    ToolsChanged,
)
from app.tools.host_client import ToolHost
from app.tools.host_text import whole
from app.tools.pins import identity_of
from app.tools.registry import Surroundings, Tool, ToolError, built_in

SECONDS = 60.0  # that a call may take
LIMIT = 40_000  # characters of a result
_JOIN_SECONDS = 2.0
_GRACE_SECONDS = 15.0  # the host's own limit comes first
_MOST_NAMES = 10_000  # that are kept for tools, whether or not they are there

OnEvent = Callable[[AnyHostEvent], None]


class Toolbox:
    """Session thread; `on_event` is called on threads of its own, never after close()."""

    def __init__(self, on_event: OnEvent, logs: Path) -> None:
        """Starts nothing. `logs` is where servers' own words go."""
        self._on_event = on_event
        self._host = ToolHost(on_event, logs)
        self._of_servers: dict[str, tuple[Tool, ...]] = {}
        self._names: dict[tuple[str, str], str] = {}  # server and name there -> what the model is told
        self._jobs: dict[str, _Job] = {}
        self._configs: dict[str, ServerConfig] = {}
        self._watched: dict[str, threading.Timer] = {}  # calls of servers
        self._telling = threading.Lock()
        self._closed = False

    @cached_property
    def _built_in(self) -> tuple[Tool, ...]:
        return built_in()

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The built-in tools, then those of the servers that run."""
        return (*self._built_in, *(tool for tools in self._of_servers.values() for tool in tools))

    def find(self, name: str) -> Tool | None:
        """The tool that the model knows by this name."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def find_of(self, origin: str, own_name: str) -> Tool | None:
        """The tool of this server ("": built in) that is called so there."""
        return next((tool for tool in self.tools if (tool.origin, tool.own_name) == (origin, own_name)), None)

    def run(self, call: str, tool: Tool, arguments: Arguments, around: Surroundings) -> None:
        """Start a call; CallEnded follows, once, within SECONDS."""
        if tool.run is None:
            self._watch(call, tool.name)
            self._host.send(CallTool(call, tool.origin, tool.asked_as, arguments, SECONDS, LIMIT))
            return
        stopped = threading.Event()
        around = replace(around, deadline=time.monotonic() + SECONDS, stopped=stopped.is_set)
        job = _Job(call, tool, arguments, around, stopped, self._end)
        self._jobs[call] = job
        job.start()

    def stop(self, call: str) -> None:
        """Wait for a call no longer; CallEnded follows."""
        job = self._jobs.get(call)
        if job is not None:
            job.stop()
        else:
            self._host.send(CancelCall(call))

    def start_server(self, config: ServerConfig, search_path: str) -> None:
        """Start a server; ServerStarted or ServerFailed follows."""
        self._configs[config.name] = config
        self._host.send(StartServer(config, search_path=search_path))

    def stop_server(self, name: str) -> None:
        """End a server; its tools are gone at once."""
        self._of_servers.pop(name, None)
        self._host.send(StopServer(name))

    def take(self, event: AnyHostEvent) -> None:
        """What the tool host told, which may change what tools there are."""
        if isinstance(event, ServerStarted | ToolsChanged):
            self._of_servers[event.server] = self._named(event.server, event.tools)
        elif isinstance(event, ServerFailed | ServerStopped):
            self._of_servers.pop(event.server, None)
        elif isinstance(event, HostDied):
            self._of_servers.clear()
            for call in list(self._watched):
                self._end(CallEnded(call, event.message, failed=True))
        elif isinstance(event, CallEnded):
            self._jobs.pop(event.call, None)
            watch = self._watched.pop(event.call, None)
            if watch is not None:
                watch.cancel()

    def close(self) -> None:
        """End everything; no event comes after it."""
        with self._telling:
            self._closed = True
        for watch in self._watched.values():
            watch.cancel()
        for job in self._jobs.values():
            job.stop()
        for job in self._jobs.values():
            job.thread.join(_JOIN_SECONDS)
        self._host.close()

    def _named(self, server: str, tools: tuple[ServerTool, ...]) -> tuple[Tool, ...]:
        """A server's tools under names that nothing else has; of two of one name the first counts."""
        told = {one.name: one for one in reversed(tools)}
        self._name(server, [one.name for one in tools])
        config = self._configs.get(server)
        return tuple(
            Tool(
                self._names[server, name],
                one.description,
                one.parameters,
                Effect.RUN,
                server,
                asked_as=name,
                identity=identity_of(config, one),
            )
            for name, one in reversed(told.items())
        )

    def _name(self, server: str, own_names: Sequence[str]) -> None:
        """What the model is told stays: a call that is written now must not become one of another server's tool."""
        taken = {*self._names.values(), *(tool.name for tool in self._built_in)}
        for own_name in own_names:
            if (server, own_name) in self._names:
                continue
            name, number = own_name, 1
            while name in taken:
                name = f"{server}_{own_name}" if number == 1 else f"{server}_{own_name}_{number}"
                number += 1
            taken.add(name)
            self._names[server, own_name] = name
        if len(self._names) > _MOST_NAMES:  # a server may think of new ones without end
            used = {(server, name) for name in own_names} | {(tool.origin, tool.own_name) for tool in self.tools}
            unused = [key for key in self._names if key not in used]
            for key in unused[: len(self._names) - _MOST_NAMES]:
                del self._names[key]

    def _watch(self, call: str, name: str) -> None:
        """A call of a server comes back by itself, whatever becomes of the host."""
        said = f"{name} did not come back within {SECONDS:.0f} seconds."
        watch = threading.Timer(SECONDS + _GRACE_SECONDS, self._end, [CallEnded(call, said, failed=True)])
        watch.daemon = True
        self._watched[call] = watch
        watch.start()

    def _end(self, event: CallEnded) -> None:
        with self._telling:
            if not self._closed:
                self._on_event(event)


class _Job:
    """One call of a built-in tool on a thread. It ends once: with its result, at its time limit, or when stopped."""

    def __init__(
        self,
        call: str,
        tool: Tool,
        arguments: Arguments,
        around: Surroundings,
        stopped: threading.Event,
        told: Callable[[CallEnded], None],
    ) -> None:
        self._call = call
        self._tool = tool
        self._arguments = arguments
        self._around = around
        self._stopped = stopped
        self._told = told
        self._ended = threading.Lock()
        self._began = time.monotonic()
        self._timer = threading.Timer(SECONDS, self._on_time)
        self._timer.daemon = True
        # a daemon: a file system that hangs must not keep the program from ending
        self.thread = threading.Thread(target=self._work, name=f"tool-{tool.name}", daemon=True)

    def start(self) -> None:
        self._timer.start()
        self.thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._finish("The call was stopped.", failed=True)

    def _on_time(self) -> None:
        self._stopped.set()
        self._finish(f"{self._tool.name} did not come back within {SECONDS:.0f} seconds.", failed=True)

    def _work(self) -> None:
        assert self._tool.run is not None
        try:
            text, failed = self._tool.run(self._arguments, self._around), False
        except ToolError as error:
            text, failed = str(error), True
        except Exception as error:  # noqa: BLE001 - a tool may raise anything, and that is a result for the model
            text, failed = f"{self._tool.name} failed: {error}", True
        self._finish(text, failed=failed)

    def _finish(self, text: str, *, failed: bool) -> None:
        if not self._ended.acquire(blocking=False):
            return
        self._timer.cancel()
        milliseconds = (time.monotonic() - self._began) * 1000
        self._told(CallEnded(self._call, cut(text), failed, milliseconds=milliseconds))


def cut(text: str) -> str:
    """A result as the model may read it: so long, and fit for UTF-8."""
    text = whole(text)
    if len(text) <= LIMIT:
        return text
    return f"{text[:LIMIT]}\n[cut: {LIMIT:,} of {len(text):,} characters]"
