"""Numbers within limits: every number that a rule writes is inside, and none inside is missed among whole ones."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from app.prompt.ranges import decimal, whole


def _pattern(expression: str) -> re.Pattern[str]:
    """The rule as a regular expression: its literals are digits, signs and points only."""
    return re.compile(re.sub(r'"([^"]*)"', lambda found: re.escape(found[1]), expression).replace(" ", ""))


small = st.integers(-3000, 3000)


@given(small, small, st.integers(-3200, 3200))
def test_whole_numbers(low: int, high: int, number: int) -> None:
    expression = whole(low, high)
    assert bool(expression) == (low <= high)
    if expression:
        assert bool(_pattern(expression).fullmatch(str(number))) == (low <= number <= high)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_half_open_whole_numbers(limit: int, number: int) -> None:
    assert bool(_pattern(whole(limit, None)).fullmatch(str(number))) == (number >= limit)
    assert bool(_pattern(whole(None, limit)).fullmatch(str(number))) == (number <= limit)


limits = st.decimals(-50, 50, allow_nan=False, places=3)


@given(limits, limits, st.booleans(), st.booleans(), st.decimals(-60, 60, allow_nan=False, places=4))
def test_numbers_are_within_their_limits(
    low: Decimal, high: Decimal, open_low: bool, open_high: bool, number: Decimal
) -> None:
    expression = decimal(low, high, open_least=open_low, open_most=open_high)
    assume(expression)
    text = f"{number:f}"
    for written in {text, text.rstrip("0").rstrip("."), str(int(number))}:
        if _pattern(expression).fullmatch(written):
            value = Decimal(written)
            assert low < value if open_low else low <= value
            assert value < high if open_high else value <= high


@given(limits, limits)
def test_limits_that_leave_room_leave_a_number(low: Decimal, high: Decimal) -> None:
    assert bool(decimal(low, high)) == (low <= high)


@given(limits, st.booleans())
def test_half_open_numbers(limit: Decimal, left_out: bool) -> None:
    above, below = decimal(limit, None, open_least=left_out), decimal(None, limit, open_most=left_out)
    assert _pattern(above).fullmatch("60")
    assert _pattern(below).fullmatch("-60")
    assert not _pattern(above).fullmatch("-60")
    assert not _pattern(below).fullmatch("60")
