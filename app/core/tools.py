"""Tools as values: what a model may call, what it asked for, what came back, and what a person granted."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

Arguments = dict[str, Any]
Schema = dict[str, Any]


class Effect(StrEnum):
    """The most that a call may do. What a server's tool does is not known: it RUNs a program."""

    READ = "read"
    WRITE = "write"
    RUN = "run"
    NETWORK = "network"


class Verdict(StrEnum):
    """What the policy says of a call."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class ToolDefinition(msgspec.Struct, frozen=True):
    """A tool as the model is told of it. `parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Schema


class WrittenCall(msgspec.Struct, frozen=True):
    """A call as the model wrote it."""

    name: str
    arguments: Arguments

    def __hash__(self) -> int:
        return hash(self.name)  # the arguments have none


class ToolResult(msgspec.Struct, frozen=True):
    """What a call came back with, as the model reads it."""

    name: str
    text: str
    failed: bool = False


class Grant(msgspec.Struct, frozen=True):
    """A folder that a chat's tools may read, and with `write` change. `folder` is absolute, links followed."""

    folder: str
    write: bool = False


class ServerConfig(msgspec.Struct, frozen=True):
    """A tool server (MCP) as a person added it: a `command` that is started, or a `url` (streamable HTTP).

    `environment` is added to the short one that every server gets; `folder` "" is the home folder.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    folder: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


class ServerTool(msgspec.Struct, frozen=True):
    """A tool as its server describes it. `reads_only` is what the server says of itself, and only shown."""

    name: str
    description: str
    parameters: Schema
    reads_only: bool = False


class CallState(StrEnum):
    """How far a call has come. All but WAITING and RUNNING are final."""

    WAITING = "waiting"  # for the person
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"


class CallDecision(StrEnum):
    """Who let a call run, in the words of the command line's JSON."""

    NONE = ""
    ALLOWED = "allowed"  # by the policy, without a question
    APPROVED = "approved"
    EDITED = "edited"  # approved with other arguments
    DENIED = "denied"


class Asked(msgspec.Struct, frozen=True):
    """What a person must know to decide on a call that waits, and how far an approval may reach."""

    description: str
    effect: Effect
    parameters: Schema
    place: str = ""  # the file or folder that it is about
    may_allow_here: bool = False
    may_always: bool = False


class Call(msgspec.Struct, frozen=True):
    """A call of a tool, from the answer that made it to its result.

    `arguments` are the model's, `used` those it ran with where the person edited them. `why` is a sentence about the
    decision, `place` the file that it is about (resolved when it was decided about), `pictures` are the SHA-256 of what
    came back beside the text; `asked` is only there while it waits. `name` is what the model wrote, `asked_as` what the
    tool is called by the server that it is of ("": as the model wrote it).
    """

    id: str
    name: str
    origin: str
    arguments: Arguments
    state: CallState
    decision: CallDecision = CallDecision.NONE
    used: Arguments | None = None
    why: str = ""
    result: str = ""
    milliseconds: float = 0.0
    pictures: tuple[str, ...] = ()
    place: str = ""
    asked: Asked | None = None
    asked_as: str = ""

    @property
    def own_name(self) -> str:
        """What its tool is called where it comes from."""
        return self.asked_as or self.name

    @property
    def settled(self) -> bool:
        """Whether nothing will become of it any more."""
        return self.state not in (CallState.WAITING, CallState.RUNNING)

    @property
    def given(self) -> Arguments:
        """What it runs with."""
        return self.arguments if self.used is None else self.used


class LoggedCall(msgspec.Struct, frozen=True):
    """An entry of the log: what was decided, or how it ended. `at` in seconds since 1970."""

    at: float
    conversation: str
    call: str
    tool: str
    origin: str
    arguments: str
    event: str  # allowed | approved | edited | denied | refused | asked | done | failed
    why: str = ""
    milliseconds: float = 0.0


class ServerEntry(msgspec.Struct, frozen=True):
    """A server that was added. `pins` are the tools a person has seen, each with the hash of its definition.

    `off` are those that were switched off everywhere.
    """

    config: ServerConfig
    enabled: bool = True
    pins: tuple[tuple[str, str], ...] = ()
    off: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True):
    """What a person decided for good; "" matches every tool, server or place.

    `tool` is a name as its `server` gives it, which stays when the model knows the tool by another one; a tool without
    a server is the built-in one.
    """

    tool: str = ""
    server: str = ""
    folder: str = ""
    verdict: Verdict = Verdict.ASK
