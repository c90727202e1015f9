"""What is said in a conversation, as pure values. Identity (ids, versions, order) is the store's business."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from app.core.tools import ToolResult, WrittenCall


class Role(StrEnum):
    """Who speaks. What tools answered travels in a turn of the user."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class MessageState(StrEnum):
    """How far a stored message has come."""

    QUEUED = "queued"  # the person's, saved, waiting for the model
    STREAMING = "streaming"  # an answer being written by a living process
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"  # a partial answer: stopped, cut by a limit, or its process died


class FinishReason(StrEnum):
    """Why an answer ended, in the words of the command line's JSON."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    ERROR = "error"
    TOOL_DENIED = "tool_denied"


class SampledTokens(msgspec.Struct, frozen=True):
    """The ids an answer was sampled as: its text does not re-tokenise to them.

    `fingerprint` names the vocabulary they belong to; `ids` are little-endian int32, without the end-of-turn token.
    """

    fingerprint: str
    ids: bytes


class PanAndScan(StrEnum):
    """How closely a picture is looked at beside the whole of it.

    AUTO: the crops of an elongated picture; CLOSER: also the tiles of a large one; FINER: smaller tiles; OFF: nothing.
    """

    AUTO = "auto"
    CLOSER = "closer"
    FINER = "finer"
    OFF = "off"


IMAGE_TOKENS = (70, 140, 280, 560, 1120)  # that Gemma 4 lets a picture take at most (ai.google.dev/gemma/docs)
USUAL_IMAGE_TOKENS = 560  # Google's own code takes 280, too few for small print


class Picture(msgspec.Struct, frozen=True):
    """A picture of a message: an upright RGB PNG, named by the SHA-256 of its bytes. Sizes in pixels.

    `path` is where it is now (`core.paths.encode_path`), `name` what the file was called that a person gave.
    `pan_and_scan` is for models that see one size only, `image_tokens` (one of IMAGE_TOKENS; 0: as usual) for those
    that leave it open how many tokens a picture takes.
    """

    sha256: str
    width: int
    height: int
    path: str
    pan_and_scan: PanAndScan = PanAndScan.AUTO
    name: str = ""
    image_tokens: int = 0


PAGE_BREAK = "\f"


class Document(msgspec.Struct, frozen=True):
    """A text that goes with a message, named by the SHA-256 of it. Its pages from `first` to `last` (from 1) are read.

    `path` (`core.paths.encode_path`) has it as UTF-8 with PAGE_BREAK between pages; `kind` is pdf, html, markdown, csv,
    code or text.
    """

    sha256: str
    name: str
    kind: str
    pages: int
    path: str
    first: int = 1
    last: int = 1


class Scan(msgspec.Struct, frozen=True):
    """A PDF without words: the person decides whether its pages become pictures. `path` is as encode_path writes it."""

    path: str
    name: str
    pages: int


class Draft(msgspec.Struct, frozen=True):
    """What is being written in a conversation; false where nothing of it can be sent.

    `scans` wait for the person's decision and are not sent.
    """

    text: str = ""
    pictures: tuple[Picture, ...] = ()
    documents: tuple[Document, ...] = ()
    scans: tuple[Scan, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.pictures or self.documents)

    @property
    def has_attached(self) -> bool:
        """Whether there is more than words."""
        return bool(self.pictures or self.documents or self.scans)


class Message(msgspec.Struct, frozen=True):
    """One message as the prompt needs it. `tokens` is only there while an answer's text is unedited.

    What tools answered comes before pictures and text, in a message of the user; pictures before the text. An answer
    that calls tools ends with `call_text`, as it wrote them; `calls` are the same as values. The ids are of text and
    calls.
    """

    role: Role
    text: str
    tokens: SampledTokens | None = None
    pictures: tuple[Picture, ...] = ()
    results: tuple[ToolResult, ...] = ()
    call_text: str = ""
    calls: tuple[WrittenCall, ...] = ()


class Usage(msgspec.Struct, frozen=True):
    """Counts of one answer, in tokens (cells); the field names are those of the command line's JSON.

    `evaluated_tokens` are the cells of the prompt that this turn had to read: prompt = reused + evaluated, unless it
    was stopped while it read. What was generated is counted in `generated_tokens` only. `memory_bytes` is what the
    engine's process held of the computer's memory when the answer ended.
    """

    prompt_tokens: int = 0
    reused_tokens: int = 0
    evaluated_tokens: int = 0
    generated_tokens: int = 0
    images: int = 0
    images_encoded: int = 0
    restored_from: str = "none"
    memory_bytes: int = 0


class Timings(msgspec.Struct, frozen=True):
    """Milliseconds of one answer; `first_token_ms` counts from the moment the worker takes the turn."""

    load_ms: float = 0.0
    encode_ms: float = 0.0
    prompt_ms: float = 0.0
    first_token_ms: float = 0.0
    generate_ms: float = 0.0
    tokens_per_second: float = 0.0


class MeasuredHere(msgspec.Struct, frozen=True):
    """What the latest answers of one model took on this machine, as medians; 0 where nothing is known.

    `when` is the time of the last one; speeds in tokens a second.
    """

    answers: int = 0
    when: float = 0.0
    tokens_per_second: float = 0.0
    prompt_per_second: float = 0.0
    image_seconds: float = 0.0
    memory_bytes: int = 0
