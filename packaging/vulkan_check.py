"""Offload to a graphics card, checked on a machine without one: a Vulkan build on Mesa's software renderer.

`.venv/bin/python packaging/vulkan_check.py [--engine FOLDER]`, as root on Debian 12 or 13. It builds the engine of
`packaging/engine.py` (`--engine` takes the folder of one that was built), and shows that

- weights, cache and working memory are where the plan put them, and as large, at no, some and all layers, and those of
  the image encoder too;
- the self-check's answers, text and pictures, are those of the processor, and so is what a full-size image part sees;
- a backend whose shaders were made wrong on purpose is found, set aside, and used again once it is right; one that is
  wrong for pictures only is set aside for pictures only.

It is no part of every check: it takes Debian packages, and the renderer some minutes for each picture of full size.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine import say
from engine_trial import BACKEND, MODEL, PATIENCE, RENDERER, changed, checked, python, self_check

ALLOWED = 0.03
SMALL = 3.0  # MiB: below this the sizes of tiny models are those of rounding

_MAGIC = struct.pack("<I", 0x07230203)  # of SPIR-V, in which the shaders lie in the library
_HEADER = 20
_LAST = 7000  # above the number of any instruction
_FLOAT_TYPE, _CONSTANT = (3 << 16) | 22, (4 << 16) | 43  # OpTypeFloat and OpConstant, with the words that they take
_GELU = 0.7978845608  # of the activation, of text and pictures
_LEAST = -3.402823466e38  # what the pooling begins with where it looks for the largest value; where it sums, with 0
_POOL_GROUP = struct.pack("<4I", 17, 512, 1, 1)  # LocalSize, and how large

_PROBE = """
import json, logging, re, sys
from pathlib import Path
from app.cli.made_up import ringed_picture, write_image_part
from app.core.message import PanAndScan, Picture
from app.core.paths import encode_path
from app.core.protocol import Load
from app.core.settings import LoadOptions
from app.engine.context import Stopped
from app.engine.local import LocalEngine
lines = []
class Keep(logging.Handler):
    def emit(self, record): lines.append(record.getMessage())
logging.getLogger("app.llama").addHandler(Keep())
logging.getLogger("app.llama").setLevel(logging.DEBUG)
engine, path, folder = LocalEngine(), encode_path(Path(sys.argv[1])), Path(sys.argv[2])
def told(what, planned, pattern):
    found = [match for line in lines if (match := re.search(pattern, line))]
    logged = sum(float(match[1]) for match in found)
    print(json.dumps({"what": what, "planned": planned / 2**20, "logged": logged}))
for layers in (0, 4, 8):
    for kv in ("f16", "q8_0"):
        del lines[:]
        options = LoadOptions(context=4096, gpu_layers=layers, kv_type=kv)
        info = engine.load(Load(1, path, options), lambda fraction: None)
        plan = engine._model._placement.plan
        planned = plan.gpu - (plan.vision if plan.encoder_on_card else 0)
        told(f"{info.gpu_layers} layers, {kv}", planned, r"Vulkan0.* buffer size = +([0-9.]+) MiB")
write_image_part(folder / "mmproj.gguf", 128)
(folder / "rings.png").write_bytes(ringed_picture())
picture = Picture("rings", 448, 448, encode_path(folder / "rings.png"), PanAndScan.OFF)
mmproj = encode_path(folder / "mmproj.gguf")
engine.load(Load(1, path, LoadOptions(gpu_layers=8), mmproj=mmproj), lambda fraction: None)
del lines[:]
eyes = engine._model.eyes
try:  # it ends at its first look, when all memory is taken
    eyes.prepare(sum(eyes.cells(picture), ()), lambda done, views, fraction: engine.request_stop())
except Stopped:
    plan = engine._model._placement.plan
    told("image part of full size", plan.vision, r"(?:model size:|Vulkan0 compute buffer size =) +([0-9.]+) MiB")
"""


@dataclass(frozen=True, slots=True)
class Shader:
    """One SPIR-V module: its bytes, and its constants of 32-bit floats by their places in the library."""

    code: bytes
    floats: dict[int, float]

    def places(self, value: float) -> list[int]:
        """Where this constant is."""
        wanted = struct.pack("<f", value)
        return [place for place, found in self.floats.items() if struct.pack("<f", found) == wanted]


@dataclass(frozen=True, slots=True)
class Case:
    """An engine, and what is to come of it: whether text and pictures are right on the card."""

    what: str
    site: Path
    text: bool
    pictures: bool


def main() -> int:
    """Build where nothing is given, check, and say what was found. Exit code 1 where something is wrong."""
    return checked(__doc__, _check)


def _check(site: Path, folder: Path) -> bool:
    wrong, blind = changed(site, folder / "wrong"), changed(site, folder / "blind")
    say(f"{_change(wrong, _activation, -3.0)} constants of the activation were made wrong in a copy,")
    say(f"{_change(blind, _pooling, 1000.0)} of the pooling, which an image encoder alone does, in another.")
    failed = _check_places(site, folder)
    data = folder / "data"
    for case in (
        Case("right shaders", site, text=True, pictures=True),
        Case("a wrong activation", wrong, text=False, pictures=False),
        Case("a wrong pooling", blind, text=True, pictures=False),
        Case("right shaders again", site, text=True, pictures=True),
    ):
        failed += _check_answers(case, data)
    for sentence in failed:
        say(f"WRONG: {sentence}")
    say("Something is wrong." if failed else "Offload works: places, sizes, answers, and a wrong card is found.")
    return not failed


def _change(site: Path, places: Callable[[Shader], list[int]], value: float) -> int:
    """Put another value into shaders; in how many places."""
    path = site / BACKEND
    data = bytearray(path.read_bytes())
    found = [place for shader in _shaders(bytes(data)) for place in places(shader)]
    for place in found:
        data[place : place + 4] = struct.pack("<f", value)
    path.write_bytes(data)
    return len(found)


def _activation(shader: Shader) -> list[int]:
    return shader.places(_GELU)


def _pooling(shader: Shader) -> list[int]:
    return shader.places(0.0) if _POOL_GROUP in shader.code and shader.places(_LEAST) else []


def _shaders(data: bytes) -> Iterator[Shader]:
    start = data.find(_MAGIC)
    while start != -1:
        place, types, floats = start + _HEADER, set(), {}
        while place + 16 <= len(data):
            first, second = struct.unpack_from("<2I", data, place)
            words, operation = first >> 16, first & 0xFFFF
            if not words or operation > _LAST:
                break
            if first == _FLOAT_TYPE and data[place + 8] == 32:
                types.add(second)
            elif first == _CONSTANT and second in types:
                floats[place + 12] = struct.unpack_from("<f", data, place + 12)[0]
            place += 4 * words
        yield Shader(data[start:place], floats)
        start = data.find(_MAGIC, start + 4)


def _check_places(site: Path, folder: Path) -> list[str]:
    """What the plan says against what llama.cpp logs."""
    told = python(site, RENDERER, "-c", _PROBE, str(MODEL), str(folder), seconds=PATIENCE).stdout
    wrong = []
    for line in told.splitlines():
        found = json.loads(line)
        said = "{what}: {planned:.2f} MiB planned, {logged:.2f} MiB taken".format(**found)
        say(said)
        far = abs(found["planned"] - found["logged"])
        if far > max(ALLOWED * found["logged"], SMALL) or (found["what"].startswith("0 ") and found["logged"]):
            wrong.append(said)
    return wrong if len(told.splitlines()) == 7 else ["not every load was told of", *wrong]


def _check_answers(case: Case, data: Path) -> list[str]:
    """Right answers on the card, or a card that is set aside for what it does wrong; and what is used then."""
    report = self_check(case.site, RENDERER, data, full_size=True)
    failed, on_card = [], [one for one in report["check"] if one["device"] != "CPU"]
    for picture, right in ((False, case.text), (True, case.pictures)):
        answers = [one["right"] for one in on_card if one["picture"] == picture]
        say(f"{case.what}: {sum(answers)} of {len(answers)} {'pictures' if picture else 'texts'} are right.")
        if not answers or all(answers) != right:
            failed.append(f"{case.what}: the answers of the card are not as they should be")
    full_size = [one for one in on_card if one["full_size"]]
    for one in full_size:
        said = f"{case.what}: in full size {one['apart']:.1%} apart, after {one['seconds']:.0f} s"
        say(said)
        if one["right"] != case.pictures:
            failed.append(said)
    aside = [bool(report["set_aside"][part]) for part in ("text", "pictures")]
    seeing = case.pictures and not any(one["too_slow"] for one in full_size)  # a renderer may be
    if len(full_size) != 1 or aside != [not case.text, case.text and not seeing]:
        failed.append(f"{case.what}: {report['set_aside']} is set aside")
    question = ("ask", "--data-dir", str(data), "--model", str(MODEL), "--json", "Who are you?")
    answered = json.loads(python(case.site, RENDERER, "-m", "app", *question).stdout)
    if (answered["model"]["gpu_layers"] > 0) != case.text:
        failed.append(f"{case.what}: the card is {'not used' if case.text else 'used'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
