"""What reaches the disk and when, and what happens where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.chat.changes import (
    ConversationOpened,
    DraftRestored,
    MessageChanged,
    ModelChanged,
    ModelState,
    Notice,
    SaveFailed,
    SaveRecovered,
)
from app.chat.refusals import UnsavedError, UnsentError, changes_with
from app.chat.session import Changes
from app.core.errors import StorageError
from app.core.message import Draft, FinishReason, MessageState
from app.core.protocol import Generate, Measure
from app.core.settings import Settings
from tests.chat.driving import MODEL, Bench
from tests.store.faults import FaultyDisk


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    with FaultyDisk() as disk:
        yield disk


@pytest.fixture
def on_disk(disk: FaultyDisk, tmp_path: Path) -> Iterator[Bench]:
    """A window with a loaded model, whose disk can become full."""
    bench = Bench(tmp_path / "data", vfs=disk.name)
    bench.ready()
    yield bench
    disk.mend()
    bench.store.close()


def stored(new_bench: Callable[[], Bench], bench: Bench) -> list[tuple[str, str]]:
    """What another process reads."""
    store = new_bench().store
    conversation = store.conversations.find(bench.conversation)
    assert conversation is not None
    return [(m.text, m.state.value) for m in store.messages.branch(conversation.id, conversation.leaf)]


def test_partial_answers_are_saved_about_every_second(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.say("Hello")
    ready.words("Hi ")
    ready.take(ready.session.tick())
    assert stored(new_bench, ready)[-1] == ("", "streaming")
    ready.clock.pass_seconds(1.0)
    ready.take(ready.session.tick())
    assert stored(new_bench, ready)[-1] == ("Hi ", "streaming")
    ready.words("there")
    ready.clock.pass_seconds(0.5)
    ready.take(ready.session.tick())
    assert stored(new_bench, ready)[-1] == ("Hi ", "streaming")
    ready.ends("Hi there")
    assert stored(new_bench, ready)[-1] == ("Hi there", "complete")


def test_partial_answers_keep_their_tokens_only_where_these_are_the_texts(ready: Bench) -> None:
    ready.say("Hello")
    answer = ready.ids[-1]
    ready.words("Hi ", ids=b"\1\0\0\0")
    ready.clock.pass_seconds(1.0)
    ready.session.tick()
    tokens = ready.store.messages.tokens(answer)
    assert tokens is not None
    assert tokens.ids == b"\1\0\0\0"
    ready.words("there")
    ready.clock.pass_seconds(1.0)
    ready.session.tick()
    assert ready.store.messages.tokens(answer) is None


def test_a_killed_programs_answer_is_interrupted_at_the_next_start(
    ready: Bench, new_bench: Callable[[], Bench]
) -> None:
    ready.say("Hello")
    ready.words("Hi th")
    ready.clock.pass_seconds(1.0)
    ready.session.tick()
    beside = new_bench()
    beside.start()
    assert beside.states == ["complete", "streaming"]
    ready.store.close()
    after = new_bench()
    after.start()
    assert (after.texts, after.states) == (["Hello", "Hi th"], ["complete", "interrupted"])


def test_a_full_disk_in_the_middle_of_a_reply_loses_nothing(
    on_disk: Bench, disk: FaultyDisk, new_bench: Callable[[], Bench]
) -> None:
    on_disk.say("Hello")
    on_disk.words("Hi ")
    disk.fill()
    on_disk.clock.pass_seconds(1.0)
    on_disk.take(on_disk.session.tick())
    failed = on_disk.last(SaveFailed)
    assert failed.code == "disk_full"
    assert failed.message.startswith("The disk is full. ")
    assert on_disk.last(MessageChanged).message.saved is False
    on_disk.words("there")
    on_disk.ends("Hi there")
    view = on_disk.shown[on_disk.ids[-1]]
    assert (view.text, view.state, view.saved) == ("Hi there", MessageState.COMPLETE, False)
    assert len(on_disk.all(SaveFailed)) == 1
    assert on_disk.session.under_way
    on_disk.clock.pass_seconds(3.0)
    on_disk.take(on_disk.session.tick())
    assert on_disk.all(SaveRecovered) == []
    disk.mend()
    on_disk.clock.pass_seconds(3.0)
    on_disk.take(on_disk.session.tick())
    assert len(on_disk.all(SaveRecovered)) == 1
    assert on_disk.shown[on_disk.ids[-1]].saved is True
    assert stored(new_bench, on_disk)[-1] == ("Hi there", "complete")
    assert not on_disk.session.under_way


def test_retry_saves_at_once(on_disk: Bench, disk: FaultyDisk) -> None:
    on_disk.say("Hello")
    disk.fill()
    on_disk.ends("Hi there")
    disk.mend()
    on_disk.take(on_disk.session.retry_save())
    assert len(on_disk.all(SaveRecovered)) == 1
    assert on_disk.shown[on_disk.ids[-1]].saved is True


def test_the_next_message_reads_what_is_not_saved_yet(on_disk: Bench, disk: FaultyDisk) -> None:
    on_disk.say("Hello")
    disk.fill()
    on_disk.ends("Hi there")
    disk.mend()
    on_disk.say("More")
    assert [m.text for m in on_disk.engine.last(Generate).prompt.messages] == ["Hello", "Hi there", "More"]
    on_disk.check_screen()


def test_the_measure_counts_what_is_not_saved_yet(on_disk: Bench, disk: FaultyDisk) -> None:
    on_disk.measured()
    on_disk.say("Hello")
    disk.fill()
    on_disk.ends("Hi there")
    assert [m.text for m in on_disk.engine.last(Measure).prompt.messages] == ["Hello", "Hi there"]


def test_a_message_that_cannot_be_saved_is_not_sent_and_comes_back(on_disk: Bench, disk: FaultyDisk) -> None:
    on_disk.answer("One", "1")
    turns = len(on_disk.engine.all(Generate))
    disk.fill()
    with pytest.raises(UnsavedError) as refused:
        on_disk.session.submit(on_disk.conversation, Draft("Two"))
    assert refused.value.code == "disk_full"
    assert changes_with(refused.value) == (DraftRestored(on_disk.conversation, Draft("Two")),)
    assert len(on_disk.engine.all(Generate)) == turns
    on_disk.check_screen()
    disk.mend()
    on_disk.answer("Two", "2")
    assert on_disk.texts == ["One", "1", "Two", "2"]


def test_a_new_chat_that_cannot_be_saved_comes_back_too(on_disk: Bench, disk: FaultyDisk) -> None:
    disk.fill()
    with pytest.raises(UnsavedError) as refused:
        on_disk.session.submit("", Draft("One"))
    assert changes_with(refused.value) == (DraftRestored("", Draft("One")),)
    disk.mend()
    assert on_disk.store.conversations.listed() == []


def test_a_message_to_a_deleted_chat_comes_back(ready: Bench) -> None:
    ready.answer("One", "1")
    conversation = ready.conversation
    ready.take(ready.session.delete_conversation(conversation))
    with pytest.raises(UnsentError) as refused:
        ready.session.submit(conversation, Draft("Two"))
    assert changes_with(refused.value) == (DraftRestored(conversation, Draft("Two")),)


def test_a_waiting_message_waits_until_its_answer_can_be_saved(on_disk: Bench, disk: FaultyDisk) -> None:
    on_disk.say("One")
    on_disk.say("Two")
    disk.fill()
    on_disk.ends("1")
    assert on_disk.states[-1] == "queued"
    assert on_disk.last(Notice).code == "disk_full"
    assert on_disk.session.under_way
    disk.mend()
    on_disk.clock.pass_seconds(3.0)
    on_disk.take(on_disk.session.tick())
    assert on_disk.states == ["complete", "complete", "complete", "streaming"]
    on_disk.ends("2")
    assert on_disk.texts == ["One", "1", "Two", "2"]
    on_disk.check_screen()


@pytest.mark.parametrize("act", ["regenerate", "edit", "delete", "select"])
def test_what_cannot_be_saved_does_not_happen(on_disk: Bench, disk: FaultyDisk, act: str) -> None:
    question, answer = on_disk.answer("One", "1")
    on_disk.take(on_disk.session.regenerate(answer))
    on_disk.ends("uno")
    turns = len(on_disk.engine.all(Generate))
    acts = {
        "regenerate": lambda: on_disk.session.regenerate(answer),
        "edit": lambda: on_disk.session.edit(question, "Two"),
        "delete": lambda: on_disk.session.delete_message(question),
        "select": lambda: on_disk.session.select_version(answer),
    }
    disk.fill()
    with pytest.raises(StorageError):
        acts[act]()
    assert on_disk.texts == ["One", "uno"]
    on_disk.check_screen()
    assert len(on_disk.engine.all(Generate)) == turns
    disk.mend()
    on_disk.take(acts[act]())


def test_settings_that_cannot_be_saved_hold_until_the_end(on_disk: Bench, disk: FaultyDisk) -> None:
    disk.fill()
    on_disk.take(on_disk.session.change_settings(Settings(theme="dark", model_path=str(MODEL))))
    assert on_disk.session.settings.theme == "dark"
    assert on_disk.last(Notice).code == "disk_full"


def test_a_draft_is_kept_for_each_chat(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    ready.answer("One", "1")
    conversation = ready.conversation
    ready.take(ready.session.draft_changed(conversation, Draft("half a thought")))
    ready.take(ready.session.draft_changed("", Draft("a new chat")))
    after = new_bench()
    after.start()
    assert _opened(after.session.open_conversation(conversation)).draft == Draft("half a thought")
    assert _opened(after.session.new_conversation()).draft == Draft("a new chat")


def test_sending_clears_the_draft(ready: Bench) -> None:
    ready.take(ready.session.draft_changed("", Draft("One")))
    ready.answer("One", "1")
    ready.take(ready.session.draft_changed(ready.conversation, Draft("Two")))
    ready.answer("Two", "2")
    conversation = ready.store.conversations.find(ready.conversation)
    assert conversation is not None
    assert (conversation.draft, ready.store.conversations.new_draft()) == (Draft(), Draft())


def test_a_draft_that_cannot_be_saved_is_no_news(on_disk: Bench, disk: FaultyDisk) -> None:
    disk.fill()
    on_disk.forget()
    on_disk.take(on_disk.session.draft_changed("", Draft("One")))
    assert on_disk.changes == []


def test_a_database_that_cannot_be_opened_leaves_the_model_working(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "cabochon.db").mkdir()
    bench = Bench(data)
    bench.start(MODEL)
    assert bench.last(Notice).message.endswith("Nothing is saved.")
    bench.load_ends()
    assert bench.last(ModelChanged).state is ModelState.READY
    with pytest.raises(UnsavedError):
        bench.session.submit("", Draft("Hello"))
    with pytest.raises(StorageError):
        bench.session.begin()
    bench.close()


def test_the_end_of_an_answer_is_kept_by_close(
    on_disk: Bench, disk: FaultyDisk, new_bench: Callable[[], Bench]
) -> None:
    on_disk.say("Hello")
    disk.fill()
    on_disk.ends("Hi there", FinishReason.STOP)
    disk.mend()
    conversation = on_disk.conversation
    on_disk.close()
    after = new_bench()
    after.take(after.session.open_conversation(conversation))
    assert after.texts == ["Hello", "Hi there"]


def _opened(told: Changes) -> ConversationOpened:
    return next(change for change in told if isinstance(change, ConversationOpened))
