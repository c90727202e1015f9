"""llama.cpp's image encoder (libmtmd), one picture at a time: the second file that touches the bindings.

It is handed pictures of the encoder's own size, so it resizes nothing, and it never sees a file of a person's.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from app.engine.llama import FLASH_ATTENTION, AbortFlag, Llama, LlamaFailure, LlamaModel

_IMAGE_CHUNK = 1  # mtmd_input_chunk_type
_EVERY = 8  # nodes of the graph between two looks at the abort flag, to begin with
_MOST_EVERY = 32
_SHORT, _LONG = 0.05, 0.25  # seconds between two looks: more nodes at once below, fewer above
_LIKELY_NODES = 900  # of a SigLIP encoder with 27 layers; corrected by the first picture

Progress = Callable[[float], None]


class EncoderStopped(Exception):
    """The flag was set while a picture was encoded."""


class Encoder:
    """A loaded mmproj. Worker's main thread. `free` gives the memory back, before the text model does."""

    def __init__(
        self,
        library: Llama,
        model: LlamaModel,
        path: Path,
        side: int,
        flag: AbortFlag,
        *,
        threads: int,
        device: str | None,
    ) -> None:
        """Loads. `side` is the encoder's picture size in pixels, `device` as in Eyes. Raises LlamaFailure."""
        self._m: Any = importlib.import_module("llama_cpp.mtmd_cpp")
        self._side = side
        self._flag = flag
        self._width = model.n_embd
        self._asked = 0
        self._every = _EVERY
        self._next = _EVERY  # the node at which the flag is looked at
        self._looked_at = 0.0
        self._nodes = _LIKELY_NODES
        self._progress: Progress = lambda _fraction: None
        library.listen(self._m.mtmd_log_set)
        params = self._m.mtmd_context_params_default()
        params.use_gpu = device != ""
        if device:
            params.device = library.device(device)
        params.n_threads = threads
        params.flash_attn_type = FLASH_ATTENTION["auto"]
        params.warmup = False
        params.print_timings = False
        self._callback = self._m.llama_cpp.ggml_backend_sched_eval_callback(self._on_node)
        params.cb_eval = self._callback
        library.forget_errors()
        self._handle = self._m.mtmd_init_from_file(os.fsencode(path), model.handle, params)
        if not self._handle:
            raise LlamaFailure("mmproj", library.errors())
        if not self._m.mtmd_support_vision(self._handle):
            self.free()
            raise LlamaFailure("mmproj", "no image encoder in it")

    def free(self) -> None:
        """Gives the memory back. Twice does no harm."""
        if self._handle:
            self._m.mtmd_free(self._handle)
            self._handle = None

    def encode(self, rgb: bytes, progress: Progress) -> bytes:
        """The embeddings of a picture of `side` x `side` RGB bytes: n_tokens x n_embd float32.

        Raises EncoderStopped or LlamaFailure.
        """
        assert len(rgb) == 3 * self._side * self._side
        m = self._m
        pixels = (ctypes.c_uint8 * len(rgb)).from_buffer_copy(rgb)
        bitmap = m.mtmd_bitmap_init(self._side, self._side, pixels)
        chunks = m.mtmd_input_chunks_init()
        try:
            return self._encode(chunks, bitmap, progress)
        finally:
            m.mtmd_input_chunks_free(chunks)
            m.mtmd_bitmap_free(bitmap)

    def _encode(self, chunks: Any, bitmap: Any, progress: Progress) -> bytes:
        m = self._m
        marker = m.mtmd_get_marker(self._handle)
        text = m.mtmd_input_text(text=marker, text_len=len(marker), add_special=False, parse_special=False)
        bitmaps = (m.mtmd_bitmap_p_ctypes * 1)(bitmap)
        if m.mtmd_tokenize(self._handle, chunks, ctypes.byref(text), bitmaps, 1) != 0:
            raise LlamaFailure("picture", "the picture was refused")
        found = [m.mtmd_input_chunks_get(chunks, index) for index in range(m.mtmd_input_chunks_size(chunks))]
        images = [chunk for chunk in found if m.mtmd_input_chunk_get_type(chunk) == _IMAGE_CHUNK]
        if len(images) != 1:
            raise LlamaFailure("picture", f"{len(images)} parts instead of one")
        self._asked, self._next, self._looked_at, self._progress = 0, self._every, perf_counter(), progress
        failed = m.mtmd_encode_chunk(self._handle, images[0])
        if self._flag:  # the encoder answers 0 also when it was stopped; what it holds then means nothing
            raise EncoderStopped
        if failed:
            raise LlamaFailure("picture", "the encoder failed")
        self._nodes = max(1, self._asked)
        count = m.mtmd_input_chunk_get_n_tokens(images[0])
        return ctypes.string_at(m.mtmd_get_output_embd(self._handle), count * self._width * 4)

    def _on_node(self, _tensor: object, asking: bool, _user_data: object) -> bool:
        """ggml asks before a node whether it is to be shown, and shows it; then it goes on where this says so."""
        if not asking:
            self._settle_pace()
            self._progress(min(1.0, self._asked / self._nodes))
            return not self._flag
        self._asked += 1
        return self._asked >= self._next

    def _settle_pace(self) -> None:
        """As many nodes at once as keep Stop quick here: one on an old processor, many on a card."""
        now = perf_counter()
        seconds, self._looked_at = now - self._looked_at, now
        if seconds > _LONG:
            self._every = max(1, self._every // 2)
        elif seconds < _SHORT:
            self._every = min(_MOST_EVERY, self._every + 1)
        self._next = self._asked + self._every
