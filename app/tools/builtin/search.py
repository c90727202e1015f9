"""Searching the text files of the folders that the person opened to the chat."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from app.tools.builtin.files import text_of
from app.tools.folders import granted, read_bytes, shown
from app.tools.registry import Surroundings, ToolError

_MOST_HITS = 100
_LARGEST = 5_000_000  # bytes of a file that is searched
_MOST_FILES = 20_000
_LINE = 200


def search_files(words: str, path: str | None = None, *, around: Surroundings) -> str:
    """Searches the text files in a folder that is open to this chat for words, upper and lower case alike.

    words: The words as they stand in a line
    path: The folder or file to search; without it all that is open
    """
    wanted = words.casefold().strip()
    if not wanted:
        raise ToolError("There are no words to search for.")
    if not around.grants:
        raise ToolError("No folder is open to this chat.")
    places = [granted(path, around.grants)] if path else [Path(grant.folder) for grant in around.grants]
    hits: list[str] = []
    looked = 0
    for file in (file for place in places for file in _files(place)):
        if around.stopped() or time.monotonic() > around.deadline - 1 or looked >= _MOST_FILES:
            hits.append(f"[ended after {looked} files; search a smaller folder]")
            break
        looked += 1
        hits += _hits(file, wanted, around, _MOST_HITS - len(hits))
        if len(hits) >= _MOST_HITS:
            hits.append(f"[the first {_MOST_HITS} places; search for more words]")
            break
    return "\n".join(hits) or f"“{words}” is in none of {looked} files."


def _files(place: Path) -> Iterator[Path]:
    if not os.path.isdir(place):
        yield place
        return
    for folder, folders, names in os.walk(place):  # links to folders are not followed
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def _hits(file: Path, wanted: str, around: Surroundings, most: int) -> list[str]:
    try:
        if file.is_symlink() or file.lstat().st_size > _LARGEST:
            return []
        text = text_of(read_bytes(file, around.grants, _LARGEST), file.name)
    except (ToolError, OSError):
        return []
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if wanted in line.casefold():
            found.append(f"{shown(file, around.grants)}:{number}: {line.strip()[:_LINE]}")
            if len(found) >= most:
                break
    return found
