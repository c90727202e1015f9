"""Calls and their log in the database: what is kept, what cannot be changed, and how an older database gets there."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from app.core.message import Draft, MessageState, Picture
from app.core.paths import DataPaths
from app.core.settings import ConversationSettings, Settings
from app.core.tools import Call, CallDecision, CallState, LoggedCall, Rule, Verdict
from app.store.records import AnswerRecord, pack
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
    assert (prompted.message.text, prompted.message.call_text) == ("Well", "{…}")
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


@pytest.mark.parametrize("place", ["", "/home/é/“a”.txt", "/caf\udce9/a"])
def test_a_place_comes_back_byte_for_byte(paths: DataPaths, place: str) -> None:
    store = Store(paths)
    call = Call("c1", "read_file", "", {}, CallState.WAITING, place=place, asked_as="own")
    store.calls.add(_answer(store), call, store.owner)
    assert store.calls.find("c1") == call
    store.close()


def _old(paths: DataPaths, version: int) -> apsw.Connection:
    """The database of an older program; closing it makes it one."""
    paths.database.parent.mkdir(parents=True)
    old = apsw.Connection(str(paths.database))
    for step in migrations()[:version]:
        old.execute(step)
    old.execute(f"PRAGMA user_version = {version}")
    return old


def test_rules_and_calls_of_the_third_schema_keep_their_meaning(paths: DataPaths) -> None:
    old = _old(paths, 3)
    rules = (
        Rule("calculator", verdict=Verdict.DENY),
        Rule("echo", "A", verdict=Verdict.DENY),
        Rule("B_echo", "B", verdict=Verdict.DENY),
        Rule("B_my_tool_2", "B", "/caf\udce9", Verdict.DENY),
        Rule("é_7", "é", verdict=Verdict.ASK),
        Rule("B_calculator"),
    )
    before = Settings(system_prompt="Be “brief”.", tool_rules=rules)
    old.execute("UPDATE program SET settings = ?", (pack(before),))
    old.execute("INSERT INTO conversations (id, title, created_at, changed_at, touched) VALUES ('c', 'T', 1, 1, 1)")
    old.execute(
        """INSERT INTO messages (id, conversation, role, text, state, created_at)
           VALUES ('m', 1, 'assistant', 'Hello', 'complete', 1)"""
    )
    old.execute(
        """INSERT INTO calls (id, message, name, origin, arguments, state, place)
           VALUES ('k', 1, 'echo', 'A', '{}', 'waiting', '/home/“me”/a.txt')"""
    )
    old.close()
    store = Store(paths)
    assert store.calls.find("k") == Call("k", "echo", "A", {}, CallState.WAITING, place="/home/“me”/a.txt")
    after = store.settings()
    assert set(after.tool_rules) == {
        *rules,
        Rule("echo", "B", verdict=Verdict.DENY),
        Rule("my_tool_2", "B", "/caf\udce9", Verdict.DENY),
        Rule("my_tool", "B", "/caf\udce9", Verdict.DENY),
        Rule("7", "é", verdict=Verdict.ASK),
    }
    assert (after.system_prompt, after.servers) == (before.system_prompt, ())
    store.close()


@pytest.mark.parametrize(
    "settings", ["{}", '{"tool_rules":[]}', "no JSON", '{"tool_rules":null}', '{"tool_rules":[]', "[]"]
)
def test_settings_without_rules_are_left_as_they_are(paths: DataPaths, settings: str) -> None:
    old = _old(paths, 3)
    old.execute("UPDATE program SET settings = ?", (settings,))
    old.close()
    store = Store(paths)
    assert store._check().rows("SELECT settings FROM program") == [(settings,)]
    store.close()


def test_damaged_rules_do_not_keep_the_chats_closed(paths: DataPaths) -> None:
    old = _old(paths, 3)
    old.execute("""UPDATE program SET settings = '{"theme":"dark","tool_rules":["x", 1, null, {"tool": 1}]}'""")
    old.close()
    store = Store(paths)
    assert store.settings() == Settings(theme="dark")
    store.close()


def test_a_database_without_calls_is_brought_up(paths: DataPaths) -> None:
    old = _old(paths, 2)
    old.execute("INSERT INTO conversations (id, title, created_at, changed_at, touched) VALUES ('c', 'T', 1, 1, 1)")
    old.execute(
        """INSERT INTO messages (id, conversation, role, text, state, created_at)
           VALUES ('m', 1, 'user', 'Hello', 'complete', 1)"""
    )
    old.close()
    store = Store(paths)
    assert store.trouble is None
    found = store.messages.find("m")
    assert found is not None
    assert (found.text, found.calls) == ("Hello", ())
    store.close()
