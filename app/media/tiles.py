"""Which parts of a picture are looked at beside the whole of it. Pure.

The crops of an elongated picture are Google's pan and scan (gemma_pytorch, pan_and_scan.py); the grid over a large one
is our own *Look closer*.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from app.core.message import PanAndScan, Picture

Box = tuple[int, int, int, int]  # left, top, right, bottom

ELONGATED = 1.5  # long side over short side
SMALLEST_CROP = 256  # pixels of a crop's side
LARGE_SIDE = {PanAndScan.CLOSER: 1792, PanAndScan.FINER: 896}  # pixels: a picture with a longer side gets a grid
QUICK_SECONDS = 1.0  # a machine that reads a tile in less looks closer by itself
_MOST_CROPS = 4
_MOST_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Views:
    """How a picture is looked at: whole, and these parts of it in reading order. `kind` is whole, crops or grid."""

    kind: str
    boxes: tuple[Box, ...] = ()

    @property
    def count(self) -> int:
        """Pictures that the encoder sees."""
        return 1 + len(self.boxes)


def views(width: int, height: int, choice: PanAndScan) -> Views:
    """The views of a picture of this size in pixels."""
    if choice is PanAndScan.OFF:
        return Views("whole")
    if max(width, height) / min(width, height) >= ELONGATED:
        boxes = _crops(width, height)
        return Views("crops", boxes) if boxes else Views("whole")
    boxes = _grid(width, height, LARGE_SIDE[choice]) if choice in LARGE_SIDE else ()
    return Views("grid", boxes) if boxes else Views("whole")


def can_look_closer(width: int, height: int) -> bool:
    """Whether tiles show more of a picture of this size than the whole of it does."""
    return views(width, height, PanAndScan.CLOSER).kind == "grid"


def closer_by_itself(picture: Picture, view_seconds: float) -> Picture:
    """The picture as it is looked at where a view takes so long (0: not known): closely, where that costs little."""
    quick = 0 < view_seconds < QUICK_SECONDS
    if picture.pan_and_scan is PanAndScan.AUTO and quick and can_look_closer(picture.width, picture.height):
        return msgspec.structs.replace(picture, pan_and_scan=PanAndScan.CLOSER)
    return picture


def _crops(width: int, height: int) -> tuple[Box, ...]:
    """Crops along the long side, as Google's processor makes them."""
    long, short = max(width, height), min(width, height)
    count = min(int(long / short + 0.5), long // SMALLEST_CROP)
    count = min(max(2, count), _MOST_CROPS)
    size = -(-long // count)
    if min(size, short) < SMALLEST_CROP:
        return ()
    places = [(size * number, min(long, size * (number + 1))) for number in range(count)]
    if width >= height:
        return tuple((begin, 0, end, height) for begin, end in places)
    return tuple((0, begin, width, end) for begin, end in places)


def _grid(width: int, height: int, side: int) -> tuple[Box, ...]:
    """Tiles of about `side` pixels over a picture with a longer side than that."""
    if max(width, height) <= side:
        return ()
    columns, rows = (min(max(1, int(length / side + 0.5)), _MOST_COLUMNS) for length in (width, height))
    if columns * rows == 1:
        return ()
    xs = [width * number // columns for number in range(columns + 1)]
    ys = [height * number // rows for number in range(rows + 1)]
    return tuple((xs[x], ys[y], xs[x + 1], ys[y + 1]) for y in range(rows) for x in range(columns))
