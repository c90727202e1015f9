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
    # os.path: a name that is too long or a folder that may not be read is not there, and no failure
    real = next((one for one in inside if os.path.exists(one)), inside[0])
    if write and not any(grant.write and real.is_relative_to(grant.folder) for grant in grants):
        raise ToolError(f"“{path}” may be read only: writing was not allowed in this folder.")
    return real


def shown(path: Path, grants: Sequence[Grant]) -> str:
    """A path as the model is told of it: from the granted folder, or with ~ for home."""
    for grant in grants:
        if path.is_relative_to(grant.folder):
            return str(path.relative_to(grant.folder)) or "."
    return str(path)


def opened_folder(folder: Path, grants: Sequence[Grant], *, write: bool = False) -> int:
    """A descriptor of a folder inside a granted one (with `write` inside one that may be changed). Raises ToolError.

    What is opened relative to it stays there, whatever becomes of the path.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ToolError(f"“{folder.name}” cannot be opened: {error.strerror}.") from error
    link = Path(f"/proc/self/fd/{descriptor}")
    open_ = [grant.folder for grant in grants if grant.write or not write]
    if link.exists() and not any(Path(os.readlink(link)).is_relative_to(one) for one in open_):
        os.close(descriptor)
        raise ToolError(f"“{folder.name}” is outside the folders that are open to this chat.")
    return descriptor


def opened(name: str, folder: int, flags: int) -> int:
    """A descriptor of a regular file of an opened folder. Raises ToolError; never follows a link or waits.

    One that is to be written has no other name: what it is called elsewhere is not this chat's.
    """
    try:
        descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise ToolError("This is a link that leads somewhere else.") from error
        raise ToolError(f"“{name}” cannot be opened: {error.strerror}.") from error
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and (flags & os.O_ACCMODE == os.O_RDONLY or found.st_nlink <= 1):
        return descriptor
    os.close(descriptor)
    raise ToolError(f"“{name}” is no regular file of this folder alone.")


def read_bytes(path: Path, grants: Sequence[Grant], most: int) -> bytes:
    """The first `most` bytes of a regular file inside a granted folder. Raises ToolError."""
    folder = opened_folder(path.parent, grants)
    try:
        with open(opened(path.name, folder, os.O_RDONLY), "rb") as file:
            return file.read(most)
    except OSError as error:
        raise ToolError(f"“{path.name}” cannot be read: {error.strerror}.") from error
    finally:
        os.close(folder)


def _inside(path: Path, grants: Sequence[Grant]) -> Path | None:
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that is too long
        return None
    return real if any(real.is_relative_to(grant.folder) for grant in grants) else None
