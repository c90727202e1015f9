"""The pages of a model file: in the page cache before llama.cpp maps it, let go of when it has made its own of them.

llama.cpp maps the file in one call that neither tells how far it is nor can be given up; on a cold disk that takes
minutes. Here it is read in pieces first, with progress, and what is in memory already is not read again.

On a processor it then writes most weights anew in an order that suits the processor (CPU_REPACK in its log), and keeps
the whole file mapped beside them: a model would count twice.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from app.engine.llama import AbortFlag

_PIECE = 8 << 20
_MAPS = Path("/proc/self/maps")
_MADV_DONTNEED = 4
_MOST_OF_MEMORY = 0.8  # a larger file would push out its own beginning


def read_ahead(paths: Sequence[Path], flag: AbortFlag, progress: Callable[[float], None]) -> None:
    """Reads the files until done or until the flag is set; `progress` hears fractions of all of them."""
    if not hasattr(os, "preadv") or not hasattr(os, "RWF_NOWAIT"):
        return
    sizes = [path.stat().st_size for path in paths]
    if sum(sizes) > _available_memory() * _MOST_OF_MEMORY:
        return
    buffer, before = bytearray(_PIECE), 0
    for path, size in zip(paths, sizes, strict=True):
        with path.open("rb", buffering=0) as file:
            for start in range(0, size, _PIECE):
                if flag:
                    return
                if not _is_cached(file.fileno(), start):
                    os.preadv(file.fileno(), [buffer], start)
                    progress(min(1.0, (before + start + _PIECE) / sum(sizes)))
        before += size


def let_go(paths: Sequence[Path]) -> None:
    """Takes the pages of these mapped files out of this process. What is read again comes back from the page cache.

    llama.cpp maps model files to be read only and shared; nothing can be lost of such a mapping. Linux only.
    """
    try:
        mapped = _MAPS.read_text("utf-8", "surrogateescape")
    except OSError:  # another system, or one that hides it: the model is in memory twice
        return
    files = {str(path.resolve()) for path in paths}
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in mapped.splitlines():
        place, rights, _offset, _device, _inode, *named = line.split(maxsplit=5)
        if rights == "r--s" and named and named[0] in files:  # a graphics driver maps files of its own in this way
            begin, end = (int(number, 16) for number in place.split("-"))
            advise(begin, end - begin, _MADV_DONTNEED)


def _is_cached(descriptor: int, start: int) -> bool:
    """Whether the piece's first and last page come without waiting for the disk."""
    try:
        return all(
            os.preadv(descriptor, [bytearray(1)], place, os.RWF_NOWAIT) >= 0 for place in (start, start + _PIECE - 4096)
        )
    except OSError:
        return False


def _available_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)
