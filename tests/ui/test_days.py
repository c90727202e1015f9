"""Days and times of the sidebar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from PySide6.QtCore import QLocale

from app.ui import days

TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("moment", "section", "label"),
    [
        (datetime(2026, 11, 24, 9, 41), "Today", "09:41"),
        (datetime(2026, 11, 23, 21, 30), "Yesterday", "21:30"),
        (datetime(2026, 11, 20, 11, 0), "Last 7 days", "Fri"),
        (datetime(2026, 11, 3, 11, 0), "November", "3 Nov"),
        (datetime(2025, 10, 20, 9, 0), "October 2025", "20 Oct 2025"),
        (datetime(2026, 11, 25, 1, 0), "Today", "01:00"),  # a clock that was set back
    ],
)
def test_a_chat_stands_under_its_day(moment: datetime, section: str, label: str) -> None:
    assert days.section(moment, TODAY) == section
    assert days.label(moment, TODAY) == label


def test_a_heading_holds_down_to_its_first_day() -> None:
    for back in range(800):
        moment = datetime(2026, 11, 24, 12, 0) - timedelta(days=back)
        first = days.section_start(moment, TODAY)
        assert days.section(datetime.combine(first, moment.time()), TODAY) == days.section(moment, TODAY)
        before = datetime.combine(first - timedelta(days=1), moment.time())
        assert days.section(before, TODAY) != days.section(moment, TODAY)
