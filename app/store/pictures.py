"""Which pictures belong to which message or draft. The files themselves lie in the attachment folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from app.core.message import PanAndScan, Picture
from app.core.paths import encode_path
from app.store.database import Database, Value

_CHOICES = {choice.value: choice for choice in PanAndScan}


class Pictures:
    """Reads and writes the pictures of messages and drafts, in a transaction of the caller."""

    def __init__(self, database: Database, folder: Path) -> None:
        """`folder` has the files: `<sha256>.png`."""
        self._database = database
        self._folder = folder

    def add(self, message: str, pictures: Sequence[Picture], first: int = 0) -> None:
        """These pictures belong to this message, in this order, the first of them at the place `first`."""
        for place, picture in enumerate(pictures, first):
            self._know(picture)
            self._database.run(
                """INSERT INTO message_pictures (message, place, picture, pan_and_scan, image_tokens, name)
                   SELECT m.number, :place, p.number, :choice, :tokens, :name FROM messages m, pictures p
                   WHERE m.id = :owner AND p.sha256 = :sha256""",
                _bindings(message, place, picture),
            )

    def set_draft(self, conversation: str, pictures: Sequence[Picture]) -> None:
        """These pictures go with what is being written; "" is the new chat."""
        self._database.run(
            """DELETE FROM draft_pictures
               WHERE conversation IS (SELECT number FROM conversations WHERE id = :owner)""",
            {"owner": conversation},
        )
        for place, picture in enumerate(pictures):
            self._know(picture)
            self._database.run(
                """INSERT INTO draft_pictures (conversation, place, picture, pan_and_scan, image_tokens, name)
                   SELECT (SELECT number FROM conversations WHERE id = :owner), :place, number, :choice, :tokens, :name
                   FROM pictures WHERE sha256 = :sha256""",
                _bindings(conversation, place, picture),
            )

    def of_draft(self, conversation: str) -> tuple[Picture, ...]:
        """The pictures that go with what is being written."""
        rows = self._database.rows(
            """SELECT p.sha256, p.width, p.height, dp.pan_and_scan, dp.image_tokens, dp.name
               FROM draft_pictures dp JOIN pictures p ON p.number = dp.picture
               WHERE dp.conversation IS (SELECT number FROM conversations WHERE id = :id) ORDER BY dp.place""",
            {"id": conversation},
        )
        return tuple(map(self._picture, rows))

    def of_message(self, message: str) -> set[str]:
        """The SHA-256 of the pictures of one message."""
        rows = self._database.rows(
            """SELECT p.sha256 FROM messages m JOIN message_pictures mp ON mp.message = m.number
               JOIN pictures p ON p.number = mp.picture WHERE m.id = :id""",
            {"id": message},
        )
        return {str(row[0]) for row in rows}

    def of_conversation(self, conversation: str) -> dict[str, tuple[Picture, ...]]:
        """The pictures of every message of a conversation that has any, by the id of the message."""
        rows = self._database.rows(
            """SELECT m.id, p.sha256, p.width, p.height, mp.pan_and_scan, mp.image_tokens, mp.name
               FROM conversations c JOIN messages m ON m.conversation = c.number
               JOIN message_pictures mp ON mp.message = m.number JOIN pictures p ON p.number = mp.picture
               WHERE c.id = :id ORDER BY m.number, mp.place""",
            {"id": conversation},
        )
        return self._grouped(rows)

    def _know(self, picture: Picture) -> None:
        known: dict[str, Value] = {"sha256": picture.sha256, "width": picture.width, "height": picture.height}
        self._database.run(
            """INSERT INTO pictures (sha256, width, height) VALUES (:sha256, :width, :height)
               ON CONFLICT (sha256) DO NOTHING""",
            known,
        )

    def _grouped(self, rows: Iterable[Sequence[Value]]) -> dict[str, tuple[Picture, ...]]:
        found: dict[str, tuple[Picture, ...]] = {}
        for message, *columns in rows:
            found[str(message)] = (*found.get(str(message), ()), self._picture(columns))
        return found

    def _picture(self, columns: Sequence[Value]) -> Picture:
        sha256, width, height, choice, tokens, name = map(str, columns)
        path = encode_path(self._folder / f"{sha256}.png")
        closely = _CHOICES.get(choice, PanAndScan.AUTO)
        return Picture(sha256, int(width), int(height), path, closely, name, int(tokens))


def _bindings(owner: str, place: int, picture: Picture) -> dict[str, Value]:
    return {
        "owner": owner,
        "place": place,
        "choice": picture.pan_and_scan.value,
        "tokens": picture.image_tokens,
        "name": picture.name,
        "sha256": picture.sha256,
    }
