"""What a model file says of itself, read on a thread: a header has some megabytes, and a disk may be slow."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.errors import UserError
from app.ui.aside import Aside


class FactReader(QObject):
    """GUI thread. `read` comes with the path and its ModelFacts, or a sentence where it cannot be read."""

    read = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._aside = Aside("facts")

    def ask(self, path: Path, named: str) -> None:
        """Read this file, and the image part that was named for it ("" none)."""
        self._aside.post(partial(self._read, path, named))

    def close(self) -> None:
        """Read no more."""
        self._aside.close()

    def _read(self, path: Path, named: str) -> None:
        """On the thread aside."""
        from app.models.facts import ModelFacts, read_facts

        told: ModelFacts | str
        try:
            told = read_facts(path, named)
        except UserError as error:
            told = error.message
        if not self._aside.is_closed():
            self.read.emit(path, told)
