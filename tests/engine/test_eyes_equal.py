"""Our way with a picture gives what llama.cpp's own way (libmtmd's helper) gives, on the same pixels and tokens."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
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


class Theirs:
    """libmtmd as its own programs use it: markers in the text, the helper evaluates."""

    def __init__(self, model: Model) -> None:
        import llama_cpp
        from llama_cpp import mtmd_cpp

        assert model.eyes is not None
        self.m: Any = mtmd_cpp
        self.c: Any = llama_cpp
        self.model = model
        params = self.m.mtmd_context_params_default()
        params.use_gpu = False
        params.print_timings = False
        params.n_threads = 2
        path = str(model.eyes.projector.path).encode()
        self.handle = self.m.mtmd_init_from_file(path, model.llama.handle, params)

    @contextmanager
    def chunks(self, text: str, pixels: bytes, side: int) -> Iterator[Any]:
        """The text with the picture in the place of the marker."""
        m = self.m
        data = (ctypes.c_uint8 * len(pixels)).from_buffer_copy(pixels)
        bitmap, chunks = m.mtmd_bitmap_init(side, side, data), m.mtmd_input_chunks_init()
        raw = text.encode()
        given = m.mtmd_input_text(text=raw, text_len=len(raw), add_special=True, parse_special=True)
        bitmaps = (m.mtmd_bitmap_p_ctypes * 1)(bitmap)
        assert m.mtmd_tokenize(self.handle, chunks, ctypes.byref(given), bitmaps, 1) == 0
        try:
            yield chunks
        finally:
            m.mtmd_input_chunks_free(chunks)
            m.mtmd_bitmap_free(bitmap)

    def embeddings(self, chunks: Any) -> NDArray[np.float32]:
        """Those of the picture among the chunks."""
        m = self.m
        found = [m.mtmd_input_chunks_get(chunks, place) for place in range(m.mtmd_input_chunks_size(chunks))]
        (image,) = [chunk for chunk in found if m.mtmd_input_chunk_get_type(chunk) == 1]
        assert m.mtmd_encode_chunk(self.handle, image) == 0
        count = m.mtmd_input_chunk_get_n_tokens(image) * self.model.llama.n_embd
        return np.ctypeslib.as_array(m.mtmd_get_output_embd(self.handle), (count,)).copy()

    def logits(self, chunks: Any) -> tuple[NDArray[np.float32], int]:
        """After all chunks, and how many cells they took."""
        llama, past = self.model._create_context(), ctypes.c_int32(0)
        try:
            done = self.m.mtmd_helper_eval_chunks(
                self.handle, llama._handle, chunks, 0, 0, 512, True, ctypes.byref(past)
            )
            assert done == 0
            return np.frombuffer(llama.logits(), np.float32).copy(), past.value
        finally:
            llama.free()

    def free(self) -> None:
        """Gives the memory back."""
        self.m.mtmd_free(self.handle)


def _pixels(model: Model, picture: Picture) -> bytes:
    assert model.eyes is not None
    return prepare(decode_path(picture.path), None, model.eyes.projector.side)


def _ours(model: Model, picture: Picture) -> tuple[list[int], NDArray[np.float32], NDArray[np.float32]]:
    """Cells, embeddings and logits as a turn makes them."""
    assert model.eyes is not None
    cells = model.prompts.tokens(Prompt("c", (Message(Role.USER, TEXT, pictures=(picture,)),)))
    model.eyes.prepare(cells, lambda _done, _total, _fraction: None)
    embeddings = np.frombuffer(model.eyes.embeddings([cell for cell in cells if cell < 0]), np.float32)
    model.context.clear()
    model.context.read(cells, 512, lambda _cells: 512)
    model.llama_context.synchronize()
    return cells, embeddings, np.frombuffer(model.llama_context.logits(), np.float32).copy()


@pytest.mark.parametrize("drawn", [number(42), shape("star", "red"), shape("circle", "blue", size=(90, 70))])
def test_embeddings_and_logits_are_llama_cpps_own(engine: LocalEngine, tmp_path: Path, drawn: Any) -> None:
    model = model_of(engine)
    assert model.eyes is not None
    side = model.eyes.projector.side
    picture = kept(drawn, tmp_path / "pictures")
    cells, embeddings, logits = _ours(model, picture)
    assert model.eyes.encoded == 1
    theirs = Theirs(model)
    # their marker becomes <start_of_image>, the picture, <end_of_image>; Google's newlines are written into the text
    text = f"<start_of_turn>user\n\n\n<__media__>\n\n{TEXT}<end_of_turn>\n<start_of_turn>model\n"
    with theirs.chunks(text, _pixels(model, picture), side) as chunks:
        assert np.array_equal(theirs.embeddings(chunks), embeddings)
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
