"""What the bundle's libraries ask of the system, read from their headers, and which packages bring that."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap_report import SetupError

# The oldest system is Ubuntu 22.04: its C library and its C++ library.
NEWEST = {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13)}

_XCB = (
    *("cursor0", "glx0", "icccm4", "image0", "keysyms1", "randr0", "render0", "render-util0", "shape0", "shm0"),
    *("sync1", "xfixes0", "xinput0", "xkb1", "util1"),
)


def _xcb_soname(package: str) -> str:
    return f"libxcb-{package[:-1]}.so.{package[-1]}"


# What a library is asked for by -> the package of Debian and Ubuntu, with the name that Ubuntu 24.04 gave it.
PACKAGES = {
    **dict.fromkeys(("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"), "libc6 (>= 2.35)"),
    **dict.fromkeys(("libutil.so.1", "ld-linux-x86-64.so.2", "libresolv.so.2"), "libc6 (>= 2.35)"),
    "libstdc++.so.6": "libstdc++6 (>= 12)",
    "libgcc_s.so.1": "libgcc-s1",
    "libgomp.so.1": "libgomp1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    **dict.fromkeys(("libbrotlidec.so.1", "libbrotlicommon.so.1"), "libbrotli1"),
    "libreadline.so.8": "libreadline8 | libreadline8t64",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    **dict.fromkeys(("libglib-2.0.so.0", "libgthread-2.0.so.0"), "libglib2.0-0 | libglib2.0-0t64"),
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libdrm.so.2": "libdrm2",
    **{_xcb_soname(package): f"libxcb-{package}" for package in _XCB},
}
# Libraries that the program does without when what they ask for is missing.
WITHOUT = {"libvulkan.so.1": "libvulkan1"}
GTK = ("libqgtk3.so",)  # loaded only where GTK is the desktop's own


@dataclass(frozen=True, slots=True)
class Library:
    """One ELF file: what it is called by, what it asks for, and the newest version it wants of each symbol family."""

    path: Path
    soname: str
    needed: tuple[str, ...]
    versions: dict[str, tuple[int, ...]]


def read_library(path: Path, dump: str) -> Library:
    """What `objdump -p` printed about the file."""
    versions: dict[str, tuple[int, ...]] = {}
    for family, number in re.findall(r"\b(GLIBC|GLIBCXX|CXXABI)_(\d[\d.]*)", dump):
        found = tuple(int(part) for part in number.split("."))
        versions[family] = max(found, versions.get(family, ()))
    soname = re.search(r"^\s+SONAME\s+(\S+)", dump, re.MULTILINE)
    needed = tuple(re.findall(r"^\s+NEEDED\s+(\S+)", dump, re.MULTILINE))
    return Library(path, soname[1] if soname else path.name, needed, versions)


def libraries(folder: Path) -> Iterator[Library]:
    """Every ELF file below the folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
        dump = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=True).stdout
        yield read_library(path, dump)


def check_libraries(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages that the folder's libraries need and those they are better with.

    Raises SetupError where one wants a newer system than the oldest, or something that no package here is known for.
    """
    found = list(libraries(folder))
    inside = {library.soname for library in found} | {path.name for path in folder.rglob("*.so*")}
    depends: set[str] = set()
    recommends: set[str] = set()
    for library in found:
        for family, newest in NEWEST.items():
            if library.versions.get(family, ()) > newest:
                wanted = ".".join(str(part) for part in library.versions[family])
                raise SetupError(f"{library.path.name} needs {family}_{wanted}, newer than the oldest system has.")
        for name in library.needed:
            if name in inside or library.path.name in GTK:
                continue
            if name in WITHOUT:
                recommends.add(WITHOUT[name])
            elif name in PACKAGES:
                depends.add(PACKAGES[name])
            else:
                raise SetupError(f"{library.path.name} needs {name}, and no package is known for it.")
    return tuple(sorted(depends)), tuple(sorted(recommends))
