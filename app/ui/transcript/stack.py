"""The blocks of one message below one another: laid out where they are seen, estimated elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from PySide6.QtCore import Qt

from app.ui.transcript.blocks import Block, Code, Rule, Table, Words, block_text, separator
from app.ui.transcript.code_piece import CodePiece
from app.ui.transcript.pieces import Piece, RulePiece, WordsPiece
from app.ui.transcript.spacing import gap
from app.ui.transcript.style import Style
from app.ui.transcript.table_piece import TablePiece

AT_ONCE = 150  # a message of so many blocks is laid out whole: its height is known at once
AT_ONCE_LETTERS = 60_000
Point = tuple[int, int]  # which block, which letter


class Stack:
    """Holds the pieces of one message. `height` is exact once everything is laid out."""

    def __init__(self, style: Style, window: Qt.LayoutDirection) -> None:
        self._style = style
        self._window = window
        self._width = 0
        self.blocks: Sequence[Block] = ()
        self._pieces: list[Piece | None] = []
        self._heights: list[int] = []
        self._exact: list[bool] = []
        self._tops: list[int] = []
        self.height = 0

    def show(self, blocks: Sequence[Block], unchanged: int = 0) -> None:
        """Take these blocks, the first `unchanged` of which are those there already."""
        keep = min(unchanged, len(self.blocks), len(blocks))
        while keep < min(len(self.blocks), len(blocks)) and self.blocks[keep] == blocks[keep]:
            keep += 1
        following = self._pieces[keep] if keep < len(self._pieces) else None
        del self._pieces[keep:], self._heights[keep:], self._exact[keep:]
        self.blocks = blocks
        for _ in range(keep, len(blocks)):
            self._pieces.append(None)
            self._heights.append(0)
            self._exact.append(False)
        if following is not None and keep < len(blocks) and following.take(blocks[keep]):
            self._pieces[keep] = following
        self._first_new = keep

    def lay_out(self, width: int) -> None:
        """Fit into `width`: all of a usual message, nothing of a huge one yet."""
        first = self._first_new if width == self._width else 0
        self._first_new = len(self.blocks)
        self._width = width
        blocks = self.blocks
        at_once = len(blocks) <= AT_ONCE and sum(map(_size, blocks[first:])) <= AT_ONCE_LETTERS
        for at in range(first, len(blocks)):
            self._exact[at] = False
            if at_once or (at >= len(blocks) - 1 and isinstance(blocks[at], Code)):
                self._make_exact(at)
            else:
                self._heights[at] = self._estimate(blocks[at])
        self._sum_up()

    def ensure(self, top: int, bottom: int) -> int:
        """Lay out what stands between; returns by how much what begins above `top` has grown."""
        grown = 0
        at = self.index_at(top)
        changed = False
        while at < len(self.blocks):
            start = self._tops[at] + (grown if changed else 0)
            if start > bottom:
                break
            if not self._exact[at]:
                before = self._heights[at]
                self._make_exact(at)
                if self._tops[at] < top:
                    grown += self._heights[at] - before
                changed = True
            at += 1
        if changed:
            self._sum_up()
        return grown

    def piece(self, at: int) -> Piece:
        """The piece of a block, laid out."""
        if not self._exact[at]:
            self._make_exact(at)
            self._sum_up()
        piece = self._pieces[at]
        assert piece is not None
        return piece

    def relay(self, at: int) -> None:
        """A piece has another height now."""
        self._make_exact(at)
        self._sum_up()

    def top(self, at: int) -> int:
        """Where a block begins."""
        return self._tops[at]

    def gap_above(self, at: int) -> int:
        """The room above a block, when it belongs together with the one before."""
        if at == 0 or not self.blocks[at].place.joined:
            return 0
        return self._style.px(gap(self.blocks[at - 1], self.blocks[at]))

    def index_at(self, y: int) -> int:
        """The block at this height."""
        return max(0, bisect_right(self._tops, y) - 1)

    def between(self, top: int, bottom: int) -> Iterator[tuple[int, int, Piece]]:
        """The laid out pieces between two heights, each with its number and its top."""
        at = self.index_at(top)
        while at < len(self.blocks) and self._tops[at] <= bottom:
            piece = self._pieces[at]
            if piece is not None and self._exact[at]:
                yield at, self._tops[at], piece
            at += 1

    def pending(self) -> Iterator[CodePiece]:
        """Code that does not have its colours yet."""
        for at, piece in enumerate(self._pieces):
            if isinstance(piece, CodePiece) and self._exact[at] and not piece.highlighter.is_done:
                yield piece

    def natural_width(self) -> int:
        """The width that the words take without line breaks of ours."""
        widest = 0
        for at in range(len(self.blocks)):
            piece = self._piece(at)
            widest = max(widest, piece.natural_width() if isinstance(piece, WordsPiece) else 0)
        return widest

    def end(self) -> Point:
        """Behind the last letter."""
        return (len(self.blocks) - 1, len(block_text(self.blocks[-1]))) if self.blocks else (0, 0)

    def text_between(self, start: Point, end: Point) -> str:
        """The words between two points, without Markdown."""
        parts: list[str] = []
        for at in range(start[0], min(end[0] + 1, len(self.blocks))):
            if at > start[0]:
                parts.append(separator(self.blocks[at - 1], self.blocks[at]))
            text = block_text(self.blocks[at])
            last = end[1] if at == end[0] else len(text)
            parts.append(text[start[1] if at == start[0] else 0 : last])
        return "".join(parts)

    def _piece(self, at: int) -> Piece:
        made = self._pieces[at]
        if made is None:
            made = self._pieces[at] = _made(self.blocks[at], self._style, self._window)
        return made

    def _make_exact(self, at: int) -> None:
        piece = self._piece(at)
        piece.lay_out(self._width)
        self._heights[at] = piece.height
        self._exact[at] = True

    def _sum_up(self) -> None:
        px = self._style.px
        blocks = self.blocks
        if not blocks:
            self._tops, self.height = [], 0
            return
        steps = [high + px(gap(blocks[at], blocks[at + 1])) for at, high in enumerate(self._heights[:-1])]
        self._tops = list(accumulate(steps, initial=0))
        self.height = self._tops[-1] + self._heights[-1]

    def _estimate(self, block: Block) -> int:
        px = self._style.px
        if isinstance(block, Code):
            return px(54) + px(20) * (block.text.count("\n") + 1)
        if isinstance(block, Table):
            return px(31) * (len(block.rows) + 1)
        if isinstance(block, Rule):
            return 1
        letters = max(10, self._width * 2 // px(15))
        lines = sum(1 + len(line) // letters for line in block.text.split("\n"))
        return lines * self._style.line_height(block.level)


def _size(block: Block) -> int:
    if isinstance(block, Words):
        return sum(len(span.text) for span in block.spans)
    return len(block.text) // 10 if isinstance(block, Code) else 40 * (1 + len(getattr(block, "rows", ())))


def _made(block: Block, style: Style, window: Qt.LayoutDirection) -> Piece:
    if isinstance(block, Words):
        return WordsPiece(block, style, window)
    if isinstance(block, Code):
        return CodePiece(block, style, window)
    if isinstance(block, Table):
        return TablePiece(block, style, window)
    return RulePiece(block, style, window)
