"""A server reached by its address: streamable HTTP, through the SDK, with bounds on what is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from app.core.tools import ServerConfig
from app.tools.host_gate import LARGEST_MESSAGE, MANY_PARTS, Gate, Link, SentTooMuchError, parts

UNREACHABLE = (httpx2.TransportError, httpx2.InvalidURL)  # what http_link() ends with where the network fails
_MESSAGE_BYTES = 1000  # that a message counts for; its size is not known any more
_CONNECT_SECONDS = 15.0
_EVENT_ENDS = (b"\n\n", b"\r\r", b"\r\n\r\n")
_READ_SECONDS = 600.0  # a call's own limit comes first


class HttpServer:
    """An address and what it answered last."""

    def __init__(self, config: ServerConfig) -> None:
        """Connects to nothing; http_link() does."""
        self.url = config.url
        self.refusal = 0  # the last HTTP status that was a refusal
        self._headers = dict(config.headers)

    def client(self) -> httpx2.AsyncClient:
        """A client that asks for plain answers: what they unpack to could not be bounded."""
        return httpx2.AsyncClient(
            headers={"accept-encoding": "identity", **self._headers},
            timeout=httpx2.Timeout(_CONNECT_SECONDS, read=_READ_SECONDS),
            event_hooks={"response": [self._on_response]},
        )

    async def _on_response(self, response: httpx2.Response) -> None:
        if response.status_code >= 400 and response.request.method == "POST":
            self.refusal = response.status_code
        if response.headers.get("content-encoding", "identity") != "identity":
            raise SentTooMuchError
        events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, events=events)


class _Bounded(httpx2.AsyncByteStream):
    """A body, or each event in one, that is neither too long nor too costly to read; else SentTooMuchError."""

    def __init__(self, body: httpx2.AsyncByteStream, *, events: bool) -> None:
        self._body = body
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = values = 0
        before = b""
        async for chunk in self._body:
            counted = before + chunk
            end = max(map(counted.rfind, _EVENT_ENDS)) if self._events else -1
            if end >= 0:
                size = values = 0
                counted = counted[end + 1 :]
            size += len(chunk)
            values += parts(counted)
            before = chunk[-3:] if self._events else b""
            if size > LARGEST_MESSAGE or values > MANY_PARTS:
                raise SentTooMuchError
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


@asynccontextmanager
async def http_link(server: HttpServer) -> AsyncGenerator[Link]:
    """The streams of a session with the address. A network's failure comes out as httpx2.TransportError in a group."""
    gate = Gate()
    into_session, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_session = anyio.create_memory_object_stream[SessionMessage](64)
    link = Link(incoming, outgoing)
    try:
        async with (
            server.client() as client,
            streamable_http_client(server.url, http_client=client, max_sse_event_size=LARGEST_MESSAGE) as (read, write),
            anyio.create_task_group() as group,
        ):

            async def receive() -> None:
                with into_session:
                    async for message in read:
                        if isinstance(message, Exception):
                            gate.noise(_MESSAGE_BYTES)
                        elif gate.passes(message, _MESSAGE_BYTES):
                            await into_session.send(message)
                link.over.set()

            async def send() -> None:
                with from_session:
                    async for message in from_session:
                        gate.sent(message.message)
                        await write.send(message)

            group.start_soon(receive)
            group.start_soon(send)
            yield link
            group.cancel_scope.cancel()
    finally:
        for stream in (into_session, incoming, outgoing, from_session):
            stream.close()
