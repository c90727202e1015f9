"""What this system lacks, found by trying it, and how to get it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap_report import Report, SetupError, reason

OLDEST_GLIBC = (2, 34)  # what Qt's wheel is built for
PROBE = '#include <cstdio>\n#include <thread>\nint main() { std::thread([] { std::puts(""); }).join(); }\n'

# Debian's package -> what it brings, under the name that programs load it by.
QT_LIBRARIES = {
    "libegl1": ("libEGL.so.1",),
    "libgl1": ("libGL.so.1",),
    "libglib2.0-0": ("libglib-2.0.so.0", "libgthread-2.0.so.0"),
    "libdbus-1-3": ("libdbus-1.so.3",),
    "libfontconfig1": ("libfontconfig.so.1",),
    "libxkbcommon-x11-0": ("libxkbcommon-x11.so.0", "libxkbcommon.so.0"),
    "libxcb-cursor0": ("libxcb-cursor.so.0",),
    "libxcb-icccm4": ("libxcb-icccm.so.4",),
    "libxcb-keysyms1": ("libxcb-keysyms.so.1",),
    "libxcb-shape0": ("libxcb-shape.so.0",),
}
WAYLAND_LIBRARIES = {
    "libwayland-cursor0": ("libwayland-cursor.so.0",),
    "libwayland-egl1": ("libwayland-egl.so.1",),
}
DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGERS = {"objdump": "binutils", "makeself": "makeself"}  # program -> Debian's package; dpkg-deb is everywhere


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing: for people, as Debian's packages, megabytes to download and of disk."""

    what: str
    packages: tuple[str, ...]
    megabytes: int
    disk: int


def has_screen(environment: Mapping[str, str], system: str = sys.platform) -> bool:
    """Whether a window can appear here."""
    return system in ("darwin", "win32") or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def loads(library: str) -> bool:
    """Whether the system's loader finds this library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def compiles(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a C and a C++ compiler are there that make a program which links."""
    names = [environment.get("CC", "cc"), environment.get("CXX", "c++")]
    if not all(shutil.which(shlex.split(name)[0], path=environment.get("PATH")) for name in names):
        return False
    command = [*shlex.split(names[1]), "-x", "c++", "-std=c++17", "-", "-pthread", "-o", os.devnull]
    try:
        return subprocess.run(command, input=PROBE, text=True, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def missing_libraries(libraries: Mapping[str, Sequence[str]], loads: Callable[[str], bool] = loads) -> tuple[str, ...]:
    """The packages of which a library cannot be loaded."""
    return tuple(package for package, names in libraries.items() if not all(map(loads, names)))


def lacks(*, compiler: bool, environment: bool, qt: bool, wayland: bool, package: bool = False) -> list[Lack]:
    """What is missing of what is asked for."""
    found = []
    if package:
        tools = tuple(name for program, name in PACKAGERS.items() if shutil.which(program) is None)
        if tools:
            found.append(Lack("tools that make packages", tools, 8, 30))
    if compiler:
        found += compiler_lacks()
    if environment and not (importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv")):
        found.append(Lack("Python's venv", (f"python3.{sys.version_info.minor}-venv",), 3, 4))
    if qt and sys.platform.startswith("linux"):
        packages = missing_libraries({**QT_LIBRARIES, **(WAYLAND_LIBRARIES if wayland else {})})
        if packages:
            found.append(Lack("libraries that Qt needs", packages, 57, 236))
    return found


def compiler_lacks() -> list[Lack]:
    """The compiler, where there is none."""
    if sys.platform == "win32" or compiles():
        return []
    return [Lack("a C++ compiler", ("build-essential",), 70, 260)]


def check_platform(libc: tuple[str, str] | None = None) -> None:
    """Raises SetupError where the libraries Cabochon is made of do not exist."""
    name, version = libc or platform.libc_ver()
    if sys.platform.startswith("linux") and (
        name != "glibc" or tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_GLIBC
    ):
        raise SetupError("Qt needs glibc 2.34 or newer: Debian 12, Ubuntu 22.04, or another Linux from 2022 on.")


def is_debian(release: Path = Path("/etc/os-release")) -> bool:
    """Whether apt-get installs things here."""
    try:
        text = release.read_text(encoding="utf-8")
    except OSError:
        return False
    return shutil.which("apt-get") is not None and bool(re.search(r"^ID(_LIKE)?=.*\b(debian|ubuntu)\b", text, re.M))


def has_debian_packages() -> bool:
    """Whether apt can fetch, and verify, packages of any Debian here."""
    return all(map(shutil.which, ("apt-get", "dpkg-deb"))) and DEBIAN_KEYS.is_file()


def install_line(packages: Iterable[str], *, root: bool, sudo: bool) -> str:
    """What a person types to install these packages on Debian or Ubuntu."""
    install = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if root:
        return f"apt-get update && {install}"
    if sudo:
        return f"sudo apt-get update && sudo {install}"
    return f"su -c 'apt-get update && {install}'"


def supply(missing: Sequence[Lack], report: Report, *, ask: Callable[[str], str] | None) -> None:
    """Installs what is missing, or raises SetupError with the line that does.

    `ask` puts one question to the person; None where there is no terminal.
    """
    *others, last = (lack.what for lack in missing)
    names = f"{', '.join(others)} and {last}" if others else last
    packages = tuple(package for lack in missing for package in lack.packages)
    megabytes = sum(lack.megabytes for lack in missing)
    if not is_debian():
        raise SetupError(f"This system lacks {names}. {_elsewhere(packages)}")
    root, sudo = os.geteuid() == 0, shutil.which("sudo") is not None
    line = install_line(packages, root=root, sudo=sudo)
    if not root and (ask is None or not sudo):
        raise SetupError(f"This system lacks {names}. Install with the line below, then run this again.\n  {line}")
    report.say(f"This system lacks {names} ({megabytes} MB to download). What installs them:")
    report.say(f"  {line}")
    if ask is None:
        report.say("There is no terminal to ask in, and this is root: they are installed now.")
    elif ask("Install them now? [Y/n] ").strip().lower() not in ("", "y", "yes"):
        raise SetupError("Nothing was installed. Run this again when they are there.")
    _install([] if root else ["sudo"], packages, report)


def _elsewhere(packages: Iterable[str]) -> str:
    if sys.platform == "darwin":
        return "Run: xcode-select --install, then run this again."
    return f"Install what your system calls these packages of Debian, then run this again: {' '.join(packages)}."


def _install(prefix: list[str], packages: Sequence[str], report: Report) -> None:
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "apt-get", "-q", "-y"]
    report.progress("Asking for the system's package lists")
    report.run([*apt, "update"], own_group=not prefix)  # a list that does not come matters only if a package then fails
    asked = report.tail
    install = [*apt, "install", "--no-install-recommends", *packages]
    if report.run(install, AptProgress(report), own_group=not prefix):
        why = reason(asked + report.tail) or "apt-get failed."
        raise SetupError(f"The system's packages were not installed. {why} The log: {report.log}")


class AptProgress:
    """Steps of apt-get, read from its output: every package is fetched, unpacked and set up."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._steps = 0
        self._done = 0

    def __call__(self, line: str) -> None:
        counted = re.match(r"(\d+) upgraded, (\d+) newly installed", line)
        if counted:
            self._steps = 3 * (int(counted[1]) + int(counted[2]))
        if re.match(r"(Get:\d|Unpacking |Setting up )", line):
            self._done = min(self._done + 1, self._steps)
            self._report.progress(f"Installing system packages: step {self._done} of {self._steps}")
