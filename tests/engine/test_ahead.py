"""Work ahead with the micro model's eyes: what was seen and read before Send is neither seen nor read after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.message import Message, PanAndScan, Picture, Role
from app.core.protocol import Event, LookAhead, LookedAhead, Prompt
from app.engine.ahead import before_text
from app.engine.local import LocalEngine
from tests.engine.chats import Chat, loaded, model_of
from tests.media.drawn import kept, shape


@pytest.fixture
def engine(micro_model: Path) -> Iterator[LocalEngine]:
    with loaded(micro_model) as engine:
        yield engine


def _ahead(engine: LocalEngine, chat: Chat, *pictures: Picture, pauses: int = 0) -> tuple[bool, list[LookedAhead]]:
    """Look ahead to a message with these pictures; it is asked to pause from the given question on (0: never)."""
    told: list[Event] = []
    asked = 0

    def pause() -> bool:
        nonlocal asked
        asked += 1
        return bool(pauses) and asked >= pauses

    engine.begin()
    prompt = Prompt("c", (*chat.messages, Message(Role.USER, "", pictures=pictures)))
    done = engine.look_ahead(LookAhead(1, prompt), told.append, pause)
    return done, [event for event in told if isinstance(event, LookedAhead)]


def test_nothing_before_the_text_is_left_for_the_turn(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    chat.say("My name is Robin.")
    pictures = kept(shape("star", "red"), tmp_path), kept(shape("circle", "blue", size=(1200, 500)), tmp_path)
    done, told = _ahead(engine, chat, *pictures)
    assert done
    assert told[-1].done
    assert told[-1].seen == (1.0, 1.0)
    assert told[-1].view_seconds > 0
    assert [event.seen for event in told] == sorted(event.seen for event in told)
    text = "What shape is this?"
    chat.messages.append(Message(Role.USER, text, pictures=pictures))
    answer = chat._keep(chat.answer())
    assert (answer.usage.images, answer.usage.images_encoded) == (4, 0)
    assert answer.usage.evaluated_tokens <= chat.message_cost(text) + 16


def test_earlier_pictures_that_only_another_model_saw_are_seen_too(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    earlier, picture = kept(shape("star", "red"), tmp_path), kept(shape("circle", "blue"), tmp_path)
    chat.messages += [Message(Role.USER, "What is it?", pictures=(earlier,)), Message(Role.ASSISTANT, "A star.")]
    done, told = _ahead(engine, chat, picture)
    assert done
    assert told[-1].seen == (1.0,)
    chat.messages.append(Message(Role.USER, "And this?", pictures=(picture,)))
    usage = chat.answer().usage
    assert (usage.images, usage.images_encoded) == (2, 0)
    assert usage.evaluated_tokens <= chat.message_cost("And this?") + 16


def test_the_answer_is_the_same_as_without_it(engine: LocalEngine, tmp_path: Path) -> None:
    picture = kept(shape("square", "green"), tmp_path)
    answers = []
    for ahead in (True, False):
        model_of(engine).context.clear()
        chat = Chat(engine)
        if ahead:
            assert _ahead(engine, chat, picture)[0]
        chat.messages.append(Message(Role.USER, "Describe this image.", pictures=(picture,)))
        answers.append(chat.answer())
    assert answers[0].tokens == answers[1].tokens
    assert answers[0].text == "A green square on a white background."


@pytest.mark.parametrize("pauses", [1, 2, 3, 4])
def test_it_goes_on_where_it_was_interrupted(engine: LocalEngine, tmp_path: Path, pauses: int) -> None:
    chat = Chat(engine)
    picture = kept(shape("circle", "red", size=(2600, 1000)), tmp_path)
    done, _ = _ahead(engine, chat, picture, pauses=pauses)
    assert not done
    eyes = model_of(engine).eyes
    assert eyes is not None
    seen = eyes.encoded
    assert seen == pauses - 1
    done, told = _ahead(engine, chat, picture)
    assert done
    assert told[0].seen[0] == pytest.approx(seen / 4)
    assert eyes.encoded == 4


def test_a_removed_picture_costs_the_next_turn_nothing(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    chat.say("My name is Robin.")
    assert _ahead(engine, chat, kept(shape("star", "red"), tmp_path))[0]
    answer = chat.say("What is my name?")
    assert answer.text == "Your name is Robin."
    assert answer.usage.evaluated_tokens <= chat.message_cost("What is my name?") + 1 + 16


def test_what_does_not_fit_is_seen_but_not_read(micro_model: Path, tmp_path: Path) -> None:
    with loaded(micro_model) as engine:
        chat = Chat(engine)
        chat.messages.append(Message(Role.USER, "word " * 6000))
        chat.messages.append(Message(Role.ASSISTANT, "Yes."))
        done, told = _ahead(engine, chat, kept(shape("star", "red"), tmp_path))
        assert done
        assert told[-1].seen == (1.0,)
        assert len(model_of(engine).context) == 0


def test_a_closer_look_is_another_picture(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    picture = kept(shape("star", "red", size=(2000, 1900)), tmp_path)
    closer = Picture(picture.sha256, 2000, 1900, picture.path, PanAndScan.FINER)
    assert _ahead(engine, chat, picture)[0]
    eyes = model_of(engine).eyes
    assert eyes is not None
    assert eyes.encoded == 1
    assert _ahead(engine, chat, closer)[0]
    assert eyes.encoded == 5, "the whole picture was seen before, its four tiles are new"


def test_a_document_is_read_before_its_question(micro_model: Path) -> None:
    with loaded(micro_model) as engine:
        chat = Chat(engine)
        document = "[Document: names.txt]\n" + "A name and another name. " * 60 + "\n[End of the document]\n\n"
        engine.begin()
        prompt = Prompt("c", (Message(Role.USER, document),))
        assert engine.look_ahead(LookAhead(1, prompt), lambda _event: None, lambda: False)
        read = len(model_of(engine).context)
        assert read > 100
        answer = chat.say(document + "My name is Robin.")
        assert answer.usage.reused_tokens >= read - 1
        assert answer.usage.evaluated_tokens <= chat.message_cost("My name is Robin.") + 16


def test_cells_before_the_text_end_where_any_text_begins(engine: LocalEngine, tmp_path: Path) -> None:
    prompts = model_of(engine).prompts
    plain = Prompt("c", (Message(Role.USER, ""),))
    opening = before_text(prompts, plain)
    assert prompts.tokens(Prompt("c", (Message(Role.USER, "Hello"),)))[: len(opening)] == opening
    assert 0 < len(opening) < 6
    picture = kept(shape("star", "red"), tmp_path)
    cells = before_text(prompts, Prompt("c", (Message(Role.USER, "", pictures=(picture,)),)))
    assert sum(cell < 0 for cell in cells) == 9
