"""Pictures through the engine: seen right, encoded once, read once, stopped in time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gguf import GGUFReader

from app.core.errors import EngineError, ModelError
from app.core.message import FinishReason, Message, PanAndScan, Picture, Role
from app.core.paths import decode_path, encode_path
from app.core.protocol import Finished, Generate, Load, Measure, Prompt, Render, Seeing
from app.core.settings import LoadOptions
from app.engine.api import OutOfMemory
from app.engine.eyes import explained
from app.engine.llama import LlamaFailure
from app.engine.local import LocalEngine
from app.engine.model import check_files
from app.engine.prompting import LOST_PICTURE
from tests.engine.chats import Chat, loaded, model_of
from tests.media.drawn import COLOURS, SHAPES, kept, number, shape


@pytest.fixture
def engine(micro_model: Path) -> Iterator[LocalEngine]:
    with loaded(micro_model) as engine:
        yield engine


def see(chat: Chat, text: str, *pictures: Picture) -> Finished:
    """A message with pictures, and its answer."""
    chat.messages.append(Message(Role.USER, text, pictures=pictures))
    return chat._keep(chat.answer())


def test_every_shape_and_colour_is_named(engine: LocalEngine, tmp_path: Path) -> None:
    wrong = []
    asked = 0
    for kind in SHAPES:
        for colour in COLOURS:
            answer = see(Chat(engine), "Describe this image.", kept(shape(kind, colour), tmp_path)).text
            asked += 1
            article = "An" if colour == "orange" else "A"
            if answer != f"{article} {colour} {kind} on a white background.":
                wrong.append((kind, colour, answer))
    assert len(wrong) <= 0.05 * asked, wrong


def test_numbers_are_read(engine: LocalEngine, tmp_path: Path) -> None:
    values = (3, 7, 12, 42, 58, 90, 64, 25)
    answers = {
        value: see(Chat(engine), "What number is shown?", kept(number(value), tmp_path)).text for value in values
    }
    right = sum(answer == f"The number is {value}." for value, answer in answers.items())
    assert right >= len(values) - 1, answers


def test_without_a_picture_none_is_seen(engine: LocalEngine) -> None:
    assert Chat(engine).say("What colour is the circle?").text == "I do not see an image."


def test_a_second_question_reads_and_encodes_nothing_again(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    first = see(chat, "What shape is this?", kept(shape("star", "red"), tmp_path))
    assert (first.usage.images, first.usage.images_encoded) == (1, 1)
    assert first.usage.evaluated_tokens > model_of(engine).eyes.projector.part.tokens  # type: ignore[union-attr]
    second = chat.say("What colour is the star?")
    assert second.text == "The star is red."
    assert (second.usage.images, second.usage.images_encoded) == (1, 0)
    assert second.usage.evaluated_tokens <= chat.message_cost("What colour is the star?") + 1 + 16
    assert chat.regenerate().usage.evaluated_tokens <= 1


def test_the_same_picture_in_another_chat_is_not_encoded_again(engine: LocalEngine, tmp_path: Path) -> None:
    picture = kept(shape("square", "blue"), tmp_path)
    see(Chat(engine), "What shape is this?", picture)
    again = see(Chat(engine), "What colour is the square?", picture)
    assert again.text == "The square is blue."
    assert again.usage.images_encoded == 0


def test_after_a_restart_it_is_not_encoded_again(micro_model: Path, tmp_path: Path) -> None:
    picture = kept(shape("triangle", "green"), tmp_path)
    for encoded in (1, 0):
        engine = LocalEngine()
        engine.begin()
        folder = encode_path(tmp_path / "embeddings")
        engine.load(Load(1, encode_path(micro_model), embeddings=folder), lambda _fraction: None)
        answer = see(Chat(engine), "What colour is the triangle?", picture)
        assert (answer.text, answer.usage.images_encoded) == ("The triangle is green.", encoded)
        eyes = model_of(engine).eyes
        assert eyes is not None
        assert (eyes._encoder is not None) == bool(encoded), "a known picture needs no encoder"
        engine.unload()


def test_a_damaged_embedding_is_made_again(micro_model: Path, tmp_path: Path) -> None:
    picture, folder = kept(shape("circle", "red"), tmp_path), tmp_path / "embeddings"
    for encoded in (1, 1):
        engine = LocalEngine()
        engine.begin()
        engine.load(Load(1, encode_path(micro_model), embeddings=encode_path(folder)), lambda _fraction: None)
        answer = see(Chat(engine), "What colour is the circle?", picture)
        engine.unload()
        assert (answer.text, answer.usage.images_encoded) == ("The circle is red.", encoded)
        (file,) = folder.glob("*.embd")
        data = bytearray(file.read_bytes())
        data[1000] ^= 1
        file.write_bytes(data)


def test_two_pictures_in_turns_are_not_mixed_up(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    assert see(chat, "What colour is the circle?", kept(shape("circle", "red"), tmp_path)).text == "The circle is red."
    assert (
        see(chat, "What colour is the square?", kept(shape("square", "blue"), tmp_path)).text == "The square is blue."
    )


def test_two_pictures_of_one_message_come_in_their_order(engine: LocalEngine, tmp_path: Path) -> None:
    model = model_of(engine)
    one, other = kept(shape("circle", "red"), tmp_path), kept(shape("square", "blue"), tmp_path)
    chat = Chat(engine)
    answer = see(chat, "Which image has the red shape?", one, other)
    assert answer.usage.images == 2
    assert model.eyes is not None
    cells = [cell for cell in model.context.cells if cell < 0]
    assert cells == [cell for picture in (one, other) for view in model.eyes.cells(picture) for cell in view]


def test_an_elongated_picture_comes_with_googles_words_and_crops(engine: LocalEngine, tmp_path: Path) -> None:
    model = model_of(engine)
    picture = kept(shape("circle", "red", size=(1200, 500)), tmp_path)
    answer = see(Chat(engine), "What shape is this?", picture)
    assert answer.usage.images == 3
    begin, end = (
        model.llama.tokenize(text, parse_special=True)[0] for text in (b"<start_of_image>", b"<end_of_image>")
    )
    assert model.eyes is not None
    expected: list[int] = []
    run: list[str] = [
        "user\nHere is the original image \n\n",
        "\n\n and here are some crops to help you see better \n\n",
    ]
    run += ["\n\n \n\n", "\n\nWhat shape is this?"]
    for words, view in zip(run, [*model.eyes.cells(picture), ()], strict=True):
        expected += model.vocabulary.tokenize(words)
        expected += [begin, *view, end] if view else []
    opening = [*model.vocabulary.opening, *model.llama.tokenize(b"<start_of_turn>", parse_special=True)]
    assert list(model.context.cells[: len(opening) + len(expected)]) == [*opening, *expected]
    off = see(
        Chat(engine), "What shape is this?", kept(shape("circle", "red", size=(1200, 500)), tmp_path, PanAndScan.OFF)
    )
    assert off.usage.images == 1


def test_encoding_is_told_and_stops(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    chat.messages.append(Message(Role.USER, "What shape is this?", pictures=(kept(shape("star", "black"), tmp_path),)))
    stopped: list[float] = []

    def on_event(event: object) -> None:
        if isinstance(event, Seeing) and not stopped:
            stopped.append(time.monotonic())
            engine.request_stop()

    engine.begin()
    finished = engine.generate(Generate(1, Prompt("c", tuple(chat.messages)), chat.sampling), on_event)
    assert stopped
    assert time.monotonic() - stopped[0] < 2.0
    assert finished.reason is FinishReason.CANCELLED
    assert finished.usage.images_encoded == 0
    assert chat.answer().text == "It is a star.", "what was stopped is not taken for an embedding"


def test_without_memory_for_a_picture_a_smaller_way_is_offered(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise LlamaFailure("no encoder", "alloc_tensor_range: failed to allocate CUDA0 buffer of size 1")

    monkeypatch.setattr("app.engine.eyes.Encoder", fails)
    with pytest.raises(OutOfMemory) as caught:
        see(Chat(engine), "What shape is this?", kept(shape("star", "black"), tmp_path))
    assert caught.value.message.startswith("There is not enough memory to look at the picture.")
    assert caught.value.offer is not None
    assert caught.value.offer.options.kv_type == "q8_0"


def test_a_model_without_eyes_says_so_and_reads_what_was_said(demo_model: Path, tmp_path: Path) -> None:
    picture = kept(shape("star", "black"), tmp_path)
    with loaded(demo_model) as engine:
        chat = Chat(engine)
        with pytest.raises(EngineError) as refusal:
            see(chat, "What is this?", picture)
        assert refusal.value.code == "no_vision"
        chat.messages.append(Message(Role.ASSISTANT, "A star."))
        assert chat.say("Thank you.").usage.images == 0


def test_images_that_are_switched_off_are_not_seen(micro_model: Path, tmp_path: Path) -> None:
    with loaded(micro_model, LoadOptions(images="off")) as engine:
        info = model_of(engine).info
        assert (info.vision, info.blind) == (False, "Images are switched off (Settings, Model).")
    with loaded(micro_model, LoadOptions(images="memory")) as engine:
        seen = see(Chat(engine), "Describe this image.", kept(shape("star", "red"), tmp_path)).text
        assert seen == "A red star on a white background."


def test_the_idle_encoder_is_freed_and_comes_back(engine: LocalEngine, tmp_path: Path) -> None:
    see(Chat(engine), "What shape is this?", kept(shape("star", "red"), tmp_path))
    engine.rest()
    eyes = model_of(engine).eyes
    assert eyes is not None
    assert eyes._encoder is None
    assert see(Chat(engine), "What shape is this?", kept(shape("circle", "red"), tmp_path)).text == "It is a circle."


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_a_picture_that_is_gone_leaves_a_note_until_it_comes_back(
    engine: LocalEngine, tmp_path: Path, damage: str
) -> None:
    """Its chat goes on, and tells what the model reads and what that takes."""
    picture, other = kept(shape("star", "red"), tmp_path), kept(shape("circle", "blue"), tmp_path)
    file, aside = decode_path(picture.path), tmp_path / "aside"
    file.rename(aside)
    if damage == "damaged":
        file.write_bytes(aside.read_bytes()[:200])
    chat = Chat(engine)
    chat.messages += [Message(Role.USER, "Here are two.", pictures=(picture, other)), Message(Role.ASSISTANT, "Yes.")]
    answer = chat.say("My name is Robin.")
    assert answer.text == "Nice to meet you, Robin."
    assert (answer.usage.images, answer.usage.images_encoded) == (1, 1)
    prompt = Prompt("", tuple(chat.messages[:-1]))
    parts = engine.render(Render(1, prompt)).parts
    assert sum(LOST_PICTURE in part.text for part in parts) == 1
    assert [part.kind for part in parts].count("picture") == 1
    measured = engine.measure(Measure(1, prompt, None))
    assert measured.lost == (picture.sha256,)
    assert measured.total == answer.usage.prompt_tokens
    aside.replace(file)
    back = chat.say("What is my name?")
    assert (back.usage.images, back.usage.images_encoded) == (2, 1)
    assert engine.measure(Measure(1, prompt, None)).lost == ()


def test_what_was_seen_once_needs_no_file(engine: LocalEngine, tmp_path: Path) -> None:
    picture = kept(shape("star", "red"), tmp_path)
    chat = Chat(engine)
    see(chat, "What shape is this?", picture)
    decode_path(picture.path).unlink()
    assert chat.say("What colour is the star?").text == "The star is red."


def test_a_mmproj_of_another_model_is_refused(gemma_270m: Path, demo_model: Path, micro_model: Path) -> None:
    mmproj = micro_model.parent / "mmproj-micro-gemma3.gguf"
    for named in (mmproj, micro_model):
        with pytest.raises(ModelError) as refusal:
            check_files(gemma_270m, LoadOptions(), named, None)
        assert refusal.value.code == "mmproj"
    assert check_files(micro_model, LoadOptions(), None, None).projector is not None
    assert check_files(demo_model, LoadOptions(), None, None).projector is None


@pytest.fixture
def copied(micro_model: Path, tmp_path: Path) -> Path:
    """The micro model and its mmproj in a folder of their own."""
    for name in (micro_model.name, f"mmproj-{micro_model.name}"):
        shutil.copy(micro_model.with_name(name), tmp_path / name)
    return tmp_path / micro_model.name


def test_image_tokens_that_the_file_calls_words_still_frame_a_picture(copied: Path, tmp_path: Path) -> None:
    """Many files of Gemma 3 give <start_of_image> the type of a user's word; its pictures were lost without a sign."""
    file = GGUFReader(copied, "r+")
    tokens, types = file.fields["tokenizer.ggml.tokens"], file.fields["tokenizer.ggml.token_type"]
    for place, word in enumerate(tokens.contents()):
        if word in ("<start_of_image>", "<end_of_image>"):
            types.parts[types.data[place]][0] = 4  # user defined
    del file, tokens, types
    with loaded(copied) as engine:
        assert model_of(engine).info.vision
        chat = Chat(engine)
        answer = see(chat, "Describe this image.", kept(shape("star", "red"), tmp_path / "pictures"))
        assert answer.text == "A red star on a white background."
        typed = chat.message_cost("<start_of_image><end_of_image>")
        assert typed > chat.message_cost("") + 4, "what a person types is no frame of a picture"


def test_a_vocabulary_without_image_tokens_is_said_to_be_blind(copied: Path) -> None:
    data = copied.read_bytes()
    copied.write_bytes(data.replace(b"<start_of_image>", b"<sTart_of_image>"))
    with loaded(copied) as engine:
        info = model_of(engine).info
        assert not info.vision
        assert info.blind == "Its vocabulary or chat template has no place for pictures."
        assert Chat(engine).say("My name is Robin.").text == "Nice to meet you, Robin."


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ("ggml_backend_alloc: failed to allocate CUDA0 buffer", "memory"),
        ("no image encoder in it", "encoder"),
    ],
)
def test_a_picture_that_memory_is_missing_for_is_told_so(detail: str, code: str) -> None:
    error = explained(LlamaFailure("mmproj", detail))
    assert (error.code, "memory" in error.message) == (code, code == "memory")
