"""What a start tells, and two processes on one data folder."""

from __future__ import annotations

from collections.abc import Callable

from app.chat.changes import (
    ConversationOpened,
    ConversationsListed,
    ModelChanged,
    Notice,
    SettingsChanged,
)
from app.core.message import Draft, MessageState
from app.core.protocol import Generate
from app.core.settings import Settings
from tests.chat.driving import MODEL, Bench


def test_the_first_start_shows_an_empty_new_chat(bench: Bench) -> None:
    bench.start()
    assert [type(change) for change in bench.changes] == [
        SettingsChanged,
        ConversationsListed,
        ConversationOpened,
        ModelChanged,
    ]
    opened = bench.last(ConversationOpened)
    assert (opened.conversation, opened.messages, opened.title) == ("", (), "")


def test_the_chat_that_was_open_is_open_again(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.answer("One", "1")
    first = ready.conversation
    ready.take(ready.session.new_conversation())
    ready.answer("Two", "2")
    ready.take(ready.session.open_conversation(first))
    ready.close()
    after = new_bench()
    after.start()
    assert after.texts == ["One", "1"]
    after.take(after.session.new_conversation())
    after.close()
    last = new_bench()
    last.start()
    assert last.conversation == ""
    assert [row.title for row in last.last(ConversationsListed).rows] == ["Two", "One"]


def test_an_answer_that_another_process_writes_is_left_to_it(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.say("One")
    ready.words("1…")
    beside = new_bench()
    beside.take(beside.session.begin())
    opened = beside.session.open_conversation(ready.conversation)[-1]
    assert isinstance(opened, ConversationOpened)
    assert opened.messages[-1].state is MessageState.STREAMING
    ready.ends("1")
    opened = beside.session.open_conversation(ready.conversation)[-1]
    assert isinstance(opened, ConversationOpened)
    assert opened.messages[-1].text == "1"


def test_every_answer_whose_process_died_is_interrupted_at_a_start(
    ready: Bench, new_bench: Callable[[], Bench]
) -> None:
    ready.say("One")
    answer = ready.ids[-1]
    ready.take(ready.session.new_conversation())
    ready.store.close()
    after = new_bench()
    after.start()
    found = after.store.messages.find(answer)
    assert found is not None
    assert found.state is MessageState.INTERRUPTED


def test_an_answer_whose_process_died_meanwhile_is_interrupted_when_it_is_opened(
    ready: Bench, new_bench: Callable[[], Bench]
) -> None:
    ready.say("One")
    beside = new_bench()
    beside.start()
    assert beside.states == ["complete", "streaming"]
    ready.store.close()
    beside.take(beside.session.open_conversation(ready.conversation))
    assert beside.states == ["complete", "interrupted"]


def test_the_command_line_neither_opens_nor_loads_nor_remembers(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.answer("One", "1")
    first = ready.conversation
    beside = new_bench()
    told = beside.session.begin()
    assert [type(change) for change in told] == [SettingsChanged, ConversationsListed]
    beside.take(beside.session.choose_model(MODEL, remember=False))
    beside.load_ends()
    beside.take(beside.session.new_conversation())
    beside.answer("Two", "2")
    assert beside.store.conversations.opened() == first


def test_what_another_process_said_is_shown_before_the_next_message(
    ready: Bench, new_bench: Callable[[], Bench]
) -> None:
    ready.answer("One", "1")
    beside = new_bench()
    beside.take(beside.session.begin())
    beside.take(beside.session.choose_model(MODEL, remember=False))
    beside.load_ends()
    beside.take(beside.session.open_conversation(ready.conversation))
    beside.answer("Two", "2")
    ready.say("Three")
    assert ready.texts == ["One", "1", "Two", "2", "Three", ""]
    assert [m.text for m in ready.engine.last(Generate).prompt.messages] == ["One", "1", "Two", "2", "Three"]
    ready.check_screen()


def test_a_chat_that_another_process_deleted_is_left(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.answer("One", "1")
    beside = new_bench()
    beside.take(beside.session.begin())
    beside.take(beside.session.delete_conversation(ready.conversation))
    ready.take(ready.session.draft_changed("", Draft("Two")))
    assert ready.conversation == ""
    assert ready.last(ConversationsListed).rows == ()


def test_another_process_that_says_something_elsewhere_moves_nothing(
    ready: Bench, new_bench: Callable[[], Bench]
) -> None:
    ready.answer("One", "1")
    beside = new_bench()
    beside.take(beside.session.begin())
    beside.take(beside.session.submit("", Draft("Two")))
    ready.forget()
    ready.take(ready.session.draft_changed(ready.conversation, Draft("Three")))
    assert ready.all(ConversationOpened) == []
    assert [row.title for row in ready.last(ConversationsListed).rows] == ["Two", "One"]


def test_settings_are_there_again(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.take(ready.session.change_settings(Settings(theme="dark", text_scale=1.5)))
    after = new_bench()
    after.start()
    assert after.last(SettingsChanged).settings == Settings(theme="dark", text_scale=1.5)


def test_damaged_settings_do_not_cost_the_chats(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.answer("One", "1")
    database = ready.store._check()
    with database.durable():
        database.run('UPDATE program SET settings = \'{"theme": 7, "text_scale"\'')
    ready.close()
    after = new_bench()
    after.start()
    assert after.last(SettingsChanged).settings == Settings()
    assert after.texts == ["One", "1"]


def test_a_broken_database_is_told(bench: Bench, new_bench: Callable[[], Bench]) -> None:
    bench.ready()
    bench.answer("One", "1")
    bench.close()
    bench.paths.database.write_bytes(bytes(100_000))
    after = new_bench()
    after.start()
    told = after.last(Notice)
    assert told.code == "set_aside"
    assert "cabochon-damaged-" in told.message
    after.take(after.session.submit("", Draft("Goes on")))
    assert after.texts == ["Goes on"]
