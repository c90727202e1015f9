"""Saves answers, and keeps in memory what could not be saved until it can."""

from __future__ import annotations

from collections.abc import Mapping

from app.chat.changes import Change, SaveFailed, SaveRecovered
from app.chat.clock import Clock
from app.core.errors import StorageError
from app.store.records import AnswerRecord
from app.store.store import Store

_RETRY_SECONDS = 2.0


class Saver:
    """Session thread. What is `unsaved` is on screen only; the first failure is told, and the end of all of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._unsaved: dict[str, AnswerRecord] = {}
        self._code = ""
        self._retry_at = 0.0

    @property
    def unsaved(self) -> Mapping[str, AnswerRecord]:
        """The answers that are newer than what is stored."""
        return self._unsaved

    def save(self, message: str, record: AnswerRecord) -> tuple[Change, ...]:
        """Save how far an answer has come; what fails stays here."""
        self._unsaved[message] = record
        return self._write([message])

    def retry(self) -> tuple[tuple[str, ...], tuple[Change, ...]]:
        """Try to save all that is left; returns what is saved now, and what to tell."""
        tried = list(self._unsaved)
        changes = self._write(tried)
        return tuple(message for message in tried if message not in self._unsaved), changes

    @property
    def is_due(self) -> bool:
        """Whether it is time to try again."""
        return bool(self._unsaved) and self._clock.monotonic() >= self._retry_at

    def _write(self, messages: list[str]) -> tuple[Change, ...]:
        try:
            for message in messages:
                self._store.messages.save_answer(message, self._unsaved[message], self._store.owner)
                del self._unsaved[message]
        except StorageError as error:
            self._retry_at = self._clock.monotonic() + _RETRY_SECONDS
            if error.code == self._code:
                return ()
            self._code = error.code
            return (SaveFailed(_sentence(error), error.code),)
        if self._code and not self._unsaved:
            self._code = ""
            return (SaveRecovered(),)
        return ()


def _sentence(error: StorageError) -> str:
    what_to_do = "Free some space and press Retry." if error.code == "disk_full" else "Press Retry when this is mended."
    return f"{error.message} The last reply is on screen only, not saved. {what_to_do}"
