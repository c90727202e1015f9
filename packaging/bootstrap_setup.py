"""The steps of the set-up: what is still to do, said first in megabytes and minutes, then done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bootstrap_environment import Environment
from bootstrap_models import DEMO, GEMMA_270M, ModelFile, bring
from bootstrap_report import Report, SetupError, reason_of_os
from bootstrap_system import Lack, check_platform, has_screen, lacks, supply

ROOT = Path(__file__).resolve().parents[1]
ENGINE_CPU_MINUTES = 10.0  # of one core of 2020, measured
DOWNLOAD_MB_PER_MINUTE = 300.0  # 40 Mbit/s
COMMANDS = ("ask", "chat", "conversations", "doctor", "bench", "--help", "--version")
GREETING = "Say hello, and name one thing you can help me with."


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
    if package and not environment.has_packager:
        found.append(Step("PyInstaller", environment.add_packager, 3, 12))
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


def announcement(todo: Sequence[Step], missing: Sequence[Lack]) -> str:
    """What will happen, in megabytes and minutes."""
    download = sum(step.download for step in todo) + sum(lack.megabytes for lack in missing)
    minutes = sum(step.minutes for step in todo) + download / DOWNLOAD_MB_PER_MINUTE
    disk = sum(step.disk for step in todo) + sum(lack.disk for lack in missing)
    items = [f"{lack.what}, from this system's packages" for lack in missing] + [step.name for step in todo]
    return "\n".join(
        [
            f"Cabochon sets itself up in {ROOT}: about {download} MB to download, {disk} MB of disk, "
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
    report.say(announcement(todo, missing))
    _check_disk(sum(step.disk for step in todo))
    if missing:
        supply(missing, report, ask=input if sys.stdin.isatty() and sys.stdout.isatty() else None)
    for number, step in enumerate(todo, 1):
        report.say(f"Step {number} of {len(todo)}: {step.name}")
        step.do(report)
    report.say("Cabochon is set up.")


def _check_disk(megabytes: int) -> None:
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < megabytes:
        raise SetupError(f"The disk has {free} MB free and this needs {megabytes} MB. Make room and run this again.")


def perform(command: str, arguments: Sequence[str]) -> int:
    """Any command; returns the exit status, or becomes the program that was asked for."""
    signal.signal(signal.SIGTERM, _on_terminated)
    environment = Environment(ROOT)
    package = command in ("package", "release")
    try:
        with Report(ROOT / ".cache" / "bootstrap.log") as report:
            if command == "lock":
                return _lock(environment, report)
            set_up(environment, report, test=command == "test", package=package)
        if package:
            return _become([str(environment.python), str(ROOT / "packaging" / "package.py"), command, *arguments])
        if command == "test":
            return _become([str(environment.python), "-P", str(ROOT / "packaging" / "check.py"), *arguments])
        return _start(environment, arguments)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
    except OSError as error:
        sys.stderr.write(f"{reason_of_os(error)} Nothing was lost; run the same command again when that is mended.\n")
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. What is done is kept; run the same command to go on.\n")
        return 130
    return 1


def _lock(environment: Environment, report: Report) -> int:
    if not environment.made:
        environment.make(report)
    count = environment.lock(report)
    report.say(f"packaging/constraints.txt has {count} versions. Now: python3 packaging/bootstrap.py test")
    return 0


def _start(environment: Environment, arguments: Sequence[str]) -> int:
    cabochon = str(environment.script("cabochon"))
    if has_screen(os.environ) or any(argument in COMMANDS for argument in arguments):
        return _become([cabochon, *arguments])
    say = sys.stdout.write
    say("There is no screen here (DISPLAY and WAYLAND_DISPLAY are not set): Cabochon works in this terminal.\n")
    sys.stdout.flush()
    checked = subprocess.run([cabochon, "doctor", "--check", *data_dir(arguments)], capture_output=True, text=True)
    say("Self-check with the microscopic model: passed.\n\n" if checked.returncode == 0 else checked.stdout)
    if checked.returncode:
        sys.stderr.write(checked.stderr)
        return checked.returncode
    say(f"> {GREETING}\n")
    sys.stdout.flush()
    demo = str(environment.root / DEMO.path)
    status = subprocess.call([cabochon, "ask", "--model", demo, "--max-tokens", "120", *arguments, GREETING])
    if status or not sys.stdin.isatty():
        return status
    return _become([cabochon, "chat", *arguments])


def data_dir(arguments: Sequence[str]) -> list[str]:
    """What of the program's arguments says where its data is."""
    for number, argument in enumerate(arguments):
        if argument == "--data-dir":
            return list(arguments[number : number + 2])
        if argument.startswith("--data-dir="):
            return [argument]
    return []


def _become(command: Sequence[str]) -> int:
    """Goes on as this program, so that its signals and exit status are its own."""
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(command[0], list(command))


def _on_terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
