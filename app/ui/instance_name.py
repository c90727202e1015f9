"""The name under which the window of a data folder can be asked. Light: every start looks here first."""

from __future__ import annotations

import os
import zlib
from pathlib import Path


def server_name(root: Path) -> str:
    """A socket's path in the person's own runtime folder where there is one, else a name for Qt to place."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    key = os.fsencode(os.path.realpath(root))
    # a hash, because a Unix socket's path is short (108 bytes) and a data folder's may be long
    name = f"cabochon-{zlib.crc32(key):08x}{zlib.adler32(key):08x}"
    return os.path.join(folder, name) if folder else name


def may_be_open(root: Path) -> bool:
    """Whether a window for this folder may be there: asking it costs loading Qt's network library."""
    name = server_name(root)
    return not os.path.isabs(name) or os.path.exists(name)
