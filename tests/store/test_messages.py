"""Trees of messages, and fault 13: order does not come from the clock."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from app.core.message import Draft, FinishReason, MeasuredHere, MessageState, Role, SampledTokens, Timings, Usage
from app.core.settings import ConversationSettings
from app.store.records import AnswerRecord
from app.store.store import Store


@pytest.fixture
def conversation(store: Store) -> str:
    return store.conversations.add("Title", ConversationSettings(), 100.0)


def ask(store: Store, conversation: str, text: str, now: float = 100.0) -> str:
    found = store.conversations.find(conversation)
    assert found is not None
    return store.messages.add_question(conversation, found.leaf, Draft(text), MessageState.COMPLETE, "", now)


def reply(store: Store, question: str, text: str, now: float = 100.0) -> str:
    answer = store.messages.add_answer(question, store.owner, now, "Gem")
    store.messages.save_answer(answer, AnswerRecord(text, MessageState.COMPLETE, model="Gem"), store.owner)
    return answer


def branch(store: Store, conversation: str) -> list[str]:
    found = store.conversations.find(conversation)
    assert found is not None
    return [message.text for message in store.messages.branch(conversation, found.leaf)]


def test_what_answers_of_a_model_took_is_told_as_medians(store: Store, conversation: str) -> None:
    assert store.messages.measured("Gem") == MeasuredHere()
    for number, (speed, read, seen) in enumerate([(10.0, 1000, 0), (30.0, 10, 0), (20.0, 500, 2)]):
        question = ask(store, conversation, "Hello")
        answer = store.messages.add_answer(question, store.owner, 200.0 + number, "Gem")
        usage = Usage(evaluated_tokens=read, images_encoded=seen, memory_bytes=1000 + number)
        timings = Timings(prompt_ms=10_000.0, encode_ms=3000.0 * seen, tokens_per_second=speed)
        record = AnswerRecord("Hi", MessageState.COMPLETE, usage=usage, timings=timings, model="Gem")
        store.messages.save_answer(answer, record, store.owner)
    reply(store, ask(store, conversation, "Hello"), "no figures")
    assert store.messages.measured("Gem") == MeasuredHere(3, 202.0, 20.0, 75.0, 3.0, 1002)
    assert store.messages.measured("Other") == MeasuredHere()


def test_an_answer_comes_back_with_all_its_figures(store: Store, conversation: str) -> None:
    question = ask(store, conversation, "Hello")
    answer = store.messages.add_answer(question, store.owner, 101.0, "Gem")
    record = AnswerRecord(
        "Hi",
        MessageState.INTERRUPTED,
        SampledTokens("f", b"\1\0\0\0"),
        FinishReason.LENGTH,
        "Why",
        Usage(generated_tokens=5),
        Timings(tokens_per_second=40.0),
        "Gem",
    )
    store.messages.save_answer(answer, record, store.owner)
    found = store.messages.find(answer)
    assert found is not None
    assert (found.role, found.text, found.state, found.created_at) == (Role.ASSISTANT, "Hi", record.state, 101.0)
    assert (found.finish_reason, found.error, found.model) == (FinishReason.LENGTH, "Why", "Gem")
    assert (found.usage, found.timings) == (record.usage, record.timings)
    assert (found.parent, found.conversation, found.versions) == (question, conversation, (answer,))
    assert store.messages.tokens(answer) == record.tokens


def test_any_text_comes_back(store: Store, conversation: str) -> None:
    text = "नमस्ते \x00 👋🏽 \u202ertl\u202c <end_of_turn> '; DROP TABLE messages; --\r\n"
    ask(store, conversation, text)
    assert branch(store, conversation) == [text]


def test_13_a_clock_set_back_does_not_change_the_order(store: Store, conversation: str) -> None:
    for number, now in enumerate((300.0, 200.0, 100.0)):
        reply(store, ask(store, conversation, f"Q{number}", now), f"A{number}", now - 0.5)
    assert branch(store, conversation) == ["Q0", "A0", "Q1", "A1", "Q2", "A2"]


def test_13_versions_stand_in_the_order_of_their_making(store: Store, conversation: str) -> None:
    question = ask(store, conversation, "Hello")
    made = [reply(store, question, str(now), now) for now in (300.0, 100.0, 200.0)]
    found = store.messages.find(made[0])
    assert found is not None
    assert found.versions == tuple(made)
    assert store.messages.newest_leaf(question) == made[-1]


def test_a_deep_and_wide_tree(store: Store, conversation: str) -> None:
    question = ask(store, conversation, "Hello")
    first = reply(store, question, "1")
    second = reply(store, question, "2")
    store.messages.show(first)
    follow = ask(store, conversation, "More")
    assert branch(store, conversation) == ["Hello", "1", "More"]
    assert store.messages.newest_leaf(first) == follow
    assert set(store.messages.below(question)) == {question, first, second, follow}
    assert store.messages.is_below(follow, first)
    assert not store.messages.is_below(follow, second)
    assert not store.messages.has_followers(second)
    assert set(store.messages.all_in(conversation)) == {question, first, second, follow}


def test_unknown_messages_are_none(store: Store) -> None:
    assert store.messages.find("nothing") is None
    assert store.messages.tokens("nothing") is None
    assert store.conversations.find("nothing") is None
    assert store.conversations.rename("nothing", "Title") is False


def test_a_transaction_is_all_or_nothing(store: Store, conversation: str) -> None:
    def fail_half_way() -> None:
        with store.durable():
            ask(store, conversation, "Hello")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert branch(store, conversation) == []


def test_only_dead_processes_answers_are_interrupted(store: Store, new_store: Callable[[], Store]) -> None:
    conversation = store.conversations.add("Title", ConversationSettings(), 100.0)
    answer = store.messages.add_answer(ask(store, conversation, "Hello"), store.owner, 100.0)
    other = new_store()
    assert other.mark_interrupted() == 0
    assert store.mark_interrupted() == 0
    store.close()
    assert other.mark_interrupted() == 1
    found = other.messages.find(answer)
    assert found is not None
    assert found.state is MessageState.INTERRUPTED


def test_a_process_that_was_killed_is_dead(store: Store, conversation: str) -> None:
    import subprocess
    import sys

    code = (
        "import os, signal, sys; from pathlib import Path; from app.core.paths import DataPaths;"
        "from app.store.store import Store; s = Store(DataPaths(Path(sys.argv[1])));"
        "s.messages.add_answer(sys.argv[2], s.owner, 1.0); print('ready', flush=True);"
        "sys.stdin.read(1); os.kill(os.getpid(), signal.SIGKILL)"
    )
    question = ask(store, conversation, "Hello")
    root = str(store._owner._run.parent)
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code, root, question], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert store.mark_interrupted() == 0
        process.communicate(b"x", timeout=30)
    assert process.returncode == -9
    assert store.mark_interrupted() == 1
    assert branch(store, conversation)[0] == "Hello"


def test_locks_of_dead_processes_are_swept_away(store: Store, new_store: Callable[[], Store]) -> None:
    run = store._owner._run
    left = run / "owner-0123456789abcdef.lock"
    left.touch()
    mine = run / f"owner-{store.owner}.lock"
    new_store()
    assert not left.exists()
    assert mine.exists()
    store.close()
    assert not mine.exists()


def test_what_another_process_wrote_is_noticed(store: Store, new_store: Callable[[], Store]) -> None:
    other = new_store()
    assert not store.changed_elsewhere()
    store.conversations.add("Mine", ConversationSettings(), 1.0)
    assert not store.changed_elsewhere()
    other.conversations.add("Theirs", ConversationSettings(), 1.0)
    assert store.changed_elsewhere()
    assert not store.changed_elsewhere()


def test_a_conversation_of_5000_messages_opens_by_a_few_queries(store: Store, conversation: str) -> None:
    with store.durable():
        for number in range(2500):
            question = ask(store, conversation, f"Question {number}")
            store.messages.add_answer(question, "", 1.0)
    found = store.conversations.find(conversation)
    assert found is not None
    took = []
    for _ in range(5):
        began = time.process_time()
        assert len(store.messages.branch(conversation, found.leaf)) == 5000
        took.append(time.process_time() - began)
    assert min(took) < 0.25  # a loop over the tree would take many seconds; the figure itself is the benchmark's
