"""What of a conversation is left out when it does not fit the context. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_STEPS = 4  # room is made in quarters of the context, so that the prompt's beginning stays the same for many turns


def left_out(per_message: Sequence[int], fixed: int, context: int, reserve: int) -> int:
    """How many of the oldest messages are not read, so that what is left fits with `reserve` kept for the answer.

    Sizes in tokens; `fixed` is what every prompt takes. Whole turns go (a question with its answer), the last turn
    never: the caller sees by what is left that it does not fit.
    """
    needed = fixed + sum(per_message) + reserve - context
    if needed <= 0:
        return 0
    step = max(1, context // _STEPS)
    return _turns_of(per_message, -(-needed // step) * step, needed)


def _turns_of(per_message: Sequence[int], wanted: int, needed: int) -> int:
    """The messages of the oldest turns that take `wanted` tokens; `needed` must go, more only from earlier turns."""
    most = (len(per_message) - 1) // 2 * 2  # the last question, and the answer that goes on, stay
    gone = count = 0
    while count < most and gone < wanted:
        if gone >= needed and count + 2 >= most:
            break  # the round number is no reason to forget the turn before this one
        gone += sum(per_message[count : count + 2])
        count += 2
    return count
