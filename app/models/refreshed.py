"""What the hub said of the catalogue's files when the person last asked it: their sizes and hashes, in the data folder.

The data that ships stays as it is; what was asked for goes before it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Event

import msgspec

from app.core.errors import DownloadError
from app.core.files import replace_whole
from app.models.catalogue import CatalogueFile, CatalogueModel, catalogue
from app.models.fetch import Stopped
from app.models.hub import Hub, RetryLater


class Seen(msgspec.Struct, frozen=True):
    """A file as the hub had it on this day (ISO). `bytes` 0 and `sha256` "" where it did not say."""

    repository: str
    file: str
    bytes: int
    sha256: str
    day: str


class Refreshed:
    """The file that keeps it. Nothing of it, where there is none or it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def model(self, known: CatalogueModel) -> CatalogueModel:
        """The same model with its files as the hub had them."""
        seen = {(one.repository, one.file): one for one in self._read()}
        return msgspec.structs.replace(known, files=tuple(_fresh(file, seen) for file in known.files))

    @property
    def day(self) -> str:
        """When the hub was asked last; "" for never."""
        return max((one.day for one in self._read()), default="")

    def refresh(self, hub: Hub, tell: Callable[[int, int], None], stop: Event) -> list[str]:
        """Ask the hub for every file, and keep what it says; answers with the files that it no longer has.

        `tell` is told how many were asked for, of how many. Raises DownloadError where there is no connection, and
        Stopped; then nothing is changed.
        """
        files = [file for model in catalogue() for file in model.files]
        seen, gone = [], []
        for number, file in enumerate(files):
            if stop.is_set():
                raise Stopped
            tell(number, len(files))
            try:
                found = hub.look(file)
            except RetryLater as error:
                raise DownloadError(error.why, error.code) from error
            except DownloadError as error:
                if error.code not in ("not_found", "gated"):
                    raise
                gone.append(file.file)
            else:
                seen.append(Seen(file.repository, file.file, found.size, found.sha256, date.today().isoformat()))
        tell(len(files), len(files))
        self._write(seen)
        return gone

    def _read(self) -> tuple[Seen, ...]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[Seen, ...])
        except (OSError, msgspec.DecodeError):
            return ()

    def _write(self, seen: list[Seen]) -> None:
        try:
            replace_whole(self._path, msgspec.json.format(msgspec.json.encode(seen)))
        except OSError as error:
            raise DownloadError(f"{self._path.parent} cannot be written to ({error.strerror}).", "folder") from error


def _fresh(file: CatalogueFile, seen: dict[tuple[str, str], Seen]) -> CatalogueFile:
    found = seen.get((file.repository, file.file))
    if found is None:
        return file
    return msgspec.structs.replace(file, bytes=found.bytes or file.bytes, sha256=found.sha256 or file.sha256)
