"""Which PDFs without words wait in which draft. Their files are the person's own and stay where they are."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.message import Scan
from app.store.database import Database


class Scans:
    """Reads and writes the scans of drafts, in a transaction of the caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_draft(self, conversation: str, scans: Sequence[Scan]) -> None:
        """These go with what is being written; "" is the new chat."""
        self._database.run(
            """DELETE FROM draft_scans
               WHERE conversation IS (SELECT number FROM conversations WHERE id = :owner)""",
            {"owner": conversation},
        )
        for place, scan in enumerate(scans):
            self._database.run(
                """INSERT INTO draft_scans (conversation, place, path, name, pages)
                   VALUES ((SELECT number FROM conversations WHERE id = :owner), :place, :path, :name, :pages)""",
                {"owner": conversation, "place": place, "path": scan.path, "name": scan.name, "pages": scan.pages},
            )

    def of_draft(self, conversation: str) -> tuple[Scan, ...]:
        """Those that go with what is being written."""
        rows = self._database.rows(
            """SELECT path, name, pages FROM draft_scans
               WHERE conversation IS (SELECT number FROM conversations WHERE id = :id) ORDER BY place""",
            {"id": conversation},
        )
        return tuple(Scan(str(path), str(name), int(str(pages))) for path, name, pages in rows)
