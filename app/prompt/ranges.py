"""Numbers within limits, as rules of a grammar (GBNF). Pure."""

from __future__ import annotations

import math
from decimal import Decimal

MOST_DIGITS = 15  # of a number without limits: what a double holds exactly
_FRACTION = "[0-9]{1,6}"


def whole(least: int | None, most: int | None) -> str:
    """An expression for the whole numbers from `least` to `most` (None: without a limit); "" where there are none."""
    if least is None:
        least = -(10**MOST_DIGITS) + 1 if most is None or most > -(10**MOST_DIGITS) else most * 10
    if most is None:
        most = max(10**MOST_DIGITS - 1, least * 10 if least > 0 else 0)
    if least > most:
        return ""
    parts = []
    if least < 0:
        parts.append(f'"-" ({_natural(max(1, -most), -least)})')
    if most >= 0:
        parts.append(_natural(max(0, least), most))
    return " | ".join(parts)


def decimal(least: Decimal | None, most: Decimal | None, *, open_least: bool = False, open_most: bool = False) -> str:
    """An expression for numbers from `least` to `most`, a limit itself left out where that side is open; "" for none.

    Not every such number can be written by it, but every number that it writes is within the limits.
    """
    parts = []
    if least is None or least < 0:
        # below zero the digits are those of the number without its sign, between the limits turned round
        from_, to = (Decimal(0) if most is None or most >= 0 else -most), (None if least is None else -least)
        below = _unsigned(from_, to, open_from=most is not None and most < 0 and open_most, open_to=open_least)
        if below:
            parts.append(f'"-" ({below})')
    if most is None or most >= 0:
        from_ = max(Decimal(0), least) if least is not None else Decimal(0)
        parts.append(
            _unsigned(from_, most, open_from=open_least and least is not None and least >= 0, open_to=open_most)
        )
    return " | ".join(part for part in parts if part)


def _natural(least: int, most: int) -> str:
    """Digits of the numbers from `least` to `most`, both at least 0, without leading zeros."""
    parts = []
    for width in range(len(str(least)), len(str(most)) + 1):
        lowest = 10 ** (width - 1) if width > 1 else 0
        parts.append(_between(str(max(least, lowest)), str(min(most, 10**width - 1))))
    return " | ".join(parts)


def _between(low: str, high: str) -> str:
    """Digit strings of one width from `low` to `high`."""
    if low == high:
        return f'"{low}"' if low else '""'
    if set(low) == {"0"} and set(high) == {"9"}:
        return _digits(len(low))
    if len(low) == 1:
        return f"[{low}-{high}]"
    first, last = int(low[0]), int(high[0])
    if first == last:
        return f'"{low[0]}" ({_between(low[1:], high[1:])})'
    rest = len(low) - 1
    parts = []
    if set(low[1:]) != {"0"}:
        parts.append(f'"{first}" ({_between(low[1:], "9" * rest)})')
        first += 1
    top = ""
    if set(high[1:]) != {"9"}:
        top = f'"{last}" ({_between("0" * rest, high[1:])})'
        last -= 1
    if first <= last:
        parts.append(f"[{first}-{last}] {_digits(rest)}")
    return " | ".join([*parts, top] if top else parts)


def _digits(count: int) -> str:
    return "[0-9]" if count == 1 else f"[0-9]{{{count}}}"


def _unsigned(least: Decimal, most: Decimal | None, *, open_from: bool, open_to: bool) -> str:
    """Numbers from `least` to `most`, both at least 0: whole parts that are free, and the two at the limits."""
    if most is None:
        most, open_to = max(Decimal(10) ** MOST_DIGITS, (least + 1) * 10), True
    if least > most or (least == most and (open_from or open_to)):
        return ""
    low, high = math.floor(least), math.floor(most)
    if low == high:
        return _at(low, least - low, most - low, open_from=open_from, open_to=open_to)
    parts = [_at(low, least - low, None, open_from=open_from, open_to=False)]
    if high - low > 1:
        parts.append(f'({_natural(low + 1, high - 1)}) ("." {_FRACTION})?')
    parts.append(_at(high, Decimal(0), most - high, open_from=False, open_to=open_to))
    return " | ".join(part for part in parts if part)


def _at(whole_part: int, least: Decimal, most: Decimal | None, *, open_from: bool, open_to: bool) -> str:
    """Numbers with this whole part whose fraction lies from `least` to `most` (None: below 1)."""
    parts = []
    if least == 0 and not open_from and (most is None or most > 0 or not open_to):
        parts.append(f'"{whole_part}"')
    width = max(2, -_exponent(least), -_exponent(most) if most is not None else 0)
    unit = 10**width
    low = int(least * unit) + (1 if open_from else 0)
    high = unit - 1 if most is None else int(most * unit) - (1 if open_to else 0)
    low = max(low, 0)
    if low <= high:
        parts.append(f'"{whole_part}." ({_between(str(low).zfill(width), str(high).zfill(width))})')
    return " | ".join(parts)


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
