"""Versions of the program and of what it stands on, read from the installed packages without importing them."""

from __future__ import annotations

import platform
from importlib import metadata

_PACKAGES = {
    "cabochon": "cabochon",
    "PySide6": "PySide6-Essentials",
    "llama-cpp-python": "llama-cpp-python",
    "apsw": "apsw-sqlite3mc",
}


def package_version(distribution: str) -> str:
    """The version of an installed distribution, "" when it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def program_version() -> str:
    """Cabochon's own version; "unknown" in a source tree that was never installed."""
    return package_version("cabochon") or "unknown"


def installed_versions() -> dict[str, str]:
    """Versions by name for `doctor`; "" marks what is missing."""
    found = {name: package_version(distribution) for name, distribution in _PACKAGES.items()}
    return found | {"Python": platform.python_version(), "system": platform.platform()}
