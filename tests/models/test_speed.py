"""How fast a plan is: told where it was measured, and never else."""

from __future__ import annotations

import pytest

from app.models.catalogue import catalogue
from app.models.machine import on_card
from app.models.memory import Plan
from app.models.speed import (
    Speed,
    in_a_sentence,
    measure,
    picture_seconds,
    seconds_in_words,
    tokens_a_second,
    tokens_in_words,
)
from app.models.table import Asked, of_model, planned

GIB = 1 << 30
SPEED = Speed(40e9, 4)


def _made(card: int, images: str = "") -> Plan:
    subject = of_model(catalogue()[0])
    machine = on_card(card * GIB, 32 * GIB)
    return planned(subject.weights[0].shape, 8192, machine, Asked("f16", images), subject.encoder)


def test_the_memory_of_this_machine_is_measured() -> None:
    speed = measure(0.1)
    assert 1e9 < speed.bandwidth < 1e13
    assert speed.cores >= 1


def test_the_processor_is_told_and_a_card_is_not() -> None:
    alone = _made(0)
    assert tokens_a_second(alone, SPEED) == pytest.approx(0.6 * 40e9 / alone.weights)
    assert picture_seconds(alone, SPEED) == pytest.approx(72, rel=0.01)
    assert in_a_sentence(alone, SPEED) == "About 3 tokens a second; an image takes about 1 min."
    for card in (6, 24):
        assert tokens_a_second(_made(card), SPEED) is None
        assert picture_seconds(_made(card), SPEED) is None
        assert in_a_sentence(_made(card), SPEED) == ""
    beside = _made(24, "memory")
    assert tokens_a_second(beside, SPEED) is None
    assert in_a_sentence(beside, SPEED) == "An image takes about 1 min."
    assert in_a_sentence(_made(0, "off"), SPEED) == "About 3 tokens a second."


def test_a_picture_that_was_looked_at_here_is_known() -> None:
    seen = Speed(40e9, 4, seen=(31.0, 0.6))
    assert in_a_sentence(_made(24), seen) == "An image takes about 1 s."
    assert picture_seconds(_made(24), seen) == 0.6
    assert picture_seconds(_made(24, "memory"), seen) == 31.0


def test_what_was_written_here_is_known() -> None:
    assert tokens_a_second(_made(24), Speed(40e9, 4, wrote=41.0)) == 41.0
    assert tokens_a_second(_made(0), Speed(40e9, 4, wrote=2.5)) == 2.5


def test_what_was_not_measured_is_not_told() -> None:
    assert (tokens_a_second(_made(0), None), picture_seconds(_made(0), None)) == (None, None)
    assert in_a_sentence(_made(0), None) == ""


def test_weights_that_no_memory_is_read_for_have_no_speed(micro_shape_plan: Plan) -> None:
    assert tokens_a_second(micro_shape_plan, SPEED) is None


def test_estimates_are_told_roughly() -> None:
    assert [tokens_in_words(one) for one in (0.84, 1.96, 2.1, 41.4)] == [
        "0.8 tokens a second", "2.0 tokens a second", "2 tokens a second", "41 tokens a second",
    ]  # fmt: skip
    assert [seconds_in_words(one) for one in (0.2, 3.4, 23, 58, 144)] == ["1 s", "3 s", "25 s", "1 min", "2 min"]


@pytest.fixture
def micro_shape_plan() -> Plan:
    """A plan of weights that the processor's own memory holds."""
    from dataclasses import replace

    return replace(_made(0), weights=3 << 20)
