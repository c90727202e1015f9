"""`cabochon bench`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import Program


def test_the_figures(program: Program, micro_model: Path) -> None:
    outcome = program.run("bench", "--model", micro_model, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    record = outcome.record
    assert record["model"]["architecture"] == "gemma3"
    assert record["prompt_tokens_per_second"] > 0
    assert record["generate_tokens_per_second"] > 0
    assert record["first_token_ms"] > 0
    assert record["threads"] >= 1
    assert program.listed() == []


def test_people_read_the_same_figures(program: Program, micro_model: Path) -> None:
    outcome = program.run("bench", "--model", micro_model)
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == ["prompt", "generation", "first", "threads"]


def test_without_its_model(program: Program, tmp_path: Path) -> None:
    outcome = program.run("bench", "--model", tmp_path / "gone.gguf")
    assert (outcome.code, outcome.out) == (3, "")
    assert "gone.gguf" in outcome.sentence
