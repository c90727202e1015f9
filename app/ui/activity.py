"""Which messages are being answered or wait in line, as the changes tell it."""

from __future__ import annotations

from collections.abc import Iterable

from app.chat.changes import MessageView
from app.core.message import MessageState, Role
from app.ui.composer import Activity


class ActivityLog:
    """Follows the states of messages across conversations. Pure; no Qt."""

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[str, MessageState]] = {}

    def note(self, message: MessageView) -> None:
        """A message was added or has changed."""
        if message.state in (MessageState.QUEUED, MessageState.STREAMING):
            # an answer that waits to go on with what its tools came back with is under way like one that is written
            state = MessageState.STREAMING if message.role is Role.ASSISTANT else message.state
            self._under_way[message.id] = (message.conversation, state)
        else:
            self._under_way.pop(message.id, None)

    def note_all(self, conversation: str, messages: Iterable[MessageView]) -> None:
        """These are all the messages of the conversation's branch now."""
        self.forget_conversation(conversation)
        for message in messages:
            self.note(message)

    def forget(self, ids: Iterable[str]) -> None:
        """These messages are gone."""
        for message in ids:
            self._under_way.pop(message, None)

    def forget_conversation(self, conversation: str) -> None:
        """Nothing is under way in this conversation any more."""
        self.forget([key for key, (where, _) in self._under_way.items() if where == conversation])

    def of(self, conversation: str) -> Activity:
        """What goes on in this conversation."""
        states = {state for where, state in self._under_way.values() if where == conversation}
        if MessageState.STREAMING in states:
            return Activity.ANSWERING
        return Activity.WAITING if states else Activity.IDLE

    def last_queued(self, conversation: str) -> str:
        """The message that waits last in this conversation; "" for none."""
        waiting = [
            key
            for key, (where, state) in self._under_way.items()
            if where == conversation and state is MessageState.QUEUED
        ]
        return waiting[-1] if waiting else ""

    def words(self, model: str) -> dict[str, str]:
        """What the sidebar says in place of previews: conversation -> words."""
        said: dict[str, str] = {}
        for where, state in self._under_way.values():
            if state is MessageState.STREAMING:
                said[where] = "Writing…"
            else:
                said.setdefault(where, f"Waits for {model or 'the model'}…")
        return said
