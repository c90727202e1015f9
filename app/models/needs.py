"""What a plan must know of a model file: its shape and its image part, read from headers and remembered.

What was read holds while the file and all image parts beside it have the same size and time of change.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from app.core.errors import ModelError
from app.core.files import replace_whole
from app.core.paths import display_name, encode_path
from app.gguf.header import parts, read_header
from app.gguf.projector import beside
from app.models.encoder import NO_ENCODER, ImageEncoder, encoder_beside
from app.models.shape import Shape, shape_of

_FORM = 2
_MOST = 2000  # files that are remembered


class Need(msgspec.Struct, frozen=True):
    """Of one file: its shape, and what the encoder of its image part needs.

    Without a shape `error` says in one sentence why there is no plan, and `broken` whether the file is no model at all.
    """

    shape: Shape | None = None
    encoder: ImageEncoder = NO_ENCODER
    error: str = ""
    broken: bool = False
    may_pass: bool = False  # the error is of the disk or its rights, and may be gone at the next look


_Stamp = tuple[tuple[int, int], ...]  # size and time of change of every file that counts


class _Remembered(msgspec.Struct):
    form: int = _FORM
    files: dict[str, tuple[_Stamp, Need]] = {}


def need_of(path: Path, named: str = "") -> Need:
    """Read from the headers now. `named` is the image part that was named for it ("" none)."""
    try:
        header = read_header(path)
        name = display_name(path)
        if header.architecture == "clip":
            return Need(error=f"“{name}” is the image part of a model, not the model itself.", broken=True)
        return Need(shape_of(header, name), encoder_beside(path, header, named))
    except ModelError as error:
        may_pass = error.code in ("missing", "away", "unreadable")
        return Need(error=error.message, broken=error.code != "shape", may_pass=may_pass)


class Needs:
    """Reads each file once. Not for two threads at once."""

    def __init__(self, memory: Path) -> None:
        """`memory` is a file that is made by `keep`; without it everything is read anew."""
        self._memory = memory
        self._known = _recall(memory)
        self._changed = False

    def of(self, path: Path, named: str = "") -> Need:
        """What this file needs, with the image part that was named for it ("" none)."""
        key, stamp = encode_path(path), _stamp(path, named)
        known = self._known.files.pop(key, None)
        if known is None or known[0] != stamp or known[1].may_pass:
            known = (stamp, need_of(path, named))
            self._changed = True
        self._known.files[key] = known  # the one that was asked for last comes last
        return known[1]

    def keep(self) -> None:
        """Remember what was read. A memory that cannot be written costs time only."""
        if not self._changed:
            return
        self._changed = False
        for key in list(self._known.files)[:-_MOST]:
            del self._known.files[key]
        with contextlib.suppress(OSError):
            replace_whole(self._memory, msgspec.json.encode(self._known))


def _recall(memory: Path) -> _Remembered:
    try:
        known = msgspec.json.decode(memory.read_bytes(), type=_Remembered)
    except (OSError, msgspec.DecodeError):
        return _Remembered()
    return known if known.form == _FORM else _Remembered()


def _stamp(path: Path, named: str) -> _Stamp:
    found = []
    for file in (*parts(path), *([Path(named)] if named else ()), *beside(path)):
        with contextlib.suppress(OSError):
            told = file.stat()
            found.append((told.st_size, told.st_mtime_ns))
    return tuple(found)
