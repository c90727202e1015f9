"""The steps of the set-up: what is still to do, said first in megabytes and minutes, then done."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap_environment import Environment
from bootstrap_models import DEMO, GEMMA_270M, ModelFile, bring
from bootstrap_report import Report, SetupError
from bootstrap_system import Lack, check_platform, has_screen, lacks, supply

ENGINE_CPU_MINUTES = 10.0  # of one core of 2020, measured
DOWNLOAD_MB_PER_MINUTE = 300.0  # 40 Mbit/s


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do; megabytes to download and on disk, minutes of work beside the download."""

    name: str
    do: Callable[[Report], None]
    download: int
    disk: int
    minutes: float = 0.1


def steps(environment: Environment, *, test: bool, package: bool = False) -> list[Step]:
    """What is still to do, in order: what needs the network first, so that it fails early; the long build last."""
    found = []
    if not environment.made:
        found.append(Step("Virtual environment (.venv)", environment.make, 2, 20))
    if not environment.has_libraries(test):
        size = (140, 480) if test else (90, 280)
        found.append(Step("Python libraries", lambda report: environment.add_libraries(test, report), *size, 0.3))
    for model in (DEMO, GEMMA_270M) if test else (DEMO,):
        if not model.there(environment.root):
            fetch = _fetcher(environment, model)
            found.append(Step(model.name, fetch, model.megabytes, model.megabytes))
    if package and not environment.has_extra("package"):
        found.append(Step("PyInstaller", lambda report: environment.add_extra("package", "PyInstaller", report), 3, 12))
    if not package and not environment.has_engine:  # packages have an engine for every processor, engine.py makes it
        built = environment.engine_built
        minutes = 0.1 if built else ENGINE_CPU_MINUTES / (os.cpu_count() or 1)
        name = "Engine (llama.cpp), built before" if built else "Engine (llama.cpp), built for this processor"
        found.append(Step(name, environment.add_engine, 20 if built else 130, 150 if built else 700, minutes))
    if not environment.has_program:
        found.append(Step("Cabochon", environment.add_program, 1, 1))
    return found


def _fetcher(environment: Environment, model: ModelFile) -> Callable[[Report], None]:
    return lambda report: bring(model, environment, report)


def announcement(heading: str, todo: Sequence[Step], missing: Sequence[Lack]) -> str:
    """What will happen, in megabytes and minutes."""
    download = sum(step.download for step in todo) + sum(lack.megabytes for lack in missing)
    minutes = sum(step.minutes for step in todo) + download / DOWNLOAD_MB_PER_MINUTE
    disk = sum(step.disk for step in todo) + sum(lack.disk for lack in missing)
    items = [f"{lack.what}, from this system's packages" for lack in missing] + [step.name for step in todo]
    return "\n".join(
        [
            f"{heading}: about {download} MB to download, {disk} MB of disk, "
            f"{max(1, round(minutes))} min on this machine.",
            *(f"  - {item[0].upper()}{item[1:]}" for item in items),
        ]
    )


def set_up(environment: Environment, report: Report, *, test: bool, package: bool = False) -> None:
    """Does what is still to do. Silent when that is nothing; raises SetupError with one sentence."""
    todo = steps(environment, test=test, package=package)
    screen = has_screen(os.environ)
    missing = lacks(
        compiler=package or not (environment.has_engine or environment.engine_built),
        environment=not environment.made,
        qt=screen or test or package,
        wayland=bool(os.environ.get("WAYLAND_DISPLAY")),
        package=package,
    )
    if not todo and not missing:
        return
    check_platform()
    carry_out(f"Cabochon sets itself up in {environment.root}", todo, missing, environment.root, report)
    report.say("Cabochon is set up.")


def carry_out(heading: str, todo: Sequence[Step], missing: Sequence[Lack], root: Path, report: Report) -> None:
    """Says what will happen, and does it. Raises SetupError with one sentence."""
    report.say(announcement(heading, todo, missing))
    _check_disk(sum(step.disk for step in todo), root)
    if missing:
        supply(missing, report, ask=input if sys.stdin.isatty() and sys.stdout.isatty() else None)
    for number, step in enumerate(todo, 1):
        report.say(f"Step {number} of {len(todo)}: {step.name}")
        step.do(report)


def _check_disk(megabytes: int, root: Path) -> None:
    free = shutil.disk_usage(root).free // 1_000_000
    if free < megabytes:
        raise SetupError(f"The disk has {free} MB free and this needs {megabytes} MB. Make room and run this again.")
