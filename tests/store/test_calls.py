"""Calls and their log in the database: what is kept, what cannot be changed, and how an older database gets there."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from app.core.message import Draft, MessageState, Picture
from app.core.paths import DataPaths
from app.core.settings import ConversationSettings
from app.core.tools import Call, CallDecision, CallState, LoggedCall
from app.store.records import AnswerRecord
from app.store.store import Store
from app.store.upgrade import migrations

CALL = Call("c1", "add", "server", {"a": "“ü”\n", "b": [1, None]}, CallState.WAITING)


def _answer(store: Store) -> str:
    conversation = store.conversations.add("T", ConversationSettings(), 1.0)
    question = store.messages.add_question(conversation, "", Draft("Hi"), MessageState.COMPLETE, "", 1.0)
    answer = store.messages.add_answer(question, store.owner, 2.0)
    store.messages.save_answer(answer, AnswerRecord("Well", MessageState.COMPLETE, call_text="{…}"), store.owner)
    return answer


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def test_a_call_comes_back_as_it_was(paths: DataPaths) -> None:
    store = Store(paths)
    answer = _answer(store)
    store.calls.add(answer, CALL, store.owner)
    picture = Picture("5f" * 32, 20, 10, "", name="Picture 1")
    done = Call(
        "c1", "add", "server", CALL.arguments, CallState.DONE, CallDecision.EDITED, {"a": 2}, "why", "4\n5", 12.5,
        (picture.sha256,),
    )  # fmt: skip
    store.calls.change(done, store.owner, [picture])
    store.close()
    again = Store(paths)
    found = again.messages.find(answer)
    assert found is not None
    assert found.calls == (done,)
    assert [one.sha256 for one in found.pictures] == [picture.sha256]
    (_, prompted) = again.messages.prompt(answer)
    assert prompted.message.text == "Well{…}"
    assert prompted.calls == (done,)
    assert found.text == "Well", "the call is part of what was sampled, not of what is shown"
    again.close()


def test_a_picture_that_comes_back_twice_belongs_to_the_answer_once(paths: DataPaths) -> None:
    store = Store(paths)
    answer = _answer(store)
    picture = Picture("5f" * 32, 20, 10, "", name="Picture 1")
    for name in ("c1", "c2"):
        call = Call(name, "add", "", {}, CallState.RUNNING)
        store.calls.add(answer, call, store.owner)
        store.calls.change(call, store.owner, [picture])
    found = store.messages.find(answer)
    assert found is not None
    assert len(found.pictures) == 1
    store.close()


def test_the_log_only_grows(paths: DataPaths) -> None:
    store = Store(paths)
    store.calls.log(LoggedCall(1.0, "conv", "c1", "add", "", '{"a": 1}', "allowed"))
    store.calls.log(LoggedCall(2.0, "conv", "c1", "add", "", '{"a": 1}', "done", "", 3.5))
    assert [entry.event for entry in store.calls.logged()] == ["done", "allowed"]
    assert store.calls.logged("no such words") == []
    assert len(store.calls.logged("ADD")) == 2
    store.close()
    connection = apsw.Connection(str(paths.database))
    for statement in ("DELETE FROM call_log", "UPDATE call_log SET event = 'denied'"):
        with pytest.raises(apsw.ConstraintError, match="only grows"):
            connection.execute(statement)
    connection.close()


def test_calls_of_a_dead_process_are_found(paths: DataPaths) -> None:
    store = Store(paths)
    answer = _answer(store)
    store.calls.add(answer, Call("c1", "add", "", {}, CallState.RUNNING), "no such process")
    store.calls.add(answer, Call("c2", "add", "", {}, CallState.RUNNING), store.owner)
    store.calls.add(answer, Call("c3", "add", "", {}, CallState.WAITING), store.owner)
    assert [call.id for _, call in store.broken_calls()] == ["c1"]
    store.close()


def test_a_database_without_calls_is_brought_up(paths: DataPaths) -> None:
    paths.database.parent.mkdir(parents=True)
    old = apsw.Connection(str(paths.database))
    for step in migrations()[:2]:
        old.execute(step)
    old.execute("INSERT INTO conversations (id, title, created_at, changed_at, touched) VALUES ('c', 'T', 1, 1, 1)")
    old.execute(
        """INSERT INTO messages (id, conversation, role, text, state, created_at)
           VALUES ('m', 1, 'user', 'Hello', 'complete', 1)"""
    )
    old.execute("PRAGMA user_version = 2")
    old.close()
    store = Store(paths)
    assert store.trouble is None
    found = store.messages.find("m")
    assert found is not None
    assert (found.text, found.calls) == ("Hello", ())
    store.close()
