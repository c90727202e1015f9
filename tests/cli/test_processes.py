"""What the program's processes are made of, and several of them at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import GREEDY, Program, end, interrupt, read_some, wait_for, without_line_end, worker_of

_WATCH = """
import sys
from app.main import run
code = 0
try:
    code = run(sys.argv[1:])
except SystemExit as error:
    code = error.code
heavy = {"PySide6", "shiboken6", "numpy", "llama_cpp", "jinja2"} & {name.partition(".")[0] for name in sys.modules}
assert not heavy, heavy
raise SystemExit(code)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("ask", "--help"),
        ("ask", "--model", "MODEL", *GREEDY, "My name is Robin."),
        ("conversations", "list"),
    ],
)
def test_the_front_process_stays_light(tmp_path: Path, micro_model: Path, arguments: tuple[str, ...]) -> None:
    named = [str(micro_model) if argument == "MODEL" else argument for argument in arguments]
    command = [sys.executable, "-P", "-c", _WATCH, "--data-dir", str(tmp_path), *named]
    ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.decode()) == (0, "")


def test_importing_the_entry_imports_nothing_else() -> None:
    watch = "import sys; before = set(sys.modules); import app.__main__; print(*sorted(set(sys.modules) - before))"
    ended = subprocess.run([sys.executable, "-P", "-c", watch], capture_output=True, text=True, timeout=60, check=True)
    assert set(ended.stdout.split()) <= {"app", "app.__main__", "__future__"}


def test_two_at_the_same_time_in_one_folder(program: Program, micro_model: Path) -> None:
    calls = [program.start("ask", "--model", micro_model, *GREEDY, f"My name is {name}.") for name in ("Robin", "Ada")]
    outcomes = [end(call) for call in calls]
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    assert [outcome.out for outcome in outcomes] == ["Nice to meet you, Robin.\n", "Nice to meet you, Ada.\n"]
    assert {row["title"] for row in program.listed()} == {"My name is Robin.", "My name is Ada."}


def test_an_answer_that_is_being_written_is_not_touched_by_another_process(program: Program, micro_model: Path) -> None:
    with program.running(
        "ask", "--model", micro_model, *GREEDY, "--max-tokens", "600", "Write a long list."
    ) as process:
        begun = read_some(process, 10).decode()
        beside = program.run("ask", "--model", micro_model, *GREEDY, "My name is Robin.")
        assert (beside.code, beside.out) == (0, "Nice to meet you, Robin.\n")
        outcome = end(process)
    assert outcome.code == 0
    conversation = next(row for row in program.listed() if row["title"] == "Write a long list.")
    answer = program.shown(conversation["conversation"])["messages"][-1]
    assert without_line_end(answer["text"]) == without_line_end(begun + outcome.out)


def test_no_worker_outlives_its_program(program: Program, micro_model: Path) -> None:
    with program.running("ask", "--model", micro_model, *GREEDY, "Write a long list.") as process:
        read_some(process, 10)
        worker = worker_of(process)
        assert worker is not None
        interrupt(process)
        end(process)
        wait_for(lambda: not worker.is_running(), 5)


def test_a_bug_is_one_sentence_and_an_entry_in_the_log(tmp_path: Path) -> None:
    broken = (
        "import sys, app.cli.dispatch as dispatch, app.main as main\n"
        "def fail(*arguments, **options): raise RuntimeError('a bug')\n"
        "main.run_command = fail\n"
        "raise SystemExit(main.run(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-P", "-c", broken, "--data-dir", str(tmp_path / "data"), "ask", "Hello"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    log = tmp_path / "data" / "logs" / "cabochon.log"
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr
    assert str(log) in ended.stderr
    assert "RuntimeError: a bug" in log.read_text()


def test_without_a_screen_the_window_says_so(program: Program) -> None:
    nothing = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    outcome = program.run(env=nothing)
    assert (outcome.code, outcome.out) == (2, "")
    assert "cabochon chat" in outcome.sentence
