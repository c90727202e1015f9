"""A bug: its traceback goes to the log, one sentence to the person."""

from __future__ import annotations

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from app.cli.output import Output
from app.core.paths import DataPaths


class BugError(Exception):
    """A bug in the session or the worker, with the traceback for the log."""

    def __init__(self, message: str, traceback: str) -> None:
        super().__init__(message)
        self.traceback = traceback


def report_bug(error: Exception, paths: DataPaths | None, output: Output) -> None:
    """Write the traceback to the log and say where it is, or show it when it cannot be written anywhere."""
    text = "".join(traceback.format_exception(error))
    if isinstance(error, BugError):
        text += error.traceback
    log = _write(text, paths)
    where = f"Its details are in {log}." if log else f"Its details could not be written: {text}"
    output.sentence(f"Cabochon failed because of a bug; what was saved is safe. {where}")


def _write(text: str, paths: DataPaths | None) -> str:
    """The log that took the entry: the data folder's own, else a temporary file; "" when neither can be written."""
    entry = f"{datetime.now(UTC).isoformat(timespec='seconds')} bug\n{text.rstrip()}\n"
    for folder in ([paths.logs] if paths else []) + [Path(tempfile.gettempdir())]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "cabochon.log").open("a", encoding="utf-8", errors="replace") as log:
                log.write(entry)
        except OSError:
            continue
        return os.fsencode(log.name).decode("utf-8", "replace")
    return ""
