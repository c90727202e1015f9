"""Cells of a context as numbers: token ids from zero up, and below zero what stands for a picture."""

from __future__ import annotations

from collections.abc import Sequence

RUN = 1 << 16  # numbers that one view of a picture may take


def run_of(view: int, length: int) -> tuple[int, ...]:
    """The cells of a view, by its number."""
    first = -1 - view * RUN
    return tuple(range(first, first - length, -1))


def view_of(cell: int) -> int:
    """The number of the view that a cell below zero belongs to."""
    return (-1 - cell) // RUN


def offset_of(cell: int) -> int:
    """Its place among the cells of its view."""
    return (-1 - cell) % RUN


def run_length(cells: Sequence[int], start: int) -> int:
    """How many cells from `start` on belong to the same view; 0 where a token stands."""
    if cells[start] >= 0:
        return 0
    view, end = view_of(cells[start]), start + 1
    while end < len(cells) and cells[end] < 0 and view_of(cells[end]) == view:
        end += 1
    return end - start


def text_length(cells: Sequence[int], start: int, most: int) -> int:
    """How many tokens, at most so many, stand from `start` on before the next picture."""
    end = min(len(cells), start + most)
    return next((place for place in range(start, end) if cells[place] < 0), end) - start


def whole_views(cells: Sequence[int], keep: int) -> int:
    """`keep`, or less where the view at that place would be cut in two."""
    if not 0 < keep < len(cells) or cells[keep] >= 0:
        return keep
    view = view_of(cells[keep])
    while keep and cells[keep - 1] < 0 and view_of(cells[keep - 1]) == view:
        keep -= 1
    return keep
