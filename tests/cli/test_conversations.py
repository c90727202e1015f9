"""`cabochon conversations`: what was said, without a model."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import GREEDY, Program, worker_of


def _say(program: Program, model: Path, *arguments: str) -> str:
    outcome = program.run("ask", "--model", model, *GREEDY, "--json", *arguments)
    assert outcome.code == 0, outcome
    conversation = outcome.record["conversation"]
    assert isinstance(conversation, str)
    return conversation


def test_nothing_was_said_yet(program: Program) -> None:
    assert program.run("conversations", "list").out == ""
    assert program.listed() == []
    outcome = program.run("conversations", "show", "last")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.sentence


def test_an_unknown_conversation(program: Program) -> None:
    outcome = program.run("conversations", "show", "nowhere", "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nowhere" in outcome.sentence


def test_the_newest_comes_first(program: Program, micro_model: Path) -> None:
    first = _say(program, micro_model, "My name is Robin.")
    second = _say(program, micro_model, "My name is Ada.")
    assert [row["conversation"] for row in program.listed()] == [second, first]
    _say(program, micro_model, "--conversation", first, "What is my name?")
    assert [row["conversation"] for row in program.listed()] == [first, second]
    assert program.shown()["conversation"] == first
    assert program.listed()[0]["title"] == "My name is Robin."


def test_the_json_of_one_conversation(program: Program, micro_model: Path) -> None:
    conversation = _say(program, micro_model, "My name is Robin.")
    shown = program.shown(conversation)
    assert list(shown) == ["conversation", "title", "messages"]
    assert (shown["conversation"], shown["title"]) == (conversation, "My name is Robin.")
    question, answer = shown["messages"]
    assert list(question) == ["id", "role", "text", "state"]
    assert (question["role"], question["text"], question["state"]) == ("user", "My name is Robin.", "complete")
    assert (answer["role"], answer["text"], answer["state"]) == ("assistant", "Nice to meet you, Robin.", "complete")


def test_people_read_the_same_words(program: Program, micro_model: Path) -> None:
    conversation = _say(program, micro_model, "My name is Robin.")
    listing = program.run("conversations", "list").out
    assert listing.startswith(f"{conversation}  ")
    assert listing.rstrip().endswith("My name is Robin.")
    shown = program.run("conversations", "show", conversation).out
    assert shown == "My name is Robin.\n\nYou:\nMy name is Robin.\n\nModel:\nNice to meet you, Robin.\n"


def test_no_worker_is_started_for_it(program: Program, micro_model: Path) -> None:
    _say(program, micro_model, "My name is Robin.")
    log = program.data / "logs" / "worker.log"
    before = log.stat().st_size
    with program.running("conversations", "list") as process:
        while process.poll() is None:
            assert worker_of(process) is None
    assert log.stat().st_size == before
