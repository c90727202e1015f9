"""libmtmd as its own programs use it: markers in the text, and its helper evaluates."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.model import Model

Floats = NDArray[np.float32]


class Theirs:
    """With the image part of a model that is loaded; `tokens` is the most that a picture may take (0: as it likes)."""

    def __init__(self, model: Model, tokens: int = 0) -> None:
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
        if tokens:
            params.image_max_tokens = tokens
        path = str(model.eyes.projector.path).encode()
        self.handle = self.m.mtmd_init_from_file(path, model.llama.handle, params)

    @contextmanager
    def chunks(self, text: str, *pictures: tuple[int, int, bytes]) -> Iterator[Any]:
        """The text with pictures (width, height, RGB) in the places of the markers."""
        m, raw = self.m, text.encode()
        bitmaps = (m.mtmd_bitmap_p_ctypes * len(pictures))(
            *(m.mtmd_bitmap_init(width, height, (ctypes.c_uint8 * len(rgb)).from_buffer_copy(rgb))
              for width, height, rgb in pictures)
        )  # fmt: skip
        chunks = m.mtmd_input_chunks_init()
        given = m.mtmd_input_text(text=raw, text_len=len(raw), add_special=True, parse_special=True)
        assert m.mtmd_tokenize(self.handle, chunks, ctypes.byref(given), bitmaps, len(pictures)) == 0
        try:
            yield chunks
        finally:
            m.mtmd_input_chunks_free(chunks)
            for bitmap in bitmaps:
                m.mtmd_bitmap_free(bitmap)

    def embeddings(self, chunks: Any) -> list[Floats]:
        """Those of every view among the chunks."""
        m, found = self.m, []
        for place in range(m.mtmd_input_chunks_size(chunks)):
            chunk = m.mtmd_input_chunks_get(chunks, place)
            if m.mtmd_input_chunk_get_type(chunk) == 1:
                assert m.mtmd_encode_chunk(self.handle, chunk) == 0
                count = m.mtmd_input_chunk_get_n_tokens(chunk) * self.model.llama.n_embd
                found.append(np.ctypeslib.as_array(m.mtmd_get_output_embd(self.handle), (count,)).copy())
        return found

    def logits(self, chunks: Any) -> tuple[Floats, int]:
        """After all chunks, and how many cells they took."""
        llama, past = self.model._create_context(), ctypes.c_int32(0)
        try:
            batch = self.model.llama_context.batch
            done = self.m.mtmd_helper_eval_chunks(
                self.handle, llama._handle, chunks, 0, 0, batch, True, ctypes.byref(past)
            )
            assert done == 0
            return np.frombuffer(llama.logits(), np.float32).copy(), past.value
        finally:
            llama.free()

    def free(self) -> None:
        """Gives the memory back."""
        self.m.mtmd_free(self.handle)
