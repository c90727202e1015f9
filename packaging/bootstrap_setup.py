"""The commands of the set-up: what is missing is set up, and the program that was asked for goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bootstrap_environment import Environment
from bootstrap_gpu import Graphics
from bootstrap_models import DEMO
from bootstrap_report import Report, SetupError, reason_of_os
from bootstrap_steps import set_up
from bootstrap_system import has_screen

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ("ask", "chat", "conversations", "doctor", "bench", "--help", "--version")
GREETING = "Say hello, and name one thing you can help me with."


def perform(command: str, arguments: Sequence[str], gpu: str = "") -> int:
    """Any command; returns the exit status, or becomes the program that was asked for. `gpu` is `run`'s choice."""
    signal.signal(signal.SIGTERM, _on_terminated)
    environment = Environment(ROOT)
    package = command in ("package", "release")
    try:
        with Report(ROOT / ".cache" / "bootstrap.log") as report:
            if command == "lock":
                return _lock(environment, report)
            set_up(environment, report, test=command == "test", package=package)
            if command == "run":
                Graphics(environment).set_up(gpu, report, offers=not any(each in COMMANDS for each in arguments))
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
