"""What is left out when a conversation does not fit."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.prompt.budget import left_out

SIZES = st.lists(st.integers(1, 300), min_size=1, max_size=40)


def test_all_of_it_fits() -> None:
    assert left_out([10, 20, 10], 5, 100, 20) == 0


def test_the_oldest_turn_goes_whole() -> None:
    assert left_out([50, 50, 10], 0, 100, 0) == 2


def test_the_last_message_never_goes() -> None:
    assert left_out([500], 0, 100, 0) == 0
    assert left_out([10, 10, 500], 0, 100, 0) == 2


@given(SIZES, st.integers(0, 50), st.integers(256, 2000))
def test_whole_turns_go_and_what_is_left_fits_where_it_can(sizes: list[int], fixed: int, context: int) -> None:
    reserve = context // 4
    count = left_out(sizes, fixed, context, reserve)
    assert count % 2 == 0
    assert count < len(sizes)
    fits = fixed + sum(sizes[count:]) + reserve <= context
    all_but_the_last_turn = (len(sizes) - 1) // 2 * 2
    assert fits or count == all_but_the_last_turn
    if fixed + sum(sizes) + reserve <= context:
        assert count == 0


@given(st.integers(20, 60), st.integers(512, 2048))
def test_the_beginning_stays_the_same_for_many_turns(size: int, context: int) -> None:
    counts = [left_out([size] * number, 10, context, context // 4) for number in range(1, 201, 2)]
    changes = sum(one != other for one, other in pairwise(counts))
    assert changes <= 200 * size / (context // 4) + 1
    assert counts == sorted(counts)
