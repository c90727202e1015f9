"""Conversations: the list, their titles, settings and drafts, and the trash."""

from __future__ import annotations

from app.core.message import Draft
from app.core.settings import ConversationSettings
from app.store.attachments import Attachments
from app.store.database import Database
from app.store.records import ListedConversation, StoredConversation, new_id, pack, unpack

_PREVIEW_CHARACTERS = 400


class Conversations:
    """Ids that do not exist (any more) are told by None or False. What is written stands in a transaction."""

    def __init__(self, database: Database, attachments: Attachments) -> None:
        self._database = database
        self._attachments = attachments

    def listed(self) -> list[ListedConversation]:
        """All that are not in the trash, the one that was written in last first, whatever the clock said."""
        rows = self._database.rows(
            f"""SELECT c.id, c.title,
                       substr(CASE WHEN leaf.text <> '' THEN leaf.text ELSE before.text END, 1, {_PREVIEW_CHARACTERS}),
                       c.changed_at,
                       c.number IN (SELECT m.conversation FROM message_pictures mp
                                    JOIN messages m ON m.number = mp.message WHERE m.deletion IS NULL),
                       c.number IN (SELECT m.conversation FROM message_documents md
                                    JOIN messages m ON m.number = md.message WHERE m.deletion IS NULL),
                       EXISTS (SELECT 1 FROM calls k
                               WHERE k.state = 'waiting' AND k.message IN (leaf.number, before.number))
                FROM conversations c
                LEFT JOIN messages leaf ON leaf.number = c.leaf
                LEFT JOIN messages before ON before.number = leaf.parent
                WHERE c.trashed_at IS NULL ORDER BY c.touched DESC"""
        )
        return [
            ListedConversation(
                str(id_), str(title), str(words or ""), float(str(changed)), bool(pictures), bool(documents), bool(asks)
            )
            for id_, title, words, changed, pictures, documents, asks in rows
        ]

    def find(self, conversation: str) -> StoredConversation | None:
        """One that is not in the trash."""
        rows = self._database.rows(
            """SELECT c.id, c.title, ifnull(leaf.id, ''), c.settings, c.draft
               FROM conversations c LEFT JOIN messages leaf ON leaf.number = c.leaf
               WHERE c.id = :id AND c.trashed_at IS NULL""",
            {"id": conversation},
        )
        if not rows:
            return None
        id_, title, leaf, settings, text = map(str, rows[0])
        draft = self._attachments.draft(id_, text)
        return StoredConversation(id_, title, leaf, unpack(settings, ConversationSettings), draft)

    def add(self, title: str, settings: ConversationSettings, now: float) -> str:
        """Make one; returns its id."""
        conversation = new_id()
        with self._database.durable():
            self._database.run(
                """INSERT INTO conversations (id, title, created_at, changed_at, touched, settings)
                   SELECT :id, :title, :now, :now, ifnull(max(touched), 0) + 1, :settings FROM conversations""",
                {"id": conversation, "title": title, "now": now, "settings": pack(settings)},
            )
        return conversation

    def touch(self, conversation: str, now: float) -> None:
        """Something was said: to the top of the list."""
        with self._database.quick():
            self._database.run(
                """UPDATE conversations SET changed_at = :now,
                          touched = (SELECT max(touched) + 1 FROM conversations) WHERE id = :id""",
                {"id": conversation, "now": now},
            )

    def rename(self, conversation: str, title: str) -> bool:
        """Give it another title."""
        with self._database.durable():
            return self._set(conversation, "title", title)

    def set_settings(self, conversation: str, settings: ConversationSettings) -> bool:
        """Keep what it sets for itself."""
        with self._database.durable():
            return self._set(conversation, "settings", pack(settings))

    def set_draft(self, conversation: str, draft: Draft) -> None:
        """Keep what is being written; "" is the new chat."""
        with self._database.quick():
            if not conversation:
                self._database.run("UPDATE program SET draft = :text", {"text": draft.text})
            elif not self._set(conversation, "draft", draft.text):
                return  # it is in the trash
            self._attachments.set_draft(conversation, draft)

    def new_draft(self) -> Draft:
        """What is being written in the new chat."""
        text = str(self._database.rows("SELECT draft FROM program")[0][0])
        return self._attachments.draft("", text)

    def trash(self, conversation: str, now: float) -> bool:
        """Into the trash."""
        with self._database.durable():
            return self._set(conversation, "trashed_at", now)

    def restore(self, conversation: str) -> bool:
        """Out of the trash."""
        with self._database.durable():
            return self._set(conversation, "trashed_at", None, trashed=True)

    def opened(self) -> str:
        """The conversation that was open last, "" for none or a new chat."""
        rows = self._database.rows(
            """SELECT c.id FROM program p JOIN conversations c ON c.number = p.opened WHERE c.trashed_at IS NULL"""
        )
        return str(rows[0][0]) if rows else ""

    def remember_opened(self, conversation: str) -> None:
        """Keep which one is open; "" for a new chat."""
        with self._database.quick():
            self._database.run(
                "UPDATE program SET opened = (SELECT number FROM conversations WHERE id = :id)", {"id": conversation}
            )

    def _set(self, conversation: str, column: str, value: str | float | None, *, trashed: bool = False) -> bool:
        condition = "IS NOT NULL" if trashed else "IS NULL"
        changed = self._database.run(
            f"UPDATE conversations SET {column} = :value WHERE id = :id AND trashed_at {condition}",
            {"id": conversation, "value": value},
        )
        return changed > 0
