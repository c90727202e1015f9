"""The folders that a chat was granted: every path is resolved first, links followed, and only then looked at.

What is opened afterwards is looked at once more by its descriptor, so that a link that is put in place between the look
and the opening leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from app.core.tools import Grant
from app.tools.registry import ToolError

_LONGEST = 4096
_FOREIGN = ("\\\\", "//", "\\?", "\\.")  # shares and devices of other systems


def granted(path: str, grants: Sequence[Grant], *, write: bool = False) -> Path:
    """The real place that a path of the model's means, inside a granted folder. Raises ToolError in words.

    A relative path is taken from the granted folder that has it, else from the first.
    """
    if not grants:
        raise ToolError("No folder is open to this chat. The person can open one by dropping it on the window.")
    if not path or len(path) > _LONGEST or "\0" in path or path.startswith(_FOREIGN):
        raise ToolError("This is no path to a file or folder.")
    given = Path(path)
    if given.parts and given.parts[0] == "~":
        given = Path.home().joinpath(*given.parts[1:])
    elif given.parts and given.parts[0].startswith("~"):
        raise ToolError("Paths of other persons are not open to this chat.")
    tried = [given] if given.is_absolute() else [Path(grant.folder) / given for grant in grants]
    inside = [found for one in tried if (found := _inside(one, grants)) is not None]
    if not inside:
        raise ToolError(f"“{path}” is outside the folders that are open to this chat.")
    real = next((one for one in inside if one.exists()), inside[0])
    if write and not any(grant.write and real.is_relative_to(grant.folder) for grant in grants):
        raise ToolError(f"“{path}” may be read only: writing was not allowed in this folder.")
    return real


def shown(path: Path, grants: Sequence[Grant]) -> str:
    """A path as the model is told of it: from the granted folder, or with ~ for home."""
    for grant in grants:
        if path.is_relative_to(grant.folder):
            return str(path.relative_to(grant.folder)) or "."
    return str(path)


def opened(path: Path, grants: Sequence[Grant], flags: int) -> int:
    """A descriptor of a regular file inside a granted folder. Raises ToolError; never follows a last link or waits."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise ToolError("This is a link that leads somewhere else.") from error
        raise ToolError(f"“{path.name}” cannot be opened: {error.strerror}.") from error
    try:
        _check(descriptor, path, grants)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_bytes(path: Path, grants: Sequence[Grant], most: int) -> bytes:
    """The first `most` bytes of a regular file inside a granted folder. Raises ToolError."""
    descriptor = opened(path, grants, os.O_RDONLY)
    try:
        with open(descriptor, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise ToolError(f"“{path.name}” cannot be read: {error.strerror}.") from error


def _check(descriptor: int, path: Path, grants: Sequence[Grant]) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise ToolError(f"“{path.name}” is no regular file.")
    link = Path(f"/proc/self/fd/{descriptor}")
    if link.exists() and not any(Path(os.readlink(link)).is_relative_to(grant.folder) for grant in grants):
        raise ToolError(f"“{path.name}” is outside the folders that are open to this chat.")


def _inside(path: Path, grants: Sequence[Grant]) -> Path | None:
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that is too long
        return None
    return real if any(real.is_relative_to(grant.folder) for grant in grants) else None
