"""Sizes and hashes of the catalogue's files, asked of the hub when the person clicks."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDate, QLocale, QObject, Qt, QUrl, Signal, Slot

from app.core.paths import DataPaths, encode_path
from app.models.orders import Refresh, Told
from app.models.refreshed import Refreshed
from app.ui.models.fetch_process import FetchProcess


class Refresher(QObject):
    """GUI thread. `sentence` says how it stands; `refreshed` comes when the hub has told."""

    changed = Signal()
    refreshed = Signal()

    def __init__(self, paths: Callable[[], DataPaths], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paths = paths
        self._process: FetchProcess | None = None
        self._host = ""
        self.sentence = self._standing()

    @property
    def running(self) -> bool:
        """Whether the hub is being asked."""
        return self._process is not None

    @property
    def kept(self) -> Refreshed:
        """What it said last."""
        return Refreshed(self._paths().refreshed)

    def begin(self, endpoint: str) -> None:
        """Ask now; nothing where it is being asked."""
        if self._process is not None:
            return
        self._host = QUrl(endpoint).host() or "huggingface.co"
        self.sentence = f"Asking {self._host}…"
        self._process = FetchProcess(Refresh(encode_path(self._paths().refreshed), endpoint), self)
        self._process.told.connect(self._on_told)
        self._process.ended.connect(self._on_ended)
        self._process.begin()
        self.changed.emit()

    def close(self) -> None:
        """The window closes."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _standing(self) -> str:
        day = self.kept.day
        if not day:
            return "Sizes are those that Cabochon came with."
        return f"Sizes of {QLocale().toString(QDate.fromString(day, Qt.DateFormat.ISODate), 'd MMMM yyyy')}."

    @Slot(object)
    def _on_told(self, told: Told) -> None:
        if not told.ended:
            self.sentence = f"Asking {self._host}… {told.done} of {told.total}"
        elif told.error:
            self.sentence = told.error
        else:
            gone = f" No longer there: {', '.join(told.gone)}." if told.gone else ""
            self.sentence = f"{self._standing()}{gone}"
            self.refreshed.emit()
        self.changed.emit()

    @Slot(int)
    def _on_ended(self, code: int) -> None:
        self._process = None
        if code != 0:
            self.sentence = "The sizes could not be asked for."
        self.changed.emit()
