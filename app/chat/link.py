"""What the session needs of the engine's client."""

from __future__ import annotations

from typing import Protocol

from app.core.protocol import Request


class EngineLink(Protocol):
    """The worker, seen from the session; its events come back through `ChatSession.handle`."""

    def start(self) -> None:
        """Start (or start again) the worker."""
        ...

    def send(self, request: Request) -> None:
        """Ask the worker; never blocks, and is dropped where the worker has died."""
        ...

    def kill(self) -> None:
        """End the worker at once; WorkerDied follows."""
        ...

    def close(self) -> None:
        """End the worker; no event comes after it."""
        ...
