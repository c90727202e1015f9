"""Refusals that give words back: what the person wrote must not be lost with the error."""

from __future__ import annotations

from app.chat.changes import Change, DraftRestored
from app.core.errors import StorageError, UsageError, UserError


class UnsavedError(StorageError):
    """A message could not be saved and was not sent. `changes` put its words back into the composer."""

    def __init__(self, cause: StorageError, conversation: str, text: str) -> None:
        super().__init__(f"{cause.message} Your message was not sent.", cause.code)
        self.changes: tuple[Change, ...] = (DraftRestored(conversation, text),)


class UnsentError(UsageError):
    """A message cannot go where it was meant for. `changes` put its words back into the composer."""

    def __init__(self, message: str, code: str, conversation: str, text: str) -> None:
        super().__init__(message, code)
        self.changes: tuple[Change, ...] = (DraftRestored(conversation, text),)


def changes_with(error: UserError) -> tuple[Change, ...]:
    """What the screens show beside the sentence of this error."""
    return error.changes if isinstance(error, UnsavedError | UnsentError) else ()
