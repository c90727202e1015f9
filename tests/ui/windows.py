"""A main window whose session is a list of what was asked of it; the tests feed the changes by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from app.chat.changes import Change, ConversationOpened, MessageView
from app.core.message import Draft, MessageState, Role
from app.core.settings import ConversationSettings

if TYPE_CHECKING:
    from app.chat.runner import Command
    from app.chat.session import ChatSession


class Asked:
    """Stands in the session's place and keeps the calls: `("submit", "a", Draft("hello"))`."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def post(self, command: Command) -> None:
        """Take a command as the session's thread would."""
        command(cast("ChatSession", self))

    def __getattr__(self, name: str) -> Callable[..., tuple[Change, ...]]:
        def called(*args: Any, **named: Any) -> tuple[Change, ...]:
            self.calls.append((name, *args, *([named] if named else [])))
            return ()

        return called

    @property
    def tools(self) -> _Tools:
        """The session's commands about tools: `("tools.decide", "c1", {"approve": True})`."""
        return _Tools(self)

    def take(self) -> list[tuple[Any, ...]]:
        """The calls since the last time."""
        taken, self.calls = self.calls, []
        return taken


class _Tools:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def __getattr__(self, name: str) -> Callable[..., tuple[Change, ...]]:
        def called(*args: Any, **named: Any) -> tuple[Change, ...]:
            self._asked.calls.append((f"tools.{name}", *args, *([named] if named else [])))
            return ()

        return called


def message(
    key: str,
    text: str = "",
    role: Role = Role.USER,
    state: MessageState = MessageState.COMPLETE,
    conversation: str = "a",
) -> MessageView:
    """A message as the session tells it."""
    return MessageView(key, conversation, role, text, state, 1_700_000_000.0)


def opened(
    conversation: str = "a", *messages: MessageView, title: str = "Heat pump loan", draft: str = ""
) -> ConversationOpened:
    """A conversation is in the transcript now."""
    return ConversationOpened(conversation, title, messages, ConversationSettings(), Draft(draft))
