"""What an operation of the session changed. The screens (window or terminal) decide what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from app.core.message import (
    Document,
    Draft,
    FinishReason,
    MeasuredHere,
    MessageState,
    Picture,
    Role,
    Timings,
    Usage,
)
from app.core.protocol import Benched, Described, Measured, ModelInfo, Offer, PromptPart
from app.core.settings import ConversationSettings, Settings
from app.core.tools import Call, Effect, Grant, LoggedCall, ServerConfig, ServerTool, Verdict


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A row of the sidebar. `changed_at` in seconds since 1970."""

    id: str
    title: str
    preview: str
    changed_at: float
    has_pictures: bool = False
    has_documents: bool = False
    asks: bool = False  # a call waits for the person's decision


class MessageView(msgspec.Struct, frozen=True):
    """A message as it is shown. `versions` are the ids of its siblings in order of making, itself included.

    `calls` are the tools that an answer called; what they came back with leads to the answer that follows it.
    `saved` is False while what is on screen is not on disk (disk full); `model` names who answered. A struct for the
    same reason as StoredMessage.
    """

    id: str
    conversation: str
    role: Role
    text: str
    state: MessageState
    created_at: float
    versions: tuple[str, ...] = ()
    finish_reason: FinishReason | None = None
    error: str = ""
    saved: bool = True
    model: str = ""
    usage: Usage = Usage()
    timings: Timings = Timings()
    pictures: tuple[Picture, ...] = ()
    documents: tuple[Document, ...] = ()
    calls: tuple[Call, ...] = ()


class ModelState(StrEnum):
    """The model pill's states."""

    NONE = "none"
    LOADING = "loading"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Change:
    """Base of all changes."""


@dataclass(frozen=True, slots=True)
class ConversationsListed(Change):
    """The sidebar's rows, newest first."""

    rows: tuple[ConversationRow, ...]


@dataclass(frozen=True, slots=True)
class ConversationOpened(Change):
    """This conversation is now in the transcript, with the messages of its active branch.

    `conversation` is "" for a new chat that nothing was said in (it is stored with its first message).
    """

    conversation: str
    title: str
    messages: tuple[MessageView, ...]
    settings: ConversationSettings
    draft: Draft = Draft()


@dataclass(frozen=True, slots=True)
class ConversationRemoved(Change):
    """Moved to the trash, from where restore_conversation brings it back."""

    conversation: str
    title: str


@dataclass(frozen=True, slots=True)
class MessageAdded(Change):
    """A message at the end of the branch that is shown."""

    message: MessageView


@dataclass(frozen=True, slots=True)
class MessageChanged(Change):
    """The message with this id has new state, text or figures."""

    message: MessageView


@dataclass(frozen=True, slots=True)
class MessagesRemoved(Change):
    """These messages left the transcript. `undo` is a token for undo_delete, "" when nothing can be undone."""

    conversation: str
    ids: tuple[str, ...]
    undo: str = ""


@dataclass(frozen=True, slots=True)
class TextAdded(Change):
    """More words of the answer that is being written."""

    conversation: str
    message: str
    text: str
    generated: int


@dataclass(frozen=True, slots=True)
class ReadingChanged(Change):
    """The model reads the conversation: `done` of `total` tokens (`reused` of them were in its cache)."""

    conversation: str
    message: str
    done: int
    total: int
    reused: int


@dataclass(frozen=True, slots=True)
class SeeingChanged(Change):
    """The image encoder works: `done` of `total` new views of pictures are ready, the next is at `fraction`."""

    conversation: str
    message: str
    done: int
    total: int
    fraction: float


@dataclass(frozen=True, slots=True)
class CallWritten(Change):
    """The answer is writing a call: of which tool ("" as long as that is not known), and how many tokens it has."""

    conversation: str
    message: str
    name: str
    generated: int


@dataclass(frozen=True, slots=True)
class PicturesSeen(Change):
    """How far the pictures of the draft have been seen (0.0 to 1.0, by SHA-256); `done`: all before the text is read.

    `view_seconds` is what one view takes on this machine, 0 where no one was measured; `error` is one sentence.
    """

    conversation: str
    seen: dict[str, float]
    view_seconds: float = 0.0
    done: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class TurnEnded(Change):
    """The answer of this conversation has ended (its MessageChanged came before); `code` tells an error apart."""

    conversation: str
    message: str
    reason: FinishReason
    code: str = ""


@dataclass(frozen=True, slots=True)
class DraftRestored(Change):
    """What was written goes back into the composer (a withdrawn message)."""

    conversation: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class ModelChanged(Change):
    """The model pill: which model, how far its load is (0.0-1.0), seconds left where known.

    A model that is `resting` can be asked like any other: it comes back by itself.
    """

    state: ModelState
    name: str = ""
    fraction: float = 0.0
    seconds_left: float | None = None
    model: ModelInfo | None = None
    demo: bool = False
    resting: bool = False


@dataclass(frozen=True, slots=True)
class ModelRefused(Change):
    """A model was not loaded: the file, one sentence why, and whether another model is still loaded.

    `offer` is a smaller way to load it, that accept_offer takes.
    """

    path: str
    message: str
    code: str
    kept: str = ""
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class SmallerOffered(Change):
    """An answer ran out of memory: a smaller way to load the model, that accept_offer takes."""

    name: str
    offer: Offer


@dataclass(frozen=True, slots=True)
class ContextMeasured(Change):
    """What fills the context of this conversation with its draft."""

    conversation: str
    measured: Measured


@dataclass(frozen=True, slots=True)
class PromptShown(Change):
    """A prompt as the model reads it, piece by piece; `error` is one sentence where it cannot be read."""

    conversation: str
    parts: tuple[PromptPart, ...]
    error: str


@dataclass(frozen=True, slots=True)
class SettingsChanged(Change):
    """The settings are now these."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class WorkerRestarted(Change):
    """The worker died (`detail` for *What happened*); `again` False: it died twice and stays down."""

    detail: str
    again: bool


@dataclass(frozen=True, slots=True)
class SaveFailed(Change):
    """Something on screen is not on disk: one sentence. Ends with SaveRecovered."""

    message: str
    code: str


@dataclass(frozen=True, slots=True)
class SaveRecovered(Change):
    """Everything on screen is on disk again."""


@dataclass(frozen=True, slots=True)
class Notice(Change):
    """A sentence for the person: a refused request, a failed turn."""

    message: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class WorkerDescribed(Change):
    """The answer for `doctor`."""

    described: Described


@dataclass(frozen=True, slots=True)
class WorkerBenched(Change):
    """The answer for `bench`."""

    benched: Benched


@dataclass(frozen=True, slots=True)
class ModelMeasured(Change):
    """What answers of a model of this name took here."""

    name: str
    measured: MeasuredHere


@dataclass(frozen=True, slots=True)
class Bug(Change):
    """Ours: reaches the crash dialog once, or exit code 1."""

    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool in the panel. `tokens` are those of its definition (None: not counted yet).

    `unseen`: its server says something else of it than when the person looked, so it is off.
    """

    key: str
    name: str
    origin: str
    description: str
    effect: Effect
    on: bool
    verdict: Verdict
    may_always: bool
    tokens: int | None
    unseen: bool


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A tool server in the panel: stopped, starting, running or failed (`message` says why)."""

    config: ServerConfig
    enabled: bool
    state: str
    count: int
    tokens: int | None
    message: str
    detail: str
    unseen: tuple[str, ...]
    tools: tuple[ServerTool, ...]
    off: tuple[str, ...] = ()  # of its tools, those that the person keeps off


@dataclass(frozen=True, slots=True)
class ToolsListed(Change):
    """What the panel shows of a conversation's tools. `too_small`: this model is too small to call them well."""

    conversation: str
    on: bool
    too_small: bool
    tools: tuple[ToolRow, ...]
    servers: tuple[ServerRow, ...]
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class ServerTried(Change):
    """A server that is not added yet was started for a look: what it said, and that it was stopped again."""

    name: str
    message: str  # "" where it answered
    detail: str
    title: str
    version: str
    seconds: float
    tools: tuple[ServerTool, ...]


@dataclass(frozen=True, slots=True)
class CallsLogged(Change):
    """Entries of the log of calls, the latest first."""

    words: str
    entries: tuple[LoggedCall, ...]
