"""The calls of tools that answers made, and the log of what was decided about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from app.core.message import Picture
from app.core.tools import Call, CallDecision, CallState, LoggedCall
from app.store.database import Database, Value
from app.store.pictures import Pictures

_COLUMNS = """k.id, k.name, k.origin, k.arguments, k.used, k.state, k.decision, k.why, k.result, k.pictures,
              k.milliseconds, k.place, k.asked_as"""


class Calls:
    """What is written stands in a transaction of its own or of the caller, and on the disk when that returns."""

    def __init__(self, database: Database, pictures: Pictures) -> None:
        self._database = database
        self._pictures = pictures

    def add(self, message: str, call: Call, owner: str) -> None:
        """A call of this answer, after those it has."""
        with self._database.durable():
            self._database.run(
                """INSERT INTO calls
                          (id, message, name, origin, asked_as, arguments, state, decision, why, result, place, owner)
                   SELECT :id, number, :name, :origin, :asked_as, :arguments, :state, :decision, :why, :result,
                          :place, :owner
                   FROM messages WHERE id = :message""",
                {
                    "id": call.id,
                    "message": message,
                    "name": call.name,
                    "origin": call.origin,
                    "asked_as": call.asked_as,
                    "arguments": _dump(call.arguments),
                    "state": call.state.value,
                    "decision": call.decision.value,
                    "why": call.why,
                    "result": call.result,
                    "place": json.dumps(call.place),
                    "owner": owner if call.state is CallState.RUNNING else "",
                },
            )

    def change(self, call: Call, owner: str, pictures: Sequence[Picture] = ()) -> None:
        """How far a call is now; `pictures` came back with its result, and go with the answer that made it."""
        with self._database.durable():
            self._database.run(
                """UPDATE calls SET used = :used, state = :state, decision = :decision, why = :why, result = :result,
                          pictures = :pictures, milliseconds = :milliseconds, place = :place, owner = :owner
                   WHERE id = :id""",
                {
                    "id": call.id,
                    "used": "" if call.used is None else _dump(call.used),
                    "state": call.state.value,
                    "decision": call.decision.value,
                    "why": call.why,
                    "result": call.result,
                    "pictures": json.dumps(call.pictures),
                    "milliseconds": call.milliseconds,
                    "place": json.dumps(call.place),
                    "owner": owner if call.state is CallState.RUNNING else "",
                },
            )
            if pictures:
                message = self.message_of(call.id)
                known = self._pictures.of_message(message)
                self._pictures.add(message, [one for one in pictures if one.sha256 not in known], first=len(known))

    def find(self, call: str) -> Call | None:
        """A call by its id."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM calls k WHERE k.id = :id", {"id": call})
        return _call(rows[0]) if rows else None

    def message_of(self, call: str) -> str:
        """The answer that made it."""
        rows = self._database.rows(
            "SELECT m.id FROM calls k JOIN messages m ON m.number = k.message WHERE k.id = :id", {"id": call}
        )
        return str(rows[0][0])

    def of_message(self, message: str) -> tuple[Call, ...]:
        """The calls of an answer, in their order."""
        rows = self._database.rows(
            f"""SELECT {_COLUMNS} FROM calls k JOIN messages m ON m.number = k.message
                WHERE m.id = :id ORDER BY k.number""",
            {"id": message},
        )
        return tuple(map(_call, rows))

    def of_conversation(self, conversation: str) -> dict[str, tuple[Call, ...]]:
        """The calls of every answer of a conversation that has any, by the id of the message."""
        rows = self._database.rows(
            f"""SELECT m.id, {_COLUMNS} FROM conversations c JOIN messages m ON m.conversation = c.number
                JOIN calls k ON k.message = m.number WHERE c.id = :id ORDER BY k.number""",
            {"id": conversation},
        )
        found: dict[str, tuple[Call, ...]] = {}
        for message, *columns in rows:
            found[str(message)] = (*found.get(str(message), ()), _call(columns))
        return found

    def of_branch(self, leaf: str) -> dict[str, tuple[Call, ...]]:
        """The same for the conversation that this message is in."""
        rows = self._database.rows(
            """SELECT c.id FROM messages m JOIN conversations c ON c.number = m.conversation WHERE m.id = :id""",
            {"id": leaf},
        )
        return self.of_conversation(str(rows[0][0])) if rows else {}

    def running(self) -> list[tuple[str, str, Call]]:
        """The calls that are being run: whose process, which conversation, and the call."""
        rows = self._database.rows(
            f"""SELECT k.owner, c.id, {_COLUMNS} FROM calls k JOIN messages m ON m.number = k.message
                JOIN conversations c ON c.number = m.conversation WHERE k.state = 'running'"""
        )
        return [(str(owner), str(conversation), _call(columns)) for owner, conversation, *columns in rows]

    def log(self, entry: LoggedCall) -> None:
        """One more entry of the log."""
        with self._database.durable():
            self._database.run(
                """INSERT INTO call_log (at, conversation, call, tool, origin, arguments, event, why, milliseconds)
                   VALUES (:at, :conversation, :call, :tool, :origin, :arguments, :event, :why, :milliseconds)""",
                {name: getattr(entry, name) for name in entry.__struct_fields__},
            )

    def logged(self, words: str = "", most: int = 500) -> list[LoggedCall]:
        """The latest entries first, those with these words in tool, origin, arguments or reason."""
        rows = self._database.rows(
            """SELECT at, conversation, call, tool, origin, arguments, event, why, milliseconds FROM call_log
               WHERE :words = '' OR instr(lower(tool || ' ' || origin || ' ' || arguments || ' ' || why), :words)
               ORDER BY number DESC LIMIT :most""",
            {"words": words.lower(), "most": most},
        )
        return [msgspec.convert(_named(row), LoggedCall, strict=False) for row in rows]


def _named(row: Sequence[Value]) -> dict[str, Value]:
    return dict(zip(LoggedCall.__struct_fields__, row, strict=True))


def _call(columns: Sequence[Value]) -> Call:
    id_, name, origin, arguments, used, state, decision, why, result, pictures, milliseconds, place, asked_as = columns
    return Call(
        id=str(id_),
        name=str(name),
        origin=str(origin),
        arguments=_load(arguments),
        state=CallState(str(state)),
        decision=CallDecision(str(decision)),
        used=_load(used) if used else None,
        why=str(why),
        result=str(result),
        milliseconds=float(str(milliseconds)),
        pictures=tuple(map(str, json.loads(str(pictures)))),
        place=_text(place),
        asked_as=str(asked_as),
    )


def _dump(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=True)


def _text(text: Value) -> str:
    try:
        return str(json.loads(str(text)))
    except ValueError:
        return ""


def _load(text: Value) -> dict[str, Any]:
    try:
        found = json.loads(str(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
