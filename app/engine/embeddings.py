"""What the encoder made of pictures, kept in memory and on disk: each is encoded once in its life."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from app.core.files import replace_whole

MEMORY = 256 << 20  # bytes of embeddings kept in memory; 65 pictures of a 12B model
DISK = 2 << 30  # bytes of embeddings kept on disk

What = tuple[object, ...]  # the same for the same pixels, seen in the same way


class Embeddings:
    """Those of one image part. Worker's main thread. A folder that cannot be written costs time only."""

    def __init__(self, folder: Path | None, fingerprint: str) -> None:
        """`folder` keeps them between starts; None keeps them in memory only. `fingerprint` is the image part's."""
        self._folder = folder
        self._fingerprint = fingerprint
        self._known: OrderedDict[What, bytes] = OrderedDict()
        self.seconds = self._read_seconds()

    def find(self, what: What, size: int) -> bytes | None:
        """Those of this, `size` bytes; None where they were not made yet, or are damaged."""
        known = self._known.get(what)
        if known is not None:
            self._known.move_to_end(what)
            return known
        if self._folder is None:
            return None
        embeddings = read_checked(self._file(what))
        if embeddings is None or len(embeddings) != size:
            return None
        self._remember(what, embeddings)
        return embeddings

    def keep(self, what: What, embeddings: bytes, seconds: float) -> None:
        """They were made now, in so many seconds."""
        self.seconds = seconds
        self._remember(what, embeddings)
        if self._folder is None:
            return
        with suppress(OSError):
            write_checked(self._file(what), embeddings)
            _cap(self._folder, DISK)
            self._seconds_file().write_text(f"{seconds:.4f}", "ascii")

    def _remember(self, what: What, embeddings: bytes) -> None:
        self._known[what] = embeddings
        while len(self._known) > 1 and sum(map(len, self._known.values())) > MEMORY:
            self._known.popitem(last=False)

    def _read_seconds(self) -> float:
        """What a view took when the last one was encoded, in this run or another; 0.0 where none was."""
        try:
            return float(self._seconds_file().read_text("ascii")) if self._folder is not None else 0.0
        except (OSError, ValueError):
            return 0.0

    def _seconds_file(self) -> Path:
        assert self._folder is not None
        return self._folder / f"{self._fingerprint}.seconds"

    def _file(self, what: What) -> Path:
        assert self._folder is not None
        name = hashlib.sha256(f"{self._fingerprint} {what}".encode()).hexdigest()
        return self._folder / f"{name}.embd"


def read_checked(file: Path) -> bytes | None:
    """What write_checked wrote; None where it is not there or damaged."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest, content = data[:32], data[32:]
    return content if hashlib.sha256(content).digest() == digest else None


def write_checked(file: Path, content: bytes) -> None:
    """Writes a file whole or not at all, with what tells later whether it is as it was. Raises OSError."""
    replace_whole(file, hashlib.sha256(content).digest() + content)


def _cap(folder: Path, most: int) -> None:
    """Removes what was used longest ago until the folder is no larger than `most` bytes."""
    files = sorted((file.stat().st_atime, file.stat().st_size, file) for file in folder.glob("*.embd"))
    size = sum(entry[1] for entry in files)
    for _, length, file in files:
        if size <= most:
            return
        file.unlink(missing_ok=True)
        size -= length
