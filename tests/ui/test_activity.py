"""Which messages are under way, across conversations."""

from __future__ import annotations

from app.chat.changes import MessageView
from app.core.message import MessageState, Role
from app.ui.activity import ActivityLog
from app.ui.composer import Activity


def view(key: str, conversation: str, state: MessageState) -> MessageView:
    """A message in this state."""
    return MessageView(key, conversation, Role.USER, "", state, 0.0)


def test_an_answer_being_written_outranks_what_waits_behind_it() -> None:
    log = ActivityLog()
    log.note(view("1", "a", MessageState.STREAMING))
    log.note(view("2", "a", MessageState.QUEUED))
    log.note(view("3", "b", MessageState.QUEUED))
    assert log.of("a") is Activity.ANSWERING
    assert log.of("b") is Activity.WAITING
    assert log.of("c") is Activity.IDLE
    assert log.words("Gemma 3 12B") == {"a": "Writing…", "b": "Waits for Gemma 3 12B…"}
    log.note(view("1", "a", MessageState.COMPLETE))
    assert log.of("a") is Activity.WAITING


def test_the_last_message_in_line_is_the_one_to_take_back() -> None:
    log = ActivityLog()
    log.note(view("1", "a", MessageState.QUEUED))
    log.note(view("2", "a", MessageState.QUEUED))
    assert log.last_queued("a") == "2"
    log.forget(["2"])
    assert log.last_queued("a") == "1"
    assert log.last_queued("b") == ""


def test_opening_a_conversation_tells_all_of_it_anew() -> None:
    log = ActivityLog()
    log.note(view("1", "a", MessageState.STREAMING))
    log.note_all("a", [view("1", "a", MessageState.INTERRUPTED)])
    assert log.of("a") is Activity.IDLE
