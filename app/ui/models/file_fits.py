"""Which model files fit this machine, found on a thread: headers are read there, and plans are made."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from PySide6.QtCore import QObject, Signal, Slot

from app.models.memory import Machine
from app.models.needs import Need, Needs
from app.models.table import Asked, kind, of_shape, planned

_log = logging.getLogger("app.models")


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
        self._pool: ThreadPoolExecutor | None = None
        self._given_up = Event()
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
        """End the look. Waits for the header that is being read."""
        self._given_up.set()
        self._waiting.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        if self._given_up.is_set():
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "fits")
        self._pool.submit(self._work)

    def _work(self) -> None:
        """On the pool's thread."""
        try:
            while not self._given_up.is_set():
                try:
                    path, named, machine = self._waiting.popleft()
                except IndexError:
                    break
                self._found.emit(self._fit(path, named, machine))
            self._needs.keep()
        except Exception:  # noqa: BLE001 - the edge of a thread: without it nothing would say why
            _log.exception("Looking at a model file failed")

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
