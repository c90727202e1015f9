"""The tool host as the window and the command line see it: started at the first request, and again after a death.

It never loads the SDK of the servers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from app.core.child import Child, entry_of
from app.core.child_log import signal_name
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
        self._host: Child | None = None
        self._before: list[Child] = []
        self._lock = threading.Lock()

    def send(self, request: HostRequest) -> None:
        """Ask the host, which is started where none lives; never waits for it."""
        with self._lock:
            if self._host is None or not self._host.alive:
                if self._host is not None:
                    self._before.append(self._host)
                self._host = self._started()
            self._host.send(encode(request))

    def close(self) -> None:
        """End the host and its servers; no event comes after it. Takes up to 5 s; not to be called from on_event."""
        with self._lock:
            for host in filter(None, (*self._before, self._host)):
                host.close()
            self._before.clear()
            self._host = None

    def _started(self) -> Child:
        entry, log = entry_of("app.tool_host", "cabochon-tool-host"), self._logs / "tool-host.log"
        return Child(entry, [encode_path(self._logs)], log, self._take, self._end, patience=_END_SECONDS)

    def _take(self, frame: bytes) -> str:
        """Tell the event of a frame; returns a sentence where the host cannot be understood."""
        try:
            event = decode_event(frame)
        except msgspec.DecodeError:
            return "The tool host belongs to another version of Cabochon. Install Cabochon again."
        self._on_event(event)
        return ""

    def _end(self, code: int, failure: str) -> None:
        if code == -1 and failure:
            failure = f"The tool host could not be started: {failure}."
        self._on_event(HostDied(failure or f"The tool host ended ({signal_name(code)})."))
