"""SQLite's and the system's errors as sentences for the person. What is our own fault stays an exception of apsw."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import apsw

from app.core.errors import StorageError

DISK_FULL = "disk_full"
READ_ONLY = "read_only"
DAMAGED = "damaged"
LOCKED = "locked"
NEWER = "newer"
FORM = "form"
IO = "io"

_LITTLE_SPACE = 64 * 1024
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EROFS, errno.EACCES, errno.EPERM)


def disk_full() -> StorageError:
    """There is no room for what was to be written."""
    return StorageError("The disk is full.", DISK_FULL)


def read_only(folder: Path) -> StorageError:
    """The data folder does not take anything new."""
    return StorageError(f"The folder {_shown(folder)} cannot be written to.", READ_ONLY)


def damaged() -> StorageError:
    """The database broke while it was in use."""
    return StorageError("The file with the chats is damaged.", DAMAGED)


def odd_form() -> StorageError:
    """The tables are not those that belong to the number of the schema."""
    return StorageError(
        "The file with the chats has another form than Cabochon gives it. It is left as it is; move it away to begin "
        "anew.",
        FORM,
    )


def locked() -> StorageError:
    """Another process holds the database for longer than a person waits."""
    return StorageError("Another program is using the file with the chats and does not let go of it.", LOCKED)


def from_sqlite(error: apsw.Error, folder: Path) -> Exception:
    """The StorageError that this error means, or the error itself where it is a bug of ours."""
    if isinstance(error, apsw.FullError):
        return disk_full()
    if isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError):
        return read_only(folder)
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return damaged()
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return locked()
    if isinstance(error, apsw.IOError | apsw.CantOpenError):
        return _from_disk(folder)
    return error


def from_system(error: OSError, folder: Path) -> StorageError:
    """What went wrong with a file of ours."""
    if error.errno in _NO_SPACE:
        return disk_full()
    if error.errno in _NOT_ALLOWED:
        return read_only(folder)
    return StorageError(f"The folder {_shown(folder)} cannot be used ({error.strerror or error}).", IO)


def _from_disk(folder: Path) -> StorageError:
    """SQLite tells some full and read-only disks as an I/O error only: look again."""
    try:
        if shutil.disk_usage(folder).free < _LITTLE_SPACE:
            return disk_full()
    except OSError as error:
        return from_system(error, folder)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return read_only(folder)
    return StorageError("The disk reports an error: the file with the chats could not be read or written.", IO)


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
