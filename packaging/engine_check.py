"""The engine for every machine, tried on this one: each of the processor's variants, and Vulkan in every state.

`.venv/bin/python packaging/engine_check.py [--engine FOLDER]`, as root on Debian 12 or 13; without `--engine` it builds
one (`packaging/engine.py`). It prints a table, and exits with 1 where a row is not as it should be.

- Every variant is forced in turn: those that this processor has answer the whole self-check, the others are refused.
- Vulkan absent, present (on Mesa's software renderer), and broken: a backend or a driver that aborts or hangs. The
  processor then answers within seconds, the third start does not wait any more, and the person is told once.
- An add-on in the data folder is used; where it aborts, Vulkan is.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from engine import say
from engine_trial import BACKEND, MANIFEST, MODEL, RENDERER, changed, checked, python, self_check

QUESTION, ANSWER = "Count from 1 to 5.", "1, 2, 3, 4, 5."
PATIENCE = 15.0  # seconds that a fall back may take: the probe's, and a start on a busy machine
PROBE_SECONDS = 8.0
NO_DRIVER = "/nonexistent"
FAULTS = {
    "aborts": "#include <stdlib.h>\n__attribute__((constructor)) static void abort_(void) { abort(); }",
    "hangs": "#include <unistd.h>\n__attribute__((constructor)) static void hang(void) { for (;;) pause(); }",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    found: str
    seconds: str
    said: str
    right: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """One call of `cabochon ask`."""

    code: int
    text: str
    on_card: bool
    said: str
    seconds: float


class Engine:
    """A folder with the engine, and the program on it with a data folder of its own."""

    def __init__(self, site: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.site = site
        self._data = Path(tempfile.mkdtemp(dir=folder))
        self.addons = self._data / "engine"
        self.addons.mkdir()
        self._environment = environment

    def ask(self) -> Answered:
        """One question to the micro model."""
        begun = perf_counter()
        done = self._run("ask", "--model", str(MODEL), "--temperature", "0", "--json", QUESTION)
        seconds = perf_counter() - begun
        said = done.stderr.strip()
        if done.returncode:
            return Answered(done.returncode, "", False, said, seconds)
        record = json.loads(done.stdout)
        return Answered(0, record["text"], record["model"]["gpu_layers"] > 0, said, seconds)

    def self_check(self) -> dict[str, list[bool]]:
        """Which answers were right, by device."""
        found: dict[str, list[bool]] = {}
        for one in self_check(self.site, self._environment, self._data, full_size=False)["check"]:
            found.setdefault(one["device"], []).append(one["right"])
        return found

    def problems(self) -> list[str]:
        """What doctor says of the engine; the model that is not chosen is none of it."""
        record = json.loads(self._run("doctor", "--json").stdout)
        return [each["what"] for each in record["problems"] if each["what"] != "No model is chosen."]

    def loaded(self, library: str) -> bool:
        """Whether the worker's log names it as loaded."""
        log = (self._data / "logs" / "worker.log").read_text("utf-8", "replace")
        return any("loaded" in line and library in line for line in log.splitlines())

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ("-m", "app", *arguments, "--data-dir", str(self._data))
        return python(self.site, self._environment, *command, cwd=self._data)


def main() -> int:
    """Check, print the table as it grows, and say what it came to."""
    return checked(__doc__, _check)


def _check(site: Path, folder: Path) -> bool:
    wrong = 0
    for row in (*_variants(site, folder), *_vulkan(site, folder)):
        wrong += not row.right
        mark = "  " if row.right else "!!"
        say(f"{mark} {row.what:<34} {row.found:<28} {row.seconds:>16}  {row.said}")
    say(f"{wrong} rows are wrong." if wrong else "All is as it should be.")
    return not wrong


def _variants(site: Path, folder: Path) -> Iterator[Row]:
    libraries = site / "llama_cpp" / "lib"
    score = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).ggml_backend_score())"
    for path in sorted(libraries.glob("libggml-cpu-*.so")):
        name = path.stem.removeprefix("libggml-cpu-")
        told = subprocess.run(
            [sys.executable, "-P", "-c", score, str(path)], capture_output=True, text=True, check=True
        )
        engine = Engine(site, folder, {"CABOCHON_CPU_VARIANT": name, MANIFEST: NO_DRIVER})
        answered = engine.ask()
        if int(told.stdout) == 0:
            refused = answered.code == 3 and "CABOCHON_CPU_VARIANT must name a variant" in answered.said
            yield Row(f"{name}, not of this processor", "refused", f"{answered.seconds:.1f}", "", refused)
            continue
        right = engine.self_check().get("CPU", [])
        used = engine.loaded(path.name)
        found = f"{sum(right)} of {len(right)} answers right"
        fine = bool(right) and all(right) and used and answered.text == ANSWER
        yield Row(f"{name}, score {told.stdout.strip()}", found, f"{answered.seconds:.1f}", answered.said, fine)


def _vulkan(site: Path, folder: Path) -> Iterator[Row]:
    without = changed(site, folder / "without")
    (without / BACKEND).unlink()
    yield _quiet("no backend for Vulkan", Engine(without, folder, RENDERER), on_card=False)
    lacking = changed(site, folder / "lacking")
    library = lacking / BACKEND
    library.write_bytes(library.read_bytes().replace(b"libvulkan.so.1\0", b"libvulkan.so.X\0"))
    yield _quiet("no Vulkan on this system", Engine(lacking, folder, RENDERER), on_card=False)
    yield _quiet("no driver for Vulkan", Engine(site, folder, {MANIFEST: NO_DRIVER}), on_card=False)
    present = Engine(site, folder, RENDERER)
    yield _quiet("Vulkan on the software renderer", present, on_card=True)
    for device, right in present.self_check().items():
        yield Row(f"the self-check, {device}", f"{sum(right)} of {len(right)} answers right", "", "", all(right))
    added = Engine(without, folder, RENDERER)
    shutil.copy2(site / BACKEND, added.addons / "libggml-cuda.so")
    yield _quiet("a backend in the data folder", added, on_card=True)
    instead = Engine(site, folder, RENDERER)
    _compile(FAULTS["aborts"], instead.addons / "libggml-cuda.so")
    yield _told("one there that aborts", instead, "Vulkan")
    for fault, source in FAULTS.items():
        broken = changed(site, folder / fault)
        made = broken / BACKEND
        _compile(source, made)
        yield _told(f"a backend that {fault}", Engine(broken, folder, RENDERER))
        driver = folder / f"driver-{fault}.so"
        manifest = folder / f"driver-{fault}.json"
        _compile(source, driver)
        named = {"library_path": str(driver), "api_version": "1.3.0"}
        manifest.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": named}))
        yield _told(f"a driver that {fault}", Engine(site, folder, RENDERER | {MANIFEST: str(manifest)}))


def _quiet(what: str, engine: Engine, *, on_card: bool) -> Row:
    """A row where nothing is wrong, and nothing is said."""
    answered, problems = engine.ask(), engine.problems()
    found = "answered on the card" if answered.on_card else "answered on the processor"
    right = answered.text == ANSWER and answered.on_card == on_card and not answered.said and not problems
    return Row(what, found, f"{answered.seconds:.1f}", answered.said or " ".join(problems), right)


def _told(what: str, engine: Engine, used: str = "the processor") -> Row:
    """A row where another answers in a backend's place: told in the first start, and by doctor, and not again.

    After two starts the backend is not tried any more: a third one does not wait for it.
    """
    first, second, third, problems = engine.ask(), engine.ask(), engine.ask(), engine.problems()
    on_card = used != "the processor"  # whose software renderer has no such limit
    answers = [
        each.text == ANSWER and each.on_card == on_card and (on_card or each.seconds < limit)
        for each, limit in ((first, PATIENCE), (second, PATIENCE), (third, PROBE_SECONDS))
    ]
    once = first.said.count(f"so {used} is used instead.") == 1 and not second.said and not third.said
    found = f"answered on {'the card' if on_card else used}, {sum(answers)}/3"
    seconds = ", ".join(f"{each.seconds:.1f}" for each in (first, second, third))
    return Row(what, found, seconds, f"once: {first.said}", all(answers) and once and problems == [first.said])


def _compile(source: str, library: Path) -> None:
    library.unlink(missing_ok=True)
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=source, text=True, check=True)


if __name__ == "__main__":
    sys.exit(main())
