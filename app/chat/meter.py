"""What fills the context: one measurement at a time, of the latest draft only, and never while the model works."""

from __future__ import annotations

from collections.abc import Callable

from app.chat.changes import Change, ContextMeasured
from app.chat.documents import parts
from app.core.message import Draft
from app.core.protocol import Measure, Measured, Prompt
from app.core.tools import ToolDefinition


class Meter:
    """Session thread. `ask` is cheap; `due` hands out the request when the worker is free for it."""

    def __init__(self) -> None:
        self._number = 0
        self._wanted: tuple[str, Draft] | None = None
        self._asked = 0
        self._conversation = ""
        self._left_out: dict[str, int] = {}

    def ask(self, conversation: str, draft: Draft) -> None:
        """The conversation or what is being written in it has changed."""
        self._conversation = conversation
        self._wanted = (conversation, draft)

    def forget(self) -> None:
        """The worker that was asked is gone."""
        self._asked = 0

    def due(
        self,
        prompt: Callable[[str, Draft], Prompt],
        max_tokens: int | None,
        definitions: tuple[ToolDefinition, ...] = (),
    ) -> Measure | None:
        """The next request, None while one is out or nothing has changed; `prompt` takes conversation and draft.

        `definitions` are tools whose tokens are counted beside it.
        """
        if self._wanted is None or self._asked:
            return None
        conversation, draft = self._wanted
        self._wanted = None
        self._number += 1
        self._asked = self._number
        read = prompt(conversation, draft)
        return Measure(self._number, read, max_tokens, parts(draft.documents), definitions)

    def handle(self, event: Measured) -> tuple[Change, ...]:
        """An answer; what it tells of another conversation or an older draft is dropped."""
        if event.measure != self._asked:
            return ()
        self._asked = 0
        if self._wanted is not None or event.conversation != self._conversation:
            return ()
        self._left_out[event.conversation] = event.left_out
        return (ContextMeasured(event.conversation, event),)

    def has_told(self, conversation: str, left_out: int) -> bool:
        """Whether the person was told before sending that this many messages would be left out."""
        return self._left_out.get(conversation, 0) >= left_out
