"""The room between blocks, in pixels at 100%."""

from __future__ import annotations

from app.ui.transcript.blocks import Block, Code, Rule, Table, Words

PARAGRAPH = 10
HEADING_ABOVE = 14
AFTER_FRAME = 12
ITEM = 3
LIST_ABOVE = 4
LIST_BELOW = 8
NESTED = 6


def gap(before: Block, after: Block) -> int:
    """The room between two neighbours."""
    if isinstance(before, Words) and isinstance(after, Words) and before.literal and after.literal:
        return 0
    if isinstance(before, Words) and before.level:
        return 6 if before.level <= 2 else 4
    if isinstance(after, Words) and after.level:
        return HEADING_ABOVE
    if isinstance(before, Rule) or isinstance(after, Rule):
        return HEADING_ABOVE
    framed = isinstance(before, Code | Table)
    if after.place.joined and after.place.path:
        return ITEM if after.place.marker and not framed else PARAGRAPH if framed else NESTED
    if framed:
        return AFTER_FRAME
    if before.place.path and isinstance(before, Words) and before.place.path[0]:
        return LIST_BELOW
    if after.place.marker:
        return LIST_ABOVE
    return PARAGRAPH


def below(last: Block) -> int:
    """The room between the last block and the row of actions."""
    if isinstance(last, Code | Table | Rule):
        return 12
    return 7 if last.place.path else 4
