"""A model that is being fetched, in a process of its own: the window stays without network code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal, Slot

from app.core.paths import DataPaths, decode_path, encode_path
from app.models.away import away
from app.models.downloads import Brought, Downloads, Wish
from app.models.hub import address
from app.models.orders import Order, Told
from app.ui.models.fetch_process import NOT_BEGUN, FetchProcess


class Downloader(QObject):
    """GUI thread. One download at a time; `order` is what it is of, also while it is paused."""

    changed = Signal()
    fetched = Signal(object)  # Path of the model

    def __init__(self, paths: Callable[[], DataPaths], parent: QObject | None = None) -> None:
        """`paths` answers with the places as the settings want them now."""
        super().__init__(parent)
        self._paths = paths
        self._process: FetchProcess | None = None
        self._files: dict[str, Told] = {}
        self._ending = False
        self._again = False  # goes on when what is ending has ended
        self.order: Order | None = None
        self.error = ""

    @property
    def busy(self) -> bool:
        """Whether there is a process, if only one that ends."""
        return self._process is not None

    @property
    def running(self) -> bool:
        """Whether bytes are coming (or are waited for)."""
        return self._process is not None and (self._again or not self._ending)

    @property
    def host(self) -> str:
        """Whom it is fetched from."""
        return QUrl(address(self.order.endpoint if self.order is not None else "")).host()

    @property
    def done(self) -> int:
        """Bytes of all files so far."""
        return sum(told.done for told in self._files.values())

    @property
    def total(self) -> int:
        """Bytes of all files that are known so far; 0 while none is."""
        return sum(told.total for told in self._files.values())

    @property
    def speed(self) -> float:
        """Bytes a second."""
        return sum(told.speed for told in self._files.values() if told.done < told.total)

    @property
    def waits(self) -> str:
        """Why nothing comes just now; "" while something does."""
        return next((told.waits for told in self._files.values() if told.waits), "")

    @property
    def checks(self) -> bool:
        """Whether what had come before is being read again."""
        return any(told.checks for told in self._files.values())

    def brought(self, wanted: Wish) -> Brought:
        """What of a model is in the models folder."""
        return Downloads(self._paths().models).brought(wanted)

    def discard(self, wanted: Wish) -> None:
        """Delete what has come of a download that is not under way. Raises DownloadError."""
        Downloads(self._paths().models).discard(wanted)
        self.changed.emit()

    def begin(self, model: str, quantisation: str, *, vision: bool, endpoint: str) -> None:
        """Fetch this, or go on with it: from where and to where the settings say now."""
        if self.running:
            return
        paths = self._paths()
        self.order = Order(
            encode_path(paths.models),
            model,
            quantisation,
            vision,
            endpoint,
            away(paths),
            encode_path(paths.refreshed),
        )
        if self._process is None:
            self._start()
        else:
            self._again = True
            self.changed.emit()

    @Slot()
    def pause(self) -> None:
        """What has come stays, and is gone on from."""
        self._again = False
        if self._process is not None and not self._ending:
            self._ending = True
            self._process.stop()
        self.changed.emit()

    @Slot()
    def forget(self) -> None:
        """Pause, and speak of it no more."""
        self.pause()
        self.order = None
        self.error = ""
        self._files = {}
        self.changed.emit()

    def close(self) -> None:
        """The window closes: the next start goes on."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _start(self) -> None:
        assert self.order is not None
        self.error, self._files, self._ending, self._again = "", {}, False, False
        process = self._process = FetchProcess(self.order, self)
        process.told.connect(self._on_told)
        process.ended.connect(self._on_finished)
        process.begin()
        self.changed.emit()

    @Slot(object)
    def _on_told(self, told: Told) -> None:
        if told.ended:
            self._on_ended(told)
        elif not self._ending:
            self._files[told.file] = told
        self.changed.emit()

    def _on_ended(self, told: Told) -> None:
        if self._ending:
            return
        if told.path:
            self.order = None
            self.fetched.emit(Path(decode_path(told.path)))
        self.error, self._ending = told.error, bool(told.error)

    @Slot(int)
    def _on_finished(self, code: int) -> None:
        if code == NOT_BEGUN:
            self.error = "The download could not begin. Try again."
        elif code != 0 and not self.error and not self._ending:
            self.error = "The download ended by itself. What has come is kept."
        self._process = None
        self._ending = False
        if self._again:
            self._start()
        self.changed.emit()
