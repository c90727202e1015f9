"""One message after the other: sent, answered, stopped, failed, gone on with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.chat.changes import (
    ConversationOpened,
    ConversationsListed,
    MessageAdded,
    MessageChanged,
    Notice,
    ReadingChanged,
    TextAdded,
    TurnEnded,
)
from app.core.errors import UsageError
from app.core.message import Draft, FinishReason, Message, MessageState, Role, SampledTokens, Timings, Usage
from app.core.protocol import Finished, Generate, Reading, Stop, Text
from app.core.settings import ConversationSettings, Sampling, Settings
from tests.chat.driving import Bench


def test_a_message_is_committed_before_it_is_sent(ready: Bench, new_bench: Callable[[], Bench]) -> None:
    seen: list[list[str]] = []
    send = ready.engine.send

    def look(request: object) -> None:
        if isinstance(request, Generate):
            other = new_bench().store
            (row,) = other.conversations.listed()
            conversation = other.conversations.find(row.id)
            assert conversation is not None
            seen.append([m.text for m in other.messages.branch(row.id, conversation.leaf)])
        send(request)  # type: ignore[arg-type]

    ready.engine.send = look  # type: ignore[method-assign]
    ready.say("Hello there")
    assert seen == [["Hello there", ""]]


def test_the_first_message_opens_a_conversation(ready: Bench) -> None:
    ready.say("**Why** is the sky blue?")
    opened = ready.last(ConversationOpened)
    assert opened.conversation
    assert opened.title == "Why is the sky blue?"
    assert ready.states == ["complete", "streaming"]
    assert ready.last(ConversationsListed).rows[0].id == opened.conversation
    ready.check_screen()


def test_an_answer_streams_and_ends(ready: Bench) -> None:
    ready.say("Hello")
    ready.forget()
    ready.event(Reading(turn=ready.turn, done=3, total=9, reused=1))
    ready.words("Hi ", generated=1)
    ready.words("there", generated=2)
    ready.ends("Hi there", ids=b"\1\0\0\0\2\0\0\0")
    reading, first, second = ready.last(ReadingChanged), *ready.all(TextAdded)
    answer = ready.ids[-1]
    assert (reading.message, reading.done, reading.total, reading.reused) == (answer, 3, 9, 1)
    assert [(t.message, t.text, t.generated) for t in (first, second)] == [(answer, "Hi ", 1), (answer, "there", 2)]
    kinds = [type(change) for change in ready.changes]
    assert kinds.index(MessageChanged) < kinds.index(TurnEnded) < kinds.index(ConversationsListed)
    view = ready.shown[answer]
    assert (view.text, view.state, view.finish_reason) == ("Hi there", MessageState.COMPLETE, FinishReason.STOP)
    assert (view.model, view.usage.generated_tokens, view.timings.tokens_per_second) == ("Gem", 2, 40.0)
    assert ready.last(ConversationsListed).rows[0].preview == "Hi there"
    ready.check_screen()


def test_the_next_prompt_holds_the_answer_with_its_tokens(ready: Bench) -> None:
    ready.answer("Hello", "Hi")
    ready.say("And now?")
    prompt = ready.engine.last(Generate).prompt
    assert prompt.messages == (
        Message(Role.USER, "Hello"),
        Message(Role.ASSISTANT, "Hi", SampledTokens("f", b"\1\0\0\0")),
        Message(Role.USER, "And now?"),
    )
    assert prompt.conversation == ready.conversation


def test_events_of_another_turn_are_dropped(ready: Bench) -> None:
    ready.answer("Hello", "Hi")
    old = ready.turn
    ready.say("Again")
    ready.forget()
    ready.event(Text(turn=old, text="late", generated=9))
    ready.event(Reading(turn=old, done=1, total=2, reused=0))
    stale = Finished(old, FinishReason.STOP, "late", SampledTokens("f", b""), Usage(), Timings())
    ready.event(stale)
    ready.event(Text(turn=old + 7, text="never asked", generated=9))
    assert ready.changes == []
    assert ready.states[-1] == "streaming"


def test_stop_keeps_the_partial_answer(ready: Bench) -> None:
    ready.say("Hello")
    ready.words("Hi th", generated=2)
    assert ready.take(ready.session.stop()) == ()
    assert ready.engine.all(Stop) == [Stop(turn=ready.turn)]
    ready.ends("Hi the", FinishReason.CANCELLED)
    view = ready.shown[ready.ids[-1]]
    assert (view.text, view.state, view.finish_reason) == ("Hi the", MessageState.INTERRUPTED, FinishReason.CANCELLED)
    assert ready.last(TurnEnded).reason is FinishReason.CANCELLED
    assert ready.engine.kills == 0


def test_stop_with_nothing_to_stop_is_nothing(ready: Bench) -> None:
    assert ready.session.stop() == ()
    assert ready.engine.all(Stop) == []


def test_a_limit_ends_as_length_and_can_go_on(ready: Bench) -> None:
    ready.say("Count")
    ready.ends("1, 2,", FinishReason.LENGTH, ids=b"\1\0\0\0\2\0\0\0")
    answer = ready.ids[-1]
    view = ready.shown[answer]
    assert (view.state, view.finish_reason) == (MessageState.INTERRUPTED, FinishReason.LENGTH)
    ready.forget()
    ready.take(ready.session.continue_answer(answer))
    assert ready.shown[answer].state is MessageState.STREAMING
    assert ready.shown[answer].text == "1, 2,"
    assert ready.engine.last(Generate).prompt.messages[-1] == Message(
        Role.ASSISTANT, "1, 2,", SampledTokens("f", b"\1\0\0\0\2\0\0\0")
    )
    ready.words(" 3", generated=1)
    ready.ends(" 3, 4", ids=b"\3\0\0\0\4\0\0\0")
    view = ready.shown[answer]
    assert (view.text, view.state, view.usage.generated_tokens) == ("1, 2, 3, 4", MessageState.COMPLETE, 4)
    assert ready.store.messages.tokens(answer) == SampledTokens("f", b"\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0")
    assert len(ready.ids) == 2
    ready.check_screen()


def test_going_on_with_another_model_drops_the_ids(ready: Bench) -> None:
    ready.say("Count")
    ready.ends("1, 2,", FinishReason.LENGTH)
    answer = ready.ids[-1]
    ready.take(ready.session.continue_answer(answer))
    other = SampledTokens("other", b"\1\0\0\0")
    ready.event(Finished(ready.turn, FinishReason.STOP, " 3", other, Usage(), Timings()))
    assert ready.shown[answer].text == "1, 2, 3"
    assert ready.store.messages.tokens(answer) is None


def test_an_answer_without_a_word_goes_on_from_the_question(ready: Bench) -> None:
    ready.say("Hello")
    ready.dies()
    ready.load_ends()
    answer = ready.ids[-1]
    ready.take(ready.session.continue_answer(answer))
    assert [m.text for m in ready.engine.last(Generate).prompt.messages] == ["Hello"]
    ready.ends("Hi")
    assert ready.shown[answer].text == "Hi"
    assert ready.shown[answer].error == ""


@pytest.mark.parametrize("end", [FinishReason.STOP, None])
def test_what_cannot_go_on_is_refused(ready: Bench, end: FinishReason | None) -> None:
    question = ready.say("Hello")
    if end:
        ready.ends("Hi", end)
    for message in (question, ready.ids[-1], "nothing"):
        with pytest.raises(UsageError):
            ready.session.continue_answer(message)
    assert len(ready.engine.all(Generate)) == 1


def test_only_the_last_answer_goes_on(ready: Bench) -> None:
    ready.say("Hello")
    ready.ends("Hi", FinishReason.LENGTH)
    first = ready.ids[-1]
    ready.answer("More", "Sure")
    with pytest.raises(UsageError, match="last answer"):
        ready.session.continue_answer(first)


def test_a_failed_turn_says_why_and_keeps_the_words(ready: Bench) -> None:
    ready.say("Hello")
    ready.words("Hi")
    ready.fails("The context is too small for this message.")
    view = ready.shown[ready.ids[-1]]
    assert (view.text, view.state, view.finish_reason) == ("Hi", MessageState.INTERRUPTED, FinishReason.ERROR)
    assert view.error == "The context is too small for this message."
    assert ready.last(TurnEnded).reason is FinishReason.ERROR
    ready.check_screen()


def test_an_unanswered_question_and_the_next_are_read_as_one_turn(ready: Bench) -> None:
    ready.say("Hello")
    ready.fails()
    ready.say("Are you there?")
    assert ready.engine.last(Generate).prompt.messages == (Message(Role.USER, "Hello\n\nAre you there?"),)


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_nothing_is_not_sent(ready: Bench, text: str) -> None:
    with pytest.raises(UsageError):
        ready.session.submit("", Draft(text))
    assert ready.store.conversations.listed() == []


def test_half_characters_do_not_break_the_store(ready: Bench) -> None:
    ready.say("broken \ud83d here, whole \ud83d\ude00")
    assert ready.texts[0] == "broken � here, whole 😀"
    assert ready.engine.last(Generate).prompt.messages[0].text == ready.texts[0]


def test_the_system_text_and_sampling_are_the_conversations_own(ready: Bench) -> None:
    program = Settings(system_prompt="Be brief.", sampling=Sampling(temperature=0.5))
    ready.take(ready.session.change_settings(program))
    ready.answer("Hello", "Hi")
    asked = ready.engine.last(Generate)
    assert (asked.prompt.system, asked.sampling.temperature) == ("Be brief.", 0.5)
    own = ConversationSettings(system_prompt="Be long.", sampling=Sampling(temperature=0.0))
    ready.take(ready.session.change_conversation_settings(ready.conversation, own))
    ready.answer("Hello", "Hi")
    asked = ready.engine.last(Generate)
    assert (asked.prompt.system, asked.sampling.temperature) == ("Be long.", 0.0)
    ready.take(ready.session.change_conversation_settings(ready.conversation, ConversationSettings(system_prompt="")))
    ready.say("Hello")
    assert ready.engine.last(Generate).prompt.system == ""


def test_settings_of_the_new_chat_become_the_conversations(ready: Bench) -> None:
    ready.take(ready.session.change_conversation_settings("", ConversationSettings(system_prompt="You are Ada.")))
    ready.answer("Hello", "Hi")
    assert ready.engine.last(Generate).prompt.system == "You are Ada."
    ready.take(ready.session.change_conversation_settings("", ConversationSettings(system_prompt="You are Bo.")))
    ready.take(ready.session.new_conversation())
    ready.answer("Hello", "Hi")
    assert ready.engine.last(Generate).prompt.system == ""


def test_the_day_is_stamped_once(ready: Bench) -> None:
    ready.take(ready.session.change_settings(Settings(stamp_date=True, system_prompt="Be brief.")))
    ready.answer("Hello", "Hi")
    stamped = "Be brief.\n\nToday is Tuesday, 24 November 2026."
    assert ready.engine.last(Generate).prompt.system == stamped
    ready.clock.day = ready.clock.day.replace(day=25)
    ready.say("Hello")
    assert ready.engine.last(Generate).prompt.system == stamped


def test_what_was_left_out_is_told_where_it_was_not_before(ready: Bench) -> None:
    ready.say("Hello")
    ready.ends("Hi", left_out=2)
    assert ready.last(Notice).code == "left_out"
    ready.forget()
    ready.take(ready.session.draft_changed(ready.conversation, Draft("More")))
    ready.measured()  # of before the draft
    ready.measured(left_out=4)
    ready.say("More")
    ready.ends("Hi", left_out=4)
    assert ready.all(Notice) == []


def test_an_answer_in_another_conversation_goes_on(ready: Bench) -> None:
    ready.say("Hello")
    answering, answer = ready.conversation, ready.ids[-1]
    ready.words("Hi ")
    ready.take(ready.session.new_conversation())
    ready.words("there")
    assert ready.last(TextAdded).conversation == answering
    ready.take(ready.session.open_conversation(answering))
    assert ready.shown[answer].text == "Hi there"
    assert ready.shown[answer].state is MessageState.STREAMING
    ready.ends("Hi there.")
    assert ready.shown[answer].text == "Hi there."


def test_no_message_is_added_twice(ready: Bench) -> None:
    ready.answer("One", "1")
    ready.answer("Two", "2")
    ids = [change.message.id for change in ready.all(MessageAdded)]
    assert len(ids) == len(set(ids)) == 2
    assert ready.texts == ["One", "1", "Two", "2"]
