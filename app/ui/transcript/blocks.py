"""What a message is made of on the screen: a flat row of blocks, each with the containers it stands in. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

QUOTE = 0


@dataclass(frozen=True, slots=True)
class Span:
    """Words of one look. `link` is a target that may be opened (http, https, mailto), else ""."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    formula: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands: `path` lists its containers from outside in, QUOTE or the letters of a list's marker.

    `marker` is a list item's own ("•", "12."), on its first block only. `joined` tells that the block before belongs
    to the same outermost block (the same list, the same quote).
    """

    path: tuple[int, ...] = ()
    marker: str = ""
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph, or a heading of `level` 1 to 6. `literal` words are shown as they were written, line by line."""

    spans: tuple[Span, ...]
    place: Place = Place()
    level: int = 0
    literal: bool = False

    @property
    def text(self) -> str:
        """The words without their looks."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class Code:
    """A code block; `language` as the writer named it, `closed` once nothing can come any more."""

    text: str
    language: str = ""
    closed: bool = True
    place: Place = Place()


Cell = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `aligns` are "", "left", "center" or "right" for each column. Without `head` it goes on with another."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    aligns: tuple[str, ...]
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line."""

    place: Place = Place()


Block = Words | Code | Table | Rule


def cell_text(cell: Cell) -> str:
    """The words of a table cell."""
    return "".join(span.text for span in cell)


def block_text(block: Block) -> str:
    """A block's words as they are copied: list markers stay, cells are parted by tabs."""
    if isinstance(block, Words):
        return f"{block.place.marker} {block.text}" if block.place.marker else block.text
    if isinstance(block, Code):
        return block.text
    if isinstance(block, Table):
        return "\n".join("\t".join(map(cell_text, row)) for row in ((block.head,) if block.head else ()) + block.rows)
    return ""


def separator(before: Block, after: Block) -> str:
    """What stands between two blocks where they are copied: an empty line, unless they belong together."""
    literal = isinstance(before, Words) and isinstance(after, Words) and before.literal and after.literal
    return "\n" if literal or (after.place.joined and after.place.marker) else "\n\n"


def plain_text(blocks: Iterable[Block]) -> str:
    """The words of all blocks, without Markdown."""
    parts: list[str] = []
    before: Block | None = None
    for block in blocks:
        if before is not None:
            parts.append(separator(before, block))
        parts.append(block_text(block))
        before = block
    return "".join(parts)
