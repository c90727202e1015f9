"""Offload to a graphics card, checked on a machine without one: a Vulkan build on Mesa's software renderer.

`.venv/bin/python packaging/vulkan_check.py [--engine FOLDER]`, as root on Debian 12 or 13. It builds the engine of
`packaging/engine.py` (`--engine` takes the folder of one that was built), and shows that

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
import tempfile
from pathlib import Path

from engine import build, run, say

ROOT = Path(__file__).resolve().parents[1]
RENDERER_PACKAGE = "mesa-vulkan-drivers"
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


def main() -> int:
    """Build where nothing is given, check, and say what was found. Exit code 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", type=Path, help="a folder that packaging/engine.py has built the engine in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cabochon-vulkan-") as name:
        folder = Path(name)
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", RENDERER_PACKAGE)
        site = asked.engine or build(folder / "right").parent
        wrong = Path(shutil.copytree(site, folder / "wrong"))
        say(f"{_make_wrong(wrong)} constants of the shaders were made wrong in a copy.")
        failed = [*_check_places(site), *_check_answers(site, wrong, folder / "data")]
    for sentence in failed:
        say(f"WRONG: {sentence}")
    say("Something is wrong." if failed else "Offload works: places, sizes, answers, and a wrong card is found.")
    return 1 if failed else 0


def _make_wrong(site: Path) -> int:
    """Change a constant in every shader that has it; SPIR-V's OpConstant is 4 words, the last one the value."""
    path = site / "llama_cpp" / "lib" / "libggml-vulkan.so"
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
    environment = os.environ | {
        "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
        "VK_DRIVER_FILES": RENDERER,
        "GGML_VK_VISIBLE_DEVICES": "0",
    }
    done = subprocess.run(
        [sys.executable, "-P", *arguments], capture_output=True, text=True, env=environment, check=False, timeout=600
    )
    if done.returncode != 0:
        say(re.sub(r"\s+", " ", done.stderr[-500:]))
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
