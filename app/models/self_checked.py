"""How the last self-check of this machine came out, in a file of the data folder."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

import msgspec


class SelfChecked(msgspec.Struct, frozen=True):
    """Right answers and all, on this day (ISO); `count` 0 where none was made."""

    day: str = ""
    right: int = 0
    count: int = 0


def keep(path: Path, right: int, count: int) -> None:
    """From today. Where it cannot be written, the last one stays."""
    with suppress(OSError):
        path.write_bytes(msgspec.json.encode(SelfChecked(date.today().isoformat(), right, count)))


def recall(path: Path) -> SelfChecked:
    """The last one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SelfChecked)
    except (OSError, msgspec.DecodeError):
        return SelfChecked()
