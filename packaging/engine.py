"""The engine that runs on every 64-bit PC: llama.cpp with every processor's variant, and Vulkan beside them.

    python3 packaging/engine.py build --out DIR     DIR/llama_cpp, with all libraries in DIR/llama_cpp/lib
    python3 packaging/engine.py addon cuda --out DIR     DIR/libggml-cuda.so alone, for the add-on folder (also hip)

As root on Debian 12 or 13, 15 to 25 minutes on two cores. What was built is kept in the user's cache under its version
and options, so that the same call is quick the next time; one that was interrupted goes on where it stopped.
`CMAKE_ARGS` adds options of the person's own to an add-on. An add-on is for the engine of `build`; with `--installed`
it is for the one that pip built, which the set-up installs: there it lies in llama_cpp/addons (bootstrap_gpu.py). That
needs no root.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bootstrap_environment import ENGINE, ENGINE_OPTIONS, digest, read_pins, user_cache
from bootstrap_system import DEBIAN_KEYS, has_debian_packages

PACKAGES = ("g++", "binutils", "cmake", "ninja-build")
NEWER = "trixie"  # whose Vulkan headers and shader compiler are taken: older ones do not build the backend
NEWER_PACKAGES = (
    "libvulkan-dev", "libvulkan1", "spirv-headers", "glslc", "libshaderc1", "libc6", "libstdc++6", "libgcc-s1",
)  # fmt: skip
SOURCE = f"deb [signed-by={DEBIAN_KEYS}] http://deb.debian.org/debian {NEWER} main\n"
COMMON = (
    *ENGINE_OPTIONS,
    "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON", "-DGGML_CCACHE=OFF", "-DGGML_NATIVE=OFF", "-DGGML_RPC=OFF",
    "-DGGML_BACKEND_DL=ON", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_SERVER=OFF",
    "-DLLAMA_BUILD_APP=OFF",
)  # fmt: skip
# Libraries find each other by the path that is written in them, before anything that LD_LIBRARY_PATH names.
LINKED = (
    "-DCMAKE_SHARED_LINKER_FLAGS=-Wl,--disable-new-dtags", "-DCMAKE_MODULE_LINKER_FLAGS=-Wl,--disable-new-dtags",
)  # fmt: skip
# One file for each library and no links, which not every kind of package can carry; all are in one folder.
PORTABLE = (
    *COMMON, "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON", "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    "-DCMAKE_INSTALL_RPATH=$ORIGIN", *LINKED,
)  # fmt: skip
# Beside what pip has installed: the engine's libraries in llama_cpp/lib, NVIDIA's in a package of their own.
INSTALLED = (
    *COMMON, "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    "-DCMAKE_INSTALL_RPATH=$ORIGIN/../lib;$ORIGIN/../../nvidia/cu13/lib", *LINKED,
)  # fmt: skip
BASE = ("-DGGML_CPU_ALL_VARIANTS=ON", "-DGGML_VULKAN=ON")
CARD_OPTIONS = {"cuda": ("-DGGML_CUDA_NO_VMM=ON",)}  # or the driver's own library would have to be there to link with
RUNTIME = "libgomp.so.1"  # of the compiler; a machine without one does not have it


def say(line: str) -> None:
    """A line for the person, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Build what is asked for and say where it is. Exit code 1 where a step fails; its own words stand above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_text in (("build", "the engine"), ("addon", "the backend of one kind of graphics card")):
        command = commands.add_parser(name, help=help_text)
        command.add_argument("--out", type=Path, required=True, metavar="DIR")
        if name == "addon":
            command.add_argument("backend", choices=("cuda", "hip", "vulkan"))
            command.add_argument("--installed", action="store_true", help="for the engine that pip built")
            command.add_argument("--cuda", type=Path, metavar="DIR", help="where NVIDIA's compiler is")
    asked = parser.parse_args(arguments)
    try:
        made = build(asked.out) if asked.command == "build" else build_addon(asked)
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"Nothing was built. {error} The same command goes on from there.")
        return 1
    say(f"Built: {made}")
    return 0


def build(out: Path) -> Path:
    """The package `llama_cpp` in the folder `out`, and beside it what tells its version. Minutes.

    Raises subprocess.CalledProcessError where a step fails.
    """
    for part in _kept("portable", (*PORTABLE, *BASE), _make_package).iterdir():
        shutil.rmtree(out / part.name, ignore_errors=True)
        shutil.copytree(part, out / part.name)
    return out / "llama_cpp"


def build_addon(asked: argparse.Namespace) -> Path:
    """One backend's library in the folder that is asked for. CUDA and HIP need the compiler of the card's maker.

    Raises subprocess.CalledProcessError where a step fails.
    """
    backend, common = asked.backend, INSTALLED if asked.installed else PORTABLE
    own = os.environ.get("CMAKE_ARGS", "").split()
    options = (*common, f"-DGGML_{backend.upper()}=ON", "-DGGML_CPU=OFF", *CARD_OPTIONS.get(backend, ()), *own)
    name = f"libggml-{backend}.so"

    def make(work: Path, made: Path) -> None:
        places = _vulkan_places(work) if backend == "vulkan" else ()
        if asked.cuda is not None:
            places = (f"-DCMAKE_CUDA_COMPILER={asked.cuda / 'bin' / 'nvcc'}", f"-DCUDAToolkit_ROOT={asked.cuda}")
        _strip(_compile(work, (*options, *places), f"ggml-{backend}") / name, made / name)

    asked.out.mkdir(parents=True, exist_ok=True)
    new = shutil.copy2(_kept(backend, options, make) / name, asked.out / f"{name}.new")
    return Path(new).replace(asked.out / name)  # a program may be running with the one that is there


def version() -> str:
    """The engine's, of the versions that were tested."""
    return read_pins((Path(__file__).parent / "constraints.txt").read_text(encoding="utf-8"))[ENGINE]


def _kept(name: str, options: Sequence[str], make: Callable[[Path, Path], None]) -> Path:
    """The folder of the cache with what was built with these options; `make` builds it, in the first of two folders
    that it is given into the second. Where another process builds the same, this waits for it."""
    kept = user_cache() / "cabochon" / f"engine-{name}-{digest(version(), RUNTIME, *options)}"
    if not kept.exists():
        work = kept.with_suffix(".work")
        work.mkdir(parents=True, exist_ok=True)
        with (work / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                shutil.rmtree(work / "made", ignore_errors=True)
                (work / "made").mkdir()
                make(work, work / "made")
                (work / "made").replace(kept)
        shutil.rmtree(work, ignore_errors=True)
    return kept


def _make_package(work: Path, made: Path) -> None:
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)
    built = _compile(work, (*PORTABLE, *BASE, *_vulkan_places(work)), "llama", "mtmd")
    source, libraries = _source(work), made / "llama_cpp" / "lib"
    shutil.copytree(source / "llama_cpp", made / "llama_cpp", ignore=shutil.ignore_patterns("lib"))
    libraries.mkdir()
    for library in built.glob("lib*.so"):
        _strip(library, libraries / library.name)
    runtime = subprocess.run(["gcc", f"-print-file-name={RUNTIME}"], check=True, capture_output=True, text=True).stdout
    _strip(Path(runtime.strip()), libraries / RUNTIME)
    facts = made / f"{ENGINE.replace('-', '_')}-{version()}.dist-info"
    facts.mkdir()
    shutil.copy2(source / "PKG-INFO", facts / "METADATA")
    shutil.copy2(source / "LICENSE.md", facts / "LICENSE.md")
    shutil.copy2(source / "vendor" / "llama.cpp" / "LICENSE", facts / "LICENSE.llama.cpp")


def _vulkan_places(work: Path) -> tuple[str, ...]:
    """Where Vulkan's headers and shader compiler are, as options: a newer Debian's where they can be had (that needs no
    root); else none, for CMake finds the system's own."""
    if not has_debian_packages():
        return ()
    root, compiler = work / NEWER, work / "glslc"
    if not compiler.exists():
        shutil.rmtree(root, ignore_errors=True)
        _unpack_newer(work, root)
        libraries = next(root.glob("usr/lib/*-linux-gnu"))
        loader = next(path for path in (*root.glob("usr/lib*/ld-linux*"), *libraries.glob("ld-linux*")))
        compiler.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {root}/usr/bin/glslc "$@"\n')
        compiler.chmod(0o755)
    return (
        f"-DVulkan_INCLUDE_DIR={root}/usr/include", f"-DVulkan_GLSLC_EXECUTABLE={compiler}",
        f"-DVulkan_LIBRARY={next(root.glob('usr/lib/*/libvulkan.so'))}",
        f"-DSPIRV-Headers_DIR={root}/usr/share/cmake/SPIRV-Headers",
    )  # fmt: skip


def _unpack_newer(work: Path, root: Path) -> None:
    """The packages in `root`, fetched and verified by apt with folders of its own, so that nothing is installed."""
    lists, cache = work / "apt" / "lists", work / "apt" / "cache"
    for folder in (lists / "partial", cache / "archives" / "partial", root):
        folder.mkdir(parents=True, exist_ok=True)
    (work / "apt" / "sources.list").write_text(SOURCE, encoding="utf-8")
    places = {
        "Dir::State": lists.parent, "Dir::State::Lists": lists, "Dir::State::Status": os.devnull, "Dir::Cache": cache,
        "Dir::Etc::SourceList": work / "apt" / "sources.list", "Dir::Etc::SourceParts": "-", "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
    }  # fmt: skip
    apt = ("apt-get", "-q", *(word for name, value in places.items() for word in ("-o", f"{name}={value}")))
    run(*apt, "update")
    run(*apt, "download", *NEWER_PACKAGES, folder=cache)
    for package in cache.glob("*.deb"):
        run("dpkg-deb", "-x", str(package), str(root))


def _source(work: Path) -> Path:
    """The source distribution of the bindings, which has llama.cpp's in it."""
    if not any(work.glob("llama_cpp_python-*/PKG-INFO")):
        download = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ENGINE)
        run(*download, "--dest", str(work), f"{ENGINE}=={version()}")
        with tarfile.open(next(work.glob("llama_cpp_python-*.tar.gz"))) as packed:
            packed.extractall(work, filter="data")
    return next(work.glob("llama_cpp_python-*/"))


def _compile(work: Path, options: Sequence[str], *targets: str) -> Path:
    """The folder with the libraries; what was compiled before is not compiled again."""
    source, build_folder = _source(work) / "vendor" / "llama.cpp", work / "build"
    # Fresh: what an earlier try found out of this machine is asked again; what it compiled stays.
    run("cmake", "--fresh", "-S", str(source), "-B", str(build_folder), "-G", "Ninja", *options)
    run("cmake", "--build", str(build_folder), "--target", *targets)
    return build_folder / "bin"


def _strip(library: Path, to: Path) -> None:
    run("strip", "--strip-unneeded", "-o", str(to), str(library))


def run(*command: str, folder: Path | None = None) -> None:
    """Say a command and run it, in a folder. Raises subprocess.CalledProcessError."""
    say("$ " + " ".join(command))
    subprocess.run(command, check=True, cwd=folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
