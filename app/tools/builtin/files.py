"""Listing and reading what is in the folders that the person opened to the chat."""

from __future__ import annotations

import os
import stat

from app.tools.folders import granted, opened_folder, read_bytes, shown
from app.tools.registry import Surroundings, ToolError

_MOST_ENTRIES = 500
_LARGEST = 20_000_000  # bytes that are read of one file
_MOST_CHARACTERS = 30_000


def list_folder(path: str = ".", *, around: Surroundings) -> str:
    """Lists the files and folders in a folder that is open to this chat, with their sizes in bytes.

    path: The folder; without it the one that the person opened
    """
    folder = opened_folder(granted(path, around.grants), around.grants)
    try:
        names = sorted(os.listdir(folder))
        lines = [_entry(name, folder) for name in names[:_MOST_ENTRIES]]
    except OSError as error:
        raise ToolError(f"“{path}” cannot be listed: {error.strerror}.") from error
    finally:
        os.close(folder)
    if len(names) > _MOST_ENTRIES:
        lines.append(f"[{len(names) - _MOST_ENTRIES} more are not shown]")
    return "\n".join(lines) or "The folder is empty."


def read_file(path: str, first_line: int = 1, lines: int | None = None, *, around: Surroundings) -> str:
    """Reads a text file in a folder that is open to this chat.

    path: The file
    first_line: The line to begin with, from 1
    lines: How many lines to read; without it as many as fit
    """
    file = granted(path, around.grants)
    data = read_bytes(file, around.grants, _LARGEST + 1)
    all_of_it = len(data) <= _LARGEST
    if not all_of_it:
        data = data[: data.rfind(b"\n", 0, _LARGEST) + 1] or data[:_LARGEST]  # half a letter would look like no UTF-8
    every = text_of(data, file.name).splitlines(keepends=True)
    begin = max(1, first_line) - 1
    chosen = every[begin : begin + lines if lines is not None and lines > 0 else None]
    found: list[str] = []
    used = 0
    for line in chosen:
        if used + len(line) > _MOST_CHARACTERS and found:
            break
        found.append(line[:_MOST_CHARACTERS])
        used += len(line)
    if not found:
        return f"{shown(file, around.grants)} has {len(every)} lines; none of these."
    return "".join(found) + _left_out(begin, found, every, all_of_it=all_of_it)


def _left_out(begin: int, found: list[str], every: list[str], *, all_of_it: bool) -> str:
    """What of the file was not returned, and how to go on; "" where nothing was left out."""
    end = begin + len(found)
    notes = []
    if begin or end < len(every):
        going_on = f"; go on with first_line {end + 1}" if end < len(every) else ""
        notes.append(f"lines {begin + 1} to {end} of {len(every)}{going_on}")
    if len(found[0]) < len(every[begin]):
        notes.append(f"line {begin + 1} is cut: {_MOST_CHARACTERS:,} of its {len(every[begin]):,} characters")
    if not all_of_it:
        notes.append(f"only the first {_LARGEST:,} bytes of the file can be read")
    return f"\n[{'; '.join(notes)}]" if notes else ""


def text_of(data: bytes, name: str) -> str:
    """The text of a file's bytes. Raises ToolError for what is no text."""
    if b"\0" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise ToolError(f"“{name}” is no text file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    from charset_normalizer import from_bytes

    best = from_bytes(data[:200_000]).best()
    if best is None:
        raise ToolError(f"“{name}” is no text file.")
    return data.decode(best.encoding, "replace")


def _entry(name: str, folder: int) -> str:
    try:
        found = os.lstat(name, dir_fd=folder)
    except OSError:
        return name
    if stat.S_ISDIR(found.st_mode):
        return f"{name}/"
    if stat.S_ISLNK(found.st_mode):
        return f"{name} (link)"
    return f"{name} ({found.st_size:,})"
