"""The store of one data folder: everything that stays when the program ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import StorageError
from app.core.message import MessageState
from app.core.paths import DataPaths
from app.core.settings import Settings
from app.core.tools import Call
from app.store.attachments import Attachments
from app.store.calls import Calls
from app.store.conversations import Conversations
from app.store.database import Database
from app.store.deletions import Deletions
from app.store.locks import Owner
from app.store.messages import Messages
from app.store.opening import Opened, open_database
from app.store.pictures import Pictures
from app.store.records import pack, unpack


class Store:
    """Opens when it is made and never fails at it: where it cannot be opened, `trouble` says why.

    Everything else raises that StorageError then. Used on the thread that made it.
    """

    def __init__(self, paths: DataPaths, *, vfs: str | None = None) -> None:
        self.trouble: StorageError | None = None
        self._opened: Opened | None = None
        self._owner = Owner(paths.run)
        try:
            self._opened = open_database(paths, vfs=vfs)
        except StorageError as error:
            self.trouble = error
            return
        database = self._opened.database
        attachments = Attachments(database, paths.attachments)
        self._conversations = Conversations(database, attachments)
        self._calls = Calls(database, Pictures(database, paths.attachments))
        self._messages = Messages(database, attachments, self._calls)
        self._deletions = Deletions(database, self._messages)
        self._seen = database.data_version
        if database.only_reading is None:
            self._owner.sweep()

    @property
    def conversations(self) -> Conversations:
        """Titles, settings, drafts, trash."""
        self._check()
        return self._conversations

    @property
    def messages(self) -> Messages:
        """What was said."""
        self._check()
        return self._messages

    @property
    def calls(self) -> Calls:
        """What answers called, and the log of it."""
        self._check()
        return self._calls

    @property
    def deletions(self) -> Deletions:
        """What was deleted."""
        self._check()
        return self._deletions

    @property
    def set_aside(self) -> Path | None:
        """Where the broken database went that was found at the start."""
        return self._opened.set_aside if self._opened else None

    @property
    def only_reading(self) -> StorageError | None:
        """Why chats can be read and nothing can be written; None where it can."""
        return self._opened.database.only_reading if self._opened else None

    @property
    def owner(self) -> str:
        """The name of this process beside messages that wait or are being written."""
        return self._owner.name

    @contextmanager
    def durable(self) -> Iterator[None]:
        """Several changes as one: all or nothing, on the disk when it returns."""
        with self._check().durable():
            yield

    def settings(self) -> Settings:
        """The stored settings; what is damaged or unknown takes its default."""
        rows = self._check().rows("SELECT settings FROM program")
        return unpack(str(rows[0][0]), Settings) if rows else Settings()

    def save_settings(self, settings: Settings) -> None:
        """Keep the settings."""
        database = self._check()
        with database.durable():
            database.run("UPDATE program SET settings = :settings", {"settings": pack(settings)})

    def changed_elsewhere(self) -> bool:
        """Whether another process has written since the last call."""
        version = self._check().data_version
        changed, self._seen = version != self._seen, version
        return changed

    def mark_interrupted(self) -> int:
        """Answers whose process has died are no longer being written; returns their number."""
        database = self._check()
        dead = self._dead_owners(MessageState.STREAMING)
        if not dead:
            return 0
        with database.durable():
            return sum(
                database.run(
                    """UPDATE messages SET state = 'interrupted', owner = ''
                       WHERE owner = :owner AND state = 'streaming'""",
                    {"owner": owner},
                )
                for owner in dead
            )

    def broken_calls(self) -> list[tuple[str, Call]]:
        """Calls that were being run by processes that have died, each with its conversation."""
        return [(where, call) for owner, where, call in self.calls.running() if self._owner.is_dead(owner)]

    def adopt_queued(self) -> list[str]:
        """Messages that wait and whose process has died wait for this one now; their ids, the oldest first."""
        database = self._check()
        dead = self._dead_owners(MessageState.QUEUED)
        if not dead:
            return []
        with database.durable():
            for owner in dead:
                database.run(
                    "UPDATE messages SET owner = :mine WHERE owner = :owner AND state = 'queued'",
                    {"mine": self.owner, "owner": owner},
                )
        rows = database.rows(
            """SELECT m.id FROM messages m JOIN conversations c ON c.number = m.conversation
               WHERE m.owner = :mine AND m.state = 'queued' AND m.deletion IS NULL AND c.trashed_at IS NULL
               ORDER BY m.number""",
            {"mine": self.owner},
        )
        return [str(row[0]) for row in rows]

    def close(self) -> None:
        """Close the database; nothing here belongs to this process any more."""
        if self._opened is not None:
            self._opened.close()
        self._owner.close()

    def _check(self) -> Database:
        if self._opened is None:
            raise self.trouble or StorageError("The chats are closed.")
        return self._opened.database

    def _dead_owners(self, state: MessageState) -> list[str]:
        rows = self._check().rows(
            "SELECT DISTINCT owner FROM messages WHERE owner <> '' AND state = :state", {"state": state.value}
        )
        return [str(row[0]) for row in rows if self._owner.is_dead(str(row[0]))]
