"""Versions, branches, deleting and bringing back."""

from __future__ import annotations

import pytest

from app.chat.changes import (
    ConversationOpened,
    ConversationRemoved,
    ConversationsListed,
    MessageAdded,
    MessageChanged,
    MessagesRemoved,
)
from app.core.errors import UsageError
from app.core.message import FinishReason, MessageState
from app.core.protocol import Generate, Stop
from tests.chat.driving import Bench


def test_regenerate_makes_another_version(ready: Bench) -> None:
    ready.answer("One", "1")
    _, old = ready.answer("Two", "2")
    ready.forget()
    ready.take(ready.session.regenerate(old))
    assert ready.last(MessagesRemoved) == MessagesRemoved(ready.conversation, (old,))
    new = ready.last(MessageAdded).message
    assert new.versions == (old, new.id)
    assert [m.text for m in ready.engine.last(Generate).prompt.messages] == ["One", "1", "Two"]
    ready.ends("zwei")
    assert ready.texts == ["One", "1", "Two", "zwei"]
    ready.check_screen()


def test_versions_can_be_walked(ready: Bench) -> None:
    _, first = ready.answer("One", "1")
    ready.take(ready.session.regenerate(first))
    ready.ends("uno")
    second = ready.ids[-1]
    ready.answer("Two", "2")
    ready.take(ready.session.select_version(first))
    assert ready.texts == ["One", "1"]
    ready.check_screen()
    ready.take(ready.session.select_version(second))
    assert ready.texts == ["One", "uno", "Two", "2"]
    assert ready.shown[second].versions == (first, second)


def test_a_question_that_was_never_answered_can_be_asked_again(ready: Bench) -> None:
    question = ready.say("One")
    ready.fails()
    ready.take(ready.session.regenerate(question))
    ready.ends("1")
    assert ready.texts == ["One", "1"]


def test_an_early_answer_is_asked_again_as_a_branch(ready: Bench) -> None:
    _, first = ready.answer("One", "1")
    ready.answer("Two", "2")
    ready.take(ready.session.regenerate(first))
    ready.ends("uno")
    assert ready.texts == ["One", "uno"]
    ready.take(ready.session.select_version(first))
    assert ready.texts == ["One", "1", "Two", "2"]


def test_editing_a_message_makes_a_branch(ready: Bench) -> None:
    ready.answer("One", "1")
    old, _ = ready.answer("Two", "2")
    ready.forget()
    ready.take(ready.session.edit(old, "Three"))
    ready.ends("3")
    assert ready.texts == ["One", "1", "Three", "3"]
    new = ready.ids[2]
    assert ready.shown[new].versions == (old, new)
    assert [m.text for m in ready.engine.last(Generate).prompt.messages] == ["One", "1", "Three"]
    ready.check_screen()
    ready.take(ready.session.select_version(old))
    assert ready.texts == ["One", "1", "Two", "2"]


def test_editing_the_first_message_keeps_the_conversation(ready: Bench) -> None:
    question, _ = ready.answer("One", "1")
    conversation = ready.conversation
    ready.take(ready.session.edit(question, "Uno"))
    ready.ends("1")
    assert ready.conversation == conversation
    assert len(ready.last(ConversationsListed).rows) == 1
    assert ready.texts == ["Uno", "1"]


def test_an_edited_answer_loses_its_tokens(ready: Bench) -> None:
    _, answer = ready.answer("One", "1")
    ready.take(ready.session.edit(answer, "one, really"))
    assert ready.last(MessageChanged).message.text == "one, really"
    assert ready.store.messages.tokens(answer) is None
    ready.say("Two")
    told = ready.engine.last(Generate).prompt.messages[1]
    assert (told.text, told.tokens) == ("one, really", None)


def test_nothing_is_edited_into_nothing(ready: Bench) -> None:
    question, answer = ready.answer("One", "1")
    for message in (question, answer):
        with pytest.raises(UsageError):
            ready.session.edit(message, " \n")
    assert ready.texts == ["One", "1"]


def test_an_answer_being_written_is_not_edited(ready: Bench) -> None:
    ready.say("One")
    with pytest.raises(UsageError, match="Stop it first"):
        ready.session.edit(ready.ids[-1], "1")


def test_a_deleted_message_takes_what_follows_and_comes_back(ready: Bench) -> None:
    ready.answer("One", "1")
    second, _ = ready.answer("Two", "2")
    ready.answer("Three", "3")
    ready.take(ready.session.delete_message(second))
    removed = ready.last(MessagesRemoved)
    assert len(removed.ids) == 4
    assert removed.undo
    assert ready.texts == ["One", "1"]
    ready.check_screen()
    ready.take(ready.session.undo_delete(removed.undo))
    assert ready.texts == ["One", "1", "Two", "2", "Three", "3"]
    ready.check_screen()
    with pytest.raises(UsageError):
        ready.session.undo_delete(removed.undo)


def test_deleting_a_version_shows_another(ready: Bench) -> None:
    _, first = ready.answer("One", "1")
    ready.take(ready.session.regenerate(first))
    ready.ends("uno")
    second = ready.ids[-1]
    ready.take(ready.session.delete_message(second))
    assert ready.texts == ["One", "1"]
    assert ready.shown[first].versions == (first,)
    ready.check_screen()
    ready.take(ready.session.undo_delete(ready.last(MessagesRemoved).undo))
    assert ready.texts == ["One", "uno"]


def test_deleting_the_first_message_leaves_an_empty_chat(ready: Bench) -> None:
    question, _ = ready.answer("One", "1")
    ready.take(ready.session.delete_message(question))
    assert ready.texts == []
    ready.answer("Two", "2")
    assert ready.texts == ["Two", "2"]
    assert [m.text for m in ready.engine.last(Generate).prompt.messages] == ["Two"]


def test_deleting_the_answer_that_is_written_stops_it(ready: Bench) -> None:
    ready.say("One")
    answer = ready.ids[-1]
    ready.words("1…")
    ready.take(ready.session.delete_message(answer))
    assert ready.engine.all(Stop) == [Stop(ready.turn)]
    assert ready.texts == ["One"]
    ready.forget()
    ready.words("more")
    ready.ends("1… more", FinishReason.CANCELLED)
    assert ready.texts == ["One"]
    ready.take(ready.session.undo_delete(_undo(ready, answer)))
    assert ready.texts == ["One", "1…"]
    assert ready.shown[answer].state is MessageState.INTERRUPTED


def _undo(ready: Bench, answer: str) -> str:
    rows = ready.store._check().rows("SELECT d.id FROM deletions d JOIN messages m ON m.deletion = d.number")
    assert rows
    return str(rows[0][0])


def test_deleting_a_question_takes_its_waiting_followers_out_of_line(ready: Bench) -> None:
    question = ready.say("One")
    ready.say("Two")
    ready.take(ready.session.delete_message(question))
    assert ready.session._desk.answering.line == []
    ready.ends("1…", FinishReason.CANCELLED)
    assert len(ready.engine.all(Generate)) == 1
    assert ready.texts == []


def test_what_hangs_on_something_deleted_does_not_come_back_alone(ready: Bench) -> None:
    ready.answer("One", "1")
    question, answer = ready.answer("Two", "2")
    ready.take(ready.session.delete_message(answer))
    undo = ready.last(MessagesRemoved).undo
    ready.take(ready.session.delete_message(question))
    later = ready.last(MessagesRemoved).undo
    with pytest.raises(UsageError):
        ready.session.undo_delete(undo)
    ready.take(ready.session.undo_delete(later))
    ready.take(ready.session.undo_delete(undo))
    assert ready.texts == ["One", "1", "Two", "2"]


def test_a_deleted_conversation_comes_back(ready: Bench) -> None:
    ready.answer("One", "1")
    conversation = ready.conversation
    ready.take(ready.session.delete_conversation(conversation))
    assert ready.last(ConversationRemoved) == ConversationRemoved(conversation, "One")
    assert ready.conversation == ""
    assert ready.last(ConversationsListed).rows == ()
    with pytest.raises(UsageError):
        ready.session.open_conversation(conversation)
    ready.take(ready.session.restore_conversation(conversation))
    assert ready.texts == ["One", "1"]
    assert len(ready.last(ConversationsListed).rows) == 1


def test_deleting_a_conversation_ends_what_is_written_and_waits_in_it(ready: Bench) -> None:
    ready.say("One")
    ready.words("1…")
    ready.say("Two")
    conversation = ready.conversation
    ready.take(ready.session.delete_conversation(conversation))
    ready.ends("1…", FinishReason.CANCELLED)
    assert len(ready.engine.all(Generate)) == 1
    ready.take(ready.session.restore_conversation(conversation))
    assert (ready.texts, ready.states) == (["One", "1…", "Two"], ["complete", "interrupted", "complete"])


def test_deleting_another_conversation_changes_nothing_on_screen(ready: Bench) -> None:
    ready.answer("One", "1")
    other = ready.conversation
    ready.take(ready.session.new_conversation())
    ready.answer("Two", "2")
    ready.forget()
    ready.take(ready.session.delete_conversation(other))
    ready.take(ready.session.restore_conversation(other))
    assert ready.all(ConversationOpened) == []
    assert ready.texts == ["Two", "2"]


def test_a_title_is_made_of_the_first_words_and_can_be_changed(ready: Bench) -> None:
    ready.answer("# Heat pump\n\nThe quote is **€24,000** and the bank offers 4.1% a year", "Fine")
    assert ready.last(ConversationsListed).rows[0].title == "Heat pump The quote is €24,000 and the bank…"
    ready.take(ready.session.rename_conversation(ready.conversation, "  The\nheat pump "))
    assert ready.last(ConversationsListed).rows[0].title == "The heat pump"
    assert ready.last(ConversationOpened).title == "The heat pump"
    with pytest.raises(UsageError):
        ready.session.rename_conversation(ready.conversation, " ")
    with pytest.raises(UsageError):
        ready.session.rename_conversation("nowhere", "Title")


@pytest.mark.parametrize("act", ["regenerate", "select_version", "delete_message", "withdraw", "continue_answer"])
def test_what_does_not_exist_is_a_usage_error(ready: Bench, act: str) -> None:
    with pytest.raises(UsageError):
        getattr(ready.session, act)("nothing")


def test_the_conversation_written_in_last_comes_first(ready: Bench) -> None:
    ready.answer("One", "1")
    first = ready.conversation
    ready.take(ready.session.new_conversation())
    ready.clock.wall -= 86_400  # somebody set the clock back
    ready.answer("Two", "2")
    assert [row.title for row in ready.last(ConversationsListed).rows] == ["Two", "One"]
    ready.take(ready.session.open_conversation(first))
    ready.answer("Three", "3")
    assert [row.title for row in ready.last(ConversationsListed).rows] == ["One", "Two"]
    assert ready.texts == ["One", "1", "Three", "3"]
