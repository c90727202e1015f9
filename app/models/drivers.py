"""What tells a version of the graphics drivers of this machine from another. Only files are read."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from app.models.graphics import MANIFESTS

_ROOT = Path("/")
_NAMED = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")  # in the environment, in place of the manifests of the system


def driver(card: str, root: Path = _ROOT) -> str:
    """What changes with the driver of a card: its version where the system tells it, else of what Vulkan finds."""
    version = _read(root / "proc/driver/nvidia/version")
    if "NVIDIA" in card.upper() and version:
        return version.decode("utf-8", "replace").splitlines()[0]
    return _digest(_vulkan(root))


def drivers(root: Path = _ROOT) -> str:
    """What changes with any driver: those in the kernel, NVIDIA's, and what Vulkan finds."""
    return _digest([platform.release().encode(), _read(root / "proc/driver/nvidia/version"), *_vulkan(root)])


def _vulkan(root: Path) -> Iterator[bytes]:
    """Vulkan's manifests, and of the libraries that they name how large and how old they are."""
    named = [Path(path) for name in _NAMED for path in os.environ.get(name, "").split(os.pathsep) if path]
    for path in named or sorted(path for place in MANIFESTS for path in (root / place).glob("*.json")):
        data = _read(path)
        yield data
        try:
            library = Path(json.loads(data)["ICD"]["library_path"])
            state = (library if library.is_absolute() else path).stat()
        except (OSError, ValueError, LookupError, TypeError):
            continue
        yield f"{state.st_size} {state.st_mtime_ns}".encode()


def _digest(parts: Iterator[bytes] | list[bytes]) -> str:
    found = b"\0".join(parts)
    return hashlib.sha256(found).hexdigest()[:12] if found else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
