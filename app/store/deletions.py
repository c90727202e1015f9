"""Deleting messages and bringing them back."""

from __future__ import annotations

from dataclasses import dataclass

from app.store.database import Database
from app.store.messages import Messages
from app.store.records import new_id


@dataclass(frozen=True, slots=True)
class Deletion:
    """What one act of deleting took away; `id` brings it back."""

    id: str
    conversation: str
    messages: tuple[str, ...]


class Deletions:
    """Deleted messages stay in the database, marked."""

    def __init__(self, database: Database, messages: Messages) -> None:
        self._database = database
        self._messages = messages

    def delete(self, message: str, now: float) -> Deletion:
        """Take a message and all that follows it away; another version of it is shown if there is one."""
        found = self._messages.find(message)
        if found is None:
            raise KeyError(message)
        gone = self._messages.below(message)
        deletion = new_id()
        with self._database.durable():
            self._database.run(
                """INSERT INTO deletions (id, conversation, leaf, deleted_at)
                   SELECT :id, number, leaf, :now FROM conversations WHERE id = :conversation""",
                {"id": deletion, "conversation": found.conversation, "now": now},
            )
            number = self._database.last_number
            for one in gone:
                self._database.run(
                    """UPDATE messages SET deletion = :deletion, owner = '', state = CASE state
                           WHEN 'queued' THEN 'complete' WHEN 'streaming' THEN 'interrupted' ELSE state END
                       WHERE id = :id""",
                    {"id": one, "deletion": number},
                )
            self._show_what_is_left(found.conversation, found.parent, [v for v in found.versions if v != message])
        return Deletion(deletion, found.conversation, tuple(gone))

    def conversation(self, deletion: str) -> str:
        """Where it would come back, "" where that cannot be (what it followed is gone)."""
        rows = self._database.rows(
            """SELECT c.id FROM deletions d JOIN conversations c ON c.number = d.conversation
               WHERE d.id = :id AND c.trashed_at IS NULL AND NOT EXISTS (
                   SELECT 1 FROM messages m JOIN messages up ON up.number = m.parent
                   WHERE m.deletion = d.number AND up.deletion <> d.number)""",
            {"id": deletion},
        )
        return str(rows[0][0]) if rows else ""

    def undo(self, deletion: str) -> None:
        """Bring back what it took, and show it."""
        bindings = {"id": deletion}
        with self._database.durable():
            self._database.run(
                """UPDATE conversations SET leaf = d.leaf FROM deletions d
                   WHERE d.id = :id AND conversations.number = d.conversation""",
                bindings,
            )
            self._database.run(
                """UPDATE messages SET deletion = NULL
                   WHERE deletion = (SELECT number FROM deletions WHERE id = :id)""",
                bindings,
            )
            self._database.run("DELETE FROM deletions WHERE id = :id", bindings)

    def _show_what_is_left(self, conversation: str, parent: str, others: list[str]) -> None:
        if not self._leaf_is_gone(conversation):
            return
        if others:
            self._messages.show(self._messages.newest_leaf(others[-1]))
        elif parent:
            self._messages.show(parent)
        else:
            self._database.run("UPDATE conversations SET leaf = NULL WHERE id = :id", {"id": conversation})

    def _leaf_is_gone(self, conversation: str) -> bool:
        rows = self._database.rows(
            """SELECT 1 FROM conversations c JOIN messages m ON m.number = c.leaf
               WHERE c.id = :id AND m.deletion IS NOT NULL""",
            {"id": conversation},
        )
        return bool(rows)
