"""The messages of the conversation that is shown, in their order. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import zip_longest

from app.chat.changes import MessageView
from app.ui.transcript.entry import Entry
from app.ui.transcript.words import day_words


class Entries:
    """Finds a message by its id or its place, and knows where a day ends."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._places: dict[str, int] = {}
        self._edits: dict[str, str] = {}  # what was being written in place of messages of other conversations

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __getitem__(self, at: int) -> Entry:
        return self._entries[at]

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._places

    def place(self, message_id: str) -> int:
        """Where a message stands; KeyError for one that is not there."""
        return self._places[message_id]

    def find(self, message_id: str) -> Entry | None:
        """What is known of a message."""
        at = self._places.get(message_id)
        return self._entries[at] if at is not None else None

    @property
    def last(self) -> Entry | None:
        """The message at the end."""
        return self._entries[-1] if self._entries else None

    def show_all(self, messages: Sequence[MessageView], scale: float) -> None:
        """These messages instead of those there, with heights to begin with. What is written in place of one stays."""
        self._edits |= {entry.message.id: entry.edited for entry in self._entries if entry.edited is not None}
        self._entries = [_estimated(message, scale) for message in messages]
        for entry in self._entries if self._edits else ():
            entry.edited = self._edits.pop(entry.message.id, None)
            entry.editing = entry.edited is not None
        self._index()

    def add(self, message: MessageView, scale: float) -> Entry:
        """One more at the end."""
        entry = _estimated(message, scale)
        self._entries.append(entry)
        self._index()
        return entry

    def remove(self, ids: Iterable[str]) -> None:
        """Without these."""
        gone = set(ids)
        self._entries = [entry for entry in self._entries if entry.message.id not in gone]
        self._index()

    def doubt_heights(self) -> None:
        """What decides on heights has changed: every message is to be laid out again."""
        for entry in self._entries:
            entry.exact = False

    def _index(self) -> None:
        """After messages came or went: their places, and the lines between days."""
        self._places = {entry.message.id: at for at, entry in enumerate(self._entries)}
        today = datetime.now().date()
        before: date | None = None
        for entry in self._entries:
            at = datetime.fromtimestamp(entry.message.created_at)
            here = at.date()
            day = day_words(at, today) if before is not None and here > before else ""
            before = here
            if day != entry.day:
                entry.day = day
                entry.exact = False
        self._join_parts()

    def _join_parts(self) -> None:
        """An answer that called tools goes on in the next message: they are shown as one."""
        first: Entry | None = None
        asked = ""
        for entry, after in zip_longest(self._entries, self._entries[1:]):
            is_answer = entry.is_answer
            follows = is_answer and first is not None
            goes_on = is_answer and after is not None and after.is_answer
            if follows != entry.follows or goes_on != entry.goes_on:
                entry.follows, entry.goes_on, entry.exact = follows, goes_on, False
            if not is_answer:
                asked = entry.message.id if entry.message.pictures else ""
            entry.asked_with_pictures = asked if is_answer else ""
            entry.beginning = first.message if first is not None and follows else None
            first = (first or entry) if goes_on else None


def _estimated(message: MessageView, scale: float) -> Entry:
    entry = Entry(message)
    entry.height = entry.estimate(scale)
    return entry
