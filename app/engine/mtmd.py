"""llama.cpp's image encoder (libmtmd), one picture at a time: the second file that touches the bindings.

It never sees a file of a person's: pictures are handed over as pixels. Where they have the encoder's own size it
resizes nothing; else it prepares them in its own way, and cuts them in parts where their kind wants that.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from app.engine.layouts import Layout, Part
from app.engine.llama import FLASH_ATTENTION, LEVEL_ERROR, AbortFlag, Llama, LlamaFailure, LlamaModel

_TEXT_CHUNK, _IMAGE_CHUNK = 0, 1  # mtmd_input_chunk_type
_SAVED_VERSION = 2  # of what a chunk says of itself (mtmd.cpp, MTMD_SERIALIZATION_VERSION)
_GIVEN_UP = "cancelled by progress_callback"
_EVERY = 8  # nodes of the graph between two looks at the abort flag, to begin with
_MOST_EVERY = 32
_SHORT, _LONG = 0.05, 0.25  # seconds between two looks: more nodes at once below, fewer above
_LIKELY_NODES = 900  # of a SigLIP encoder with 27 layers; corrected by the first picture

Progress = Callable[[float], None]


class EncoderStopped(Exception):
    """The flag was set while a picture was encoded."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A picture to encode: `key` is the same for the same pixels, `rgb` reads them row by row. Sizes in pixels."""

    key: object
    width: int
    height: int
    rgb: Callable[[], bytes]


class Encoder:
    """A loaded mmproj. Worker's main thread. `free` gives the memory back, before the text model does."""

    def __init__(
        self,
        library: Llama,
        model: LlamaModel,
        path: Path,
        flag: AbortFlag,
        *,
        tokens: int,
        threads: int,
        device: str | None,
    ) -> None:
        """Loads. `tokens` is the most that a picture may take (0: what libmtmd likes), `device` as in Eyes.

        Raises LlamaFailure.
        """
        self._m: Any = importlib.import_module("llama_cpp.mtmd_cpp")
        self._flag = flag
        self._width = model.n_embd_inp
        self._asked = 0
        self._every = _EVERY
        self._next = _EVERY  # the node at which the flag is looked at
        self._looked_at = 0.0
        self._nodes = _LIKELY_NODES
        self._progress: Progress = lambda _fraction: None
        self._opened: tuple[object, Any] | None = None  # the key of a bitmap, and its chunks
        self.tokens = tokens
        params = _params(self._m, library)
        params.use_gpu = device != ""
        if device:
            params.device = library.device(device)
        params.n_threads = threads
        if tokens:
            params.image_max_tokens = tokens
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
        self._close()
        if self._handle:
            self._m.mtmd_free(self._handle)
            self._handle = None

    def layout(self, width: int, height: int) -> Layout:
        """How a picture of this size would stand in the prompt. Raises LlamaFailure."""
        chunks = self._chunks(width, height, None)
        try:
            return tuple(map(self._part, self._listed(chunks)))
        finally:
            self._m.mtmd_input_chunks_free(chunks)

    def encode(self, bitmap: Bitmap, place: int, progress: Progress) -> bytes:
        """The embeddings of the image chunk at this place among those of a picture: n_tokens x n_embd float32.

        Raises EncoderStopped or LlamaFailure.
        """
        m = self._m
        images = [chunk for chunk in self._listed(self._open(bitmap)) if self._kind(chunk) == _IMAGE_CHUNK]
        if place >= len(images):
            raise LlamaFailure("picture", f"it has {len(images)} parts")
        self._asked, self._next, self._looked_at, self._progress = 0, self._every, perf_counter(), progress
        failed = m.mtmd_encode_chunk(self._handle, images[place])
        if self._flag:  # the encoder answers 0 also when it was stopped; what it holds then means nothing
            raise EncoderStopped
        if failed:
            raise LlamaFailure("picture", "the encoder failed")
        self._nodes = max(1, self._asked)
        count = m.mtmd_input_chunk_get_n_tokens(images[place])
        embeddings = ctypes.string_at(m.mtmd_get_output_embd(self._handle), count * self._width * 4)
        if place == len(images) - 1:
            self._close()
        return embeddings

    def _open(self, bitmap: Bitmap) -> Any:
        """The chunks of a picture, prepared once for all of them."""
        if self._opened is None or self._opened[0] != bitmap.key:
            self._close()
            rgb = bitmap.rgb()
            assert len(rgb) == 3 * bitmap.width * bitmap.height
            self._opened = bitmap.key, self._chunks(bitmap.width, bitmap.height, rgb)
        return self._opened[1]

    def _close(self) -> None:
        if self._opened is not None:
            self._m.mtmd_input_chunks_free(self._opened[1])
            self._opened = None

    def _chunks(self, width: int, height: int, rgb: bytes | None) -> Any:
        """What libmtmd makes of a picture that stands alone; without its pixels only as far as sizes go."""
        m = self._m
        pixels = ctypes.cast(ctypes.c_char_p(rgb), ctypes.POINTER(ctypes.c_uint8))
        bitmap, chunks = m.mtmd_bitmap_init(width, height, pixels), m.mtmd_input_chunks_init()
        marker = m.mtmd_get_marker(self._handle)
        text = m.mtmd_input_text(text=marker, text_len=len(marker), add_special=False, parse_special=False)
        bitmaps = (m.mtmd_bitmap_p_ctypes * 1)(bitmap)
        refused = m.mtmd_tokenize(self._handle, chunks, ctypes.byref(text), bitmaps, 1) != 0
        m.mtmd_bitmap_free(bitmap)
        if refused:
            m.mtmd_input_chunks_free(chunks)
            raise LlamaFailure("picture", "the picture was refused")
        return chunks

    def _listed(self, chunks: Any) -> list[Any]:
        return [self._m.mtmd_input_chunks_get(chunks, index) for index in range(self._m.mtmd_input_chunks_size(chunks))]

    def _kind(self, chunk: Any) -> int:
        return int(self._m.mtmd_input_chunk_get_type(chunk))

    def _part(self, chunk: Any) -> Part:
        m = self._m
        if self._kind(chunk) == _TEXT_CHUNK:
            count = ctypes.c_size_t()
            tokens = m.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
            return Part(tokens=tuple(tokens[: count.value]))
        width, height = self._seen_size(chunk)
        return Part(
            cells=m.mtmd_input_chunk_get_n_tokens(chunk),
            together=m.mtmd_decode_use_non_causal(self._handle, chunk),
            width=width,
            height=height,
        )

    def _seen_size(self, chunk: Any) -> tuple[int, int]:
        """The size in pixels that the encoder gets, told only in what libmtmd saves of a chunk; 0 where unknown."""
        m, length = self._m, ctypes.c_size_t()
        m.mtmd_input_chunk_save(chunk, None, 0, ctypes.byref(length))
        saved = (ctypes.c_char * length.value)()
        if m.mtmd_input_chunk_save(chunk, saved, length.value, None) or length.value < 17:
            return 0, 0
        if struct.unpack("<Q", saved.raw[:8]) != (_SAVED_VERSION,):
            return 0, 0
        width, height = struct.unpack("<ii", saved.raw[-9:-1])  # of its last picture, then whether it has sound
        return width, height

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


def refusal(library: Llama, model: LlamaModel, path: Path) -> str:
    """Why libmtmd does not take this image part, in its own words; "" where it does. Hardly anything is read for it."""
    m: Any = importlib.import_module("llama_cpp.mtmd_cpp")
    params = _params(m, library)
    params.use_gpu = False
    give_up = m.mtmd_progress_callback(lambda _fraction, _data: False)  # asked when the weights are about to be read
    params.progress_callback = give_up
    said: list[str] = []

    def hear(level: int, text: bytes, _data: object) -> None:
        if level == LEVEL_ERROR:
            said.append(text.decode("utf-8", "replace").strip())

    heard = m.llama_cpp.llama_log_callback(hear)  # giving up is no error for our log
    m.mtmd_log_set(heard, None)
    try:
        handle = m.mtmd_init_from_file(os.fsencode(path), model.handle, params)
    finally:
        library.listen(m.mtmd_log_set)
    if handle:
        m.mtmd_free(handle)
        return ""
    if any(_GIVEN_UP in line for line in said):
        return ""
    reason = said[0].rpartition("': ")[2] if said else ""
    return re.sub(r"^\w+: ", "", reason) or "no reason was given"  # without the name of a function


def _params(m: Any, library: Llama) -> Any:
    library.listen(m.mtmd_log_set)
    params = m.mtmd_context_params_default()
    params.flash_attn_type = FLASH_ATTENTION["auto"]
    params.warmup = False
    params.print_timings = False
    return params
