"""The bundle: PyInstaller's folder with the engine, the versions, the resources; nothing of the build machine's own."""

from __future__ import annotations

import importlib.metadata
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap_environment import ENGINE, read_pins, user_cache
from bootstrap_report import Report, SetupError
from package_libraries import check_libraries
from package_licences import collect
from package_parts import DISTRIBUTIONS, ENGINE_MODULES, LICENCES

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The finished folder, the packages of the system that it needs, and those that it is better with."""

    folder: Path
    depends: tuple[str, ...]
    recommends: tuple[str, ...]

    @property
    def internal(self) -> Path:
        """Where everything but the executables lies."""
        return self.folder / "_internal"


def version() -> str:
    """Cabochon's version, as pyproject.toml has it."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def reproducible(epoch: int) -> dict[str, str]:
    """The environment of every tool whose output must be the same twice: no clock, no random order, no locale."""
    ours = {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return {**os.environ, **ours, "QT_QPA_PLATFORM": "offscreen"}


def lean_numpy(report: Report) -> Path:
    """A folder with NumPy as the worker uses it: without BLAS, which would be 25 MB and threads of its own.

    Built once a version, some seven minutes of one core. Raises SetupError.
    """
    pin = read_pins((ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8"))["numpy"]
    folder = user_cache() / "cabochon" / f"numpy-{pin}-without-blas-python3.{sys.version_info.minor}"
    if folder.is_dir():
        return folder
    report.progress("NumPy: built without BLAS, once")
    begun = folder.with_name(folder.name + ".new")
    shutil.rmtree(begun, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-binary", "numpy", "--target", str(begun)]
    options = [f"-Csetup-args=-D{option}" for option in ("allow-noblas=true", "blas=none", "lapack=none")]
    if report.run([*command, *options, f"numpy=={pin}"]):
        raise SetupError(f"NumPy was not built. What went wrong stands in the log: {report.log}")
    begun.rename(folder)
    return folder


def make_bundle(work: Path, engine: Path, environment: Mapping[str, str], report: Report) -> Bundle:
    """Build it below `work`, with the package llama_cpp of the folder `engine`. Minutes. Raises SetupError."""
    shutil.rmtree(work, ignore_errors=True)
    numpy = lean_numpy(report)
    report.progress("PyInstaller: following the imports of five programs")
    command = [sys.executable, "-P", "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    places = ["--distpath", str(work / "made"), "--workpath", str(work / "work")]
    spec = str(ROOT / "packaging" / "cabochon.spec")
    if report.run([*command, *places, spec], environment={**environment, "PYTHONPATH": str(numpy)}):
        raise SetupError(f"PyInstaller failed. What went wrong stands in the log: {report.log}")
    folder = work / "made" / "cabochon"
    internal = folder / "_internal"
    add_engine(engine, internal / "llama_cpp")
    add_versions(internal)
    shutil.copytree(ROOT / "resources", internal / "resources", ignore=shutil.ignore_patterns("models"))
    (internal / LICENCES).write_text(collect(internal, numpy, ROOT), encoding="utf-8")
    _strip(internal)
    depends, recommends = check_libraries(folder)
    _set_modes(folder)
    return Bundle(folder, depends, recommends)


def add_engine(engine: Path, target: Path) -> None:
    """The modules of the bindings that are used, compiled, and the libraries, each once. Raises SetupError."""
    if not (engine / "llama_cpp.py").is_file() or not (engine / "lib").is_dir():
        raise SetupError(f"There is no engine in {engine}: it has no llama_cpp.py with a folder lib beside it.")
    (target / "lib").mkdir(parents=True)
    for name in ENGINE_MODULES:
        compiled = str(target / f"{name}.pyc")
        # the name that a traceback shows must not be the build machine's
        shown = f"llama_cpp/{name}.py"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(engine / f"{name}.py"), compiled, dfile=shown, doraise=True, invalidation_mode=mode)
    first: dict[bytes, str] = {}
    for library in sorted((engine / "lib").iterdir(), key=lambda path: (len(path.name), path.name)):
        if not re.search(r"\.so(\.\d+)?$", library.name) or not library.is_file():
            continue  # libllama.so.0.5.0: nothing asks for the full number
        data = library.read_bytes()
        if same := first.get(data):
            (target / "lib" / library.name).symlink_to(same)
        else:
            first[data] = library.name
            shutil.copy2(library, target / "lib" / library.name)


def add_versions(internal: Path) -> None:
    """What importlib.metadata needs to tell the versions that doctor and About show."""
    pins = read_pins((ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8"))
    for name in DISTRIBUTIONS:
        known = {"cabochon": version(), ENGINE: pins[ENGINE]}
        told = known.get(name) or importlib.metadata.version(name)
        folder = internal / f"{name.replace('-', '_')}-{told}.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {told}\n", encoding="utf-8")


def _strip(internal: Path) -> None:
    """Debugging symbols of Python's own libraries; wheels come without, and strip would damage what was patched."""
    own = [*internal.glob("libpython3*.so*"), *internal.glob("python3*/lib-dynload/*.so")]
    subprocess.run(["strip", "--strip-unneeded", *own], check=True)


def _set_modes(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent == folder else 0o644)


def settle(tree: Path, epoch: int) -> None:
    """The same times for everything below `tree`, whenever it was made; folders and programs open to everybody."""
    for path in sorted(tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    os.utime(tree, (epoch, epoch))
