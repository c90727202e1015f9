"""Which model files fit this machine, found on a thread: headers are read there, and plans are made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.models.memory import Machine
from app.models.needs import Need, Needs
from app.models.table import Asked, kind, of_shape, planned
from app.ui.aside import Aside


@dataclass(frozen=True, slots=True)
class FileFit:
    """A file, what it needs, and the kind of its usual plan; "" where there is none."""

    path: Path
    need: Need
    kind: str = ""


class FileFits(QObject):
    """GUI thread; `told` comes there for each file that was asked about."""

    told = Signal(object)  # FileFit
    _found = Signal(object)

    def __init__(
        self, memory: Path, parent: QObject | None = None, named: Callable[[Path], str] = lambda _: ""
    ) -> None:
        """`memory` is where the headers' words are kept; `named` answers with the image part named for a file."""
        super().__init__(parent)
        self._needs = Needs(memory)
        self._named = named
        self._aside = Aside("fits")
        self._waiting: deque[tuple[Path, str, Machine]] = deque()
        self.known: dict[Path, FileFit] = {}
        self._found.connect(self._on_found)

    def look(self, paths: Iterable[Path], machine: Machine) -> None:
        """Look at these files; those that still waited from before are forgotten."""
        self._waiting.clear()
        self._waiting.extend((path, self._named(path), machine) for path in paths)
        self._begin()

    def ask(self, path: Path, machine: Machine) -> None:
        """Look at this file before the others."""
        self._waiting.appendleft((path, self._named(path), machine))
        self._begin()

    def close(self) -> None:
        """End the look."""
        self._waiting.clear()
        self._aside.close()

    def _begin(self) -> None:
        if not self._aside.is_closed():
            self._aside.post(self._work)

    def _work(self) -> None:
        """On the thread aside."""
        while not self._aside.is_closed():
            try:
                path, named, machine = self._waiting.popleft()
            except IndexError:
                break
            fit = self._fit(path, named, machine)
            if not self._aside.is_closed():
                self._found.emit(fit)
        self._needs.keep()

    def _fit(self, path: Path, named: str, machine: Machine) -> FileFit:
        need = self._needs.of(path, named)
        if need.shape is None:
            return FileFit(path, need)
        subject = of_shape(need.shape, need.encoder)
        context = subject.contexts[subject.usual_context]
        return FileFit(path, need, kind(planned(need.shape, context, machine, Asked(), need.encoder)))

    @Slot(object)
    def _on_found(self, fit: FileFit) -> None:
        self.known[fit.path] = fit
        self.told.emit(fit)
