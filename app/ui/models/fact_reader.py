"""What a model file says of itself, read on a thread: a header has some megabytes, and a disk may be slow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.errors import UserError


class FactReader(QObject):
    """GUI thread. `read` comes with the path and its ModelFacts, or a sentence where it cannot be read."""

    read = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool: ThreadPoolExecutor | None = None

    def ask(self, path: Path, named: str) -> None:
        """Read this file, and the image part that was named for it ("" none)."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "facts")
        self._pool.submit(self._read, path, named)

    def close(self) -> None:
        """Waits for the header that is being read."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _read(self, path: Path, named: str) -> None:
        """On the pool's thread."""
        from app.models.facts import read_facts

        try:
            self.read.emit(path, read_facts(path, named))
        except UserError as error:
            self.read.emit(path, error.message)
