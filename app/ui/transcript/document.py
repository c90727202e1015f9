"""The words of one message on their way to blocks. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.message import Role
from app.ui.transcript.blocks import Block
from app.ui.transcript.stream import LiteralStream, MarkdownStream, Stream


class Document:
    """A person's words are shown as they are, an answer as Markdown."""

    def __init__(self, role: Role, text: str, *, finished: bool) -> None:
        self._stream: Stream = MarkdownStream() if role is Role.ASSISTANT else LiteralStream()
        self._parts = [text]
        self._finished = finished
        self._unchanged = 0
        self._blocks: list[Block] = []
        self._stream.feed(text)
        if finished:
            self._stream.finish()
        self.has_work = True

    @property
    def text(self) -> str:
        """The source."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0]

    @property
    def blocks(self) -> Sequence[Block]:
        """What there is to show."""
        return self._blocks

    @property
    def waiting(self) -> int:
        """Letters that are not in `blocks` yet."""
        return self._stream.waiting

    def add(self, text: str) -> None:
        """More words of an answer."""
        self._parts.append(text)
        self._stream.feed(text)
        self.has_work = True

    def finish(self) -> None:
        """Nothing comes any more."""
        if not self._finished:
            self._finished = True
            self._stream.finish()
            self.has_work = True

    def matches(self, text: str) -> bool:
        """Whether these are the words already."""
        return self.text == text

    def work(self, steps: int) -> int:
        """Do so many steps of what is to be done; returns how many of the blocks are those of before."""
        unchanged = self._unchanged
        for _ in range(steps):
            if not self._stream.step():
                self.has_work = False
                break
        if self._stream.frozen < unchanged:  # parsed once more, from the beginning
            unchanged = 0
        self._unchanged = self._stream.frozen
        self._blocks = self._stream.blocks
        return unchanged
