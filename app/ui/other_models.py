"""Model files of other programs, those that lie deep in our folder, and which of all could see: found on a thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal, Slot

from app.core.paths import DataPaths
from app.ui.aside import Aside
from app.ui.model_files import ModelFile, is_deep, size_text


class _Found(NamedTuple):
    files: tuple[ModelFile, ...] = ()
    blind: frozenset[Path] = frozenset()
    unusable: tuple[ModelFile, ...] = ()


class OtherModels(QObject):
    """GUI thread; `changed` comes there when a look found something else than the one before."""

    changed = Signal()
    _found = Signal(object)

    def __init__(
        self, paths: Callable[[], DataPaths], recent: Callable[[], list[Path]], parent: QObject | None = None
    ) -> None:
        """`paths` answers with the places as the settings want them now, `recent` with files from anywhere."""
        super().__init__(parent)
        self._paths, self._recent = paths, recent
        self._aside = Aside("models")
        self._looks = self._again = False
        self._known = _Found()
        self._found.connect(self._on_found)

    @Slot()
    def look(self) -> None:
        """Look again, once more where a look is under way: it may have passed by what is new."""
        if self._looks or self._aside.is_closed():
            self._again = self._looks
            return
        self._looks, self._again = True, False
        self._aside.post(partial(self._look, self._paths(), self._recent()))

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """Those that can be used."""
        return self._known.files

    @property
    def blind(self) -> frozenset[Path]:
        """Those that an image part could be named for."""
        return self._known.blind

    @property
    def unusable(self) -> tuple[ModelFile, ...]:
        """What Ollama has and only Ollama can load."""
        return self._known.unusable

    def image_part(self, path: Path) -> Path | None:
        """The one that its place names for a file."""
        return next((file.image_part for file in self.files if file.path == path), None)

    def close(self) -> None:
        """End the look."""
        self._aside.close()

    def _look(self, paths: DataPaths, recent: list[Path]) -> None:
        """On the thread aside."""
        found = _Found()
        try:
            found = self._all(paths, recent)
        finally:  # without an end no other look would begin
            if not self._aside.is_closed():
                self._found.emit(found)

    def _all(self, paths: DataPaths, recent: list[Path]) -> _Found:
        from app.gguf.projector import beside
        from app.models.library import Library
        from app.models.places import OLLAMA, OURS, places

        def whose(source: str) -> str:
            return "" if source == OURS else f"{source}, "

        library = Library(paths.library)
        found = library.scan(places(paths, os.environ, Path.home()), self._aside.is_closed)
        blind = {file.path for file in found if file.facts.could_see and file.projector is None}
        placed = {file.path for file in found}
        for path, facts in library.facts(path for path in recent if path not in placed).items():
            if facts.could_see and not beside(path):
                blind.add(path)
        files = tuple(
            ModelFile(
                file.path,
                file.name,
                f"{whose(file.source)}{size_text(file.size)}",
                False,
                file.projector if file.names else None,
                file.path in blind,
            )
            for file in found
            if file.facts.chats and (file.source != OURS or is_deep(paths, file.path))
        )
        unusable = tuple(
            ModelFile(file.path, file.name, file.trouble, False, usable=False)
            for file in found
            if file.source == OLLAMA and file.facts.error and not file.facts.may_pass
        )
        return _Found(files, frozenset(blind), unusable)

    @Slot(object)
    def _on_found(self, found: _Found) -> None:
        self._looks = False
        if found != self._known:
            self._known = found
            self.changed.emit()
        if self._again:
            self.look()
