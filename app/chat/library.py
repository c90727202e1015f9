"""Reads conversations for the screens: rows, branches, one message."""

from __future__ import annotations

from collections.abc import Callable

from app.chat.answering import Answering
from app.chat.changes import ConversationOpened, ConversationsListed, MessageView
from app.chat.views import message_view, row, without_writer
from app.chat.wording import NEW_CHAT
from app.core.errors import UsageError
from app.core.message import Draft
from app.core.settings import ConversationSettings
from app.core.tools import CallState
from app.store.records import StoredConversation, StoredMessage
from app.store.store import Store


class Library:
    """Session thread. What is being written or not saved yet is shown as it is now, not as it is stored."""

    def __init__(self, store: Store, answering: Answering) -> None:
        self._store = store
        self._answering = answering
        self.with_asked: Callable[[MessageView, ConversationSettings], MessageView] = lambda view, _: view
        self._leaves: dict[str, str] = {}

    def listed(self) -> ConversationsListed:
        """The sidebar's rows."""
        return ConversationsListed(tuple(map(row, self._store.conversations.listed())))

    def opened(self, conversation: str) -> ConversationOpened:
        """A conversation with its branch. Raises UsageError."""
        stored = self.conversation(conversation)
        views = self.branch(conversation)
        return ConversationOpened(conversation, stored.title or NEW_CHAT, views, stored.settings, stored.draft)

    def new_chat(self, settings: ConversationSettings) -> ConversationOpened:
        """A chat that nothing was said in."""
        draft = Draft() if self._store.trouble else self._store.conversations.new_draft()
        return ConversationOpened("", "", (), settings, draft)

    def branch(self, conversation: str) -> tuple[MessageView, ...]:
        """The messages that are shown."""
        if not conversation:
            return ()
        leaf = self.conversation(conversation).leaf
        self._leaves[conversation] = leaf
        return tuple(map(self._view, self._store.messages.branch(conversation, leaf)))

    def changed_elsewhere(self, conversation: str) -> bool:
        """Whether the branch has another end than when it was told last."""
        stored = self._store.conversations.find(conversation)
        return stored is None or stored.leaf != self._leaves.get(conversation)

    def view(self, message: str) -> MessageView | None:
        """One message as it is shown, None for one that was deleted."""
        stored = self._store.messages.find(message)
        return None if stored is None else self._view(stored)

    def conversation(self, conversation: str) -> StoredConversation:
        """A conversation that exists. Raises UsageError."""
        stored = self._store.conversations.find(conversation)
        if stored is None:
            raise UsageError(f"There is no conversation “{conversation}”.", "no_conversation")
        return stored

    def message(self, message: str) -> StoredMessage:
        """A message that exists. Raises UsageError."""
        stored = self._store.messages.find(message)
        if stored is None:
            raise UsageError("This message is not there any more.", "no_message")
        return stored

    def _view(self, stored: StoredMessage) -> MessageView:
        view = self._answering.shown(message_view(stored))
        if any(call.state is CallState.WAITING for call in view.calls):
            view = self.with_asked(view, self.conversation(view.conversation).settings)
        return without_writer(view) if self._store.only_reading else view
