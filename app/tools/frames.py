"""The frames between the program and the tool host: msgspec structs, sent as JSON over a Pipe.

Every StartServer is answered by ServerStarted or ServerFailed, every CallTool by exactly one CallEnded.
"""

from __future__ import annotations

import msgspec

from app.core.tools import Arguments, ServerConfig, ServerTool


class HostRequest(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of what the program sends."""


class StartServer(HostRequest, frozen=True, tag="start_server"):
    """Start a server, or connect to it. `seconds` it may take; `search_path` is the PATH that commands are found by."""

    config: ServerConfig
    seconds: float = 30.0
    search_path: str = ""


class StopServer(HostRequest, frozen=True, tag="stop_server"):
    """End a server and what it started."""

    server: str


class CallTool(HostRequest, frozen=True, tag="call_tool"):
    """Call a tool of a server that was started. `seconds` it may take, `limit` characters its text may have."""

    call: str
    server: str
    tool: str
    arguments: Arguments
    seconds: float = 60.0
    limit: int = 40_000


class CancelCall(HostRequest, frozen=True, tag="cancel_call"):
    """Wait for a call no longer; CallEnded follows."""

    call: str


class HostEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of what the host sends."""


class ServerStarted(HostEvent, frozen=True, tag="server_started"):
    """A server answers. `title` is what it calls itself, `seconds` what its start took."""

    server: str
    title: str
    version: str
    tools: tuple[ServerTool, ...]
    seconds: float = 0.0


class ToolsChanged(HostEvent, frozen=True, tag="tools_changed"):
    """A running server says that its tools are now these."""

    server: str
    tools: tuple[ServerTool, ...]


class ServerFailed(HostEvent, frozen=True, tag="server_failed"):
    """A server did not start, or has ended: one sentence; `detail` is the end of what it wrote to its log."""

    server: str
    message: str
    detail: str = ""


class ServerStopped(HostEvent, frozen=True, tag="server_stopped"):
    """A server was ended because it was asked for."""

    server: str


class CallImage(msgspec.Struct, frozen=True):
    """A picture in a result, as it came: bytes that nobody has looked at yet."""

    media_type: str
    data: bytes


class CallEnded(HostEvent, frozen=True, tag="call_ended"):
    """A call has come back, failed, or was given up. `text` is plain, without terminal codes, cut to the limit."""

    call: str
    text: str
    failed: bool = False
    images: tuple[CallImage, ...] = ()
    milliseconds: float = 0.0


class HostDied(HostEvent, frozen=True, tag="host_died"):
    """Made by the client when the host is gone; all servers with it."""

    message: str


AnyHostRequest = StartServer | StopServer | CallTool | CancelCall
AnyHostEvent = ServerStarted | ToolsChanged | ServerFailed | ServerStopped | CallEnded | HostDied

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[AnyHostRequest] = msgspec.json.Decoder(AnyHostRequest)
_events: msgspec.json.Decoder[AnyHostEvent] = msgspec.json.Decoder(AnyHostEvent)


def encode(frame: HostRequest | HostEvent) -> bytes:
    """A frame as the bytes that go through the Pipe."""
    return _encoder.encode(frame)


def decode_request(data: bytes) -> AnyHostRequest:
    """What the program sent. Raises msgspec.DecodeError on anything else."""
    return _requests.decode(data)


def decode_event(data: bytes) -> AnyHostEvent:
    """What the host sent. Raises msgspec.DecodeError on anything else."""
    return _events.decode(data)
