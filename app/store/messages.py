"""Messages: a tree for each conversation, of which one branch is shown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from app.core.message import (
    Draft,
    FinishReason,
    MeasuredHere,
    Message,
    MessageState,
    Role,
    SampledTokens,
    Timings,
    Usage,
)
from app.core.tools import Call
from app.store.attachments import NOTHING, Attached, Attachments
from app.store.calls import Calls
from app.store.database import Database, Value
from app.store.records import AnswerRecord, PromptMessage, StoredMessage, new_id, pack, unpack

_MEASURED = 20  # answers
_TELLING = 64  # tokens that were read at once; fewer say nothing of the speed

_COLUMNS = """m.id, m.role, m.text, m.state, m.created_at, m.model, m.finish_reason, m.error, m.usage, m.timings,
              ifnull(m.parent, 0)"""

# looked up 5,000 times when a long chat opens; a reason that nobody knows is none, it must not lock the chat
_ROLES = {role.value: role for role in Role}
_STATES = {state.value: state for state in MessageState}
_REASONS = {reason.value: reason for reason in FinishReason}

_TO_ROOT = """WITH RECURSIVE branch (number, depth) AS (
    SELECT number, 0 FROM messages WHERE id = :leaf
    UNION ALL
    SELECT up.parent, depth + 1 FROM branch JOIN messages up USING (number) WHERE up.parent IS NOT NULL)"""

_BELOW = """WITH RECURSIVE below (number) AS (
    SELECT number FROM messages WHERE id = :id
    UNION ALL
    SELECT down.number FROM below JOIN messages down ON down.parent = below.number WHERE down.deletion IS NULL)"""


class Messages:
    """Reads and writes messages. What is written stands in a transaction of its own or of the caller."""

    def __init__(self, database: Database, attachments: Attachments, calls: Calls) -> None:
        self._database = database
        self._attachments = attachments
        self._calls = calls

    def find(self, message: str) -> StoredMessage | None:
        """A message that was not deleted, in a conversation that is not in the trash."""
        rows = self._database.rows(
            f"""SELECT c.id, ifnull(parent.id, ''), {_COLUMNS} FROM messages m
                JOIN conversations c ON c.number = m.conversation
                LEFT JOIN messages parent ON parent.number = m.parent
                WHERE m.id = :id AND m.deletion IS NULL AND c.trashed_at IS NULL""",
            {"id": message},
        )
        if not rows:
            return None
        conversation, parent, *row = rows[0]
        attached = self._attachments.of_conversation(str(conversation)).get(message, NOTHING)
        calls = self._calls.of_message(message)
        return _message(str(conversation), str(parent), row, self._siblings(str(conversation)), attached, calls)

    def branch(self, conversation: str, leaf: str) -> list[StoredMessage]:
        """The messages from the first to this one."""
        if not leaf:
            return []
        rows = self._database.rows(
            f"""{_TO_ROOT} SELECT {_COLUMNS} FROM branch JOIN messages m ON m.number = branch.number
                ORDER BY depth DESC""",
            {"leaf": leaf},
        )
        siblings = self._siblings(conversation)
        attached = self._attachments.of_conversation(conversation)
        calls = self._calls.of_conversation(conversation)
        parent = ""
        found: list[StoredMessage] = []
        for row in rows:
            id_ = str(row[0])
            found.append(_message(conversation, parent, row, siblings, attached.get(id_, NOTHING), calls.get(id_, ())))
            parent = found[-1].id
        return found

    def prompt(self, leaf: str) -> list[PromptMessage]:
        """The messages from the first to this one, as a prompt needs them."""
        rows = self._database.rows(
            f"""{_TO_ROOT} SELECT m.id, m.role, m.text, m.fingerprint, m.tokens, m.call_text
                FROM branch JOIN messages m ON m.number = branch.number ORDER BY depth DESC""",
            {"leaf": leaf},
        )
        attached = self._attachments.of_branch(leaf)
        calls = self._calls.of_branch(leaf)
        found = []
        for id_, role, text, fingerprint, blob, call_text in rows:
            pictures, documents = attached.get(str(id_), NOTHING)
            tokens = _tokens(fingerprint, blob)
            message = Message(_ROLES[str(role)], str(text), tokens, pictures, call_text=str(call_text))
            found.append(PromptMessage(str(id_), message, documents, calls.get(str(id_), ())))
        return found

    def search(self, words: str, most: int, without: str = "") -> list[tuple[str, float, str, str]]:
        """Messages with these words, the latest first, of all conversations but one: title, time, role and text."""
        escaped = "".join(f"!{letter}" if letter in "!%_" else letter for letter in words)
        rows = self._database.rows(
            """SELECT c.title, m.created_at, m.role, m.text FROM messages m
               JOIN conversations c ON c.number = m.conversation
               WHERE m.text LIKE :like ESCAPE '!' AND m.deletion IS NULL AND c.trashed_at IS NULL AND c.id <> :without
               ORDER BY m.number DESC LIMIT :most""",
            {"like": f"%{escaped}%", "without": without, "most": most},
        )
        return [(str(title), float(str(at)), str(role), str(text)) for title, at, role, text in rows]

    def measured(self, model: str) -> MeasuredHere:
        """What the latest answers of a model of this name took, those of deleted chats too."""
        rows = self._database.rows(
            """SELECT created_at, usage, timings FROM messages WHERE model = :model AND state = 'complete'
               AND json_extract(timings, '$.tokens_per_second') > 0 ORDER BY number DESC LIMIT :most""",
            {"model": model, "most": _MEASURED},
        )
        if not rows:
            return MeasuredHere()
        answers = [(unpack(str(usage), Usage), unpack(str(timings), Timings)) for _, usage, timings in rows]
        read = [
            usage.evaluated_tokens / timings.prompt_ms * 1000
            for usage, timings in answers
            if timings.prompt_ms and usage.evaluated_tokens >= _TELLING
        ]
        seen = [timings.encode_ms / usage.images_encoded / 1000 for usage, timings in answers if usage.images_encoded]
        return MeasuredHere(
            answers=len(rows),
            when=float(str(rows[0][0])),
            tokens_per_second=median(timings.tokens_per_second for _, timings in answers),
            prompt_per_second=median(read) if read else 0.0,
            image_seconds=median(seen) if seen else 0.0,
            memory_bytes=max(usage.memory_bytes for usage, _ in answers),
        )

    def tokens(self, message: str) -> SampledTokens | None:
        """The ids this answer was sampled as, while its text is what the model wrote."""
        rows = self._database.rows("SELECT fingerprint, tokens FROM messages WHERE id = :id", {"id": message})
        return _tokens(*rows[0]) if rows else None

    def is_below(self, message: str, ancestor: str) -> bool:
        """Whether `ancestor` is this message or comes before it on its branch."""
        rows = self._database.rows(
            f"{_TO_ROOT} SELECT 1 FROM branch JOIN messages m USING (number) WHERE m.id = :ancestor",
            {"leaf": message, "ancestor": ancestor},
        )
        return bool(rows)

    def has_followers(self, message: str) -> bool:
        """Whether anything follows this message."""
        rows = self._database.rows(
            """SELECT 1 FROM messages m JOIN messages down ON down.parent = m.number
               WHERE m.id = :id AND down.deletion IS NULL LIMIT 1""",
            {"id": message},
        )
        return bool(rows)

    def has_answers(self, message: str) -> bool:
        """Whether this message of the person was answered, on any branch."""
        rows = self._database.rows(
            """SELECT 1 FROM messages m JOIN messages down ON down.parent = m.number
               WHERE m.id = :id AND down.role = 'assistant' AND down.deletion IS NULL LIMIT 1""",
            {"id": message},
        )
        return bool(rows)

    def newest_leaf(self, message: str) -> str:
        """The end of the branch through this message that was made last."""
        rows = self._database.rows(
            f"""{_BELOW} SELECT m.id FROM below JOIN messages m USING (number)
                WHERE NOT EXISTS (SELECT 1 FROM messages d WHERE d.parent = m.number AND d.deletion IS NULL)
                ORDER BY m.number DESC LIMIT 1""",
            {"id": message},
        )
        return str(rows[0][0])

    def below(self, message: str) -> list[str]:
        """This message and all that follow it, on every branch."""
        rows = self._database.rows(f"{_BELOW} SELECT m.id FROM below JOIN messages m USING (number)", {"id": message})
        return [str(row[0]) for row in rows]

    def all_in(self, conversation: str) -> list[str]:
        """All messages of a conversation, on every branch."""
        rows = self._database.rows(
            """SELECT m.id FROM messages m JOIN conversations c ON c.number = m.conversation
               WHERE c.id = :conversation AND m.deletion IS NULL""",
            {"conversation": conversation},
        )
        return [str(row[0]) for row in rows]

    def add_question(
        self,
        conversation: str,
        parent: str,
        draft: Draft,
        state: MessageState,
        owner: str,
        now: float,
    ) -> str:
        """A message of the person at the end of what is shown; returns its id."""
        with self._database.durable():
            message = self._add(conversation, parent, Role.USER, draft.text, state, owner, now)
            self._attachments.add(message, draft)
            self.show(message)
        return message

    def add_answer(self, question: str, owner: str, now: float, model: str = "") -> str:
        """An empty answer that is being written. What waits behind the question now waits behind the answer."""
        found = self._database.rows(
            """SELECT c.id, leaf.id FROM messages m JOIN conversations c ON c.number = m.conversation
               LEFT JOIN messages leaf ON leaf.number = c.leaf WHERE m.id = :id""",
            {"id": question},
        )
        conversation, leaf = map(str, found[0])
        with self._database.durable():
            answer = self._add(conversation, question, Role.ASSISTANT, "", MessageState.STREAMING, owner, now, model)
            self.move_waiting(question, answer)
            if leaf == question:
                self.show(answer)
        return answer

    def end(self, message: str, reason: FinishReason, error: str) -> None:
        """An answer that called tools goes on no more."""
        with self._database.durable():
            self._database.run(
                """UPDATE messages SET state = 'interrupted', finish_reason = :reason, error = :error, owner = ''
                   WHERE id = :id""",
                {"id": message, "reason": reason.value, "error": error},
            )

    def move_waiting(self, message: str, target: str) -> bool:
        """What waits right behind this message waits behind `target` now; whether there was anything."""
        with self._database.durable():
            moved = self._database.run(
                """UPDATE messages SET parent = (SELECT number FROM messages WHERE id = :target)
                   WHERE parent = (SELECT number FROM messages WHERE id = :id)
                         AND state = 'queued' AND deletion IS NULL AND id <> :target""",
                {"id": message, "target": target},
            )
        return moved > 0

    def show(self, message: str) -> None:
        """The branch that is shown ends with this message."""
        with self._database.durable():
            self._database.run(
                """UPDATE conversations SET leaf = (SELECT number FROM messages WHERE id = :id)
                   WHERE number = (SELECT conversation FROM messages WHERE id = :id)""",
                {"id": message},
            )

    def set_state(self, message: str, state: MessageState, owner: str = "") -> None:
        """A message begins to wait for the model or ceases to."""
        with self._database.durable():
            self._database.run(
                "UPDATE messages SET state = :state, owner = :owner WHERE id = :id",
                {"id": message, "state": state.value, "owner": owner},
            )

    def end_waiting(self, conversation: str) -> None:
        """What waits in this conversation waits no more."""
        with self._database.durable():
            self._database.run(
                """UPDATE messages SET state = 'complete', owner = '' WHERE state = 'queued'
                   AND conversation = (SELECT number FROM conversations WHERE id = :id)""",
                {"id": conversation},
            )

    def set_text(self, message: str, text: str) -> None:
        """Replace an answer's text: the ids it was sampled as belong to it no more."""
        with self._database.durable():
            self._database.run(
                "UPDATE messages SET text = :text, tokens = NULL, fingerprint = '' WHERE id = :id",
                {"id": message, "text": text},
            )

    def save_answer(self, message: str, record: AnswerRecord, owner: str) -> None:
        """Keep how far an answer has come; `owner` is who writes it while it is streaming."""
        streaming = record.state is MessageState.STREAMING
        with self._database.quick() if streaming else self._database.durable():
            self._database.run(
                """UPDATE messages SET text = :text, call_text = :call_text, state = :state, owner = :owner,
                          model = :model, error = :error, finish_reason = :reason, usage = :usage, timings = :timings,
                          fingerprint = :fingerprint, tokens = :tokens WHERE id = :id""",
                {
                    "id": message,
                    "text": record.text,
                    "call_text": record.call_text,
                    "state": record.state.value,
                    "owner": owner if streaming else "",
                    "model": record.model,
                    "error": record.error,
                    "reason": record.finish_reason.value if record.finish_reason else "",
                    "usage": pack(record.usage),
                    "timings": pack(record.timings),
                    "fingerprint": record.tokens.fingerprint if record.tokens else "",
                    "tokens": record.tokens.ids if record.tokens else None,
                },
            )

    def take_back(self, message: str) -> None:
        """Remove a message that still waits; what waits behind it moves up."""
        with self._database.durable():
            numbers = {"id": message}
            self._database.run(
                """UPDATE messages SET parent = (SELECT parent FROM messages WHERE id = :id)
                   WHERE parent = (SELECT number FROM messages WHERE id = :id)""",
                numbers,
            )
            self._database.run(
                """UPDATE conversations SET leaf = (SELECT parent FROM messages WHERE id = :id)
                   WHERE leaf = (SELECT number FROM messages WHERE id = :id)""",
                numbers,
            )
            self._database.run("DELETE FROM messages WHERE id = :id", numbers)

    def _add(
        self,
        conversation: str,
        parent: str,
        role: Role,
        text: str,
        state: MessageState,
        owner: str,
        now: float,
        model: str = "",
    ) -> str:
        message = new_id()
        with self._database.durable():
            self._database.run(
                """INSERT INTO messages (id, conversation, parent, role, text, state, created_at, owner, model)
                   SELECT :id, c.number, (SELECT number FROM messages WHERE id = :parent),
                          :role, :text, :state, :now, :owner, :model
                   FROM conversations c WHERE c.id = :conversation""",
                {
                    "id": message,
                    "conversation": conversation,
                    "parent": parent,
                    "role": role.value,
                    "text": text,
                    "state": state.value,
                    "now": now,
                    "owner": owner,
                    "model": model,
                },
            )
        return message

    def _siblings(self, conversation: str) -> dict[int, tuple[str, ...]]:
        """The versions below each parent (0: the first messages) that has more than one."""
        rows = self._database.rows(
            """WITH here (number) AS (SELECT number FROM conversations WHERE id = :conversation),
                    several (parent) AS (SELECT ifnull(parent, 0) FROM messages
                                         WHERE conversation = (SELECT number FROM here) AND deletion IS NULL
                                         GROUP BY parent HAVING count(*) > 1)
               SELECT ifnull(parent, 0), id FROM messages
               WHERE conversation = (SELECT number FROM here) AND deletion IS NULL
                     AND ifnull(parent, 0) IN (SELECT parent FROM several)
               ORDER BY number""",
            {"conversation": conversation},
        )
        found: dict[int, tuple[str, ...]] = {}
        for parent, message in rows:
            key = int(str(parent))
            found[key] = (*found.get(key, ()), str(message))
        return found


def _message(
    conversation: str,
    parent: str,
    row: Sequence[Value],
    siblings: dict[int, tuple[str, ...]],
    attached: Attached,
    calls: tuple[Call, ...],
) -> StoredMessage:
    id_, role, text, state, created, model, reason, error, usage, timings, above = row
    message = str(id_)
    return StoredMessage(
        id=message,
        conversation=conversation,
        parent=parent,
        role=_ROLES[str(role)],
        text=str(text),
        state=_STATES[str(state)],
        created_at=float(str(created)),
        model=str(model),
        finish_reason=_REASONS.get(str(reason)),
        error=str(error),
        usage=unpack(str(usage), Usage),
        timings=unpack(str(timings), Timings),
        versions=siblings.get(int(str(above)), (message,)),
        pictures=attached.pictures,
        documents=attached.documents,
        calls=calls,
    )


def _tokens(fingerprint: Value, ids: Value) -> SampledTokens | None:
    return SampledTokens(str(fingerprint), ids) if isinstance(ids, bytes) else None
