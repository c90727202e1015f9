"""Faults 14, 15, 16 and 18: models that are missing, broken or hostile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.paths import DataPaths
from app.core.settings import Settings
from app.store.store import Store
from tests.cli.program import GREEDY, Outcome, Program
from tests.faults import models

Maker = Callable[[Path, Path], Path]


@pytest.fixture
def used_program(program: Program, micro_model: Path) -> Program:
    """A program with one chat, which no fault may cost."""
    assert _ask(program, micro_model, "My name is Robin.").out == "Nice to meet you, Robin.\n"
    return program


def _ask(program: Program, model: Path, prompt: str, *options: str) -> Outcome:
    return program.run("ask", "--model", model, *GREEDY, *options, prompt)


def _check_refused(program: Program, outcome: Outcome, good_model: Path) -> None:
    """One sentence, exit code 3, no new chat, and the chat that was there can be gone on with."""
    assert (outcome.code, outcome.out) == (3, ""), outcome
    assert outcome.sentence
    assert [row["title"] for row in program.listed()] == ["My name is Robin."]
    assert _ask(program, good_model, "What is my name?", "--conversation", "last").out == "Your name is Robin.\n"


def test_14_a_model_that_is_not_there(used_program: Program, micro_model: Path, tmp_path: Path) -> None:
    outcome = _ask(used_program, tmp_path / "gone.gguf", "Hello")
    assert "gone.gguf" in outcome.sentence
    _check_refused(used_program, outcome, micro_model)


def test_14_a_folder_in_the_models_place(used_program: Program, micro_model: Path, tmp_path: Path) -> None:
    _check_refused(used_program, _ask(used_program, tmp_path, "Hello"), micro_model)


def _empty(_: Path, target: Path) -> Path:
    target.write_bytes(b"")
    return target


def _web_page(_: Path, target: Path) -> Path:
    target.write_text("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n")
    return target


def _wrong_magic(model: Path, target: Path) -> Path:
    target.write_bytes(b"GGML" + model.read_bytes()[4:])
    return target


def _cut(model: Path, target: Path) -> Path:
    target.write_bytes(model.read_bytes()[:1_000_000])
    return target


def _cut_in_the_header(model: Path, target: Path) -> Path:
    target.write_bytes(model.read_bytes()[:3000])
    return target


def _four_bytes(_: Path, target: Path) -> Path:
    target.write_bytes(b"GGUF")
    return target


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_empty, "empty"),
        (_web_page, "web page"),
        (_wrong_magic, "not a GGUF"),
        (_cut, "cut"),
        (_cut_in_the_header, "cut"),
        (_four_bytes, "cut"),
        (lambda model, target: models.with_architecture(model, target, "gemmaX"), "gemmaX"),
    ],
    ids=["empty", "html", "magic", "cut", "cut_header", "four_bytes", "architecture"],
)
def test_15_no_model_under_a_models_name(
    used_program: Program, micro_model: Path, tmp_path: Path, make: Maker, said: str
) -> None:
    outcome = _ask(used_program, make(micro_model, tmp_path / "bad.gguf"), "Hello")
    assert said in outcome.sentence
    assert "bad.gguf" in outcome.sentence
    _check_refused(used_program, outcome, micro_model)


def _alignment(value: int) -> Maker:
    return lambda model, target: models.with_number(
        model, target, "general.file_type", value, renamed="general.alignment"
    )


def _number(key: str, value: int) -> Maker:
    return lambda model, target: models.with_number(model, target, key, value)


@pytest.mark.parametrize(
    "make",
    [
        _alignment(2**31),
        _alignment(0),
        _alignment(3),
        _number("gemma3.embedding_length", 2**31 - 1),
        _number("gemma3.embedding_length", 0),
        _number("gemma3.block_count", 2**32 - 1),
        _number("gemma3.attention.head_count", 0),
        _number("gemma3.attention.head_count", 3),
        _number("gemma3.attention.head_count_kv", 3),
        _number("gemma3.attention.key_length", 2**30),
        _number("gemma3.feed_forward_length", 2**32 - 1),
        lambda model, target: models.with_dimension(model, target, "token_embd.weight", 2**62),
        lambda model, target: models.with_dimension(model, target, "token_embd.weight", 0),
        lambda model, target: models.with_offset(model, target, "output_norm.weight", 2**63),
        lambda model, target: models.with_counts(model, target, tensors=2**60),
        lambda model, target: models.with_counts(model, target, pairs=2**60),
    ],
    ids=lambda _: "",
)
def test_16_a_malformed_model(used_program: Program, micro_model: Path, tmp_path: Path, make: Maker) -> None:
    begun = time.monotonic()
    outcome = _ask(used_program, make(micro_model, tmp_path / "bad.gguf"), "Hello")
    assert time.monotonic() - begun < 30
    _check_refused(used_program, outcome, micro_model)


ENDLESS = "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}"  # noqa: E501
HUGE = "{{ 'x' * 10000000000 }}"
DOUBLING = "{% set ns = namespace(t='x') %}{% for a in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}"
ESCAPE = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
RECURSION = "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}"
SYNTAX = "{% for message in messages %}"
UNKNOWN = "{{ messages | no_such_filter }}"
REFUSING = "{{ raise_exception('no') }}"


@pytest.mark.parametrize(
    "template",
    [ENDLESS, HUGE, DOUBLING, ESCAPE, RECURSION, SYNTAX, UNKNOWN, REFUSING],
    ids=["endless", "huge", "doubling", "escape", "recursion", "syntax", "unknown", "refusing"],
)
def test_18_a_hostile_template(used_program: Program, micro_model: Path, tmp_path: Path, template: str) -> None:
    bad = models.with_template(micro_model, tmp_path / "bad.gguf", template)
    begun = time.monotonic()
    outcome = _ask(used_program, bad, "My name is Ada.")
    assert time.monotonic() - begun < 30
    assert outcome.code in (0, 3, 6), outcome


def test_18_a_harmless_other_template_is_used(program: Program, micro_model: Path, tmp_path: Path) -> None:
    plain = "{{ bos_token }}{% for m in messages %}{{ '<start_of_turn>user\n' + m['content'] + '<end_of_turn>\n' }}{% endfor %}<start_of_turn>model\n"  # noqa: E501
    model = models.with_template(micro_model, tmp_path / "plain.gguf", plain)
    assert _ask(program, model, "My name is Ada.").out == "Nice to meet you, Ada.\n"


def test_14_the_remembered_model_has_moved(used_program: Program, micro_model: Path, tmp_path: Path) -> None:
    place = tmp_path / "moved.gguf"
    shutil.copy(micro_model, place)
    store = Store(DataPaths(used_program.data))
    store.save_settings(Settings(model_path=str(place)))
    store.close()
    assert used_program.run("ask", *GREEDY, "--conversation", "last", "Hello").code == 0
    place.unlink()
    outcome = used_program.run("ask", *GREEDY, "--conversation", "last", "Hello")
    assert "moved.gguf" in outcome.sentence
    _check_refused(used_program, outcome, micro_model)
