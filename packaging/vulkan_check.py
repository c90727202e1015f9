"""Offload to a graphics card, checked on a machine without one: a Vulkan build on Mesa's software renderer.

`.venv/bin/python packaging/vulkan_check.py [--libraries FOLDER]`, as root on Debian 12 or 13. It builds llama.cpp's
Vulkan backend (some 15 minutes; `--libraries` takes one that was built), and shows that

- weights, cache and working memory are where the plan put them, and as large, at no, some and all layers;
- the self-check's answers, text and pictures, are those of the processor;
- a backend whose shaders were made wrong on purpose is found, set aside, and used again once it is right.

It is no part of every check: it takes Debian packages and minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENGINE = "llama-cpp-python==0.3.36"
PACKAGES = ("debootstrap", "libvulkan-dev", "spirv-headers", "mesa-vulkan-drivers", "g++", "cmake", "ninja-build")
OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON", "-DGGML_VULKAN=ON", "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_APP=OFF", "-DLLAMA_OPENSSL=OFF",
    "-DMTMD_VIDEO=OFF", "-DGGML_CCACHE=OFF",
)  # fmt: skip
RENDERER = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json"
WRONG = (0.7978845608, -3.0)  # a constant of the activation, and what the wrong shaders have in its place
ALLOWED = 0.03
SMALL = 3.0  # MiB: below this the sizes of tiny models are those of rounding

_PROBE = """
import json, logging, re, sys
from pathlib import Path
from app.core.paths import encode_path
from app.core.protocol import Load
from app.core.settings import LoadOptions
from app.engine.local import LocalEngine
lines = []
class Keep(logging.Handler):
    def emit(self, record): lines.append(record.getMessage())
logging.getLogger("app.llama").addHandler(Keep())
logging.getLogger("app.llama").setLevel(logging.DEBUG)
engine, path = LocalEngine(), encode_path(Path(sys.argv[1]))
for layers in (0, 4, 8):
    for kv in ("f16", "q8_0"):
        del lines[:]
        options = LoadOptions(context=4096, gpu_layers=layers, kv_type=kv)
        info = engine.load(Load(1, path, options), lambda fraction: None)
        plan = engine._model._placement.plan
        found = [line for line in lines if "Vulkan0" in line and "buffer size =" in line]
        logged = sum(float(re.search(r"= +([0-9.]+) MiB", line)[1]) for line in found)
        planned = (plan.gpu - (plan.vision if plan.encoder_on_card else 0)) / 2**20
        print(json.dumps({"layers": info.gpu_layers, "kv": kv, "planned": planned, "logged": logged}))
"""


def say(line: str) -> None:
    """A line for the person, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Build where nothing is given, check, and say what was found. Exit code 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--libraries", type=Path, help="a folder with llama.cpp's libraries, built with Vulkan")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cabochon-vulkan-") as name:
        folder = Path(name)
        libraries = asked.libraries or build(folder)
        site = _package(folder / "right", libraries)
        wrong = _package(folder / "wrong", libraries)
        say(f"{_make_wrong(wrong)} constants of the shaders were made wrong in a copy.")
        failed = [*_check_places(site), *_check_answers(site, wrong, folder / "data")]
    for sentence in failed:
        say(f"WRONG: {sentence}")
    say("Something is wrong." if failed else "Offload works: places, sizes, answers, and a wrong card is found.")
    return 1 if failed else 0


def build(folder: Path) -> Path:
    """llama.cpp with Vulkan; headers and shader compiler come from Debian 13, older ones do not build it."""
    _run("apt-get", "install", "-y", "-qq", *PACKAGES)
    newer, include = folder / "debian13", folder / "include"
    _run(
        "debootstrap", "--variant=minbase", "--include=glslc,spirv-headers,libvulkan-dev", "trixie", str(newer),
        "http://deb.debian.org/debian",
    )  # fmt: skip
    for part in ("vulkan", "vk_video", "spirv"):
        shutil.copytree(newer / "usr" / "include" / part, include / part)
    compiler = folder / "glslc"
    loader = next(path for path in (newer / "lib64", newer / "usr" / "lib64") if path.is_dir()) / "ld-linux-x86-64.so.2"
    libraries = newer / "usr" / "lib" / "x86_64-linux-gnu"
    compiler.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {newer}/usr/bin/glslc "$@"\n')
    compiler.chmod(0o755)
    _run(
        sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "llama-cpp-python", "--dest", str(folder),
        ENGINE,
    )  # fmt: skip
    with tarfile.open(next(folder.glob("llama_cpp_python-*.tar.gz"))) as packed:
        packed.extractall(folder, filter="data")
    source = next(folder.glob("llama_cpp_python-*/")) / "vendor" / "llama.cpp"
    _run(
        "cmake", "-S", str(source), "-B", str(folder / "build"), "-G", "Ninja", *OPTIONS,
        f"-DVulkan_INCLUDE_DIR={include}", f"-DVulkan_GLSLC_EXECUTABLE={compiler}", f"-DCMAKE_CXX_FLAGS=-I{include}",
    )  # fmt: skip
    _run("ninja", "-C", str(folder / "build"), "ggml-vulkan", "llama", "mtmd")
    return folder / "build" / "bin"


def _package(folder: Path, libraries: Path) -> Path:
    """The engine's Python package with these libraries, beside the one of the environment."""
    import llama_cpp

    package = folder / "llama_cpp"
    shutil.copytree(Path(llama_cpp.__file__).parent, package, ignore=shutil.ignore_patterns("lib"))
    (package / "lib").mkdir()
    for library in libraries.glob("lib*.so*"):
        shutil.copy2(library, package / "lib" / library.name, follow_symlinks=False)
    return folder


def _make_wrong(site: Path) -> int:
    """Change a constant in every shader that has it; SPIR-V's OpConstant is 4 words, the last one the value."""
    path = next(file for file in (site / "llama_cpp" / "lib").glob("libggml-vulkan.so*") if not file.is_symlink())
    data, old, new = bytearray(path.read_bytes()), struct.pack("<f", WRONG[0]), struct.pack("<f", WRONG[1])
    operation, count, place = struct.pack("<I", (4 << 16) | 43), 0, 0
    while (place := data.find(operation, place)) != -1:
        if data[place + 12 : place + 16] == old:
            data[place + 12 : place + 16] = new
            count += 1
        place += 4
    path.write_bytes(data)
    return count


def _check_places(site: Path) -> list[str]:
    """What the plan says against what llama.cpp logs."""
    model = ROOT / "resources" / "self-check" / "micro-gemma3.gguf"
    told = _python(site, "-c", _PROBE, str(model))
    wrong = []
    for line in told.splitlines():
        found = json.loads(line)
        said = "{layers} layers, {kv}: {planned:.2f} MiB planned, {logged:.2f} MiB taken".format(**found)
        say(said)
        far = abs(found["planned"] - found["logged"])
        if far > max(ALLOWED * found["logged"], SMALL) or (found["layers"] == 0 and found["logged"]):
            wrong.append(said)
    return wrong if told else ["the model was not loaded at all"]


def _check_answers(site: Path, wrong: Path, data: Path) -> list[str]:
    """Right answers on the card; a wrong card set aside; the right one used again."""
    failed = []
    for where, right, used in ((site, True, True), (wrong, False, False), (site, True, True)):
        report = json.loads(_python(where, "-m", "app", "doctor", "--check", "--json", "--data-dir", str(data)))
        on_card = [checked["right"] for checked in report["check"] if checked["device"] != "CPU"]
        say(f"{sum(on_card)} of {len(on_card)} answers are right with {'right' if right else 'wrong'} shaders.")
        if not on_card or all(on_card) != right:
            failed.append("the answers of the card are not as they should be")
        model = str(ROOT / "resources" / "self-check" / "micro-gemma3.gguf")
        answer = json.loads(
            _python(where, "-m", "app", "ask", "--data-dir", str(data), "--model", model, "--json", "Who are you?")
        )
        if (answer["model"]["gpu_layers"] > 0) != used:
            failed.append(f"a {'right' if right else 'wrong'} card is {'not used' if used else 'used'}")
    return failed


def _python(site: Path, *arguments: str) -> str:
    lib = site / "llama_cpp" / "lib"
    environment = os.environ | {
        "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
        "LD_LIBRARY_PATH": str(lib),
        "VK_DRIVER_FILES": RENDERER,
        "GGML_VK_VISIBLE_DEVICES": "0",
    }
    done = subprocess.run(
        [sys.executable, "-P", *arguments], capture_output=True, text=True, env=environment, check=False, timeout=600
    )
    if done.returncode != 0:
        say(re.sub(r"\s+", " ", done.stderr[-500:]))
    return done.stdout


def _run(*command: str) -> None:
    say("$ " + " ".join(command))
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
