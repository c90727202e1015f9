"""A layer between SQLite and the disk that fails when a test says so."""

from __future__ import annotations

import itertools
from types import TracebackType

import apsw

_numbers = itertools.count()


class FaultyDisk:
    """While it is entered, `name` can be given to the store as its `vfs`. Thread that made it."""

    def __init__(self) -> None:
        self.name = f"faulty-{next(_numbers)}"
        self.full = False
        self.writes_left: int | None = None

    def fill(self) -> None:
        """From now on every write finds the disk full."""
        self.full = True

    def fail_after(self, writes: int) -> None:
        """Full after this many writes more."""
        self.writes_left = writes

    def mend(self) -> None:
        """There is space again."""
        self.full, self.writes_left = False, None

    def check(self) -> None:
        """Called before every write. Raises apsw.FullError."""
        if self.writes_left is not None:
            self.writes_left -= 1
            self.full = self.full or self.writes_left < 0
        if self.full:
            raise apsw.FullError("injected")

    def __enter__(self) -> FaultyDisk:
        self._vfs = _Vfs(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._vfs.unregister()


class _Vfs(apsw.VFS):
    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        super().__init__(disk.name, base="")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self._disk, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.check()
        super().xWrite(data, offset)
