"""Brings a model file into the page cache before llama.cpp maps it.

llama.cpp maps the file in one call that neither tells how far it is nor can be given up; on a cold disk that takes
minutes. Here it is read in pieces first, with progress, and what is in memory already is not read again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from app.engine.llama import AbortFlag

_PIECE = 8 << 20
_MOST_OF_MEMORY = 0.8  # a larger file would push out its own beginning


def read_ahead(path: Path, flag: AbortFlag, progress: Callable[[float], None]) -> None:
    """Reads the file until done or until the flag is set; `progress` hears fractions of it."""
    if not hasattr(os, "preadv") or not hasattr(os, "RWF_NOWAIT"):
        return
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _available_memory() * _MOST_OF_MEMORY:
            return
        buffer = bytearray(min(_PIECE, size))
        for start in range(0, size, _PIECE):
            if flag:
                return
            if not _is_cached(file.fileno(), start):
                os.preadv(file.fileno(), [buffer], start)
                progress(min(1.0, (start + _PIECE) / size))


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
