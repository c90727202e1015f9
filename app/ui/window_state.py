"""What the window keeps of itself between two starts: its place, its panes, the model files used lately."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

RECENT = 8


class WindowState(NamedTuple):
    """Kept in `window.json` in the data folder. Losing it loses no word."""

    geometry: str = ""  # QWidget.saveGeometry, base64
    sidebar_open: bool = True
    sidebar_width: int = 272
    recent_models: tuple[str, ...] = ()

    @property
    def geometry_bytes(self) -> bytes:
        """The geometry as Qt saved it; empty when there is none."""
        with contextlib.suppress(ValueError):
            return base64.b64decode(self.geometry, validate=True)
        return b""

    def with_recent(self, path: str) -> WindowState:
        """The same with this model file named first."""
        rest = tuple(other for other in self.recent_models if other != path)
        return self._replace(recent_models=(path, *rest)[:RECENT])


def encode_geometry(saved: bytes) -> str:
    """Qt's bytes as text."""
    return base64.b64encode(saved).decode("ascii")


def state_file(root: Path) -> Path:
    """Where it is kept."""
    return root / "window.json"


def read_state(root: Path) -> WindowState:
    """What was kept; the defaults when there is nothing, or nothing readable."""
    try:
        kept = json.loads(state_file(root).read_bytes())
        return WindowState(
            str(kept["geometry"]),
            bool(kept["sidebar_open"]),
            int(kept["sidebar_width"]),
            tuple(str(path) for path in kept["recent_models"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return WindowState()


def write_state(root: Path, state: WindowState) -> None:
    """Keep it. A data folder that cannot be written loses only the window's place."""
    with contextlib.suppress(OSError):
        root.mkdir(parents=True, exist_ok=True)
        fresh = state_file(root).with_suffix(".new")
        fresh.write_text(json.dumps(state._asdict()), encoding="ascii")
        os.replace(fresh, state_file(root))
