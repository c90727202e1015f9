"""The file that a worker and the libraries in it print to, and what the number means that a process ends with."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

_LARGEST = 2 << 20  # bytes; then the log becomes the one before, and a new one begins


def open_log(path: Path) -> int:
    """A descriptor that appends to the log, or DEVNULL where nothing can be written: a full disk stops no chat."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if path.stat().st_size > _LARGEST:
                path.replace(path.with_suffix(".old.log"))
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return subprocess.DEVNULL


def signal_name(exit_code: int) -> str:
    """An exit code as subprocess gives it, in words: the signal's name where it is one."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
