"""Model files that other programs brought to this machine, looked for on a thread."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from PySide6.QtCore import QObject, Signal, Slot

from app.core.paths import DataPaths
from app.ui.model_files import ModelFile, size_text

_log = logging.getLogger("app.models")


class OtherModels(QObject):
    """GUI thread; `changed` comes there when a look found something else than the one before."""

    changed = Signal()
    _found = Signal(object)

    def __init__(self, paths: Callable[[], DataPaths], parent: QObject | None = None) -> None:
        """`paths` answers with the places as the settings want them now."""
        super().__init__(parent)
        self._paths = paths
        self._pool: ThreadPoolExecutor | None = None
        self._given_up = Event()
        self._looks = False
        self.files: tuple[ModelFile, ...] = ()
        self._found.connect(self._on_found)

    @Slot()
    def look(self) -> None:
        """Look again; nothing where a look is under way."""
        if self._looks or self._given_up.is_set():
            return
        self._looks = True
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "models")
        self._pool.submit(self._look, self._paths())

    def close(self) -> None:
        """End the look. Waits for the header that is being read."""
        self._given_up.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _look(self, paths: DataPaths) -> None:
        """On the pool's thread."""
        try:
            self._found.emit(self._others(paths))
        except Exception:  # noqa: BLE001 - the edge of a thread: without an end no other look would begin
            _log.exception("Looking for model files failed")
            self._found.emit(())

    def _others(self, paths: DataPaths) -> tuple[ModelFile, ...]:
        from app.models.library import Library
        from app.models.places import OURS, places

        theirs = [place for place in places(paths, os.environ, Path.home()) if place.source != OURS]
        found = Library(paths.library).scan(theirs, self._given_up.is_set)
        return tuple(
            ModelFile(file.path, file.name, f"{file.source}, {size_text(file.size)}", False)
            for file in found
            if file.facts.chats
        )

    @Slot(object)
    def _on_found(self, files: tuple[ModelFile, ...]) -> None:
        self._looks = False
        if files != self.files:
            self.files = files
            self.changed.emit()
