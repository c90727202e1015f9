"""From messages to what the model reads."""

from __future__ import annotations

from app.chat.prompts import alternating
from app.core.message import Message, Role, SampledTokens

U, A = Role.USER, Role.ASSISTANT
TOKENS = SampledTokens("f", b"\1\0\0\0")


def test_turns_in_order_stay_as_they_are() -> None:
    messages = [Message(U, "One"), Message(A, "1", TOKENS), Message(U, "Two")]
    assert alternating(messages) == messages


def test_questions_in_a_row_are_joined() -> None:
    assert alternating([Message(U, "One"), Message(U, "Two")]) == [Message(U, "One\n\nTwo")]


def test_answers_without_a_word_are_left_out() -> None:
    assert alternating([Message(U, "One"), Message(A, ""), Message(U, "Two")]) == [Message(U, "One\n\nTwo")]


def test_answers_in_a_row_lose_their_tokens() -> None:
    assert alternating([Message(A, "1", TOKENS), Message(A, "2", TOKENS)]) == [Message(A, "1\n\n2")]


def test_nothing_stays_nothing() -> None:
    assert alternating([]) == []
