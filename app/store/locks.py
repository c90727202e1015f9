"""Locks that end with their process, however it ends: a file below `paths.run`, locked by the operating system."""

from __future__ import annotations

import os
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path

from app.store import failures

_OPENING_SECONDS = 30.0  # another process may be upgrading the database meanwhile
_OWNER = "owner-{}.lock"


class FileLock:
    """An exclusive lock on a file. The file may stay; the lock does not outlive the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def acquire(self) -> bool:
        """Take the lock if it is free, making the file. Raises OSError where it cannot be made."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            if not _try_lock(descriptor):
                os.close(descriptor)
                return False
            if _is_same_file(descriptor, self._path):
                self._descriptor = descriptor
                return True
            os.close(descriptor)  # somebody swept the file away between the two steps

    def wait(self, seconds: float) -> bool:
        """Take the lock, waiting for who holds it. Raises OSError."""
        deadline = time.monotonic() + seconds
        while not self.acquire():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def release(self, *, remove: bool = False) -> None:
        """Let go; with `remove` the file goes too."""
        if self._descriptor >= 0:
            if remove:
                with suppress(OSError):
                    self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = -1


class Owner:
    """This process as the owner of messages that wait or are being written. Takes its lock when it is first named."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._name = ""
        self._lock: FileLock | None = None

    @property
    def name(self) -> str:
        """The name that stands beside this process's messages. Raises StorageError where no lock can be made."""
        if self._lock is None:
            name = secrets.token_hex(8)
            lock = FileLock(self._run / _OWNER.format(name))
            try:
                self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.acquire()
            except OSError as error:
                raise failures.from_system(error, self._run) from error
            self._name, self._lock = name, lock
        return self._name

    def is_dead(self, name: str) -> bool:
        """Whether the process of this name has ended."""
        path = self._run / _OWNER.format(name)
        if not path.exists():
            return True
        lock = FileLock(path)
        try:
            free = lock.acquire()
        except OSError:
            return False
        lock.release(remove=True)
        return free

    def sweep(self) -> None:
        """Remove what dead processes left."""
        for path in self._run.glob(_OWNER.format("*")):
            self.is_dead(path.name.removeprefix("owner-").removesuffix(".lock"))

    def close(self) -> None:
        """This process owns nothing any more."""
        if self._lock is not None:
            self._lock.release(remove=True)
            self._lock = None


class OpeningLock:
    """Held while the database is opened, made or upgraded: one process at a time does that."""

    def __init__(self, run: Path) -> None:
        self._lock = FileLock(run / "opening.lock")
        self._run = run

    def __enter__(self) -> None:
        try:
            self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
            taken = self._lock.wait(_OPENING_SECONDS)
        except OSError as error:
            raise failures.from_system(error, self._run) from error
        if not taken:
            raise failures.locked()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
