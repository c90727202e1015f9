"""One model, one conversation and its turns, as `ask` and `chat` drive them."""

from __future__ import annotations

from app.chat.changes import (
    Change,
    ConversationOpened,
    MessageAdded,
    MessageChanged,
    MessagesRemoved,
    MessageView,
    ModelRefused,
    Notice,
    ReadingChanged,
    SaveFailed,
    SaveRecovered,
    SeeingChanged,
    TextAdded,
    TurnEnded,
    WorkerRestarted,
)
from app.cli.link import Command, Interrupted, SessionLink
from app.cli.output import Output
from app.core.errors import EngineError
from app.core.message import Role


class Branch:
    """The messages of the active branch of one conversation, kept up by its changes."""

    def __init__(self) -> None:
        self.conversation = ""
        self.title = ""
        self._messages: dict[str, MessageView] = {}

    def apply(self, change: Change) -> None:
        """Take over what changed."""
        if isinstance(change, ConversationOpened):
            self.conversation, self.title = change.conversation, change.title
            self._messages = {message.id: message for message in change.messages}
        elif isinstance(change, MessageAdded):
            self.conversation = change.message.conversation
            self._messages[change.message.id] = change.message
        elif isinstance(change, MessageChanged) and change.message.id in self._messages:
            self._messages[change.message.id] = change.message
        elif isinstance(change, MessagesRemoved):
            for message in change.ids:
                self._messages.pop(message, None)

    def __getitem__(self, message: str) -> MessageView:
        return self._messages[message]

    @property
    def messages(self) -> tuple[MessageView, ...]:
        """First to last."""
        return tuple(self._messages.values())

    def last(self, role: Role) -> MessageView | None:
        """The latest message of this role."""
        return next((message for message in reversed(self._messages.values()) if message.role is role), None)


class Turn:
    """One turn from its command to its end."""

    def __init__(self, link: SessionLink, output: Output, branch: Branch) -> None:
        self._link = link
        self._output = output
        self._branch = branch
        self._stops = 0
        self.unsaved = ""

    def run(self, command: Command, *, streamed: bool) -> MessageView:
        """Run the command, show the answer as it comes where `streamed`, and return the answer as it ended.

        Ctrl-C stops the answer, a second one ends the worker, a third one raises KeyboardInterrupt. Raises the
        UserError of the command; `unsaved` afterwards holds the sentence of a save that failed.
        """
        self._link.call(command)
        while True:
            change = self._link.next()
            if isinstance(change, Interrupted):
                self._stop()
            elif isinstance(change, TurnEnded):
                self._output.clear_status()
                return self._branch[change.message]
            elif change is not None:
                self._branch.apply(change)
                self._show(change, streamed)

    def _show(self, change: Change, streamed: bool) -> None:
        if isinstance(change, TextAdded) and streamed:
            self._output.words(change.text)
        elif isinstance(change, ReadingChanged) and change.done < change.total:
            self._output.status(f"Reading {change.done} of {change.total} tokens…")
        elif isinstance(change, SeeingChanged):
            self._output.status(f"Looking at picture {change.done + 1} of {change.total}: {change.fraction:.0%}")
        elif isinstance(change, SaveFailed):
            self.unsaved = change.message
        elif isinstance(change, SaveRecovered):
            self.unsaved = ""
        elif isinstance(change, Notice):
            self._output.sentence(change.message)
        elif isinstance(change, WorkerRestarted) and not change.again:
            raise EngineError("The engine ended twice and stays down. Your message is kept.", "worker")
        elif isinstance(change, ModelRefused):
            raise EngineError(f"{change.message} Your message is kept.", change.code)

    def _stop(self) -> None:
        self._stops += 1
        if self._stops > 2:
            raise KeyboardInterrupt
        self._link.call(lambda session: session.stop())
