"""A graphics backend tried in a process of its own, where a driver that crashes or hangs takes nothing along.

`python -P -m app.worker --probe LIBRARIES BACKEND`: the folder of the engine's libraries and the backend's own. How it
went is the exit code. Of the engine only ggml is loaded.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

PROBE_SECONDS = 8.0  # a card answers in less than one; a cold disk and a busy machine take a few
PREFIX, SUFFIX = ("", ".dll") if sys.platform == "win32" else ("lib", ".so")
CARD_TYPES = (1, 2)  # ggml_backend_dev_type: a card of its own, one in the processor

_log = logging.getLogger("app.llama")
_OVERTIME = 2  # seconds; whoever started this may have died over it
_COUNT = 64
_F32 = 0  # ggml_type
_POINTER, _SIZE, _INT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ggml_backend_load": (_POINTER, (ctypes.c_char_p,)),
    "ggml_backend_dev_count": (_SIZE, ()),
    "ggml_backend_dev_get": (_POINTER, (_SIZE,)),
    "ggml_backend_dev_type": (_INT, (_POINTER,)),
    "ggml_backend_dev_init": (_POINTER, (_POINTER, ctypes.c_char_p)),
    "ggml_new_tensor_1d": (_POINTER, (_POINTER, _INT, ctypes.c_int64)),
    "ggml_add": (_POINTER, (_POINTER, _POINTER, _POINTER)),
    "ggml_new_graph": (_POINTER, (_POINTER,)),
    "ggml_build_forward_expand": (None, (_POINTER, _POINTER)),
    "ggml_backend_alloc_ctx_tensors": (_POINTER, (_POINTER, _POINTER)),
    "ggml_backend_tensor_set": (None, (_POINTER, _POINTER, _SIZE, _SIZE)),
    "ggml_backend_graph_compute": (_INT, (_POINTER, _POINTER)),
    "ggml_backend_tensor_get": (None, (_POINTER, _POINTER, _SIZE, _SIZE)),
}


class Verdict(Enum):
    """How a backend did. The first four are exit codes of the process, and not those that a library would choose."""

    WORKS = 70
    NO_CARD = 71
    REFUSED = 72  # the system's loader does not load it, or it belongs to another engine
    WRONG = 73
    CRASHED = 0  # and any other exit code: a library may end the process as it likes
    HUNG = 256


class _InitParams(ctypes.Structure):
    """ggml_init_params."""

    _fields_ = (("mem_size", _SIZE), ("mem_buffer", _POINTER), ("no_alloc", ctypes.c_bool))


def run_probe(libraries: Path, backend: Path) -> NoReturn:
    """Try the backend and end this process with the verdict."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(PROBE_SECONDS) + _OVERTIME)
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    verdict = _verdict(libraries, backend)
    _log.info("%s: %s", backend.name, verdict.name)
    os._exit(verdict.value)  # not by way of what drivers do at an end


def _verdict(libraries: Path, backend: Path) -> Verdict:
    ggml = _declared(ctypes.CDLL(str(libraries / f"{PREFIX}ggml{SUFFIX}")))
    before = ggml.ggml_backend_dev_count()
    if not ggml.ggml_backend_load(os.fsencode(backend)):
        return Verdict.REFUSED
    found = [ggml.ggml_backend_dev_get(index) for index in range(before, ggml.ggml_backend_dev_count())]
    cards = [device for device in found if ggml.ggml_backend_dev_type(device) in CARD_TYPES]
    if not cards:
        return Verdict.NO_CARD
    return Verdict.WORKS if all(_adds(ggml, card) for card in cards) else Verdict.WRONG


def _declared(ggml: Any) -> Any:
    """The library with the types of the functions that are used here."""
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(ggml, name)
        function.restype, function.argtypes = result, arguments
    ggml.ggml_init.restype, ggml.ggml_init.argtypes = _POINTER, (_InitParams,)
    return ggml


def _adds(ggml: Any, card: int) -> bool:
    """Whether memory can be taken on a card, written, computed with and read."""
    backend = ggml.ggml_backend_dev_init(card, None)
    context = ggml.ggml_init(_InitParams(1 << 20, None, True))
    one, other = (ggml.ggml_new_tensor_1d(context, _F32, _COUNT) for _ in range(2))
    total = ggml.ggml_add(context, one, other)
    graph = ggml.ggml_new_graph(context)
    ggml.ggml_build_forward_expand(graph, total)
    if not backend or not ggml.ggml_backend_alloc_ctx_tensors(context, backend):
        return False
    given, answer = (ctypes.c_float * _COUNT)(*range(_COUNT)), (ctypes.c_float * _COUNT)()
    for tensor in (one, other):
        ggml.ggml_backend_tensor_set(tensor, given, 0, ctypes.sizeof(given))
    status = ggml.ggml_backend_graph_compute(backend, graph)
    ggml.ggml_backend_tensor_get(total, answer, 0, ctypes.sizeof(answer))
    return status == 0 and list(answer) == [2.0 * value for value in given]
