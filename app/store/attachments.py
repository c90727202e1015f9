"""What goes with messages and drafts: their pictures and documents together."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from app.core.message import Document, Draft, Picture
from app.store.database import Database
from app.store.documents import Documents
from app.store.pictures import Pictures
from app.store.scans import Scans


class Attached(NamedTuple):
    """What goes with one message."""

    pictures: tuple[Picture, ...] = ()
    documents: tuple[Document, ...] = ()


NOTHING = Attached()


class Attachments:
    """Reads and writes attachments, in a transaction of the caller."""

    def __init__(self, database: Database, folder: Path) -> None:
        """`folder` has the files."""
        self._database = database
        self._pictures = Pictures(database, folder)
        self._documents = Documents(database, folder)
        self._scans = Scans(database)

    def add(self, message: str, draft: Draft) -> None:
        """What goes with this draft belongs to this message now."""
        self._pictures.add(message, draft.pictures)
        self._documents.add(message, draft.documents)

    def set_draft(self, conversation: str, draft: Draft) -> None:
        """This goes with what is being written; "" is the new chat."""
        self._pictures.set_draft(conversation, draft.pictures)
        self._documents.set_draft(conversation, draft.documents)
        self._scans.set_draft(conversation, draft.scans)

    def draft(self, conversation: str, text: str) -> Draft:
        """The draft that has this text."""
        return Draft(
            text,
            self._pictures.of_draft(conversation),
            self._documents.of_draft(conversation),
            self._scans.of_draft(conversation),
        )

    def of_conversation(self, conversation: str) -> dict[str, Attached]:
        """What goes with every message of a conversation that has any, by the id of the message."""
        pictures = self._pictures.of_conversation(conversation)
        documents = self._documents.of_conversation(conversation)
        return {
            message: Attached(pictures.get(message, ()), documents.get(message, ()))
            for message in pictures.keys() | documents.keys()
        }

    def of_branch(self, leaf: str) -> dict[str, Attached]:
        """The same for the conversation that this message is in."""
        rows = self._database.rows(
            """SELECT c.id FROM messages m JOIN conversations c ON c.number = m.conversation WHERE m.id = :id""",
            {"id": leaf},
        )
        return self.of_conversation(str(rows[0][0])) if rows else {}
