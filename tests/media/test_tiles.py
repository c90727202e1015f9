"""The views of pictures, worked out by hand from the published description."""

from __future__ import annotations

import pytest

from app.core.message import PanAndScan
from app.media.tiles import Views, views

AUTO, FINER, OFF = PanAndScan.AUTO, PanAndScan.FINER, PanAndScan.OFF


@pytest.mark.parametrize(
    ("size", "choice", "kind", "count"),
    [
        ((800, 600), AUTO, "whole", 1),
        ((896, 896), FINER, "whole", 1),
        ((1792, 1792), AUTO, "whole", 1),
        ((3024, 4032), OFF, "whole", 1),
        ((3000, 100), AUTO, "whole", 1),  # the short side of a crop would be under 256
        ((384, 256), AUTO, "whole", 1),  # two crops of 192: too small
        ((3024, 4032), AUTO, "grid", 5),
        ((3024, 4032), FINER, "grid", 10),
        ((1793, 1792), AUTO, "whole", 1),  # rounds to one column and one row
        ((2700, 1900), AUTO, "grid", 3),
        ((2688, 2000), AUTO, "grid", 3),  # 1.5 columns are rounded up
        ((1500, 1000), AUTO, "crops", 3),  # the ratio 1.5 belongs to the elongated, and is rounded up to 2
        ((1499, 1000), AUTO, "whole", 1),
        ((2500, 1000), AUTO, "crops", 4),
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
    assert views(3024, 4032, AUTO).boxes == (
        (0, 0, 1512, 2016),
        (1512, 0, 3024, 2016),
        (0, 2016, 1512, 4032),
        (1512, 2016, 3024, 4032),
    )
    for size in ((3024, 4032), (5000, 4001), (1900, 2700)):
        for choice in (AUTO, FINER):
            boxes = views(*size, choice).boxes
            assert sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) == size[0] * size[1]
