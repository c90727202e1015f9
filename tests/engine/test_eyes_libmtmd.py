"""Pictures that libmtmd prepares: the same as its own way, encoded once, read once, as many tokens as were chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest

from app.core.errors import EngineError
from app.core.message import FinishReason, Message, Picture, Role
from app.core.paths import decode_path, encode_path
from app.core.protocol import Event, Finished, Generate, Load, LookAhead, LookedAhead, Measure, Prompt, Render, Seeing
from app.core.settings import LoadOptions, Sampling
from app.engine.context import Stopped
from app.engine.local import LocalEngine
from app.engine.model import Model
from app.engine.mtmd import Bitmap, Encoder, Progress
from app.engine.prompting import LOST_PICTURE
from app.media.prepare import whole
from tests.engine.chats import Chat, loaded, model_of
from tests.engine.gemma4 import write_gemma4
from tests.engine.image_parts import (
    IDEFICS_TOKENS,
    WIDTH,
    write_gemma4uv,
    write_gemma4v,
    write_idefics3,
    write_llama,
    write_mlp,
)
from tests.engine.theirs import Floats, Theirs
from tests.media.drawn import kept, number, shape

TEXT = "What number is shown?"
MARKER = "<__media__>"
OPTIONS = LoadOptions(context=4096, batch=96, threads=1)  # cells that do not see each other are read in parts
KINDS = ("gemma4v", "gemma4v-e2b", "gemma4uv", "idefics3", "mlp")
E2B = 1536  # the width of Gemma 4 E2B, which reads pictures like text
TOKENS = {"idefics3": IDEFICS_TOKENS, "mlp": ()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A text model of each kind, its image part beside it."""
    folder = tmp_path_factory.mktemp("models")
    found = {}
    for kind in KINDS:
        (folder / kind).mkdir()
        file = folder / kind / "tiny.gguf"
        width = E2B if kind.endswith("e2b") else WIDTH
        write = partial(write_gemma4, is_alive=True, width=width)
        found[kind] = write_llama(file, TOKENS[kind]) if kind in TOKENS else write(file)
    write_gemma4v(folder / "gemma4v" / "mmproj-tiny.gguf")
    write_gemma4v(folder / "gemma4v-e2b" / "mmproj-tiny.gguf", width=E2B)
    write_gemma4uv(folder / "gemma4uv" / "mmproj-tiny.gguf")
    write_idefics3(folder / "idefics3" / "mmproj-tiny.gguf")
    write_mlp(folder / "mlp" / "mmproj-tiny.gguf")
    return found


@pytest.fixture(params=KINDS)
def engine(files: dict[str, Path], request: pytest.FixtureRequest) -> Iterator[LocalEngine]:
    with loaded(files[request.param], OPTIONS) as engine:
        yield engine


@pytest.fixture
def gemma(files: dict[str, Path]) -> Iterator[LocalEngine]:
    with loaded(files["gemma4v"], OPTIONS) as engine:
        yield engine


def _prompt(*pictures: Picture, text: str = TEXT) -> Prompt:
    return Prompt("c", (Message(Role.USER, text, pictures=pictures),))


def _ours(model: Model, prompt: Prompt) -> tuple[list[int], list[Floats], Floats]:
    """Cells, embeddings of each view and logits as a turn makes them."""
    assert model.eyes is not None
    cells = model.prompts.tokens(prompt)
    model.eyes.prepare(cells, lambda _done, _total, _fraction: None)
    views = [run for picture in prompt.messages[0].pictures for run in model.eyes.runs(picture)]
    embeddings = [np.frombuffer(model.eyes.embeddings(view)[0], np.float32) for view in views]
    model.context.clear()
    batch = model.llama_context.batch
    model.context.read(cells, batch, lambda _cells: batch)
    model.llama_context.synchronize()
    return cells, embeddings, np.frombuffer(model.llama_context.logits(), np.float32).copy()


def _marked(model: Model, prompt: Prompt) -> str:
    """The prompt as text with libmtmd's markers."""
    parts = [MARKER if part.kind == "picture" else part.text for part in model.prompts.parts(prompt)]
    return "".join(parts).removeprefix(model.vocabulary.bos_text)


def _pixels(picture: Picture) -> tuple[int, int, bytes]:
    size = picture.width, picture.height
    return (*size, whole(decode_path(picture.path), size))


@pytest.mark.parametrize("tokens", [0, 70, 1120])
def test_embeddings_and_logits_are_libmtmds_own(engine: LocalEngine, tmp_path: Path, tokens: int) -> None:
    model = model_of(engine)
    drawn = (shape("star", "red", size=(900, 600)), number(42))
    pictures = [msgspec.structs.replace(kept(one, tmp_path), image_tokens=tokens) for one in drawn]
    prompt = _prompt(*pictures)
    cells, embeddings, logits = _ours(model, prompt)
    assert model.eyes is not None
    theirs = Theirs(model, (tokens or 560) if model.info.image_choices else 0)
    with theirs.chunks(_marked(model, prompt), *map(_pixels, pictures)) as chunks:
        expected = theirs.embeddings(chunks)
        expected_logits, count = theirs.logits(chunks)
    theirs.free()
    assert count == len(cells)
    assert len(expected) == len(embeddings) == model.eyes.encoded
    assert all(np.array_equal(one, other) for one, other in zip(expected, embeddings, strict=True))
    assert np.abs(expected_logits - logits).max() <= 0.01
    again, cached, cached_logits = _ours(model, prompt)
    assert model.eyes.encoded == len(expected)
    assert again == cells
    assert all(np.array_equal(one, other) for one, other in zip(cached, embeddings, strict=True))
    assert np.array_equal(cached_logits, logits)
    swapped, _, other_logits = _ours(model, _prompt(*reversed(pictures)))
    assert model.eyes.encoded == len(expected)
    assert swapped != cells
    assert np.abs(other_logits - logits).max() > 0.01, "two pictures are not mixed up"


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_restart_no_encoder_is_loaded(files: dict[str, Path], tmp_path: Path, kind: str) -> None:
    picture, found = kept(shape("star", "blue", size=(300, 200)), tmp_path / "pictures"), []
    for encoded in (True, False):
        engine = LocalEngine()
        engine.begin()
        engine.load(
            Load(1, encode_path(files[kind]), OPTIONS, embeddings=encode_path(tmp_path / "embeddings")), lambda _: None
        )
        model = model_of(engine)
        found.append(_ours(model, _prompt(picture)))
        assert model.eyes is not None
        assert bool(model.eyes.encoded) is encoded
        assert (model.eyes._encoder is not None) is encoded
        engine.unload()
    assert found[0][0] == found[1][0]
    assert all(np.array_equal(one, other) for one, other in zip(found[0][1], found[1][1], strict=True))
    assert np.array_equal(found[0][2], found[1][2])


def test_what_was_stopped_in_the_middle_of_a_picture_is_read_again(files: dict[str, Path], tmp_path: Path) -> None:
    """Its cells are no beginning to go on from, though they are not evaluated at once."""
    with loaded(files["mlp"], OPTIONS) as engine:
        model, prompt = model_of(engine), _prompt(kept(shape("star", "red", size=(400, 300)), tmp_path))
        cells, _, logits = _ours(model, prompt)
        model.context.clear()

        def stop(done: int) -> int:
            if done > 150:
                raise Stopped
            return 96

        with pytest.raises(Stopped):
            model.context.read(cells, 96, stop)
        assert 150 < len(model.context) < len(cells)
        assert cells[len(model.context)] < 0, "in the middle of the picture"
        reused = model.context.reuse(cells)
        assert reused < 20
        model.context.read(cells[reused:], 96, lambda _cells: 96)
        model.llama_context.synchronize()
        assert np.abs(np.frombuffer(model.llama_context.logits(), np.float32) - logits).max() <= 0.01


def test_a_second_question_reads_and_encodes_nothing_again(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine, Sampling(temperature=0.0, max_tokens=20))
    picture = kept(shape("star", "red", size=(400, 300)), tmp_path)
    first = _see(chat, "What shape is this?", picture)
    assert first.usage.images_encoded == first.usage.images > 0
    second = chat.say("What colour is the star?")
    assert (second.usage.images, second.usage.images_encoded) == (first.usage.images, 0)
    assert second.usage.evaluated_tokens <= chat.message_cost("What colour is the star?") + 1 + 16
    assert chat.regenerate().usage.evaluated_tokens <= 1
    again = _see(Chat(engine, chat.sampling), "What colour is the star?", picture)
    assert again.usage.images_encoded == 0


def test_encoding_is_told_and_stops(engine: LocalEngine, tmp_path: Path) -> None:
    chat = Chat(engine)
    picture = kept(shape("star", "black", size=(800, 600)), tmp_path)
    chat.messages.append(Message(Role.USER, "What shape is this?", pictures=(picture,)))
    told: list[object] = []

    def on_event(event: object) -> None:
        if isinstance(event, Seeing) and not told:
            told.append(event)
            engine.request_stop()

    engine.begin()
    finished = engine.generate(Generate(1, Prompt("c", tuple(chat.messages)), chat.sampling), on_event)
    assert told
    assert (finished.reason, finished.usage.images_encoded) == (FinishReason.CANCELLED, 0)
    model = model_of(engine)
    engine.begin()
    cells, embeddings, _ = _ours(model, _prompt(picture))
    theirs = Theirs(model, 560 if model.info.image_choices else 0)
    with theirs.chunks(_marked(model, _prompt(picture)), _pixels(picture)) as chunks:
        expected = theirs.embeddings(chunks)
    theirs.free()
    assert cells
    assert all(np.array_equal(one, other) for one, other in zip(expected, embeddings, strict=True))


def test_what_is_no_number_is_made_again_or_told(
    gemma: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """llama.cpp's graph of Pixtral multiplies memory that nobody wrote by zero: what it was may stay no number."""
    right, broken = Encoder.encode, 1

    def encode(self: Encoder, bitmap: Bitmap, place: int, progress: Progress) -> bytes:
        nonlocal broken
        broken -= 1
        found = right(self, bitmap, place, progress)
        return found if broken < 0 else b"\0\0\xc0\x7f" + found[4:]

    monkeypatch.setattr("app.engine.eyes.Encoder.encode", encode)
    prompt = _prompt(kept(shape("star", "red"), tmp_path))
    _, (embeddings,), _ = _ours(model_of(gemma), prompt)
    assert np.isfinite(embeddings).all()
    broken = 2
    with pytest.raises(EngineError, match="The picture could not be read by the model"):
        _ours(model_of(gemma), _prompt(kept(shape("star", "blue"), tmp_path)))


def test_it_is_seen_ahead(engine: LocalEngine, tmp_path: Path) -> None:
    picture = kept(shape("star", "red", size=(400, 300)), tmp_path)
    events: list[Event] = []
    engine.begin()
    assert engine.look_ahead(LookAhead(1, _prompt(picture, text="")), events.append, lambda: False)
    told = [event for event in events if isinstance(event, LookedAhead)]
    assert told[0].seen == (0.0,)
    assert told[-1] == LookedAhead(1, (1.0,), told[-1].view_seconds, done=True)
    assert told[-1].view_seconds > 0
    finished = _see(Chat(engine), TEXT, picture)
    assert finished.usage.images_encoded == 0
    assert finished.usage.evaluated_tokens < 40, "what stands before the text was read"


def test_a_picture_that_is_gone_leaves_a_note_until_it_comes_back(engine: LocalEngine, tmp_path: Path) -> None:
    picture, other = kept(shape("star", "red", size=(400, 300)), tmp_path), kept(number(7), tmp_path)
    file, aside = decode_path(picture.path), tmp_path / "aside"
    file.rename(aside)
    chat = Chat(engine, Sampling(temperature=0.0, max_tokens=4))
    chat.messages += [Message(Role.USER, "Here are two.", pictures=(picture, other)), Message(Role.ASSISTANT, "Yes.")]
    chat.say(TEXT)
    prompt = Prompt("", tuple(chat.messages))
    assert sum(LOST_PICTURE in part.text for part in engine.render(Render(1, prompt)).parts) == 1
    measured = engine.measure(Measure(1, prompt))
    assert measured.lost == (picture.sha256,)
    assert [sighting.sha256 for sighting in measured.sightings] == [other.sha256]
    aside.replace(file)
    assert chat.say(TEXT).usage.images_encoded > 0
    assert engine.measure(Measure(1, prompt)).lost == ()


def test_the_choice_of_image_tokens_is_kept_to(gemma: LocalEngine, tmp_path: Path) -> None:
    model, drawn = model_of(gemma), kept(shape("star", "red", size=(1600, 1200)), tmp_path)
    assert model.info.image_choices == (70, 140, 280, 560, 1120)
    assert model.eyes is not None
    taken: dict[int, int] = {}
    for tokens in (0, 70, 140, 280, 560, 1120):
        picture = msgspec.structs.replace(drawn, image_tokens=tokens)
        (run,) = model.eyes.runs(picture)
        taken[tokens] = len(run)
        measured = gemma.measure(Measure(1, _prompt(picture)))
        (sighting,) = measured.sightings
        assert (sighting.tokens, sighting.parts) == (len(run) + 2, 1)
        assert sighting.width * sighting.height == len(run) * 48 * 48
        answer = _see(Chat(gemma), TEXT, picture)
        assert answer.usage.images_encoded == (0 if tokens == 560 else 1)
    assert taken[0] == taken[560]
    assert [taken[tokens] <= tokens for tokens in model.info.image_choices] == [True] * 5
    assert sorted({*taken.values()}) == [taken[tokens] for tokens in model.info.image_choices]


def _see(chat: Chat, text: str, *pictures: Picture) -> Finished:
    chat.messages.append(Message(Role.USER, text, pictures=pictures))
    return chat._keep(chat.answer())


def test_the_plan_counts_the_encoders_buffers(
    engine: LocalEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "app.llama")
    picture = msgspec.structs.replace(kept(shape("star", "red", size=(2400, 2400)), tmp_path), image_tokens=1120)
    _ours(model_of(engine), _prompt(picture))
    said = re.findall(r"compute buffer size = +([\d.]+) MiB", caplog.text)
    eyes = model_of(engine).eyes
    assert eyes is not None
    assert said
    assert 0 < sum(map(float, said)) * (1 << 20) <= eyes.projector.part.work
