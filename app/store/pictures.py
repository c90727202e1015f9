"""Which pictures belong to which message. The files themselves lie in the attachment folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from app.core.message import PanAndScan, Picture
from app.core.paths import encode_path
from app.store.database import Database, Value

_CHOICES = {choice.value: choice for choice in PanAndScan}


class Pictures:
    """Reads and writes the pictures of messages, in a transaction of the caller."""

    def __init__(self, database: Database, folder: Path) -> None:
        """`folder` has the files: `<sha256>.png`."""
        self._database = database
        self._folder = folder

    def add(self, message: str, pictures: Sequence[Picture]) -> None:
        """These pictures belong to this message, in this order."""
        for place, picture in enumerate(pictures):
            known: dict[str, Value] = {"sha256": picture.sha256, "width": picture.width, "height": picture.height}
            self._database.run(
                """INSERT INTO pictures (sha256, width, height) VALUES (:sha256, :width, :height)
                   ON CONFLICT (sha256) DO NOTHING""",
                known,
            )
            self._database.run(
                """INSERT INTO message_pictures (message, place, picture, pan_and_scan)
                   SELECT m.number, :place, p.number, :choice FROM messages m, pictures p
                   WHERE m.id = :message AND p.sha256 = :sha256""",
                {
                    "message": message,
                    "place": place,
                    "choice": picture.pan_and_scan.value,
                    "sha256": picture.sha256,
                },
            )

    def of_conversation(self, conversation: str) -> dict[str, tuple[Picture, ...]]:
        """The pictures of every message of a conversation that has any, by the id of the message."""
        rows = self._database.rows(
            """SELECT m.id, p.sha256, p.width, p.height, mp.pan_and_scan
               FROM conversations c JOIN messages m ON m.conversation = c.number
               JOIN message_pictures mp ON mp.message = m.number JOIN pictures p ON p.number = mp.picture
               WHERE c.id = :id ORDER BY m.number, mp.place""",
            {"id": conversation},
        )
        return self._grouped(rows)

    def of_branch(self, leaf: str) -> dict[str, tuple[Picture, ...]]:
        """The same for the conversation that this message is in."""
        rows = self._database.rows(
            """SELECT c.id FROM messages m JOIN conversations c ON c.number = m.conversation WHERE m.id = :id""",
            {"id": leaf},
        )
        return self.of_conversation(str(rows[0][0])) if rows else {}

    def _grouped(self, rows: Iterable[Sequence[Value]]) -> dict[str, tuple[Picture, ...]]:
        found: dict[str, tuple[Picture, ...]] = {}
        for message, sha256, width, height, choice in rows:
            name = str(sha256)
            path = encode_path(self._folder / f"{name}.png")
            chosen = _CHOICES.get(str(choice), PanAndScan.AUTO)
            picture = Picture(name, int(str(width)), int(str(height)), path, chosen)
            found[str(message)] = (*found.get(str(message), ()), picture)
        return found
