"""Opens files beside the window: foreign ones in the media process, our own large pictures on a thread."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.core.errors import AttachmentError
from app.core.message import Document, Picture
from app.core.paths import encode_path
from app.media.decode import Decoded
from app.media.documents import Pages
from app.media.host import PAGES_SECONDS, Decoding, Wanted

AT_ONCE = 2


class Opener(QObject):
    """GUI thread; its signals come there. `close` ends what is still being opened."""

    opened = Signal(int, object)  # number, Picture or Document
    scanned = Signal(int, int)  # number, pages: a PDF without words
    drawn = Signal(int, object)  # number, tuple of Picture: its pages
    refused = Signal(int, str)  # number, one sentence
    read = Signal(str, QImage)  # path, the picture in full; null where it cannot be read

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        """`folder` is the attachment folder."""
        super().__init__(parent)
        self._folder = folder
        self._pool = ThreadPoolExecutor(AT_ONCE, "pictures")
        self._running: dict[int, Decoding] = {}

    def open_file(self, number: int, path: Path, name: str) -> None:
        """Open a picture or document; `opened`, `scanned` or `refused` follows with its number."""
        self._running[number] = decoding = Decoding(path, self._folder, name=name, wanted=Wanted.EITHER)
        self._pool.submit(self._decode, number, decoding, name)

    def draw_pages(self, number: int, path: Path, name: str, pages: Pages) -> None:
        """Make pictures of these pages of a PDF; `drawn` or `refused` follows."""
        wanted = Decoding(path, self._folder, PAGES_SECONDS, name, Wanted.PAGES, pages)
        self._running[number] = wanted
        self._pool.submit(self._decode, number, wanted, name, pages[0])

    def open_bytes(self, number: int, data: bytes, name: str) -> None:
        """The same for a picture that came without a file."""
        self._pool.submit(self._decode_bytes, number, data, name)

    def read_picture(self, path: Path) -> None:
        """Read one of our own pictures in full; `read` follows."""
        self._pool.submit(self._read, path)

    def cancel(self, number: int) -> None:
        """It is not wanted any more."""
        decoding = self._running.get(number)
        if decoding is not None:
            decoding.cancel()

    def close(self) -> None:
        """End everything. Waits for the threads, which end at once."""
        for decoding in list(self._running.values()):
            decoding.cancel()
        self._pool.shutdown(cancel_futures=True)

    # on a thread of the pool

    def _decode(self, number: int, decoding: Decoding, name: str, first: int = 1) -> None:
        try:
            found = decoding.run()
        except AttachmentError as error:
            self.refused.emit(number, error.message)
            return
        finally:
            self._running.pop(number, None)
        if isinstance(found, tuple):
            pages = (self._picture(page, f"{name}, page {place}") for place, page in enumerate(found, first))
            self.drawn.emit(number, tuple(pages))
        elif isinstance(found, Decoded):
            self.opened.emit(number, self._picture(found, name))
        elif found.is_scanned:
            self.scanned.emit(number, found.pages)
        else:
            path = encode_path(self._folder / f"{found.sha256}.txt")
            self.opened.emit(number, Document(found.sha256, name, found.kind, found.pages, path, 1, found.pages))

    def _picture(self, found: Decoded, name: str) -> Picture:
        path = encode_path(self._folder / f"{found.sha256}.png")
        return Picture(found.sha256, found.width, found.height, path, name=name)

    def _decode_bytes(self, number: int, data: bytes, name: str) -> None:
        try:
            handle, written = tempfile.mkstemp(prefix="cabochon-")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
        except OSError as error:
            self.refused.emit(number, f"The picture could not be kept: {error.strerror}.")
            return
        try:
            self._running[number] = decoding = Decoding(Path(written), self._folder, name=name)
            self._decode(number, decoding, name)
        finally:
            Path(written).unlink(missing_ok=True)

    def _read(self, path: Path) -> None:
        self.read.emit(str(path), QImage(str(path)))
