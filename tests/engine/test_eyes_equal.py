"""Our way with a picture gives what llama.cpp's own way (libmtmd's helper) gives, on the same pixels and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.message import Message, Picture, Role
from app.core.paths import decode_path, encode_path
from app.core.protocol import Load, Prompt
from app.engine.local import LocalEngine
from app.engine.model import Model
from app.media.prepare import prepare
from tests.engine.chats import model_of
from tests.engine.theirs import Theirs
from tests.media.drawn import kept, number, shape

TEXT = "What number is shown?"


@pytest.fixture
def engine(micro_model: Path, tmp_path: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine()
    engine.begin()
    folder = encode_path(tmp_path / "embeddings")
    engine.load(Load(1, encode_path(micro_model), embeddings=folder), lambda _fraction: None)
    yield engine
    engine.unload()


def _pixels(model: Model, picture: Picture) -> bytes:
    assert model.eyes is not None
    return prepare(decode_path(picture.path), None, model.eyes.projector.part.side)


def _ours(model: Model, picture: Picture) -> tuple[list[int], NDArray[np.float32], NDArray[np.float32]]:
    """Cells, embeddings and logits as a turn makes them."""
    assert model.eyes is not None
    cells = model.prompts.tokens(Prompt("c", (Message(Role.USER, TEXT, pictures=(picture,)),)))
    model.eyes.prepare(cells, lambda _done, _total, _fraction: None)
    found, _ = model.eyes.embeddings([cell for cell in cells if cell < 0])
    embeddings = np.frombuffer(found, np.float32)
    model.context.clear()
    model.context.read(cells, 512, lambda _cells: 512)
    model.llama_context.synchronize()
    return cells, embeddings, np.frombuffer(model.llama_context.logits(), np.float32).copy()


@pytest.mark.parametrize("drawn", [number(42), shape("star", "red"), shape("circle", "blue", size=(90, 70))])
def test_embeddings_and_logits_are_llama_cpps_own(engine: LocalEngine, tmp_path: Path, drawn: Any) -> None:
    model = model_of(engine)
    assert model.eyes is not None
    side = model.eyes.projector.part.side
    picture = kept(drawn, tmp_path / "pictures")
    cells, embeddings, logits = _ours(model, picture)
    assert model.eyes.encoded == 1
    theirs = Theirs(model)
    # their marker becomes <start_of_image>, the picture, <end_of_image>; Google's newlines are written into the text
    text = f"<start_of_turn>user\n\n\n<__media__>\n\n{TEXT}<end_of_turn>\n<start_of_turn>model\n"
    with theirs.chunks(text, (side, side, _pixels(model, picture))) as chunks:
        (expected_embeddings,) = theirs.embeddings(chunks)
        assert np.array_equal(expected_embeddings, embeddings)
        expected, count = theirs.logits(chunks)
    theirs.free()
    assert count == len(cells)
    assert np.abs(expected - logits).max() <= 0.01
    cached_cells, cached, again = _ours(model, picture)
    assert model.eyes.encoded == 1
    assert cached_cells == cells
    assert np.array_equal(cached, embeddings)
    assert np.array_equal(again, logits)


def test_embeddings_from_the_disk_are_the_same(micro_model: Path, tmp_path: Path) -> None:
    picture, found = kept(number(7), tmp_path / "pictures"), []
    for encoded in (1, 0):
        engine = LocalEngine()
        engine.begin()
        folder = encode_path(tmp_path / "embeddings")
        engine.load(Load(1, encode_path(micro_model), embeddings=folder), lambda _fraction: None)
        model = model_of(engine)
        found.append(_ours(model, picture))
        assert model.eyes is not None
        assert model.eyes.encoded == encoded
        engine.unload()
    assert np.array_equal(found[0][1], found[1][1])
    assert np.array_equal(found[0][2], found[1][2])
