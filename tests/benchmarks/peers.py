"""llama-bench and llama-server, built from the source distribution that our engine's wheel is built from.

Same version, same compiler, same options (`ENGINE_OPTIONS` is what packaging builds the wheel with; the rest of the
list is what the binding's own CMakeLists.txt forces), so that a ratio measures our code and nothing else. The build
lies in `.cache/peers`, takes some minutes once, and is reused while version and options stay the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.report import say

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "peers"
ENGINE_OPTIONS = ("-DMTMD_VIDEO=OFF",)  # CMAKE_ARGS of the engine's wheel (packaging/bootstrap.py)
BINDING_OPTIONS = ("-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON", "-DLLAMA_BUILD_COMMON=ON")
# What has no part in the figures and needs a network, a library or time.
PEER_OPTIONS = (
    "-DLLAMA_BUILD_TOOLS=ON",
    "-DLLAMA_BUILD_SERVER=ON",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_OPENSSL=OFF",
)
TARGETS = ("llama-bench", "llama-server")


class PeerError(Exception):
    """The peers could not be built; the message says at which step and where its output is."""


@dataclass(frozen=True)
class Peers:
    """The programs to measure against."""

    bench: Path
    server: Path


def built(version_wanted: str | None = None) -> Peers | None:
    """The peers as they lie in the cache, or None where they have not been built (or of another version)."""
    wanted = version_wanted or version("llama-cpp-python")
    stamp = CACHE / "stamp"
    peers = Peers(CACHE / "build" / "bin" / "llama-bench", CACHE / "build" / "bin" / "llama-server")
    if not stamp.is_file() or stamp.read_text() != _stamp(wanted):
        return None
    return peers if peers.bench.is_file() and peers.server.is_file() else None


def build(jobs: int = 0) -> Peers:
    """Build the peers, or return those that are built. `jobs` 0: as many as there are cores. Raises PeerError."""
    wanted = version("llama-cpp-python")
    found = built(wanted)
    if found:
        return found
    CACHE.mkdir(parents=True, exist_ok=True)
    tools = _tools()
    source = _source(wanted) / "vendor" / "llama.cpp"
    target = CACHE / "build"
    options = [*ENGINE_OPTIONS, *BINDING_OPTIONS, *PEER_OPTIONS]
    _step("configure", ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(target), *options], tools)
    count = str(jobs or os.cpu_count() or 1)
    _step("build", ["cmake", "--build", str(target), "--parallel", count, "--target", *TARGETS], tools)
    (CACHE / "stamp").write_text(_stamp(wanted))
    done = built(wanted)
    if done is None:
        raise PeerError(f"The build ended without {' and '.join(TARGETS)} in {target}.")
    return done


def build_loadable(backend: Path) -> Path:
    """llama-server with its backends in files, and this one of an engine's among them. Raises PeerError."""
    CACHE.mkdir(parents=True, exist_ok=True)
    tools, target = _tools(), CACHE / "loadable"
    source = _source(version("llama-cpp-python")) / "vendor" / "llama.cpp"
    options = [*ENGINE_OPTIONS, *BINDING_OPTIONS, *PEER_OPTIONS, "-DGGML_BACKEND_DL=ON", "-DGGML_NATIVE=OFF"]
    _step("configure", ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(target), *options], tools)
    _step("build", ["cmake", "--build", str(target), "--target", "llama-server"], tools)
    link = target / "bin" / backend.name
    link.unlink(missing_ok=True)
    link.symlink_to(backend.absolute())
    return target / "bin" / "llama-server"


def _stamp(wanted: str) -> str:
    options = "\n".join((wanted, *ENGINE_OPTIONS, *BINDING_OPTIONS, *PEER_OPTIONS))
    return hashlib.sha256(options.encode()).hexdigest()


def _source(wanted: str) -> Path:
    """The unpacked source distribution; fetched with pip, whose index settings it follows."""
    folder = CACHE / f"llama_cpp_python-{wanted}"
    if (folder / "vendor" / "llama.cpp" / "CMakeLists.txt").is_file():
        return folder
    archive = CACHE / f"llama_cpp_python-{wanted}.tar.gz"
    if not archive.is_file():
        pip = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--no-binary", "llama-cpp-python"]
        _step("download", [*pip, "--dest", str(CACHE), f"llama-cpp-python=={wanted}"], os.environ.copy())
    with tarfile.open(archive) as packed:
        packed.extractall(CACHE, filter="data")
    return folder


def _tools() -> dict[str, str]:
    """An environment with cmake and ninja in its PATH: the system's, else those of PyPI beside the build."""
    environment = os.environ.copy()
    # llama.cpp leaves out -march=native when this is set; the engine's wheel is built without it.
    environment.pop("SOURCE_DATE_EPOCH", None)
    if shutil.which("cmake") and shutil.which("ninja"):
        return environment
    folder = CACHE / "tools"
    if not (folder / "bin" / "cmake").exists():
        pip = [sys.executable, "-P", "-m", "pip", "install", "--no-deps", "--target", str(folder)]
        _step("tools", [*pip, "cmake", "ninja"], environment)
    environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    environment["PYTHONPATH"] = str(folder)
    return environment


def _step(name: str, command: list[str], environment: dict[str, str]) -> None:
    """Run one step with its output in a log file."""
    log = CACHE / f"{name}.log"
    say(f"peers: {name} …")
    with log.open("wb") as output:
        done = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise PeerError(f"{name} failed with {done.returncode}; see {log}")
