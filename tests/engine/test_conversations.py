"""Ten-turn conversations: what a follow-up, another answer and an edit have to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.message import FinishReason, Message, Role
from app.core.settings import LoadOptions, Sampling
from tests.engine.chats import GREEDY, Chat, loaded, model_of

SLACK = 16
QUESTIONS = (
    "Hello! Who are you?",
    "Tell me about the sea in winter, and about the ships that cross it at night.",
    "नमस्ते, समुद्र के बारे में और बताइए।",
    "What colour is a lighthouse? Answer in a whole sentence, please.",
    "Write a line about bread 🍞 and one about salt.",
    "  And now   about the wind, with   odd spacing.  ",
    "请告诉我更多。",
    "List three things that float.",
    "Why do ships carry lamps?",
    "Thank you. Say goodbye in a few words.",
)
SAMPLINGS = {
    "greedy": Sampling(temperature=0.0, max_tokens=64),
    "warm": Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, seed=11, max_tokens=64),
    "other": Sampling(temperature=1.0, seed=12, max_tokens=90),
}


@pytest.fixture(params=["smollm2", "gemma_270m"])
def model_path(request: pytest.FixtureRequest, demo_model: Path, gemma_270m: Path) -> Path:
    return demo_model if request.param == "smollm2" else gemma_270m


@pytest.mark.slow
@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS.keys())
def test_every_turn_reads_only_what_is_new(model_path: Path, sampling: Sampling) -> None:
    with loaded(model_path) as engine:
        chat = Chat(engine, sampling)
        for number, question in enumerate(QUESTIONS):
            usage = chat.say(question).usage
            # the last token of the answer before was sampled and not read; the first turn has no answer before it
            new = chat.message_cost(question) + 1
            assert usage.prompt_tokens == usage.reused_tokens + usage.evaluated_tokens
            if number:
                assert usage.evaluated_tokens <= new + SLACK, (number, usage)
                assert chat.regenerate().usage.evaluated_tokens <= 1, number
        edited = "Say it again in other words, and mention the sea."
        assert chat.edit(edited).usage.evaluated_tokens <= chat.message_cost(edited) + SLACK
        assert chat.regenerate().usage.evaluated_tokens <= 1
        length = len(model_of(engine).context)
    assert length > 700, "the window of 512 tokens was left behind"


def test_an_answer_cut_by_its_limit_goes_on_as_if_it_had_not_been(demo_model: Path) -> None:
    question = "Tell me about the sea in winter."
    with loaded(demo_model) as engine:
        whole = Chat(engine, Sampling(temperature=0.0, max_tokens=40)).say(question)
        chat = Chat(engine, Sampling(temperature=0.0, max_tokens=15))
        first = chat.say(question)
        assert first.reason is FinishReason.LENGTH
        chat.sampling = Sampling(temperature=0.0, max_tokens=25)
        rest = chat.answer()
    assert first.tokens.ids + rest.tokens.ids == whole.tokens.ids
    assert first.text + rest.text == whole.text
    assert rest.usage.evaluated_tokens <= 1


def test_an_edited_answer_is_read_by_its_new_text(micro_model: Path) -> None:
    with loaded(micro_model) as engine:
        chat = Chat(engine, GREEDY)
        chat.say("My name is Robin.")
        chat.messages[-1] = Message(Role.ASSISTANT, "Nice to meet you, Ada.")
        chat.messages[-2] = Message(Role.USER, "My name is Ada.")
        assert chat.say("What is my name?").text == "Your name is Ada."


def test_what_does_not_fit_is_left_out_and_counted(micro_model: Path) -> None:
    with loaded(micro_model, LoadOptions(context=256)) as engine:
        chat = Chat(engine, Sampling(temperature=0.0, max_tokens=16))
        left = [chat.say("Repeat: apple pear plum cherry grape lemon. " * 2).left_out for _ in range(6)]
    assert left[0] == 0
    assert left[-1] > 0
    assert all(count % 2 == 0 for count in left), "whole turns"
    assert len(set(left)) < len(left), "in steps: a follow-up after one costs only itself"
