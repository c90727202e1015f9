"""Which model is recommended, on machines from a laptop without a card to a large one."""

from __future__ import annotations

import pytest

from app.models.advice import advice, recommended
from app.models.catalogue import known_model
from app.models.machine import on_card
from app.models.memory import Machine
from app.models.speed import Speed

GIB = 1 << 30


@pytest.mark.parametrize(
    ("card", "ram", "bandwidth", "cores", "name"),
    [
        (12, 32, 50, 8, "gemma-3-12b"),
        (24, 32, 50, 8, "gemma-3-12b"),
        (5, 32, 25, 8, "gemma-3-4b"),  # half of the 12B would be in slow memory
        (0, 16, 40, 4, "gemma-3-4b"),  # too slow for the 12B, and the 4B is what remains
        (0, 64, 300, 32, "gemma-3-12b"),  # a processor with the memory of a server
        (0, 2, 40, 4, "gemma-3-1b"),
        (0, 0.5, 40, 4, ""),
    ],
)
def test_the_recommended_model(card: float, ram: float, bandwidth: float, cores: int, name: str) -> None:
    machine: Machine = on_card(round(card * GIB), round(ram * GIB))
    assert recommended(machine, Speed(bandwidth * 1e9, cores)) == name


def test_a_token_takes_as_long_as_its_weights_are_read() -> None:
    found = known_model("gemma-3-12b")
    assert found is not None
    slow = advice(found[0], on_card(0, 32 * GIB), Speed(40e9, 4))
    fast = advice(found[0], on_card(0, 32 * GIB), Speed(80e9, 8))
    assert fast.tokens == pytest.approx(2 * slow.tokens)
    assert 3 < slow.tokens < 4  # 40 GB a second over 6.6 GB, 60% of it seen
    assert fast.picture == pytest.approx(slow.picture / 2)
    assert slow.picture == pytest.approx(72, rel=0.01)
    with_card = advice(found[0], on_card(12 * GIB, 32 * GIB), Speed(40e9, 4))
    assert with_card.well
    assert with_card.picture == 1.0
