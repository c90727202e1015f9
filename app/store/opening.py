"""Opening the database: made if it is not there, upgraded if it is old, set aside if it is broken."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from app.core.errors import StorageError
from app.core.paths import DataPaths
from app.store import failures
from app.store.database import BUSY_MILLISECONDS, Database
from app.store.locks import OpeningLock
from app.store.upgrade import upgrade

_COMPANIONS = ("", "-wal", "-shm")
_MAGIC = b"SQLite format 3\0"


@dataclass(slots=True)
class Opened:
    """An open database; `set_aside` is the broken file that was there in its place. `close` frees all it stands on."""

    database: Database
    set_aside: Path | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Close the database."""
        self.database.close()
        self._stack.close()


def open_database(paths: DataPaths, *, vfs: str | None = None) -> Opened:
    """Open it for writing, or for reading where the disk allows no more. Raises StorageError.

    `vfs` names SQLite's layer to the disk (tests put faults there).
    """
    try:
        paths.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        exists = paths.database.exists()
    except OSError as error:
        raise failures.from_system(error, paths.root) from error
    try:
        with OpeningLock(paths.run):
            return _open_for_writing(paths.database, vfs)
    except StorageError as error:
        if error.code not in (failures.READ_ONLY, failures.DISK_FULL) or not exists:
            raise
        return _open_for_reading(paths.database, error)


def _open_for_writing(path: Path, vfs: str | None) -> Opened:
    if path.is_file() and not _begins_as_database(path):  # SQLite would delete the log beside it
        aside = _set_aside(path)
        return Opened(_connect(path, vfs), set_aside=aside)
    try:
        return Opened(_connect(path, vfs))
    except StorageError as error:
        if error.code != failures.DAMAGED:
            raise
    aside = _set_aside(path)
    return Opened(_connect(path, vfs), set_aside=aside)


def _connect(path: Path, vfs: str | None) -> Database:
    is_new = not path.exists()
    try:
        with _failures_of(path), ExitStack() as stack:
            connection = apsw.Connection(str(path), vfs=vfs)
            stack.callback(connection.close, True)
            if connection.readonly("main"):
                raise failures.read_only(path.parent)
            connection.set_busy_timeout(BUSY_MILLISECONDS)
            upgrade(connection, path)
            connection.execute("PRAGMA journal_mode = WAL").fetchall()  # a reader must not block the save
            stack.pop_all()
            return Database(connection, path.parent)
    except StorageError:
        if is_new:
            _remove_unfinished(path)
        raise


def _open_for_reading(path: Path, why: StorageError) -> Opened:
    """Read what is there. SQLite needs a writable folder for a log that is not folded in yet: then a copy is read."""
    stack = ExitStack()
    with _failures_of(path):
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cabochon-reading-")))
            for part in (path, log):
                shutil.copyfile(part, folder / part.name)
            connection = apsw.Connection(str(folder / path.name))
        else:
            flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
            connection = apsw.Connection(f"{path.absolute().as_uri()}?immutable=1", flags=flags)
        upgrade(connection, path, allowed=False)
        return Opened(Database(connection, path.parent, only_reading=why), _stack=stack)


def _begins_as_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise failures.from_system(error, path.parent) from error


def _set_aside(path: Path) -> Path:
    """Rename a broken database with its log, so that a new one can be made. Returns its new place."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
    for suffix in _COMPANIONS:
        part = path.with_name(path.name + suffix)
        with suppress(FileNotFoundError):
            os.replace(part, aside.with_name(aside.name + suffix))
    return aside


def _remove_unfinished(path: Path) -> None:
    """A database that could not be made leaves an empty file, which would look damaged at the next start."""
    with suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


@contextmanager
def _failures_of(path: Path) -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise failures.from_sqlite(error, path.parent) from error
    except OSError as error:
        raise failures.from_system(error, path.parent) from error
