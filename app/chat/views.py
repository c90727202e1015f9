"""What is stored, as the screens show it; and the difference between two branches."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.chat.changes import Change, ConversationRow, MessageAdded, MessageChanged, MessagesRemoved, MessageView
from app.chat.wording import NEW_CHAT, preview_of
from app.core.message import MessageState
from app.store.records import AnswerRecord, ListedConversation, StoredMessage


def message_view(stored: StoredMessage) -> MessageView:
    """A stored message."""
    return MessageView(
        id=stored.id,
        conversation=stored.conversation,
        role=stored.role,
        text=stored.text,
        state=stored.state,
        created_at=stored.created_at,
        versions=stored.versions,
        finish_reason=stored.finish_reason,
        error=stored.error,
        model=stored.model,
        usage=stored.usage,
        timings=stored.timings,
        pictures=stored.pictures,
        documents=stored.documents,
        calls=stored.calls,
    )


def with_record(view: MessageView, record: AnswerRecord, *, saved: bool) -> MessageView:
    """The message with a newer state of the answer than the stored one."""
    return msgspec.structs.replace(
        view,
        text=record.text,
        state=record.state,
        finish_reason=record.finish_reason,
        error=record.error,
        model=record.model,
        usage=record.usage,
        timings=record.timings,
        saved=saved,
    )


def row(listed: ListedConversation) -> ConversationRow:
    """A row of the list."""
    words = preview_of(listed.last_words)
    return ConversationRow(
        listed.id,
        listed.title or NEW_CHAT,
        words,
        listed.changed_at,
        listed.has_pictures,
        listed.has_documents,
        listed.asks,
    )


def branch_changes(
    conversation: str, before: Sequence[MessageView], after: Sequence[MessageView], undo: str = ""
) -> tuple[Change, ...]:
    """What leads a screen from one branch to another: the common beginning stays."""
    common = 0
    while common < min(len(before), len(after)) and before[common].id == after[common].id:
        common += 1
    changes: list[Change] = [
        MessageChanged(new) for old, new in zip(before[:common], after[:common], strict=True) if old != new
    ]
    if gone := tuple(view.id for view in before[common:]):
        changes.append(MessagesRemoved(conversation, gone, undo))
    changes += [MessageAdded(view) for view in after[common:]]
    return tuple(changes)


def without_writer(view: MessageView) -> MessageView:
    """The message as it is shown where nobody can be writing it any more."""
    if view.state is MessageState.STREAMING:
        return msgspec.structs.replace(view, state=MessageState.INTERRUPTED)
    return view
