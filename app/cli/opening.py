"""Before a turn: the model of this call, and the conversation the turn belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import msgspec

from app.chat.calling import ToolMode
from app.chat.changes import (
    Change,
    ConversationOpened,
    ConversationRow,
    ConversationsListed,
    ModelChanged,
    ModelRefused,
    ModelState,
    Notice,
    WorkerRestarted,
)
from app.chat.session import ChatSession
from app.cli.commands import AnswerOptions, ModelChoice, merge_sampling
from app.cli.link import Interrupted, SessionLink
from app.cli.output import Output
from app.cli.turns import Branch, in_options
from app.core.errors import EngineError, ModelError, UsageError
from app.core.paths import DataPaths
from app.core.protocol import ModelInfo
from app.core.settings import ConversationSettings, Sampling

_SERVER_SECONDS = 30.0
_NO_MODEL = "No model is chosen. Name one with --model FILE.gguf."


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model and the conversation that is talked to."""

    model: ModelInfo
    branch: Branch


def open_for_turns(link: SessionLink, output: Output, options: AnswerOptions) -> Opened:
    """What `ask` and `chat` begin with. Raises UsageError for an unknown conversation before a model is loaded."""
    branch = None
    if options.conversation != "new":
        branch = read_conversation(link, find_conversation(link, options.conversation))
    _begin_tools(link, options)
    model = load_model(link, output, options.model, options.sampling)
    if branch is None:
        return Opened(model, start_conversation(link, options))
    if options.system is not None:
        _set_system(link, branch, options.system)
    return Opened(model, branch)


def _begin_tools(link: SessionLink, options: AnswerOptions) -> None:
    """Who decides about calls, and what may be called. Raises UsageError for a tool that does not exist."""
    mode = ToolMode(options.tools)
    if mode is not ToolMode.OFF:
        link.call(lambda session: session.tools.start_servers())
        waits_until = monotonic() + _SERVER_SECONDS
        while link.ask(lambda session: session.tools.are_starting) and monotonic() < waits_until:
            sleep(0.05)
    link.call(lambda session: session.tools.begin(mode, options.only))


def load_model(
    link: SessionLink, output: Output, choice: ModelChoice, sampling: Sampling, *, quiet: bool = False
) -> ModelInfo:
    """Load the model of this call, or the remembered one, with the options of this call.

    Nothing of it is remembered. `quiet` is for a caller that tells by itself what is wrong with the cards. Raises
    ModelError, or KeyboardInterrupt where the person ended it.
    """
    tell_beginning(link, output)
    told = link.call(lambda session: _begin_load(session, choice, sampling))
    if any(isinstance(change, ModelChanged) and change.state is ModelState.NONE for change in told):
        raise ModelError(_NO_MODEL, "no_model")
    while True:
        change = link.next()
        if isinstance(change, Interrupted):
            raise KeyboardInterrupt
        if isinstance(change, Notice) and change.code == "card" and not quiet:
            output.sentence(change.message)
        if isinstance(change, ModelRefused):
            raise ModelError(_with_offer(change), change.code)
        if isinstance(change, WorkerRestarted):
            raise EngineError("The engine ended while the model was loaded.", "worker")
        if isinstance(change, ModelChanged):
            if change.model is not None:
                output.clear_status()
                return change.model
            if change.state is ModelState.LOADING:
                output.status(f"Loading {change.name}: {change.fraction:.0%}")


def _with_offer(change: ModelRefused) -> str:
    if change.offer is None:
        return change.message
    return f"{change.message} It may run {in_options(change.offer)}."


def _begin_load(session: ChatSession, choice: ModelChoice, sampling: Sampling) -> tuple[Change, ...]:
    settings = msgspec.structs.replace(
        session.settings,
        load=choice.load_options(session.settings.load),
        sampling=merge_sampling(session.settings.sampling, sampling),
    )
    told = session.change_settings(settings, remember=False)
    if choice.path is not None:
        return (*told, *session.choose_model(choice.path, mmproj=choice.mmproj, remember=False))
    if choice.mmproj is not None and session.default_model is not None:
        return (*told, *session.choose_model(session.default_model, mmproj=choice.mmproj, remember=False))
    return (*told, *session.load_default_model())


def tell_beginning(link: SessionLink, output: Output) -> None:
    """Say what became of the person's chats, where that is news and no error of this command will tell it."""
    for notice in link.notices:
        if notice.code == "set_aside":
            output.sentence(notice.message)


def with_models_folder(paths: DataPaths) -> DataPaths:
    """The same places with models where the person wants them."""
    with SessionLink(paths) as link:
        return paths.with_models(link.ask(lambda session: session.settings.models_folder))


def remembered_model(link: SessionLink) -> Path | None:
    """The model that is loaded where none is named; None where there is none."""
    return link.ask(lambda session: session.default_model)


def list_conversations(link: SessionLink) -> tuple[ConversationRow, ...]:
    """All conversations, the one that was written in last first."""
    told = link.call(lambda session: session.list_conversations())
    return next(change.rows for change in told if isinstance(change, ConversationsListed))


def find_conversation(link: SessionLink, name: str) -> str:
    """The id that "last" or an id names. Raises UsageError where there is no conversation at all."""
    if name != "last":
        return name
    rows = list_conversations(link)
    if not rows:
        raise UsageError("There is no conversation yet.", "no_conversation")
    return rows[0].id


def read_conversation(link: SessionLink, conversation: str) -> Branch:
    """Open a conversation. Raises UsageError where it does not exist."""
    branch = Branch()
    for change in link.call(lambda session: session.open_conversation(conversation)):
        branch.apply(change)
    return branch


def start_conversation(link: SessionLink, options: AnswerOptions) -> Branch:
    """A new chat, stored with its first message."""
    link.call(lambda session: session.new_conversation())
    branch = Branch()
    if options.system is not None:
        _set_system(link, branch, options.system)
    return branch


def _set_system(link: SessionLink, branch: Branch, system: str) -> None:
    conversation = branch.conversation
    told = link.call(lambda session: _open_again(session, conversation))
    own = next((change.settings for change in told if isinstance(change, ConversationOpened)), ConversationSettings())
    changed = msgspec.structs.replace(own, system_prompt=system)
    link.call(lambda session: session.change_conversation_settings(conversation, changed))


def _open_again(session: ChatSession, conversation: str) -> tuple[Change, ...]:
    return session.open_conversation(conversation) if conversation else session.new_conversation()
