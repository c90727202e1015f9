"""The set-up run as a program, in a small checkout whose environment and programs are stand-ins for the large ones."""

from __future__ import annotations

import contextlib
import os
import pty
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

from tests.packaging.checkout import Checkout


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
    ready.patch("import bootstrap_system", "bootstrap_system.loads = lambda library: True")
    done = ready.run("run", "--sample", DISPLAY=":7")
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
