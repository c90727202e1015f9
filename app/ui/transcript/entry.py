"""What the transcript knows of one message, whether it is on the screen or not."""

from __future__ import annotations

from time import monotonic

import msgspec

from app.chat.changes import CallWritten, MessageView, ReadingChanged, SeeingChanged
from app.core.message import MessageState, Role
from app.core.tools import CallState
from app.ui.transcript.attached import estimate
from app.ui.transcript.document import Document

LETTERS_A_LINE = 88
LINE = 23
CALL = 44


class Entry:
    """One message: its value, its words, its height (exact once it was laid out at the width there is)."""

    __slots__ = (
        "asked_with_pictures", "beginning",
        "calling",
        "day",
        "document",
        "edited",
        "editing",
        "exact",
        "first_generated",
        "first_text_at",
        "follows",
        "generated",
        "goes_on",
        "height",
        "message",
        "reading",
        "reading_from",
        "seeing",
    )  # fmt: skip

    def __init__(self, message: MessageView) -> None:
        self.message = message
        self.document: Document | None = None
        self.height = 0
        self.exact = False
        self.day = ""  # the words of the line between days above it
        self.editing = False
        self.edited: str | None = None  # what is written in its place, once that is something else
        self.follows = False  # another part of the same answer comes before it, or after it
        self.goes_on = False
        self.beginning: MessageView | None = None  # the first part of the answer, where this is not it
        self.asked_with_pictures = ""  # the question before it, where that has pictures
        self.calling: CallWritten | None = None
        self.reading: ReadingChanged | None = None
        self.reading_from: tuple[float, int] | None = None
        self.seeing: SeeingChanged | None = None
        self.generated = 0
        self.first_generated = 0
        self.first_text_at: float | None = None

    @property
    def is_streaming(self) -> bool:
        """Whether an answer is being written."""
        return self.message.state is MessageState.STREAMING

    @property
    def is_answer(self) -> bool:
        """Whether the model wrote it."""
        return self.message.role is Role.ASSISTANT

    @property
    def has_waiting(self) -> bool:
        """Whether a call waits for the person."""
        return any(call.state is CallState.WAITING for call in self.message.calls)

    @property
    def has_open(self) -> bool:
        """Whether a call waits or runs."""
        return any(not call.settled for call in self.message.calls)

    def words(self) -> Document:
        """Its document; made when it is first seen."""
        if self.document is None:
            self.document = Document(self.message.role, self.message.text, finished=not self.is_streaming)
        return self.document

    def drop_words(self) -> None:
        """Forget the parsed words of a message that is out of sight."""
        if not self.is_streaming:
            self.document = None

    def change(self, message: MessageView) -> bool:
        """Take a new value; True when the words are others than those there."""
        before = self.message
        self.message = message
        if self.document is None:
            return before.text != message.text
        if not self.document.matches(message.text):
            self.document = None
            return True
        if self.is_streaming and before.state is not MessageState.STREAMING:
            self.document = None  # it goes on: what was finished is open again
        elif not self.is_streaming:
            self.document.finish()
        if not self.is_streaming:
            self.reading = self.reading_from = self.seeing = self.first_text_at = self.calling = None
        return False

    def add_text(self, text: str, generated: int) -> None:
        """More of the answer came."""
        self.words().add(text)
        self.reading = self.seeing = None
        self.message = msgspec.structs.replace(self.message, text=self.message.text or text[:1])
        self.generated = generated
        if self.first_text_at is None:
            self.first_text_at = monotonic()
            self.first_generated = generated

    def full_text(self) -> str:
        """The source of the message, what has just come included."""
        return self.document.text if self.document is not None else self.message.text

    def text_to_edit(self) -> str:
        """What stands in the field in its place."""
        return self.full_text() if self.edited is None else self.edited

    def rate(self) -> float | None:
        """Tokens a second of the answer that is being written; None as long as that is a guess."""
        if self.first_text_at is None:
            return None
        seconds = monotonic() - self.first_text_at
        return (self.generated - self.first_generated) / seconds if seconds > 0.4 else None

    def read(self, reading: ReadingChanged) -> None:
        """How far the model has read."""
        if self.reading_from is None:
            self.reading_from = (monotonic(), reading.done)
        self.reading = reading
        self.seeing = None

    def see(self, seeing: SeeingChanged) -> None:
        """How far the model has looked at the pictures."""
        self.seeing = seeing

    def call(self, calling: CallWritten) -> None:
        """The answer is writing a call."""
        self.calling = calling
        self.reading = self.seeing = None

    @property
    def is_read(self) -> bool:
        """Whether the model still reads or looks before it answers."""
        return self.reading is not None or self.seeing is not None

    def seconds_to_read(self) -> float | None:
        """How long reading will still take; None as long as that is a guess."""
        if self.reading is None or self.reading_from is None:
            return None
        seconds = monotonic() - self.reading_from[0]
        done = self.reading.done - self.reading_from[1]
        if seconds < 0.5 or done <= 0:
            return None
        return (self.reading.total - self.reading.done) * seconds / done

    def estimate(self, scale: float) -> int:
        """A height to begin with, in pixels."""
        text = self.message.text
        lines = max(1, len(text) // LETTERS_A_LINE + text.count("\n", 0, 20_000))
        calls = len(self.message.calls) * CALL
        attached = 0 if self.is_answer else estimate(self.message.pictures, self.message.documents)
        return round((lines * LINE + 60 + calls + attached) * scale)
