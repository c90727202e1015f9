"""The set-up run as a program, in a small checkout whose environment and programs are stand-ins for the large ones."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from bootstrap_environment import Environment
from bootstrap_models import DEMO
from bootstrap_report import Report, SetupError
from bootstrap_steps import announcement, steps
from bootstrap_system import Lack

from tests.conftest import ROOT

PROGRAM = """#!/bin/sh
echo "cabochon $*"
"""


class Checkout:
    """A folder with the set-up in it, and (when `ready`) all that the set-up would bring."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "packaging", root / "packaging", ignore=shutil.ignore_patterns("__pycache__", "*.png"))
        for needed in ("pyproject.toml", "app/__init__.py", "app/models/__init__.py", "app/models/graphics.py"):
            (root / needed).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / needed, root / needed)
        self.environment = Environment(root)

    def make_ready(self) -> None:
        self.write_environment("exit 1")
        program = self.environment.script("cabochon")
        program.write_text(PROGRAM, encoding="utf-8")
        program.chmod(0o755)
        packages = next(self.environment.folder.glob("lib/*/site-packages"))
        for name in ("pip-{pip}", "llama_cpp_python-{llama-cpp-python}"):
            folder = packages / f"{name.format(**self.environment.pins)}.dist-info"
            folder.mkdir()
            (folder / "RECORD").touch()
        state = {
            "libraries": self.environment.libraries_wanted(test=False),
            "engine": self.environment.engine_wanted,
            "program": self.environment.program_wanted,
            "gpu": "cpu",  # or a card of this machine would be offered
        }
        (self.environment.folder / "cabochon.json").write_text(json.dumps(state), encoding="utf-8")
        demo = self.root / DEMO.path
        demo.parent.mkdir(parents=True)
        with demo.open("wb") as file:
            file.truncate(DEMO.size)

    def write_environment(self, python: str) -> None:
        """A `.venv` whose python is this shell script."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        (self.environment.folder / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
        self.environment.python.parent.mkdir()
        (self.environment.folder / "pyvenv.cfg").write_text(f"version = {version}.0\n", encoding="utf-8")
        for path in (self.environment.python, self.environment.script("pip")):
            path.write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
            path.chmod(0o755)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "packaging" / "bootstrap.py"), *arguments]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.variables(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def variables(self, **more: str) -> dict[str, str]:
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "CMAKE_ARGS")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return {**kept, "XDG_CACHE_HOME": str(self.root / "cache"), **more}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    root = tmp_path / "a check out"
    root.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))  # an engine that this machine has built does not count
    return Checkout(root)


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    checkout.make_ready()
    return checkout


def test_when_all_is_there_it_does_nothing_and_is_silent(ready: Checkout) -> None:
    done = ready.run("run", "doctor", "--json")
    assert (done.stdout, done.stderr, done.returncode) == ("cabochon doctor --json\n", "", 0)
    assert not (ready.root / ".cache").exists()


def test_without_a_screen_it_says_so_and_answers_in_the_terminal(ready: Checkout) -> None:
    done = ready.run("run", "--data-dir", "/some where")
    assert done.returncode == 0
    notice, check, _, greeting, answer = done.stdout.splitlines()
    assert notice.startswith("There is no screen here")
    assert check == "Self-check with the microscopic model: passed."
    assert (
        answer
        == f"cabochon ask --model {ready.root / DEMO.path} --max-tokens 120 --data-dir /some where {greeting[2:]}"
    )


def test_a_failed_self_check_is_shown(ready: Checkout) -> None:
    script = '#!/bin/sh\n[ "$1" = doctor ] || exit 1\necho "$*: wrong"\necho why >&2\nexit 6\n'
    ready.environment.script("cabochon").write_text(script, encoding="utf-8")
    done = ready.run("run", "--data-dir=x")
    assert done.stdout.splitlines()[-1] == "doctor --check --data-dir=x: wrong"
    assert (done.stderr, done.returncode) == ("why\n", 6)


def test_without_a_screen_but_with_a_keyboard_it_goes_on_as_a_chat(ready: Checkout) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ready.command("run"), env=ready.variables(), stdin=theirs, stdout=subprocess.PIPE, text=True
    ) as process:
        output, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert output.splitlines()[-1] == "cabochon chat"


def test_with_a_screen_the_window_is_started(ready: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    (ready.root / "packaging" / "sitecustomize.py").write_text(
        "import bootstrap_system\nbootstrap_system.loads = lambda library: True\n", encoding="utf-8"
    )
    done = ready.run("run", "--sample", DISPLAY=":7", PYTHONPATH=str(ready.root / "packaging"))
    assert (done.stdout, done.stderr) == ("cabochon --sample\n", "")


def test_its_exit_status_is_the_program_s(ready: Checkout) -> None:
    ready.environment.script("cabochon").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    assert ready.run("run", "ask", "x").returncode == 3
    assert ready.run("run").returncode == 3


def test_what_changed_is_done_again(ready: Checkout, tmp_path: Path) -> None:
    environment = ready.environment
    assert steps(environment, test=False) == []
    assert [step.name for step in steps(environment, test=True)] == ["Python libraries", "Test model"]
    (ready.root / DEMO.path).unlink()
    next(environment.folder.glob("lib/*/site-packages/llama_cpp*/RECORD")).unlink()
    with environment.constraints.open("a", encoding="utf-8") as file:
        file.write("another==1.0\n")
    names = [step.name for step in steps(environment, test=False)]
    assert names == ["Python libraries", "Demo model", "Engine (llama.cpp), built for this processor"]
    moved = ready.root.rename(tmp_path / "moved")
    assert "Cabochon" in [step.name for step in steps(Environment(moved), test=False)]


def test_what_it_will_do_is_said_in_megabytes_and_minutes(checkout: Checkout) -> None:
    lack = Lack("a C++ compiler", ("build-essential",), 70, 260)
    said = announcement("Cabochon sets itself up", steps(checkout.environment, test=False), [lack])
    assert " MB to download, " in said
    assert " min on this machine." in said
    assert [line.removeprefix("  - ") for line in said.splitlines()[1:]] == [
        "A C++ compiler, from this system's packages",
        "Virtual environment (.venv)",
        "Python libraries",
        "Demo model",
        "Engine (llama.cpp), built for this processor",
        "Cabochon",
    ]


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("ERROR: [Errno 28] No space left on device", "The disk is full."),
        ("NewConnectionError: refused", "The network cannot be reached."),
        ("nonsense", "What went wrong stands at its end."),
    ],
)
def test_a_failed_step_is_one_sentence_with_the_log(ready: Checkout, printed: str, sentence: str) -> None:
    (ready.environment.folder / "cabochon.json").unlink()
    ready.environment.python.write_text(f"#!/bin/sh\necho '{printed}'\nexit 1\n", encoding="utf-8")
    done = ready.run("run")
    log = ready.root / ".cache" / "bootstrap.log"
    again = "Run the same command to try again."
    assert done.stderr == f"Python libraries: this step failed. {sentence} {again} The log: {log}\n"
    assert done.returncode == 1
    assert printed in log.read_text(encoding="utf-8")
    assert not (ready.root / ".cache" / "tmp").exists()


@pytest.mark.parametrize(("wanted", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_everything_it_started(ready: Checkout, wanted: signal.Signals, status: int) -> None:
    (ready.environment.folder / "cabochon.json").unlink()
    ready.environment.python.write_text("#!/bin/sh\necho $$ > pid\nsleep 50 & wait\n", encoding="utf-8")
    with subprocess.Popen(
        ready.command("run"),
        env=ready.variables(),
        cwd=ready.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        pid = ready.root / "pid"
        deadline = time.monotonic() + 30
        while not (pid.exists() and pid.read_text(encoding="utf-8").strip()) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        started = psutil.Process(int(pid.read_text(encoding="utf-8")))
        family = [started, *started.children(recursive=True)]
        process.send_signal(wanted)
        _, said = process.communicate(timeout=30)
    assert process.returncode == status
    assert ("Run the same command" in said or "run the same command" in said) == (wanted == signal.SIGINT)
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert not (ready.root / ".cache" / "tmp").exists()


def test_what_is_in_the_way_is_told(ready: Checkout) -> None:
    (ready.environment.folder / "cabochon.json").unlink()
    (ready.root / ".cache").write_text("in the way", encoding="utf-8")
    done = ready.run("run")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_half_made_environment_is_made_anew(checkout: Checkout) -> None:
    """As Debian leaves it without python3-venv: a python, but no pip."""
    environment = checkout.environment
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment.folder], check=True)
    assert environment.python.exists()
    assert not environment.made
    with Report(checkout.root / "log") as report, contextlib.suppress(SetupError):  # without a network, at pip's update
        environment.make(report)
    assert environment.whole
