"""Fetching one file of a model: gone on from after a cut or a kill, verified before it gets its name.

Beside the file to be lies `NAME.part` with the bytes so far, and `NAME.part.json` with what the server said of it: only
where it still says so are they gone on from. The SHA-256 is made while the bytes come, over all that is on disk.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import BinaryIO

import msgspec

from app.core.errors import DownloadError
from app.gguf.header import in_words
from app.models.catalogue import CatalogueFile
from app.models.hub import Hub, Remote, RetryLater

SPARE = 256 << 20  # bytes that a disk keeps free
_MOST_FAILURES = 5  # one after the other without a byte between them
_TELL_EVERY = 0.2  # seconds
_SPEED_OVER = 5.0  # seconds
_PIECE = 1 << 20


class Stopped(Exception):
    """The download was paused or given up; what has come stays."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is, in bytes; `total` 0 and `seconds_left` None where unknown. `speed` in bytes a second.

    `waits` says why nothing comes just now; `checks` that what had come before is read once more.
    """

    file: str
    done: int
    total: int
    speed: float = 0.0
    seconds_left: float | None = None
    waits: str = ""
    checks: bool = False


class Room:
    """What files that come at once still need of one disk, in bytes. Any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._needed: dict[Path, int] = {}

    def claim(self, file: Path, needed: int) -> None:
        """So much of a file is to come. Raises DownloadError where the disk has no room for it and the others."""
        with self._lock:
            self._needed[file] = needed
            together, free = sum(self._needed.values()), shutil.disk_usage(file.parent).free
        if together + SPARE > free:
            raise _no_space(file.parent, together, free)

    def came(self, file: Path, count: int) -> None:
        """So much of it is on the disk."""
        with self._lock:
            self._needed[file] = max(0, self._needed[file] - count)  # of some files no size is known


class _Begun(msgspec.Struct):
    """What the server said when the part was begun."""

    etag: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete file and the SHA-256 of its bytes."""

    path: Path
    size: int
    sha256: str


class Fetch:
    """One file. `tell` is called on the thread that runs it."""

    def __init__(
        self,
        hub: Hub,
        file: CatalogueFile,
        folder: Path,
        tell: Callable[[Progress], None],
        stop: Event,
        room: Room | None = None,
    ) -> None:
        """`room` is shared with the files that come at the same time."""
        self._hub = hub
        self._room = room or Room()
        self._file = file
        self._stop = stop
        self._pace = _Pace(file.file, tell)
        self.target = folder / Path(file.file).name
        self._part = self.target.with_name(f"{self.target.name}.part")
        self._note = self.target.with_name(f"{self.target.name}.part.json")
        self._digest = hashlib.sha256()

    def run(self) -> Fetched:
        """Bring the file. Raises DownloadError or Stopped."""
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            with self._part.open("a+b", buffering=0) as part:
                _lock(part, self._file)
                if not self._is_part(part):
                    raise DownloadError(f"“{self._file.file}” was just fetched by another Cabochon.", "busy")
                try:
                    return self._brought(part)
                finally:
                    self._leave_nothing_empty(part)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_space(self.target.parent, 0) from error
            if error.errno == errno.EFBIG:
                said = f"The disk of {self.target.parent} takes no file that large. Choose a folder on another one."
                raise DownloadError(said, "folder") from error
            raise DownloadError(f"{self.target.parent} cannot be written to ({error.strerror}).", "folder") from error

    def _is_part(self, part: BinaryIO) -> bool:
        """Whether the opened file still has the part's name: who held the lock before may have finished it."""
        try:
            return os.path.samestat(os.fstat(part.fileno()), self._part.stat())
        except FileNotFoundError:
            return False

    def _leave_nothing_empty(self, part: BinaryIO) -> None:
        """A download of which nothing has come is none."""
        if not _size(part):
            for path in (self._part, self._note):
                path.unlink(missing_ok=True)

    def _brought(self, part: BinaryIO) -> Fetched:
        for again in (False, True):
            remote = self._complete(part)
            found = self._digest.hexdigest()
            wanted = self._file.sha256 or remote.sha256
            if wanted in ("", found):
                return self._finished(part, found)
            self._forget(part)
            if again:
                break
        raise DownloadError(
            f"“{self._file.file}” came damaged twice: its bytes are not those that its publisher names.", "damaged"
        )

    def _complete(self, part: BinaryIO) -> Remote:
        """Have all bytes on disk, however often the line is cut."""
        failures, had = 0, -1
        while True:
            self._check_stop()
            try:
                remote = self._hub.look(self._file)
                self._check_known(remote)
                done = self._resumed(part, remote)
                if remote.size and done > remote.size:
                    self._forget(part)
                    done = self._resumed(part, remote)
                if not remote.size or done < remote.size:
                    self._room.claim(self.target, max(0, remote.size - done))
                    self._read_body(part, remote, done)
                if not remote.size or _size(part) == remote.size:
                    return remote
                raise RetryLater("The connection was cut.", "cut")
            except RetryLater as error:
                self._check_stop()  # it cuts the connection itself
                size = _size(part)
                failures = failures + 1 if size <= had else 1
                had = size
                if error.code == "range":
                    self._forget(part)
                if failures > _MOST_FAILURES:
                    raise DownloadError(f"{error.why} What has come is kept; try again later.", error.code) from error
                self._wait(error, failures)

    def _check_known(self, remote: Remote) -> None:
        known = self._file.sha256
        if known and remote.sha256 and known != remote.sha256:
            raise DownloadError(
                f"“{self._file.file}” was changed by its publisher since Cabochon learned of it, so it is not fetched. "
                "To take it as it is now, refresh the sizes first (Get more, or: cabochon models refresh).",
                "changed",
            )

    def _resumed(self, part: BinaryIO, remote: Remote) -> int:
        """How many bytes can be gone on from; the digest is of them. A part of another file is forgotten."""
        said = _Begun(remote.etag, remote.size, remote.sha256)
        try:
            begun = msgspec.json.decode(self._note.read_bytes(), type=_Begun)
        except (OSError, msgspec.DecodeError):
            begun = None
        if begun != said:
            self._forget(part)
            self._note.write_bytes(msgspec.json.encode(said))
            return 0
        size = _size(part)
        if self._pace.done != size:  # bytes of an earlier run
            self._digest = hashlib.sha256()
            part.seek(0)
            read = 0
            while piece := part.read(_PIECE):
                self._check_stop()
                self._digest.update(piece)
                read += len(piece)
                self._pace.check(read, remote.size)
            self._pace.begin(size)
        return size

    def _read_body(self, part: BinaryIO, remote: Remote, start: int) -> None:
        with self._hub.open(self._file, remote, start, self._stop) as body:
            if body.start != start:
                self._forget(part)
            for piece in body.pieces:
                self._check_stop()
                part.write(piece)
                self._room.came(self.target, len(piece))
                self._digest.update(piece)
                self._pace.add(len(piece), remote.size)
                if remote.size and self._pace.done > remote.size:
                    raise RetryLater("The server sends more than it named.", "range")

    def _finished(self, part: BinaryIO, sha256: str) -> Fetched:
        os.fsync(part.fileno())
        size = _size(part)
        self._part.replace(self.target)
        self._note.unlink(missing_ok=True)
        _sync_folder(self.target.parent)
        self._pace.end(size)
        return Fetched(self.target, size, sha256)

    def _forget(self, part: BinaryIO) -> None:
        part.truncate(0)
        self._digest = hashlib.sha256()
        self._pace.begin(0)

    def _wait(self, error: RetryLater, failures: int) -> None:
        seconds = error.seconds or min(2.0 ** (failures - 1), 30.0)
        self._pace.wait(error.why)
        if self._stop.wait(seconds):
            raise Stopped

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped


class _Pace:
    """Counts bytes, and tells of them some five times a second."""

    def __init__(self, name: str, tell: Callable[[Progress], None]) -> None:
        self._name = name
        self._tell = tell
        self._total = 0
        self._told = 0.0
        self._seen: deque[tuple[float, int]] = deque()
        self.done = 0

    def begin(self, done: int) -> None:
        """So many bytes are there."""
        self.done = done
        self._seen.clear()

    def add(self, count: int, total: int) -> None:
        """More bytes have come."""
        self.done += count
        self._total = total
        now = time.monotonic()
        self._seen.append((now, self.done))
        while now - self._seen[0][0] > _SPEED_OVER:
            self._seen.popleft()
        if now - self._told >= _TELL_EVERY:
            self._told = now
            speed = self._speed()
            left = (total - self.done) / speed if speed and total else None
            self._tell(Progress(self._name, self.done, total, speed, left))

    def check(self, read: int, total: int) -> None:
        """So many bytes of before are read again."""
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY:
            self._told = now
            self._tell(Progress(self._name, read, total, checks=True))

    def wait(self, why: str) -> None:
        """Nothing comes for a while."""
        self._seen.clear()
        self._tell(Progress(self._name, self.done, self._total, waits=why))

    def end(self, size: int) -> None:
        """All is there."""
        self._tell(Progress(self._name, size, size, seconds_left=0.0))

    def _speed(self) -> float:
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now > began else 0.0


def _no_space(folder: Path, needed: int, free: int | None = None) -> DownloadError:
    if free is None:
        with suppress(OSError):
            free = shutil.disk_usage(folder).free
    there = f", {in_words(free)} are free" if free is not None else ""
    wanted = f"{in_words(needed)} more are needed" if needed else "The disk is full"
    return DownloadError(f"There is not enough space in {folder}: {wanted}{there}.", "no_space")


def _size(part: BinaryIO) -> int:
    return os.fstat(part.fileno()).st_size


def _lock(part: BinaryIO, file: CatalogueFile) -> None:
    try:
        import fcntl
    except ImportError:  # Windows lets no two processes write one file anyway
        return
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DownloadError(f"“{file.file}” is being fetched already.", "busy") from error
    except OSError:  # a network disk that knows no locks
        return


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
