"""What the checks of a built engine share: the renderer in place of a card, and the program run on an engine."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine import build, run, say

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "resources" / "self-check" / "micro-gemma3.gguf"
BACKEND = Path("llama_cpp") / "lib" / "libggml-vulkan.so"  # in an engine's folder
MANIFEST = "VK_DRIVER_FILES"  # names Vulkan's drivers
RENDERER = {MANIFEST: "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "GGML_VK_VISIBLE_DEVICES": "0"}
PATIENCE = 5400  # seconds
_RENDERER_PACKAGE = "mesa-vulkan-drivers"
# The renderer is a hundred times as slow as a card: it is given time, and one layer is enough for it.
_DOCTOR = """
import sys
from app.cli import check, made_up
from app.main import run
check._SECONDS, made_up.LAYERS = 1800.0, 1
if sys.argv[1] == "small":
    check._compared = lambda *_: ()
sys.exit(run(["doctor", "--check", "--json", "--data-dir", sys.argv[2]]))
"""


def checked(description: str | None, check: Callable[[Path, Path], bool]) -> int:
    """Run `check` on the engine that `--engine` names, or on one that is built, with a folder for what it makes.

    The exit code: 0 where all was as it should be.
    """
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--engine", type=Path, help="a folder that packaging/engine.py has built the engine in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cabochon-engine-") as name:
        folder = Path(name)
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", _RENDERER_PACKAGE)
        site = asked.engine.absolute() if asked.engine else build(folder / "site").parent
        return 0 if check(site, folder) else 1


def changed(site: Path, folder: Path) -> Path:
    """A copy of the engine to be broken."""
    return Path(shutil.copytree(site, folder))


def self_check(site: Path, environment: Mapping[str, str], data: Path, *, full_size: bool) -> dict[str, Any]:
    """What the self-check tells on this engine, with or without the image part of full size."""
    size = "full" if full_size else "small"
    told: dict[str, Any] = json.loads(
        python(site, environment, "-c", _DOCTOR, size, str(data), seconds=PATIENCE).stdout
    )
    return told


def python(
    site: Path, environment: Mapping[str, str], *arguments: str, cwd: Path | None = None, seconds: float = 300
) -> subprocess.CompletedProcess[str]:
    """This Python with the program and the engine of this folder."""
    named = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}", **environment}
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=named, check=False, timeout=seconds, cwd=cwd)
    if "Traceback" in done.stderr:
        say(done.stderr[-2000:])
    return done
