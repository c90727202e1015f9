"""Writing files into the folders that the person opened for it."""

from __future__ import annotations

import os
import secrets
from typing import Literal

from app.tools.folders import granted, opened, opened_folder, shown
from app.tools.registry import Surroundings, ToolError


def write_file(path: str, text: str, mode: Literal["write", "append"], *, around: Surroundings) -> str:
    """Writes text into a file in a folder that is open for writing: as the whole file, or at its end.

    path: The file
    text: What is written
    mode: write makes the file anew, append adds to it
    """
    file = granted(path, around.grants, write=True)
    if not os.path.isdir(file.parent):
        raise ToolError(f"There is no folder “{shown(file.parent, around.grants)}”.")
    data = text.encode("utf-8", "replace")
    folder = opened_folder(file.parent, around.grants, write=True)
    try:
        new = _append(file.name, folder, data) if mode == "append" else _replace(file.name, folder, data)
    except OSError as error:
        raise ToolError(f"“{file.name}” could not be written: {error.strerror}.") from error
    finally:
        os.close(folder)
    if mode == "append":
        return f"{len(data):,} bytes were added to {shown(file, around.grants)}."
    return f"{shown(file, around.grants)} was {'made' if new else 'replaced'}: {len(data):,} bytes."


def _append(name: str, folder: int, data: bytes) -> bool:
    with open(opened(name, folder, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as file:
        file.write(data)
    return False


def _replace(name: str, folder: int, data: bytes) -> bool:
    """All or nothing: what was there stays until the new file is whole. Whether there was nothing."""
    try:
        before: os.stat_result | None = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        before = None
    if before is not None:
        os.close(opened(name, folder, os.O_RDONLY))  # a regular file, or nothing is written
    beside = f".{secrets.token_hex(6)}.part"
    descriptor = opened(beside, folder, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with open(descriptor, "wb") as made:
            made.write(data)
            made.flush()
            if before is not None:
                os.fchmod(made.fileno(), before.st_mode & 0o7777)
            os.fsync(made.fileno())
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(beside, dir_fd=folder)
        raise
    return before is None
