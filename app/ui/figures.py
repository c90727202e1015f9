"""Numbers as the window writes them: whole tokens, thousands with a small k, contexts in units of 1,024."""

from __future__ import annotations


def tokens(count: int) -> str:
    """Tokens exactly: `4,104`."""
    return f"{count:,}"


def tokens_short(count: int) -> str:
    """Tokens in thousands: `0`, `0.1k`, `6.2k`, `104k`."""
    if count == 0:
        return "0"
    thousands = count / 1000
    return f"{max(thousands, 0.1):.1f}k" if thousands < 100 else f"{thousands:.0f}k"


def context_short(cells: int) -> str:
    """The size of a context: `512`, `8k`, `32k` (32,768)."""
    if cells < 1024:
        return str(cells)
    return f"{cells / 1024:.1f}".removesuffix(".0") + "k"


def turns(messages: int) -> int:
    """How many turns these messages make, a turn being a question with its answer."""
    return (messages + 1) // 2


def count(number: int, one: str, many: str) -> str:
    """`1 turn`, `6 turns`."""
    return f"{number:,} {one if number == 1 else many}"
