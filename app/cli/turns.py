"""One model, one conversation and its turns, as `ask` and `chat` drive them."""

from __future__ import annotations

import json
import sys
from functools import partial

from app.chat.changes import (
    CallWritten,
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
    SmallerOffered,
    TextAdded,
    TurnEnded,
    WorkerRestarted,
)
from app.chat.session import ChatSession
from app.cli.link import Command, Interrupted, SessionLink
from app.cli.output import Output
from app.core.errors import EngineError
from app.core.message import Role
from app.core.protocol import Offer
from app.core.tools import Call, CallState
from app.core.visible import visible


def _decide(call: str, approve: bool, session: ChatSession) -> tuple[Change, ...]:
    return session.tools.decide(call, approve=approve)


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
        self._asked: set[str] = set()
        self.unsaved = ""
        self.code = ""

    def run(self, command: Command, *, streamed: bool) -> MessageView:
        """Run the command, show the answer as it comes where `streamed`, and return the answer as it ended.

        Ctrl-C stops the answer, a second one ends the worker, a third one raises KeyboardInterrupt. Raises the
        UserError of the command; `unsaved` afterwards holds the sentence of a save that failed, `code` tells an answer
        that failed apart.
        """
        self._link.call(command)
        while True:
            change = self._link.next()
            if isinstance(change, Interrupted):
                self._stop()
            elif isinstance(change, TurnEnded):
                self._output.clear_status()
                self.code = change.code
                return self._branch[change.message]
            elif change is not None:
                self._branch.apply(change)
                self._show(change, streamed)
                if isinstance(change, MessageAdded | MessageChanged):
                    self._ask(change.message)

    @property
    def had_attached(self) -> bool:
        """Whether files went with the last message of the person."""
        question = self._branch.last(Role.USER)
        return question is not None and bool(question.pictures or question.documents)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls of the last answer, all its parts together."""
        found: tuple[Call, ...] = ()
        for message in self._branch.messages:
            found = () if message.role is Role.USER else (*found, *message.calls)
        return found

    def _ask(self, message: MessageView) -> None:
        """Ask about the calls that wait; nobody there means no."""
        for call in message.calls:
            if call.state is CallState.WAITING and call.id not in self._asked:
                self._asked.add(call.id)
                yes = sys.stdin.isatty() and self._output.asks and self._confirmed(call)
                self._link.call(partial(_decide, call.id, yes))

    def _confirmed(self, call: Call) -> bool:
        self._output.end_line()
        of = f" of the server {visible(call.origin)}" if call.origin else ""
        place = f" It is about {visible(call.place)}." if call.place else ""
        self._output.question(f"The model asks to use {visible(call.name)}{of}.{place}")
        self._output.question(visible(json.dumps(call.arguments, ensure_ascii=False, indent=2)))
        with self._link.direct():
            try:
                return self._output.answer("Let it run? [y/N] ").strip().lower() in ("y", "yes")
            except (EOFError, KeyboardInterrupt):
                return False

    def _show(self, change: Change, streamed: bool) -> None:
        if isinstance(change, TextAdded) and streamed:
            self._output.words(change.text)
        elif isinstance(change, ReadingChanged) and change.done < change.total:
            self._output.status(f"Reading {change.done} of {change.total} tokens…")
        elif isinstance(change, CallWritten):
            self._output.status(f"Calling {change.name or 'a tool'}…")
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
        elif isinstance(change, SmallerOffered):
            self._output.sentence(f"{change.name} may run {in_options(change.offer)}.")
        elif isinstance(change, ModelRefused):
            raise EngineError(f"{change.message} Your message is kept.", change.code)

    def _stop(self) -> None:
        self._stops += 1
        if self._stops > 2:
            raise KeyboardInterrupt
        self._link.call(lambda session: session.stop())


def in_options(offer: Offer) -> str:
    """A smaller way to load a model, in words and as options of the command line."""
    options = offer.options
    named = f"--gpu-layers {options.gpu_layers} --context {options.context} --kv {options.kv_type}"
    return f"{offer.words}: {named}"
