"""The worker as the window and the command line see it: started, asked, killed and started again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from app.core.child import Child, entry_of
from app.core.child_log import signal_name
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


class EngineClient:
    """Implements app.chat.link.EngineLink. `on_event` is called on a thread of the worker's, never after close()."""

    def __init__(
        self, on_event: OnEvent, log_path: Path, *, scripted: bool = False, addons: Path | None = None
    ) -> None:
        """Starts nothing. What the worker and its libraries print goes to `log_path`.

        `addons` is the person's folder of backends.
        """
        self._on_event = on_event
        self._log_path = log_path
        self._arguments = ["--scripted"] if scripted else [str(addons)] if addons is not None else []
        self._worker: Child | None = None
        self._before: list[Child] = []

    def start(self) -> None:
        """Start a worker, unless one lives; a failure is told as WorkerDied."""
        if self._worker is not None and self._worker.alive:
            return
        if self._worker is not None:
            self._before.append(self._worker)
        self._worker = Child(_entry(), self._arguments, self._log_path, self._take, self._end)

    def send(self, request: Request) -> None:
        """Ask the worker; never blocks, and is dropped where the worker has died."""
        if self._worker is not None:
            self._worker.send(encode(request))

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

    def _take(self, frame: bytes) -> str:
        """Tell the event of a frame; returns a sentence where the worker cannot be understood."""
        try:
            event: Event = decode_event(frame)
        except msgspec.ValidationError as error:
            event = WorkerFault(f"The engine sent something that is no event: {error}", "")
        if isinstance(event, Ready) and event.protocol != PROTOCOL_VERSION:
            return "The engine belongs to another version of Cabochon. Install Cabochon again."
        self._on_event(event)
        return ""

    def _end(self, code: int, failure: str) -> None:
        if code == -1 and failure:
            failure = f"The engine could not be started: {failure}."
        self._on_event(WorkerDied(exit_code=code, message=failure or f"The engine ended ({signal_name(code)})."))


def _entry() -> list[str]:
    return entry_of("app.worker", "cabochon-worker")
