"""The packaged program: what its start put into the environment is taken out again before a child inherits it."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

_PATHS = ("LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "QML2_IMPORT_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH")
_STARTERS = ("_PYI_", "_MEIPASS2")


def leave_bundle() -> None:
    """Give the environment back as the person had it; nothing from source. The first thing that every process does.

    The loader has read its path already, so nothing of ours needs what goes.
    """
    if getattr(sys, "frozen", False):
        clean(os.environ, Path(sys.executable).parent)


def clean(environment: MutableMapping[str, str], bundle: Path) -> None:
    """Take out what the bundle's start added: its own variables and every entry of a search path that lies in it."""
    for name in [name for name in environment if name.startswith(_STARTERS)]:
        del environment[name]
    for name in _PATHS:
        before = environment.pop(f"{name}_ORIG", None)
        entries = (before if before is not None else environment.get(name, "")).split(os.pathsep)
        kept = [entry for entry in entries if entry and not Path(entry).is_relative_to(bundle)]
        if kept:
            environment[name] = os.pathsep.join(kept)
        else:
            environment.pop(name, None)
