"""What the composition root hands to the window. Imports nothing of Qt, so that the command line can make it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.paths import DataPaths

MODEL_SUFFIX = ".gguf"


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """How the window was asked for.

    `model` is used for this start and remembered, None goes on with the remembered one; `sample` means the scripted
    engine and sample data; `files` are absolute paths named on the command line.
    """

    paths: DataPaths
    model: Path | None = None
    sample: bool = False
    files: tuple[Path, ...] = ()
