"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def replace_whole(file: Path, content: bytes) -> None:
    """Puts this content in the file's place; its folder is made. Raises OSError, and nothing is left over then."""
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)
        raise
