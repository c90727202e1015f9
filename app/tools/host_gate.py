"""What lies between a session and a server: streams, what is let through, and how much may come unasked."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

LARGEST_MESSAGE = 16 << 20  # bytes
MANY_PARTS = 500_000  # of JSON in a message; each may become an object of a hundred bytes
_MOST_NOISE = 16 << 20  # bytes between two answers
_MOST_OPEN = 64  # requests of the server's that wait for an answer of ours
_MESSAGE_BYTES = 100  # what the shortest message counts for

TOOLS_CHANGED = "notifications/tools/list_changed"


class SentTooMuchError(Exception):
    """The server sent more than it may; it has to go."""


def parts(data: bytes) -> int:
    """How many values there may be in JSON, without reading it."""
    return data.count(b",") + data.count(b"[") + data.count(b"{")


@dataclass(frozen=True, slots=True)
class Link:
    """What a transport gives: the session's streams, and an event for when the server has ended or gone."""

    incoming: MemoryObjectReceiveStream[SessionMessage | Exception]
    outgoing: MemoryObjectSendStream[SessionMessage]
    over: anyio.Event = field(default_factory=anyio.Event)


class Gate:
    """Passes answers, requests and the one notification that is acted on; the session sees nothing else."""

    def __init__(self) -> None:
        """Nothing was asked yet, so nothing is expected."""
        self._asked: set[str] = set()
        self._open = 0
        self._noise = 0

    def sent(self, message: JSONRPCMessage) -> None:
        """A message of ours goes out."""
        if isinstance(message, JSONRPCRequest):
            self._asked.add(str(message.id))
        elif isinstance(message, JSONRPCResponse | JSONRPCError):
            self._open -= 1

    def noise(self, size: int) -> None:
        """Something came that is of no use. Raises SentTooMuchError once it is too much."""
        self._noise += max(size, _MESSAGE_BYTES)
        if self._noise > _MOST_NOISE:
            raise SentTooMuchError

    def passes(self, received: SessionMessage, size: int) -> bool:
        """Whether the session gets this message of `size` bytes. Raises SentTooMuchError."""
        message = received.message
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            if str(message.id) in self._asked:
                self._asked.discard(str(message.id))
                self._noise = 0
                return True
        elif isinstance(message, JSONRPCRequest):
            self.noise(size)
            self._open += 1
            if self._open > _MOST_OPEN:
                raise SentTooMuchError
            return True
        elif isinstance(message, JSONRPCNotification) and message.method == TOOLS_CHANGED:
            self.noise(size)
            return True
        self.noise(size)
        return False
