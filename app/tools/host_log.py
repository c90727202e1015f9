"""The log of one server: what it wrote to stderr, within bounds."""

from __future__ import annotations

import os
import re
import zlib
from contextlib import suppress
from pathlib import Path

LARGEST_LOG = 1 << 20  # bytes that one start of a server may fill
_TAIL = 8 << 10


def log_path(folder: Path, server: str) -> Path:
    """Where a server's log lies: its name, made fit for a file system and unlike any other's."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", server)[:40]
    unlike = "" if plain == server else f"-{zlib.crc32(server.encode('utf-8', 'replace')):08x}"
    return folder / f"server-{plain}{unlike}.log"


class ServerLog:
    """Keeps the beginning in a file and the end in memory; the end joins the file when the server has ended."""

    def __init__(self, path: Path) -> None:
        """Begins anew. Where nothing can be written the log is kept in memory only."""
        self._path = path
        self._tail = b""
        self._room = LARGEST_LOG - 2 * _TAIL
        self._file = -1
        with suppress(OSError):
            path.unlink(missing_ok=True)

    @property
    def tail(self) -> bytes:
        """The end of what was written."""
        return self._tail

    def write(self, data: bytes) -> None:
        """Take what the server wrote."""
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        if self._room > 0:
            self._append(data[: self._room])
        self._room -= len(data)

    def close(self) -> None:
        """The server has ended."""
        if self._room < 0:
            self._append(b"\n[left out: %d bytes]\n" % max(0, -self._room - len(self._tail)))
            self._append(self._tail[self._room :])
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        with suppress(OSError):  # a full disk stops no server
            if self._file < 0:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(self._file, data)
