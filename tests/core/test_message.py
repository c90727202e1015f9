"""The words in which messages, states and reasons are stored and printed."""

from __future__ import annotations

import msgspec
import pytest

from app.core.message import FinishReason, Message, MessageState, Role, SampledTokens


def test_the_stored_words_stay_as_they_are() -> None:
    """A database and a script have them: a renamed one would lose chats."""
    assert [str(role) for role in Role] == ["system", "user", "assistant"]
    assert [str(state) for state in MessageState] == ["queued", "streaming", "complete", "interrupted"]
    assert [str(reason) for reason in FinishReason] == ["stop", "length", "cancelled", "error", "tool_denied"]


def test_messages_are_values() -> None:
    tokens = SampledTokens("gem", b"\x05\x00\x00\x00")
    assert Message(Role.ASSISTANT, "Hi", tokens) == Message(Role.ASSISTANT, "Hi", SampledTokens("gem", tokens.ids))
    assert len({Message(Role.USER, "a"), Message(Role.USER, "a"), Message(Role.USER, "b")}) == 2


def test_the_bytes_of_token_ids_survive_json() -> None:
    message = Message(Role.ASSISTANT, "Hi", SampledTokens("gem", bytes(range(256))))
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"role": "tool", "text": "4"}', type=Message)
