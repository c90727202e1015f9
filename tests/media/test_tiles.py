"""The views of pictures, worked out by hand from the published description."""

from __future__ import annotations

import pytest

from app.core.message import PanAndScan, Picture
from app.media.tiles import Views, closer_by_itself, views

AUTO, CLOSER, FINER, OFF = PanAndScan.AUTO, PanAndScan.CLOSER, PanAndScan.FINER, PanAndScan.OFF


@pytest.mark.parametrize(
    ("size", "choice", "kind", "count"),
    [
        ((800, 600), AUTO, "whole", 1),
        ((896, 896), FINER, "whole", 1),
        ((1792, 1792), CLOSER, "whole", 1),
        ((3024, 4032), OFF, "whole", 1),
        ((3000, 100), AUTO, "whole", 1),  # the short side of a crop would be under 256
        ((384, 256), AUTO, "whole", 1),  # two crops of 192: too small
        ((3024, 4032), AUTO, "whole", 1),  # tiles are offered, or chosen where they cost little
        ((3024, 4032), CLOSER, "grid", 5),
        ((3024, 4032), FINER, "grid", 10),
        ((1793, 1792), CLOSER, "whole", 1),  # rounds to one column and one row
        ((2700, 1900), CLOSER, "grid", 3),
        ((2688, 2000), CLOSER, "grid", 3),  # 1.5 columns are rounded up
        ((1500, 1000), AUTO, "crops", 3),  # the ratio 1.5 belongs to the elongated, and is rounded up to 2
        ((1499, 1000), AUTO, "whole", 1),
        ((2500, 1000), CLOSER, "crops", 4),
        ((10000, 1000), AUTO, "crops", 5),  # at most four
        ((1000, 3400), AUTO, "crops", 4),
    ],
)
def test_how_many_views(size: tuple[int, int], choice: PanAndScan, kind: str, count: int) -> None:
    found = views(*size, choice)
    assert (found.kind, found.count) == (kind, count)


def test_crops_go_along_the_long_side() -> None:
    assert views(1201, 500, AUTO) == Views("crops", ((0, 0, 601, 500), (601, 0, 1201, 500)))
    assert views(500, 1201, AUTO) == Views("crops", ((0, 0, 500, 601), (0, 601, 500, 1201)))


def test_a_grid_is_in_reading_order_and_leaves_nothing_out() -> None:
    assert views(3024, 4032, CLOSER).boxes == (
        (0, 0, 1512, 2016),
        (1512, 0, 3024, 2016),
        (0, 2016, 1512, 4032),
        (1512, 2016, 3024, 4032),
    )
    for size in ((3024, 4032), (5000, 4001), (1900, 2700)):
        for choice in (CLOSER, FINER):
            boxes = views(*size, choice).boxes
            assert sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) == size[0] * size[1]


def _picture(width: int, height: int, choice: PanAndScan = AUTO) -> Picture:
    return Picture("5f", width, height, "", choice)


@pytest.mark.parametrize(
    ("picture", "seconds", "choice"),
    [
        (_picture(3024, 4032), 0.9, CLOSER),
        (_picture(3024, 4032), 1.0, AUTO),  # offered instead
        (_picture(3024, 4032), 0.0, AUTO),  # not measured yet
        (_picture(800, 600), 0.1, AUTO),
        (_picture(1000, 3400), 0.1, AUTO),  # its crops are made anyway
        (_picture(3024, 4032, OFF), 0.1, OFF),
        (_picture(3024, 4032, FINER), 0.1, FINER),
    ],
)
def test_a_quick_machine_looks_closer_by_itself(picture: Picture, seconds: float, choice: PanAndScan) -> None:
    assert closer_by_itself(picture, seconds).pan_and_scan is choice
