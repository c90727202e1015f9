"""The C library, and the only file that touches its bindings: models, contexts, samplers as small typed objects.

All of it runs on the worker's main thread, except `AbortFlag.set` and the log callback, which any thread may reach.
What goes wrong comes as a return value or as `LlamaFailure`; the words for a person are written by the callers.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from app.core.protocol import Device
from app.engine.backends import Backends
from app.engine.candidates import Candidates, among_best, view
from app.engine.llama_sampling import LlamaGrammar, LlamaSampler

LogSink = Callable[[int, str], None]

LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR, LEVEL_CONTINUED = 1, 2, 3, 4, 5  # ggml_log_level
ATTRIBUTE_UNKNOWN, ATTRIBUTE_CONTROL = 1 << 0, 1 << 3  # llama_token_attr
KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}  # ggml_type
FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}  # llama_flash_attn_type
DECODE_NO_SLOT, DECODE_ABORTED = 1, 2
_MROPE = (8, 40)  # llama_rope_type: M-RoPE and interleaved M-RoPE
_DEVICE_KINDS = ("cpu", "gpu", "igpu", "accel")  # ggml_backend_dev_type
_STATE_PARTIAL = 1  # the sliding-window (or recurrent) part of a sequence's state only
_SEQUENCE = 0


class LlamaFailure(Exception):
    """llama.cpp refused: `detail` is the last error it logged, for the caller to explain."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(f"{what}: {detail}" if detail else what)
        self.detail = detail


def out_of_memory(detail: str) -> bool:
    """Whether what llama.cpp logged says that memory, of a card or the computer, was missing."""
    return re.search(r"failed to allocate|unable to allocate|out of memory|bad_alloc", detail) is not None


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """How a context is made. Sizes in tokens."""

    context: int
    batch: int
    threads: int
    kv_type: str = "f16"
    flash_attention: str = "auto"
    swa_full: bool = False


def library_folder() -> Path:
    """Where the libraries of llama-cpp-python are; nothing is loaded for it."""
    return Path(str(_package().origin)).absolute().parent / "lib"


def _package() -> ModuleSpec:
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None:
        raise ImportError("llama-cpp-python is not installed")
    return spec


def _bindings() -> tuple[Any, Any]:
    """The C bindings of llama-cpp-python without its package body, which imports numpy, a disk cache, chat handlers."""
    for override in ("LLAMA_CPP_LIB_PATH", "MTMD_CPP_LIB"):
        os.environ.pop(override, None)  # some libraries would come from there, and others from their own folder
    if "llama_cpp" not in sys.modules:
        sys.modules["llama_cpp"] = importlib.util.module_from_spec(_package())
    import llama_cpp._ggml
    import llama_cpp.llama_cpp

    return llama_cpp.llama_cpp, llama_cpp._ggml.libggml


class AbortFlag:
    """Stops a decode from any thread. The callback is the C library's strlen on a flag byte: it needs no Python."""

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)

    @property
    def address(self) -> int:
        """What the callback is handed."""
        return ctypes.addressof(self._buffer)

    def set(self) -> None:
        """Ends the decode that runs, and the next ones until clear(). Any thread."""
        self._buffer[0] = b"\x01"

    def clear(self) -> None:
        """Decodes run again."""
        self._buffer[0] = b"\x00"

    def __bool__(self) -> bool:
        return self._buffer[0] != b"\x00"


class Llama:
    """The loaded library: made once in a process, before anything else here is used."""

    def __init__(self, log: LogSink, backends: Backends) -> None:
        """`backends` are those in files. Raises EngineError where nothing runs on this processor."""
        os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # or an abort starts a debugger where there is one
        # A thread that waits for another gives its core away after some 0.1 ms instead of 5 (libgomp). An idle machine
        # loses nothing by it; on a busy one a token takes tens of milliseconds, not seconds, until threads are fewer.
        os.environ.setdefault("GOMP_SPINCOUNT", "5000")
        self._c, self._ggml = _bindings()
        self._recent: deque[str] = deque(maxlen=8)
        self._log = log
        self._level = LEVEL_INFO
        self._line = ""
        self._log_callback = self._c.llama_log_callback(self._on_log)
        self._c.llama_log_set(self._log_callback, None)
        libc = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
        self._strlen = ctypes.cast(libc.strlen, self._c.ggml_abort_callback)
        self._declare_backend_functions()
        # One sentence for each backend that is there and cannot be used. llama_backend_init comes after it: where no
        # backend is loaded, it looks for some in the current folder.
        self.trouble = backends.load(self._ggml)
        self._c.llama_backend_init()

    def _declare_backend_functions(self) -> None:
        ggml = self._ggml
        ggml.ggml_backend_reg_count.restype = ctypes.c_size_t
        ggml.ggml_backend_load.argtypes, ggml.ggml_backend_load.restype = [ctypes.c_char_p], ctypes.c_void_p
        ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
        ggml.ggml_backend_dev_get.argtypes, ggml.ggml_backend_dev_get.restype = [ctypes.c_size_t], ctypes.c_void_p
        for name in ("name", "description"):
            function = getattr(ggml, f"ggml_backend_dev_{name}")
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_char_p
        ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
        size_p = ctypes.POINTER(ctypes.c_size_t)
        ggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, size_p, size_p]
        ggml.ggml_backend_dev_memory.restype = None

    def _on_log(self, level: int, text: bytes, _user_data: object) -> None:
        if level != LEVEL_CONTINUED:
            self._level = level
        self._line += text.decode("utf-8", "replace")
        if not self._line.endswith("\n") and len(self._line) < 4096:
            return
        line, self._line = self._line.rstrip(), ""
        if self._level in (LEVEL_WARNING, LEVEL_ERROR):
            self._recent.append(line)
        self._log(self._level, line)

    def listen(self, set_log: Callable[[Any, None], None]) -> None:
        """Have another library of llama.cpp's log where this one does."""
        set_log(self._log_callback, None)

    def forget_errors(self) -> None:
        """Errors logged so far belong to what was done before."""
        self._recent.clear()

    def errors(self) -> str:
        """The warnings and errors logged since forget_errors, oldest first, one a line."""
        return "\n".join(self._recent)

    @property
    def version(self) -> str:
        """llama.cpp's."""
        return str(self._c.llama_version().decode())

    def versions(self) -> dict[str, str]:
        """Versions of the bindings, llama.cpp and ggml."""
        from importlib.metadata import version

        self._ggml.ggml_version.restype = self._ggml.ggml_commit.restype = ctypes.c_char_p
        return {
            "llama-cpp-python": version("llama-cpp-python"),
            "llama.cpp": self.version,
            "ggml": f"{self._ggml.ggml_version().decode()} ({self._ggml.ggml_commit().decode()})",
        }

    def system_info(self) -> str:
        """What the processor and the backends can do, in llama.cpp's words."""
        return str(self._c.llama_print_system_info().decode("utf-8", "replace"))

    def devices(self) -> tuple[Device, ...]:
        """Every compute device ggml sees, with its memory in bytes."""
        found = []
        for index in range(self._ggml.ggml_backend_dev_count()):
            handle = self._ggml.ggml_backend_dev_get(index)
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            self._ggml.ggml_backend_dev_memory(handle, ctypes.byref(free), ctypes.byref(total))
            kind = self._ggml.ggml_backend_dev_type(handle)
            found.append(
                Device(
                    name=self._ggml.ggml_backend_dev_name(handle).decode("utf-8", "replace"),
                    description=self._ggml.ggml_backend_dev_description(handle).decode("utf-8", "replace"),
                    kind=_DEVICE_KINDS[kind] if kind < len(_DEVICE_KINDS) else "accel",
                    memory_free=free.value,
                    memory_total=total.value,
                )
            )
        return tuple(found)

    def load_model(
        self,
        path: Path,
        gpu_layers: int,
        progress: Callable[[float], bool],
        devices: Sequence[str] | None = None,
        split: Sequence[int] = (),
    ) -> LlamaModel:
        """The model of a file, `split` by layers over the `devices` of these names (None: over all there are).

        `progress` answers False to give up. Raises LlamaFailure.
        """
        c = self._c
        params = c.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        if devices is not None:
            handles = [self.device(name) for name in devices]
            chosen = (ctypes.c_void_p * (len(handles) + 1))(*handles, None)
            shares = (ctypes.c_float * max(c.llama_max_devices(), len(split)))(*split)
            params.devices = ctypes.cast(chosen, ctypes.c_void_p)
            params.tensor_split = shares
        callback = c.llama_progress_callback(lambda fraction, _user_data: progress(fraction))
        params.progress_callback = callback
        self.forget_errors()
        handle = c.llama_model_load_from_file(os.fsencode(path), params)
        if not handle:
            raise LlamaFailure("load", self.errors())
        return LlamaModel(self, c, handle)

    def device(self, name: str) -> int:
        """The handle of a device by ggml's name. Raises LlamaFailure where there is none."""
        for index in range(self._ggml.ggml_backend_dev_count()):
            handle: int = self._ggml.ggml_backend_dev_get(index)
            if self._ggml.ggml_backend_dev_name(handle) == name.encode():
                return handle
        raise LlamaFailure("load", f"there is no device {name}")

    def create_sampler(self) -> LlamaSampler:
        """An empty sampler chain."""
        return LlamaSampler(self._c)

    @property
    def abort_callback(self) -> object:
        """The strlen of AbortFlag, as ggml's abort callback."""
        return self._strlen


class LlamaModel:
    """Weights and vocabulary. `free` gives the memory back; contexts of it must be gone by then."""

    def __init__(self, library: Llama, c: Any, handle: int) -> None:
        self.library = library
        self._c = c
        self._handle = handle
        self._vocab = c.llama_model_get_vocab(handle)
        self.n_embd: int = c.llama_model_n_embd(handle)
        self.n_embd_inp: int = c.llama_model_n_embd_inp(handle)  # of what is put in: wider where layers get more
        self.mrope: bool = c.llama_model_rope_type(handle) in _MROPE  # a picture's cells have rows and columns
        self.n_vocab: int = c.llama_vocab_n_tokens(self._vocab)
        self.n_layers: int = c.llama_model_n_layer(handle)
        self.n_swa: int = c.llama_model_n_swa(handle)
        self.trained_context: int = c.llama_model_n_ctx_train(handle)
        self.parameters: int = c.llama_model_n_params(handle)
        self.size_bytes: int = c.llama_model_size(handle)
        self.bos: int = c.llama_vocab_bos(self._vocab)
        self.eos: int = c.llama_vocab_eos(self._vocab)
        self.eot: int = c.llama_vocab_eot(self._vocab)
        self.add_bos: bool = c.llama_vocab_get_add_bos(self._vocab)
        self.recurrent: bool = c.llama_model_is_recurrent(handle) or c.llama_model_is_hybrid(handle)
        self.answers: bool = c.llama_model_has_decoder(handle) and not c.llama_model_is_diffusion(handle)

    @property
    def handle(self) -> int:
        """The C library's, for the image encoder that belongs to this model."""
        return self._handle

    def create_grammar(self, text: str) -> LlamaGrammar:
        """A grammar (GBNF) over this vocabulary. Raises ValueError where llama.cpp does not understand it."""
        return LlamaGrammar(self._c, self._vocab, text)

    def free(self) -> None:
        """Gives the memory back. Twice does no harm."""
        if self._handle:
            self._c.llama_model_free(self._handle)
            self._handle = 0

    def tokenize(self, text: bytes, *, parse_special: bool = False) -> list[int]:
        """Ids of UTF-8 text, without BOS or EOS."""
        size = len(text) + 8
        buffer = (ctypes.c_int32 * size)()
        count = self._c.llama_tokenize(self._vocab, text, len(text), buffer, size, False, parse_special)
        if count < 0:
            size = -count
            buffer = (ctypes.c_int32 * size)()
            count = self._c.llama_tokenize(self._vocab, text, len(text), buffer, size, False, parse_special)
        return buffer[:count]

    def piece(self, token: int, *, special: bool) -> bytes:
        """The bytes of a token, of any length; control tokens have bytes only when `special`."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = self._c.llama_token_to_piece(self._vocab, token, buffer, size, 0, special)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def token_text(self, token: int) -> str:
        """A token as the vocabulary spells it."""
        text = self._c.llama_vocab_get_text(self._vocab, token)
        return "" if text is None else str(text.decode("utf-8", "replace"))

    def attributes(self, token: int) -> int:
        """llama_token_attr bits of a token."""
        return int(self._c.llama_vocab_get_attr(self._vocab, token))

    def ends_generation(self, token: int) -> bool:
        """llama.cpp's own opinion on whether an answer ends here."""
        return bool(self._c.llama_vocab_is_eog(self._vocab, token))

    def create_context(self, options: ContextOptions, flag: AbortFlag) -> LlamaContext:
        """A context with one sequence. Raises LlamaFailure when there is no memory for it."""
        c = self._c
        params = c.llama_context_default_params()
        params.n_ctx = options.context
        params.n_batch = params.n_ubatch = options.batch
        params.n_outputs_max = (
            1  # room for the logits of one token, not of a batch: 512 MiB less with Gemma's vocabulary
        )
        params.n_threads = params.n_threads_batch = options.threads
        params.flash_attn_type = FLASH_ATTENTION[options.flash_attention]
        params.type_k = params.type_v = KV_TYPES[options.kv_type]
        params.swa_full = options.swa_full
        params.abort_callback = self.library.abort_callback
        params.abort_callback_data = flag.address
        self.library.forget_errors()
        handle = c.llama_init_from_model(self._handle, params)
        if not handle:
            raise LlamaFailure("context", self.library.errors())
        return LlamaContext(self, c, handle, flag)


class LlamaContext:
    """Evaluated state of one sequence, its memory (KV cache) and the logits of the last token."""

    def __init__(self, model: LlamaModel, c: Any, handle: int, flag: AbortFlag) -> None:
        self.model = model
        self._flag = flag  # its buffer must live as long as the context
        self._c = c
        self._handle = handle
        self._memory = c.llama_get_memory(handle)
        self.size: int = c.llama_n_ctx(handle)
        self.batch: int = c.llama_n_batch(handle)
        self._tokens = (ctypes.c_int32 * self.batch)()
        self._one = (ctypes.c_int32 * 1)()
        self._batch_of_one = c.llama_batch_get_one(self._one, 1)
        self._candidates = Candidates()
        self._logits_at = 0
        self._logits: Any = None

    def free(self) -> None:
        """Gives the memory back. Twice does no harm."""
        if self._handle:
            self._c.llama_free(self._handle)
            self._handle = 0

    def decode(self, tokens: Sequence[int]) -> int:
        """Evaluates tokens (at most `batch`) after the last cell; 0 or llama_decode's error."""
        count = len(tokens)
        self._tokens[:count] = list(tokens)
        return int(self._c.llama_decode(self._handle, self._c.llama_batch_get_one(self._tokens, count)))

    def decode_one(self, token: int) -> int:
        """Evaluates one token after the last cell, without an allocation; 0 or llama_decode's error."""
        self._one[0] = token
        return int(self._c.llama_decode(self._handle, self._batch_of_one))

    def decode_embeddings(self, embeddings: bytes, *, together: bool) -> int:
        """Evaluates embeddings of a picture (n x n_embd float32) in one batch; all cells see each other if `together`.

        0 or llama_decode's error. At most `batch` of them.
        """
        c, width = self._c, self.model.n_embd_inp
        count = len(embeddings) // (4 * width)
        assert count <= self.batch  # llama.cpp would end the process
        first = self.last_position() + 1
        batch = c.llama_batch_init(count, width, 1)
        try:
            batch.n_tokens = count
            ctypes.memmove(batch.embd, embeddings, len(embeddings))
            for index in range(count):
                batch.pos[index] = first + index
                batch.n_seq_id[index] = 1
                batch.seq_id[index][0] = _SEQUENCE
                batch.logits[index] = 0
            c.llama_set_causal_attn(self._handle, not together)
            return int(c.llama_decode(self._handle, batch))
        finally:
            c.llama_set_causal_attn(self._handle, True)
            c.llama_batch_free(batch)

    def synchronize(self) -> None:
        """Waits for a device that computes by itself."""
        self._c.llama_synchronize(self._handle)

    def set_threads(self, decode: int, batch: int) -> None:
        """Threads for one token and for batches, from the next decode on."""
        self._c.llama_set_n_threads(self._handle, decode, batch)

    def first_position(self) -> int:
        """The smallest position that the (sliding-window) memory still holds, -1 when empty."""
        return int(self._c.llama_memory_seq_pos_min(self._memory, _SEQUENCE))

    def last_position(self) -> int:
        """The largest position in memory, -1 when empty."""
        return int(self._c.llama_memory_seq_pos_max(self._memory, _SEQUENCE))

    def cut(self, keep: int) -> bool:
        """Removes the cells from position `keep` on. True proves nothing for a sliding window (`context.py`)."""
        return bool(self._c.llama_memory_seq_rm(self._memory, _SEQUENCE, keep, -1))

    def clear(self) -> None:
        """Empties the memory."""
        self._c.llama_memory_clear(self._memory, False)

    def partial_state(self) -> Any:
        """The sliding-window (or recurrent) part of the state as a ctypes array; empty when llama.cpp gives none."""
        size = self._c.llama_state_seq_get_size_ext(self._handle, _SEQUENCE, _STATE_PARTIAL)
        data = (ctypes.c_uint8 * size)()
        written = self._c.llama_state_seq_get_data_ext(self._handle, data, size, _SEQUENCE, _STATE_PARTIAL)
        return data if written == size else (ctypes.c_uint8 * 0)()

    def restore_partial_state(self, data: Any) -> bool:
        """Puts a partial_state back. The cells it needs in the full part must be those of its time."""
        size = len(data)
        return bool(self._c.llama_state_seq_set_data_ext(self._handle, data, size, _SEQUENCE, _STATE_PARTIAL) == size)

    def logits(self) -> bytes:
        """The logits of the last evaluated token, float32. For comparisons: sampling reads them in place."""
        pointer = self._c.llama_get_logits_ith(self._handle, -1)
        return ctypes.string_at(pointer, self.model.n_vocab * 4)

    def sample(self, sampler: LlamaSampler) -> int:
        """The next token by the chain; the chain has accepted it."""
        c, best = self._c, sampler.best
        if best:
            address = ctypes.addressof(c.llama_get_logits_ith(self._handle, -1).contents)
            if address != self._logits_at:
                self._logits_at, self._logits = address, view(address, self.model.n_vocab)
            if best == 1:
                return int(self._logits.argmax())
            if found := self._candidates.find(self._logits, best):
                return self._choose(sampler, found)
        return int(c.llama_sampler_sample(sampler.handle, self._handle, -1))

    def sample_within(self, sampler: LlamaSampler, grammar: LlamaGrammar, most: int, never: Any) -> int | None:
        """The next token by the chain among the best `most` that the grammar allows and that are not in `never`.

        None where it allows none of them.
        """
        address = ctypes.addressof(self._c.llama_get_logits_ith(self._handle, -1).contents)
        logits = view(address, self.model.n_vocab)
        kept = among_best(logits, most, never, grammar.mark)
        if not len(kept):
            return None
        if sampler.best == 1:
            return int(kept["id"][kept["logit"].argmax()])
        return self._choose(sampler, len(kept), int(kept.ctypes.data))

    def _choose(self, sampler: LlamaSampler, count: int, address: int = 0) -> int:
        c = self._c
        data = ctypes.cast(address or self._candidates.address, c.llama_token_data_p)
        among = c.llama_token_data_array(data=data, size=count, selected=-1, sorted=False)
        c.llama_sampler_apply(sampler.handle, ctypes.byref(among))
        token = int(among.data[among.selected].id)
        c.llama_sampler_accept(sampler.handle, token)
        return token
