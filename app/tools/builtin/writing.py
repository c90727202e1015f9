"""Writing files into the folders that the person opened for it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal

from app.tools.folders import granted, opened, shown
from app.tools.registry import Surroundings, ToolError


def write_file(path: str, text: str, mode: Literal["write", "append"], *, around: Surroundings) -> str:
    """Writes text into a file in a folder that is open for writing: as the whole file, or at its end.

    path: The file
    text: What is written
    mode: write makes the file anew, append adds to it
    """
    file = granted(path, around.grants, write=True)
    if not file.parent.is_dir():
        raise ToolError(f"There is no folder “{shown(file.parent, around.grants)}”.")
    data = text.encode("utf-8", "replace")
    if mode == "append":
        _append(file, data, around)
        return f"{len(data):,} bytes were added to {shown(file, around.grants)}."
    new = not file.exists()
    _replace(file, data, around)
    return f"{shown(file, around.grants)} was {'made' if new else 'replaced'}: {len(data):,} bytes."


def _append(file: Path, data: bytes, around: Surroundings) -> None:
    descriptor = opened(file, around.grants, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        with open(descriptor, "ab") as opened_file:
            opened_file.write(data)
    except OSError as error:
        raise ToolError(f"“{file.name}” could not be written: {error.strerror}.") from error


def _replace(file: Path, data: bytes, around: Surroundings) -> None:
    """All or nothing: what was there stays until the new file is whole."""
    beside = file.with_name(f".{secrets.token_hex(6)}.part")
    if file.exists():
        os.close(opened(file, around.grants, os.O_RDONLY))  # a regular file, or nothing is written
    descriptor = opened(beside, around.grants, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with open(descriptor, "wb") as made:
            made.write(data)
            made.flush()
            os.fsync(made.fileno())
        if file.exists():
            os.chmod(beside, file.stat().st_mode & 0o7777)
        os.replace(beside, file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ToolError(f"“{file.name}” could not be written: {error.strerror}.") from error
