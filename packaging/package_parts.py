"""What goes into the bundle and what stays out: pure decisions about the files that PyInstaller found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

IDENTIFIER = "org.cabochon.Cabochon"
LICENCES = "resources/licences.txt"  # in the bundle


@dataclass(frozen=True, slots=True)
class Program:
    """One executable of the bundle: the file that starts it and what its process never loads."""

    name: str
    script: str
    excludes: tuple[str, ...]
    hidden: tuple[str, ...] = ()


# What no process needs; each would be followed from some library's optional import.
NEVER = (
    *("tkinter", "test", "lib2to3", "ensurepip", "pip", "setuptools", "pkg_resources", "distutils", "wheel", "IPython"),
    *("pytest", "_pytest", "hypothesis", "gguf", "mypy", "matplotlib", "pandas", "scipy", "trio", "uvloop", "rich"),
    *("sqlite3", "llama_cpp", "PIL.ImageTk", "PIL.ImageQt", "PIL.ImageShow", "numpy.f2py", "numpy.testing"),
    *("numpy.random", "numpy.fft", "numpy.ma", "numpy.polynomial", "PIL._imagingft"),
    *("numpy._core._simd", "numpy.linalg.lapack_lite"),
    *("bs4.tests", "typer", "click", "lxml", "html5lib", "brotli", "zstandard", "socks", "hf_xet"),
    *(
        "curses",
        "_curses",
        "PIL._imagingft",
        "dbm",
        "_dbm",
        "_gdbm",
        "nis",
        "spwd",
        "crypt",
        "_crypt",
        "ossaudiodev",
        "xmlrpc",
        "pydoc",
    ),
)
QT = ("PySide6", "shiboken6")
KEYRING = ("keyring.backends.SecretService", "keyring.backends.chainer", "keyring.backends.fail")
PROGRAMS = (
    Program("cabochon", "app/__main__.py", ("numpy", "mcp", "app.worker"), KEYRING),
    Program("cabochon-worker", "app/worker.py", (*QT, "apsw", "mcp", "huggingface_hub", "keyring", "pypdfium2")),
    Program("cabochon-media", "app/media_host.py", (*QT, "apsw", "mcp", "numpy", "huggingface_hub", "keyring")),
    Program("cabochon-fetch", "app/fetch_host.py", (*QT, "apsw", "mcp", "numpy", "PIL"), KEYRING),
    Program("cabochon-tool-host", "app/tool_host.py", (*QT, "apsw", "numpy", "PIL", "huggingface_hub")),
)

QT_MODULES = (
    *("Core", "DBus", "Gui", "Network", "OpenGL", "Svg", "WaylandClient", "Widgets", "WlShellIntegration", "XcbQpa"),
)
QT_BINDINGS = ("QtCore", "QtGui", "QtNetwork", "QtSvg", "QtWidgets")
QT_PLUGINS = (
    *("platforms/libqxcb.so", "platforms/libqoffscreen.so", "platforms/libqwayland*.so"),
    *("wayland-shell-integration/libxdg-shell.so", "wayland-decoration-client/*"),
    *("wayland-graphics-integration-client/*", "xcbglintegrations/*", "platforminputcontexts/*"),
    *("platformthemes/*", "iconengines/libqsvgicon.so"),
    *(f"imageformats/libq{kind}.so" for kind in ("jpeg", "gif", "webp", "svg", "ico")),
)
# Of the build machine's own libraries these come along; all others are the system's, as packages (package_deb.py).
FROM_THE_SYSTEM = tuple(f"lib{name}.so*" for name in ("python3*", "ssl", "crypto", "ffi", "bz2", "lzma", "uuid"))
# Of the engine: what the program loads, without the bindings' own server and chat classes. __init__ is never run: the
# folder of the libraries is found by it.
ENGINE_MODULES = ("__init__", "_ctypes_extensions", "_ggml", "llama_cpp", "mtmd_cpp")
DISTRIBUTIONS = ("cabochon", "PySide6-Essentials", "llama-cpp-python", "apsw-sqlite3mc")  # their versions are shown


def wanted(target: str, source: str) -> bool:
    """Whether the file that PyInstaller would put at `target` (below `_internal`) from `source` goes in."""
    path = PurePosixPath(target)
    if path.parts[0] == "PySide6":
        return _qt_wanted(path)
    if re.fullmatch(r"lib(Qt6|icu|pyside6|shiboken6).*", path.name) and len(path.parts) == 1:
        return False  # PyInstaller's second name for a library that lies in PySide6/Qt/lib
    if source.startswith(("/usr/lib/", "/lib/", "/usr/local/lib/")) and ".so" in path.name:
        return any(fnmatch(path.name, pattern) for pattern in FROM_THE_SYSTEM) or "python3" in source
    if ".dist-info" in target:
        return path.name in ("METADATA", "entry_points.txt")
    return not path.name.endswith((".pyi", ".typed", ".c", ".h", ".pxd", ".pyx"))


def _qt_wanted(path: PurePosixPath) -> bool:
    name, below = path.name, str(path)
    if "/plugins/" in below:
        return any(fnmatch(below.partition("/plugins/")[2], pattern) for pattern in QT_PLUGINS)
    if "/translations/" in below or "/qml/" in below:  # the program speaks English alone
        return False
    if found := re.fullmatch(r"libQt6(\w+)\.so\.6", name):
        return found[1] in QT_MODULES
    if found := re.fullmatch(r"(Qt\w+)\.abi3\.so", name):
        return found[1] in QT_BINDINGS
    return not name.startswith("libpyside6qml") and not name.endswith(".pyi")
