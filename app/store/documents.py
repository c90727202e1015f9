"""Which documents belong to which message or draft. Their texts lie in the attachment folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.core.message import Document
from app.core.paths import encode_path
from app.store.database import Database, Value

_COLUMNS = "sha256, name, kind, pages, first, last"


class Documents:
    """Reads and writes the documents of messages and drafts, in a transaction of the caller."""

    def __init__(self, database: Database, folder: Path) -> None:
        """`folder` has the texts: `<sha256>.txt`."""
        self._database = database
        self._folder = folder

    def add(self, message: str, documents: Sequence[Document]) -> None:
        """These documents belong to this message, in this order."""
        for place, document in enumerate(documents):
            self._database.run(
                f"""INSERT INTO message_documents (message, place, {_COLUMNS})
                    SELECT number, :place, :sha256, :name, :kind, :pages, :first, :last
                    FROM messages WHERE id = :owner""",
                _bindings(message, place, document),
            )

    def set_draft(self, conversation: str, documents: Sequence[Document]) -> None:
        """These documents go with what is being written; "" is the new chat."""
        self._database.run(
            """DELETE FROM draft_documents
               WHERE conversation IS (SELECT number FROM conversations WHERE id = :owner)""",
            {"owner": conversation},
        )
        for place, document in enumerate(documents):
            self._database.run(
                f"""INSERT INTO draft_documents (conversation, place, {_COLUMNS})
                    VALUES ((SELECT number FROM conversations WHERE id = :owner),
                            :place, :sha256, :name, :kind, :pages, :first, :last)""",
                _bindings(conversation, place, document),
            )

    def of_draft(self, conversation: str) -> tuple[Document, ...]:
        """The documents that go with what is being written."""
        rows = self._database.rows(
            f"""SELECT {_COLUMNS} FROM draft_documents
                WHERE conversation IS (SELECT number FROM conversations WHERE id = :id) ORDER BY place""",
            {"id": conversation},
        )
        return tuple(map(self._document, rows))

    def of_conversation(self, conversation: str) -> dict[str, tuple[Document, ...]]:
        """The documents of every message of a conversation that has any, by the id of the message."""
        rows = self._database.rows(
            f"""SELECT m.id, {_COLUMNS} FROM conversations c JOIN messages m ON m.conversation = c.number
                JOIN message_documents d ON d.message = m.number
                WHERE c.id = :id ORDER BY m.number, d.place""",
            {"id": conversation},
        )
        found: dict[str, tuple[Document, ...]] = {}
        for message, *columns in rows:
            found[str(message)] = (*found.get(str(message), ()), self._document(columns))
        return found

    def _document(self, columns: Sequence[Value]) -> Document:
        sha256, name, kind, pages, first, last = map(str, columns)
        path = encode_path(self._folder / f"{sha256}.txt")
        return Document(sha256, name, kind, int(pages), path, int(first), int(last))


def _bindings(owner: str, place: int, document: Document) -> dict[str, Value]:
    return {
        "owner": owner,
        "place": place,
        "sha256": document.sha256,
        "name": document.name,
        "kind": document.kind,
        "pages": document.pages,
        "first": document.first,
        "last": document.last,
    }
