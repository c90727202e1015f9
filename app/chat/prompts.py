"""From stored messages to what the model reads."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from app.chat.clock import Clock
from app.chat.documents import question
from app.chat.saver import Saver
from app.chat.wording import date_sentence
from app.core.message import Draft, Message, Role
from app.core.protocol import Prompt
from app.core.settings import ConversationSettings, Settings
from app.core.tools import Call, CallState, ToolDefinition, ToolResult, WrittenCall
from app.store.store import Store

UNUSED = "It was not used: what was called could not be written down."
UNDECIDED = "The person has not decided yet whether this may run."


class Prompts:
    """Makes prompts out of branches. Session thread."""

    def __init__(self, store: Store, saver: Saver) -> None:
        self._store = store
        self._saver = saver

    def up_to(
        self,
        conversation: str,
        leaf: str,
        system: str,
        tools: tuple[ToolDefinition, ...] = (),
        *,
        draft: Draft = Draft(),
    ) -> Prompt:
        """The branch that ends with this message, and what is being written after it."""
        messages = self._branch(leaf) if leaf else []
        if draft:
            messages.append(question(draft.text, draft.pictures, draft.documents))
        return Prompt(conversation, tuple(alternating(messages)), system, tools)

    def _branch(self, leaf: str) -> list[Message]:
        unsaved = self._saver.unsaved
        messages: list[Message] = []
        for stored in self._store.messages.prompt(leaf):
            message = stored.message
            newer = unsaved.get(stored.id)
            if newer:
                message = Message(message.role, newer.text, newer.tokens, message.pictures, call_text=newer.call_text)
            elif stored.documents:
                message = question(message.text, message.pictures, stored.documents)
            if message.role is Role.ASSISTANT:  # what its calls came back with is said to it by the next message
                calls = tuple(WrittenCall(call.name, call.arguments) for call in stored.calls)
                came_back, message = message.pictures, msgspec.structs.replace(message, pictures=(), calls=calls)
                messages.append(message)
                if stored.calls or message.call_text:  # no call is left without a result
                    results = results_of(stored.calls) or (ToolResult("tool", UNUSED, failed=True),)
                    messages.append(Message(Role.USER, "", pictures=came_back, results=results))
            else:
                messages.append(message)
        return messages


def alternating(messages: Iterable[Message]) -> list[Message]:
    """The messages with the turns in order: answers without a word left out, neighbours of one role joined.

    Templates refuse two messages of the person in a row, which a deleted or failed answer leaves.
    """
    found: list[Message] = []
    for message in messages:
        if message.role is Role.ASSISTANT and not (message.text or message.call_text):
            continue
        if found and found[-1].role is message.role:
            before = found[-1]
            text = "\n\n".join(part for part in (before.text, message.text) if part)
            pictures, results = before.pictures + message.pictures, before.results + message.results
            found[-1] = Message(message.role, text, pictures=pictures, results=results)
        else:
            found.append(message)
    return found


def results_of(calls: Iterable[Call]) -> tuple[ToolResult, ...]:
    """What the model is told of its calls; none is left without an answer."""
    return tuple(
        ToolResult(call.name, call.result if call.settled else UNDECIDED, call.state is not CallState.DONE)
        for call in calls
    )


def system_text(own: ConversationSettings, settings: Settings) -> str:
    """The system text of a conversation: its own or the program's, and the day it began."""
    text = settings.system_prompt if own.system_prompt is None else own.system_prompt
    return "\n\n".join(part for part in (text, date_sentence(own.date_stamp)) if part)


def stamped(own: ConversationSettings, settings: Settings, clock: Clock) -> ConversationSettings:
    """The settings of a chat that begins now: the day is written down once, where the person wants it."""
    if not settings.stamp_date or own.date_stamp:
        return own
    return msgspec.structs.replace(own, date_stamp=clock.today().isoformat())
