"""How libmtmd lays a picture of a size out in the prompt: cells of it, and the tokens around and between them.

This depends on the picture's size alone, so the encoder is asked once for each, and what it said is kept on disk: a
known picture costs no encoder after a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from app.engine.embeddings import read_checked, write_checked

_MOST = 1000  # that are kept


class Part(msgspec.Struct, frozen=True):
    """Tokens of text; or `cells` of what was seen, `width` x `height` pixels of it (0: not known).

    Those cells are read in one batch where they see each other (`together`).
    """

    tokens: tuple[int, ...] = ()
    cells: int = 0
    together: bool = False
    width: int = 0
    height: int = 0


Layout = tuple[Part, ...]


class Layouts:
    """Those of one image part with one vocabulary. Worker's main thread."""

    def __init__(self, file: Path | None, vocabulary: str, ask: Callable[[int, int, int], Layout]) -> None:
        """`ask` has libmtmd lay out a picture of this width and height with so many image tokens (0: as it likes).

        `vocabulary` names what the tokens mean.
        """
        self._file = file
        self._vocabulary = vocabulary
        self._ask = ask
        self._known = self._read()

    def of(self, width: int, height: int, tokens: int) -> Layout:
        """The layout of a picture of this size. Raises what `ask` raises."""
        key = f"{self._vocabulary} {width}x{height} {tokens}"
        if key not in self._known:
            self._known[key] = self._ask(width, height, tokens)
            while len(self._known) > _MOST:
                del self._known[next(iter(self._known))]
            if self._file is not None:
                with suppress(OSError):
                    write_checked(self._file, msgspec.json.encode(self._known))
        return self._known[key]

    def _read(self) -> dict[str, Layout]:
        found = read_checked(self._file) if self._file is not None else None
        try:
            return msgspec.json.decode(found, type=dict[str, Layout]) if found is not None else {}
        except msgspec.DecodeError:
            return {}
