"""What the store keeps, as values."""

from __future__ import annotations

import json
import secrets
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from app.core.message import (
    Document,
    Draft,
    FinishReason,
    Message,
    MessageState,
    Picture,
    Role,
    SampledTokens,
    Timings,
    Usage,
)
from app.core.settings import ConversationSettings
from app.core.tools import Call

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation without its messages. `leaf` is the last message of the branch that is shown, "" for none."""

    id: str
    title: str
    leaf: str
    settings: ConversationSettings
    draft: Draft


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """A row of the list. `last_words` are the beginning of the last message that has any; `asks`: a call waits."""

    id: str
    title: str
    last_words: str
    changed_at: float
    has_pictures: bool
    has_documents: bool
    asks: bool


class StoredMessage(msgspec.Struct, frozen=True):
    """A message as it is stored. `versions` are the ids of its siblings in order of making, itself included.

    A struct and no dataclass: 5,000 of them are made when a long chat opens, four times as fast.
    """

    id: str
    conversation: str
    parent: str
    role: Role
    text: str
    state: MessageState
    created_at: float
    model: str
    finish_reason: FinishReason | None
    error: str
    usage: Usage
    timings: Timings
    versions: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    documents: tuple[Document, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """A message as a prompt is made of it. The calls are what an answer made, with what became of them."""

    id: str
    message: Message
    documents: tuple[Document, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """All of an answer that changes while it is written, and when it ends.

    `call_text` is what it wrote after its words to call tools; the tokens are of both.
    """

    text: str
    state: MessageState
    tokens: SampledTokens | None = None
    finish_reason: FinishReason | None = None
    error: str = ""
    usage: Usage = Usage()
    timings: Timings = Timings()
    model: str = ""
    call_text: str = ""


def new_id() -> str:
    """12 random letters and digits: short enough for a command line, random enough never to meet again."""
    return b32encode(secrets.token_bytes(8)).decode("ascii")[:12].lower()


def pack(value: msgspec.Struct) -> str:
    """A value as JSON text. Half characters (a path of odd bytes) come through as escapes."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def unpack(text: str, kind: type[T]) -> T:
    """The value of this JSON text. A damaged field takes its default: it must not lock a chat."""
    if text == "{}":
        return kind()
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError:  # a path of odd bytes, or damage
        pass
    try:
        stored = json.loads(text)
    except ValueError:
        return kind()
    if not isinstance(stored, dict):
        return kind()
    try:
        return msgspec.convert(stored, kind)
    except msgspec.ValidationError:
        return kind(**_readable_fields(stored, kind))


def _readable_fields(stored: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in stored:
            continue
        value = stored[field.encode_name]
        try:
            found[field.name] = msgspec.convert(value, field.type)
        except msgspec.ValidationError:
            if isinstance(value, list):  # of a list the readable entries are kept: a damaged rule takes no denial along
                found[field.name] = tuple(_readable_entries(value, field.type))
    return found


def _readable_entries(stored: list[Any], kind: Any) -> Iterator[Any]:
    for entry in stored:
        try:
            yield from msgspec.convert([entry], kind)
        except msgspec.ValidationError:
            continue
