"""`cabochon doctor`: what is here, what is wrong and how to mend it."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from app.cli.check import CHATS, Checked, Question
from app.cli.commands import Doctor
from app.cli.doctor import run_doctor
from app.cli.output import Output
from app.core.errors import ExitCode
from app.core.paths import DataPaths
from app.core.settings import Settings
from app.store.store import Store
from tests.cli.program import Outcome, Program
from tests.models.planted import Tree


def _record(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome
    return outcome.record


def test_the_report_names_versions_devices_backends_and_paths(program: Program) -> None:
    record = _record(program.run("doctor", "--json"))
    assert list(record) == ["versions", "devices", "backends", "paths", "screen", "problems", "unused_card"]
    assert record["versions"]["Python"].startswith("3.")
    assert record["versions"]["PySide6"]
    assert any(device["kind"] == "cpu" for device in record["devices"])
    assert "CPU" in record["backends"]
    assert record["paths"]["data"] == str(program.data)


def test_people_read_the_same_report(program: Program) -> None:
    outcome = program.run("doctor")
    assert (outcome.code, outcome.err) == (0, "")
    assert all(word in outcome.out for word in ("Versions", "Paths", "Devices", str(program.data)))


def test_the_self_check_answers_right_and_leaves_nothing(program: Program) -> None:
    begun = time.monotonic()
    record = _record(program.run("doctor", "--check", "--json"))
    assert time.monotonic() - begun < 30
    asked = [question for _, questions in CHATS for question in questions]
    assert [checked["question"] for checked in record["check"]] == [question.prompt for question in asked]
    assert all(checked["right"] for checked in record["check"])
    assert program.listed() == []


def test_a_wrong_answer_is_seen() -> None:
    question = Question("What is my name?", "Your name is Robin.")
    assert Checked(question, "Your name is Robin.").right
    assert not Checked(question, "Your name is Robin").right


def test_a_card_that_is_not_used_is_told_with_the_command_that_mends_it(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "root")
    tree.pci(0, "0x1002", node="renderD128")
    tree.system("debian")
    words = io.StringIO()
    output = Output(words, io.StringIO())
    assert run_doctor(Doctor(), DataPaths(tmp_path / "data"), output, tree.root) is ExitCode.DONE
    assert "AMD graphics is not used: its Vulkan driver is not there. This brings it:\n" in words.getvalue()
    assert "\n    sudo apt-get install mesa-vulkan-drivers\n" in words.getvalue()
    tree.manifest("radeon_icd.x86_64")
    run_doctor(Doctor(json=True), DataPaths(tmp_path / "data"), output, tree.root)
    told = json.loads(words.getvalue().splitlines()[-1])["unused_card"]
    assert told["what"] == "AMD graphics is not used: the engine here has no Vulkan yet."
    assert told["command"].endswith("packaging/bootstrap.py run --gpu vulkan")


def test_a_damaged_self_check_model_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.check.resources", lambda: tmp_path)
    output = Output(io.StringIO(), io.StringIO())
    assert run_doctor(Doctor(check=True), DataPaths(tmp_path / "data"), output) is ExitCode.ENGINE


def test_missing_libraries_of_the_window_are_named(program: Program, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "PySide6"
    broken.mkdir(parents=True)
    sentence = "libEGL.so.1: cannot open shared object file: No such file or directory"
    (broken / "__init__.py").write_text(f"raise ImportError({sentence!r})\n")
    path = os.pathsep.join(filter(None, (str(broken.parent), os.environ.get("PYTHONPATH"))))
    record = _record(program.run("doctor", "--json", env={"PYTHONPATH": path}))
    assert any("libEGL.so.1" in problem["what"] for problem in record["problems"])
    assert all(problem["mend"] for problem in record["problems"])


def test_a_damaged_remembered_model_is_named(program: Program, tmp_path: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<!DOCTYPE html><html></html>")
    _remember(program, page)
    record = _record(program.run("doctor", "--json"))
    assert record["paths"]["model"] == str(page)
    assert any("page.gguf" in problem["what"] for problem in record["problems"])


def _remember(program: Program, model: Path) -> None:
    """As the window does when a model was loaded there."""
    store = Store(DataPaths(program.data))
    store.save_settings(Settings(model_path=str(model)))
    store.close()


def test_json_is_one_object(program: Program) -> None:
    assert isinstance(json.loads(program.run("doctor", "--json").out), dict)


def test_a_window_that_cannot_open_is_a_problem_with_the_reason(program: Program, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "PySide6"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libEGL.so.1 is missing')", encoding="utf-8")
    assert program.run("doctor", "--try-window").code == 0
    outcome = program.run("doctor", "--json", env={"PYTHONPATH": str(broken.parent)})
    problems = [problem["what"] for problem in outcome.record["problems"]]
    assert "The window cannot open: libEGL.so.1 is missing." in problems
