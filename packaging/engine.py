"""The engine that runs on every 64-bit PC: llama.cpp with every processor's variant, and Vulkan beside them.

    python3 packaging/engine.py build --out DIR     DIR/llama_cpp, with all libraries in DIR/llama_cpp/lib
    python3 packaging/engine.py addon cuda --out DIR     DIR/libggml-cuda.so alone (or hip), for the add-on folder

As root on Debian 12 or 13, 15 to 25 minutes on two cores. What was built is kept in the user's cache under its version
and options, so that the same call is quick the next time; one that was interrupted goes on where it stopped.
`CMAKE_ARGS` adds options of the person's own to an add-on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bootstrap_environment import ENGINE, ENGINE_OPTIONS, digest, read_pins, user_cache

PACKAGES = ("debootstrap", "libvulkan-dev", "spirv-headers", "g++", "binutils", "cmake", "ninja-build")
NEWER = "trixie"  # whose Vulkan headers and shader compiler are taken: older ones do not build the backend
MIRROR = "http://deb.debian.org/debian"
OPTIONS = (
    *ENGINE_OPTIONS,
    "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON", "-DGGML_CCACHE=OFF", "-DGGML_NATIVE=OFF", "-DGGML_RPC=OFF",
    "-DGGML_BACKEND_DL=ON", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_SERVER=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    # One file for each library and no links, which not every kind of package can carry.
    "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",
    # Libraries find each other in their own folder, before anything that LD_LIBRARY_PATH names.
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON", "-DCMAKE_INSTALL_RPATH=$ORIGIN",
    "-DCMAKE_SHARED_LINKER_FLAGS=-Wl,--disable-new-dtags", "-DCMAKE_MODULE_LINKER_FLAGS=-Wl,--disable-new-dtags",
)  # fmt: skip
BASE = ("-DGGML_CPU_ALL_VARIANTS=ON", "-DGGML_VULKAN=ON")
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
            command.add_argument("backend", choices=("cuda", "hip"))
    asked = parser.parse_args(arguments)
    try:
        made = build(asked.out) if asked.command == "build" else build_addon(asked.backend, asked.out)
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"Nothing was built. {error} The same command goes on from there.")
        return 1
    say(f"Built: {made}")
    return 0


def build(out: Path) -> Path:
    """The package `llama_cpp` in the folder `out`, and beside it what tells its version. Minutes.

    Raises subprocess.CalledProcessError where a step fails.
    """
    for part in _kept("portable", BASE, _make_package).iterdir():
        shutil.rmtree(out / part.name, ignore_errors=True)
        shutil.copytree(part, out / part.name)
    return out / "llama_cpp"


def build_addon(backend: str, out: Path) -> Path:
    """One backend's library in `out`, for the engine of `build`. It needs the compiler of the card's maker.

    Raises subprocess.CalledProcessError where a step fails.
    """
    options = (f"-DGGML_{backend.upper()}=ON", "-DGGML_CPU=OFF", *os.environ.get("CMAKE_ARGS", "").split())
    name = f"libggml-{backend}.so"

    def make(work: Path, made: Path) -> None:
        _strip(_compile(work, options, f"ggml-{backend}") / name, made / name)

    out.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy2(_kept(backend, options, make) / name, out))


def version() -> str:
    """The engine's, of the versions that were tested."""
    return read_pins((Path(__file__).parent / "constraints.txt").read_text(encoding="utf-8"))[ENGINE]


def _kept(name: str, options: Sequence[str], make: Callable[[Path, Path], None]) -> Path:
    """The folder of the cache with what was built with these options; `make` builds it, in the first of two folders
    that it is given into the second."""
    kept = user_cache() / "cabochon" / f"engine-{name}-{digest(version(), RUNTIME, *OPTIONS, *options)}"
    if not kept.exists():
        work = kept.with_suffix(".work")
        shutil.rmtree(work / "made", ignore_errors=True)
        (work / "made").mkdir(parents=True)
        make(work, work / "made")
        (work / "made").replace(kept)
        shutil.rmtree(work)
    return kept


def _make_package(work: Path, made: Path) -> None:
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)
    include, shader_compiler = _newer_vulkan(work)
    options = (
        *BASE, f"-DVulkan_INCLUDE_DIR={include}", f"-DVulkan_GLSLC_EXECUTABLE={shader_compiler}",
        f"-DCMAKE_CXX_FLAGS=-I{include}",
    )  # fmt: skip
    built = _compile(work, options, "llama", "mtmd")
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


def _newer_vulkan(work: Path) -> tuple[Path, Path]:
    """Vulkan's headers and a shader compiler that runs on this system, out of the newer Debian."""
    root, include, compiler = work / NEWER, work / "include", work / "glslc"
    if not compiler.exists():
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(include, ignore_errors=True)
        wanted = "--include=glslc,spirv-headers,libvulkan-dev"
        run("debootstrap", "--variant=minbase", wanted, NEWER, str(root), MIRROR)
        for part in ("vulkan", "vk_video", "spirv"):  # and nothing else: the rest belongs to another C library
            shutil.copytree(root / "usr" / "include" / part, include / part)
        folders = (root / "lib64", root / "usr" / "lib64")
        loader = next(path for path in folders if path.is_dir()) / "ld-linux-x86-64.so.2"
        libraries = root / "usr" / "lib" / "x86_64-linux-gnu"
        compiler.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {root}/usr/bin/glslc "$@"\n')
        compiler.chmod(0o755)
    return include, compiler


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
    run("cmake", "-S", str(source), "-B", str(build_folder), "-G", "Ninja", *OPTIONS, *options)
    run("ninja", "-C", str(build_folder), *targets)
    return build_folder / "bin"


def _strip(library: Path, to: Path) -> None:
    run("strip", "--strip-unneeded", "-o", str(to), str(library))


def run(*command: str) -> None:
    """Say a command and run it. Raises subprocess.CalledProcessError."""
    say("$ " + " ".join(command))
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
