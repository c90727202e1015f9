"""Work ahead: pictures and documents of what is being written are seen and read while the person still types."""

from __future__ import annotations

from collections.abc import Callable

from app.chat.changes import Change, PicturesSeen
from app.core.message import Document, Draft, Picture
from app.core.protocol import LookAhead, LookedAhead, Prompt

_Wanted = tuple[str, tuple[Picture, ...], tuple[Document, ...]]


class Lookahead:
    """Session thread. One request at a time, for the conversation that is shown; other work of the model ends it."""

    def __init__(self) -> None:
        self._number = 0
        self._asked: _Wanted | None = None

    def forget(self) -> None:
        """The model does something else now, or another one is loaded: what is still wanted is asked again."""
        self._asked = None

    def due(self, conversation: str, draft: Draft, prompt: Callable[[], Prompt]) -> LookAhead | None:
        """The request for what goes with this draft, one that ends the last where nothing does, None for no change."""
        wanted = (conversation, draft.pictures, draft.documents) if draft.pictures or draft.documents else None
        if wanted == self._asked:
            return None
        self._asked = wanted
        self._number += 1
        return LookAhead(self._number, prompt() if wanted is not None else Prompt(conversation, ()))

    def handle(self, event: LookedAhead) -> tuple[Change, ...]:
        """How far it is."""
        if event.ahead != self._number or self._asked is None:
            return ()
        conversation, pictures, _ = self._asked
        seen = {picture.sha256: part for picture, part in zip(pictures, event.seen, strict=False)}
        return (PicturesSeen(conversation, seen, event.view_seconds, event.done, event.error),)
