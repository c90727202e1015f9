"""Faults 1, 2 and 3: a full disk, a read-only folder, kill -9 in the middle of a reply."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from tests.cli.program import GREEDY, Program, end, read_some, wait_for, without_line_end, worker_of
from tests.faults.conftest import make_read_only

LIST = "Write a long list."


def _fill(disk: Path) -> Path:
    """Take all the space that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return ballast


def test_1_the_disk_fills_in_the_middle_of_a_reply(small_disk: Path, micro_model: Path) -> None:
    program = Program(small_disk / "data")
    arguments = ("--model", micro_model, *GREEDY, "--max-tokens", "3000")
    with program.running("ask", *arguments, LIST) as process:
        begun = read_some(process, 20).decode()
        ballast = _fill(small_disk)
        outcome = end(process)
    assert outcome.code == 5
    assert "disk is full" in outcome.sentence
    words = begun + outcome.out
    assert len(words) > 2000, "the whole reply stays on screen"
    ballast.unlink()
    question, answer = program.shown()["messages"]
    assert (question["text"], question["state"]) == (LIST, "complete")
    assert words.startswith(answer["text"])
    after = program.run("ask", "--model", micro_model, *GREEDY, "My name is Robin.")
    assert (after.code, after.out) == (0, "Nice to meet you, Robin.\n")


def test_1_space_returns_before_the_end(small_disk: Path, micro_model: Path) -> None:
    program = Program(small_disk / "data")
    arguments = ("--model", micro_model, *GREEDY, "--max-tokens", "3000")
    with program.running("ask", *arguments, LIST) as process:
        begun = read_some(process, 20).decode()
        ballast = _fill(small_disk)
        begun += read_some(process, 500).decode()
        ballast.unlink()
        outcome = end(process)
    assert outcome.code == 0, outcome.err
    assert without_line_end(program.shown()["messages"][-1]["text"]) == without_line_end(begun + outcome.out)


def test_1_the_disk_is_full_from_the_start(small_disk: Path, micro_model: Path) -> None:
    _fill(small_disk)
    outcome = Program(small_disk / "data").run("ask", "--model", micro_model, *GREEDY, "My name is Robin.")
    assert (outcome.code, outcome.out) == (5, "")
    assert "full" in outcome.sentence


def test_2_a_read_only_folder_with_chats(read_only: Path, micro_model: Path) -> None:
    program = Program(read_only / "data")
    assert program.run("ask", "--model", micro_model, *GREEDY, "My name is Robin.").code == 0
    make_read_only(read_only)
    outcome = program.run("ask", "--model", micro_model, *GREEDY, "Hello")
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.sentence
    assert program.shown()["messages"][-1]["text"] == "Nice to meet you, Robin."
    assert len(program.listed()) == 1


def test_2_a_read_only_folder_without_chats(read_only: Path, micro_model: Path) -> None:
    make_read_only(read_only)
    program = Program(read_only / "data")
    outcome = program.run("ask", "--model", micro_model, *GREEDY, "Hello")
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.sentence
    doctor = program.run("doctor", "--json")
    assert doctor.code == 0
    assert any("cannot be written" in problem["what"] for problem in doctor.record["problems"])


def test_2_the_folder_of_another_person(tmp_path: Path, micro_model: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another person")
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not here")
    other = Program(data, before=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    outcome = other.run("conversations", "list")
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.sentence


def _kill_mid_reply(program: Program, model: Path, prompt: str, seconds: float) -> tuple[str, str]:
    """Kill the program while it writes; what it had printed a while before, and what it had printed at all."""
    arguments = ("--model", model, *GREEDY, "--max-tokens", "4000", prompt)
    with program.running("ask", *arguments) as process:
        early = read_some(process, 1)
        time.sleep(seconds)
        worker = worker_of(process)
        process.kill()
        outcome = end(process)
        assert worker is not None
        wait_for(lambda: not worker.is_running(), 5)
    return early.decode(), early.decode() + outcome.out


@pytest.mark.slow
def test_3_thirty_kills_lose_no_acknowledged_word(program: Program, micro_model: Path) -> None:
    chance = random.Random(3)
    killed: dict[str, str] = {}
    for number in range(30):
        prompt = f"{LIST} {number}"
        killed[prompt] = _kill_mid_reply(program, micro_model, prompt, chance.uniform(0.0, 1.5))[1]
    rows = {row["title"]: row["conversation"] for row in program.listed()}
    lost = [prompt for prompt, printed in killed.items() if not _is_kept(program, rows.get(prompt), prompt, printed)]
    assert lost == []


def _is_kept(program: Program, conversation: str | None, prompt: str, printed: str) -> bool:
    """The prompt is there, and the answer as far as it was saved: the words that were printed, from the first on."""
    if conversation is None:
        return False
    question, *answers = program.shown(conversation)["messages"]
    if question["text"] != prompt or question["state"] != "complete":
        return False
    return all(answer["state"] == "interrupted" and printed.startswith(answer["text"]) for answer in answers)


def test_3_what_was_saved_a_second_before_the_kill_is_there(program: Program, micro_model: Path) -> None:
    with program.running("ask", "--model", micro_model, *GREEDY, "--max-tokens", "8000", LIST) as process:
        begun = read_some(process, 50).decode()
        time.sleep(2.5)
        process.kill()
        end(process)
    question, answer = program.shown()["messages"]
    assert (question["text"], question["state"]) == (LIST, "complete")
    assert answer["state"] == "interrupted"
    assert answer["text"].startswith(begun)
