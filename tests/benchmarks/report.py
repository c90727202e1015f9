"""Figures, and how they are told: lines while a benchmark runs, one table (or JSON) at the end."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured figure. `ratio` is what the target speaks of where there is a peer, `pairs` the ratio of each pair.

    `met` is None where nothing is asked of it, or where it could not be measured (`note` says why).
    """

    name: str
    unit: str
    target: str
    ours: float | None = None
    peer: float | None = None
    ratio: float | None = None
    met: bool | None = None
    pairs: tuple[float, ...] = ()
    note: str = ""


def paired(name: str, unit: str, ours: Sequence[float], peer: Sequence[float], *, at_least: float) -> Figure:
    """A speed beside the peer's: medians, and the median of the ratios of the pairs, which were measured in turn."""
    return _paired(name, unit, ours, peer, f">= {at_least:g} of peer", lambda ratio: ratio >= at_least)


def paired_time(name: str, unit: str, ours: Sequence[float], peer: Sequence[float], *, at_most: float) -> Figure:
    """A time beside the peer's, where less is better."""
    return _paired(name, unit, ours, peer, f"<= {at_most:g} of peer", lambda ratio: ratio <= at_most)


def single(name: str, unit: str, ours: float, *, below: float, note: str = "") -> Figure:
    """A figure with a limit of its own, which it may not exceed."""
    return Figure(name, unit, f"<= {below:g}", ours=ours, met=ours <= below, note=note)


def missing(name: str, target: str, why: str) -> Figure:
    """A figure that could not be measured here."""
    return Figure(name, "", target, note=why)


def say(line: str) -> None:
    """A line about what is going on, on standard error at once: standard output is for the figures."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of equal columns."""
    rows = [("figure", "ours", "peer", "ratio", "target", "")]
    rows.extend(
        (f.name, _number(f.ours, f.unit), _number(f.peer, f.unit), _number(f.ratio), f.target, _verdict(f))
        for f in figures
    )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    for figure in figures:
        if figure.pairs:
            lines.append(f"pairs of {figure.name}: {' '.join(f'{pair:.3f}' for pair in figure.pairs)}")
        if figure.note:
            lines.append(f"{figure.name}: {figure.note}")
    return "\n".join(lines)


def as_json(figures: Sequence[Figure]) -> str:
    """The figures as one JSON list."""
    return msgspec.json.format(msgspec.json.encode(figures), indent=1).decode()


def _paired(
    name: str, unit: str, ours: Sequence[float], peer: Sequence[float], target: str, met: Callable[[float], bool]
) -> Figure:
    pairs = tuple(mine / other for mine, other in zip(ours, peer, strict=True))
    ratio = statistics.median(pairs)
    return Figure(name, unit, target, statistics.median(ours), statistics.median(peer), ratio, met(ratio), pairs)


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return "-"
    digits = 3 if not unit else 2 if abs(value) < 10 else 1
    return f"{value:.{digits}f} {unit}".rstrip()


def _verdict(figure: Figure) -> str:
    if figure.met is None:
        return "" if figure.ours is not None else "not measured"
    return "met" if figure.met else "MISSED"
