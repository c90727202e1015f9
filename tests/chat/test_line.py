"""Messages that wait: while the model loads, while it answers, over a restart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.chat.changes import DraftRestored, TurnEnded
from app.core.errors import UsageError
from app.core.message import Draft, FinishReason, MessageState
from app.core.protocol import Generate
from tests.chat.driving import MODEL, Bench


def asked(bench: Bench) -> list[str]:
    """The last message of every prompt so far."""
    return [request.prompt.messages[-1].text for request in bench.engine.all(Generate)]


def test_a_message_sent_while_the_model_loads_waits(bench: Bench) -> None:
    bench.start(MODEL)
    bench.say("Hello")
    assert bench.states == ["queued"]
    bench.check_screen()
    bench.load_ends()
    assert bench.states == ["complete", "streaming"]
    assert asked(bench) == ["Hello"]
    bench.ends("Hi")
    bench.check_screen()


def test_messages_sent_while_an_answer_is_written_wait_in_order(ready: Bench) -> None:
    ready.say("One")
    ready.say("Two")
    ready.say("Three")
    assert ready.texts == ["One", "", "Two", "Three"]
    assert ready.states == ["complete", "streaming", "queued", "queued"]
    ready.ends("1")
    assert ready.texts == ["One", "1", "Two", "", "Three"]
    assert ready.states == ["complete", "complete", "complete", "streaming", "queued"]
    ready.ends("2")
    ready.ends("3")
    assert ready.texts == ["One", "1", "Two", "2", "Three", "3"]
    assert asked(ready) == ["One", "Two", "Three"]
    assert [m.text for m in ready.engine.last(Generate).prompt.messages] == ["One", "1", "Two", "2", "Three"]
    ready.check_screen()


def test_messages_of_two_conversations_wait_for_one_model(ready: Bench) -> None:
    ready.say("One")
    first = ready.conversation
    ready.take(ready.session.new_conversation())
    ready.say("Other")
    assert ready.states == ["queued"]
    ready.take(ready.session.submit(first, Draft("Two")))
    ready.ends("1")
    assert ready.states == ["complete", "streaming"]
    ready.ends("o")
    ready.ends("2")
    assert asked(ready) == ["One", "Other", "Two"]


def test_stop_ends_the_answer_and_the_line_goes_on(ready: Bench) -> None:
    ready.say("One")
    ready.say("Two")
    ready.session.stop()
    ready.ends("1…", FinishReason.CANCELLED)
    assert asked(ready) == ["One", "Two"]


def test_a_waiting_message_is_taken_back(ready: Bench) -> None:
    ready.say("One")
    second = ready.say("Two")
    ready.say("Three")
    ready.take(ready.session.withdraw(second))
    assert ready.last(DraftRestored) == DraftRestored(ready.conversation, Draft("Two"))
    assert ready.texts == ["One", "", "Three"]
    conversation = ready.store.conversations.find(ready.conversation)
    assert conversation is not None
    assert conversation.draft == Draft("Two")
    ready.ends("1")
    assert asked(ready) == ["One", "Three"]
    ready.check_screen()


def test_the_last_waiting_message_is_taken_back_from_a_loading_model(bench: Bench) -> None:
    bench.start(MODEL)
    message = bench.say("Hello")
    bench.take(bench.session.withdraw(message))
    assert bench.texts == []
    bench.load_ends()
    assert asked(bench) == []
    bench.say("Hello again")
    assert asked(bench) == ["Hello again"]


def test_what_was_sent_cannot_be_taken_back(ready: Bench) -> None:
    message = ready.say("One")
    for unknown in (message, ready.ids[-1], "nothing"):
        with pytest.raises(UsageError):
            ready.session.withdraw(unknown)
    assert ready.texts == ["One", ""]


def test_the_words_taken_back_stand_before_the_draft(ready: Bench) -> None:
    ready.say("One")
    second = ready.say("Two")
    ready.take(ready.session.draft_changed(ready.conversation, Draft("half a thought")))
    ready.take(ready.session.withdraw(second))
    conversation = ready.store.conversations.find(ready.conversation)
    assert conversation is not None
    assert conversation.draft == Draft("Two\nhalf a thought")


def test_waiting_messages_outlive_the_program(bench: Bench, new_bench: Callable[[], Bench]) -> None:
    bench.start(MODEL)
    bench.say("One")
    bench.say("Two")
    bench.store.close()  # as a killed process leaves it: nothing is written any more
    after = new_bench()
    after.start(MODEL)
    assert (after.texts, after.states) == (["One", "Two"], ["queued", "queued"])
    after.load_ends()
    after.ends("1")
    after.ends("2")
    assert after.texts == ["One", "1", "Two", "2"]
    assert asked(after) == ["One", "Two"]


def test_waiting_messages_of_a_living_process_are_left_to_it(bench: Bench, new_bench: Callable[[], Bench]) -> None:
    bench.start(MODEL)
    bench.say("One")
    beside = new_bench()
    beside.start(MODEL)
    beside.load_ends()
    assert asked(beside) == []
    assert beside.states == ["queued"]
    bench.load_ends()
    assert asked(bench) == ["One"]


def test_a_message_that_another_process_took_back_is_not_sent(bench: Bench, new_bench: Callable[[], Bench]) -> None:
    bench.start(MODEL)
    message = bench.say("One")
    beside = new_bench()
    beside.start(MODEL)
    beside.take(beside.session.withdraw(message))
    bench.load_ends()
    assert asked(bench) == []


def test_asking_again_that_another_process_took_back_is_not_sent(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    question, answer = ready.answer("One", "1")
    ready.take(ready.session.unload_model())
    ready.take(ready.session.regenerate(answer))
    beside = new_bench()
    beside.take(beside.session.begin())
    beside.take(beside.session.withdraw(question))
    ready.take(ready.session.choose_model(MODEL))
    ready.load_ends()
    assert asked(ready) == ["One"]


def test_a_refused_model_leaves_the_line_waiting_for_the_next(bench: Bench) -> None:
    bench.start(MODEL)
    bench.say("Hello")
    bench.load_fails()
    assert bench.states == ["queued"]
    bench.take(bench.session.choose_model(MODEL))
    bench.load_ends()
    assert asked(bench) == ["Hello"]


def test_a_waiting_message_is_edited_in_place(ready: Bench) -> None:
    ready.say("One")
    second = ready.say("Tow")
    ready.take(ready.session.edit(second, "Two"))
    assert ready.texts == ["One", "", "Two"]
    ready.ends("1")
    assert asked(ready) == ["One", "Two"]


def test_asking_again_while_the_model_is_busy_waits_in_line(ready: Bench) -> None:
    ready.answer("One", "1")
    first, answer = ready.conversation, ready.ids[-1]
    ready.take(ready.session.new_conversation())
    ready.say("Other")
    ready.take(ready.session.open_conversation(first))
    ready.take(ready.session.regenerate(answer))
    assert (ready.texts, ready.states) == (["One"], ["queued"])
    ready.ends("o")
    assert ready.states == ["complete", "streaming"]
    assert len(ready.shown[ready.ids[-1]].versions) == 2


def test_asking_again_can_be_taken_back(bench: Bench) -> None:
    bench.ready()
    question, answer = bench.answer("One", "1")
    bench.take(bench.session.unload_model())
    bench.take(bench.session.regenerate(answer))
    assert bench.states == ["queued"]
    bench.take(bench.session.withdraw(question))
    assert bench.texts == ["One", "1"]
    assert bench.states == ["complete", "complete"]
    assert bench.all(DraftRestored) == []


def test_asking_again_for_the_answer_that_is_written_keeps_the_line(ready: Bench) -> None:
    ready.say("One")
    ready.say("Two")
    ready.words("1…")
    ready.take(ready.session.regenerate(ready.ids[1]))
    assert (ready.texts, ready.states) == (["One", "Two"], ["queued", "queued"])
    ready.ends("1…", FinishReason.CANCELLED)
    assert (ready.texts, ready.states) == (["One", "", "Two"], ["complete", "streaming", "queued"])
    ready.ends("1")
    ready.ends("2")
    assert ready.texts == ["One", "1", "Two", "2"]
    assert len(ready.shown[ready.ids[1]].versions) == 2
    assert ready.all(TurnEnded)[0].reason is FinishReason.CANCELLED
    ready.check_screen()


def test_editing_a_question_ends_its_answer_and_what_waits_behind_it(ready: Bench) -> None:
    question = ready.say("One")
    ready.say("Two")
    ready.take(ready.session.edit(question, "Uno"))
    assert (ready.texts, ready.states) == (["Uno"], ["queued"])
    ready.ends("1…", FinishReason.CANCELLED)
    assert asked(ready) == ["One", "Uno"]
    ready.ends("1")
    assert ready.texts == ["Uno", "1"]
    ready.take(ready.session.select_version(question))
    assert ready.texts == ["One", "1…", "Two"]
    assert ready.shown[ready.ids[-1]].state is MessageState.COMPLETE
    ready.check_screen()
