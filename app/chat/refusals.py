"""Refusals that give words back: what the person wrote must not be lost with the error."""

from __future__ import annotations

from app.chat.changes import Change, DraftRestored
from app.core.errors import StorageError, UsageError, UserError
from app.core.message import Draft


class UnsavedError(StorageError):
    """A message could not be saved and was not sent. `changes` put it back into the composer."""

    def __init__(self, cause: StorageError, conversation: str, draft: Draft) -> None:
        super().__init__(f"{cause.message} Your message was not sent.", cause.code)
        self.changes: tuple[Change, ...] = (DraftRestored(conversation, draft),)


class UnsentError(UsageError):
    """A message cannot go where it was meant for. `changes` put it back into the composer."""

    def __init__(self, message: str, code: str, conversation: str, draft: Draft) -> None:
        super().__init__(message, code)
        self.changes: tuple[Change, ...] = (DraftRestored(conversation, draft),)


def changes_with(error: UserError) -> tuple[Change, ...]:
    """What the screens show beside the sentence of this error."""
    return error.changes if isinstance(error, UnsavedError | UnsentError) else ()
