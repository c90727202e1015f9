"""Days and times as the sidebar tells them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from PySide6.QtCore import QDate, QLocale, QTime

RECENT_DAYS = 7


def clock_time(moment: datetime) -> str:
    """The time of day in the person's own way of writing it, without seconds."""
    locale = QLocale()
    time = QTime(moment.hour, moment.minute)
    if locale.language() == QLocale.Language.C:
        return time.toString("HH:mm")
    return locale.toString(time, QLocale.FormatType.ShortFormat)


def section(moment: datetime, today: date) -> str:
    """The heading a chat stands under: Today, Yesterday, Last 7 days, then the month."""
    day = moment.date()
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=RECENT_DAYS):
        return "Last 7 days"
    month = QLocale().standaloneMonthName(day.month, QLocale.FormatType.LongFormat)
    return month if day.year == today.year else f"{month} {day.year}"


def section_start(moment: datetime, today: date) -> date:
    """The first day of the heading that a chat of this moment stands under."""
    day = moment.date()
    if day >= today - timedelta(days=1):
        return min(day, today)
    recent = today - timedelta(days=RECENT_DAYS - 1)
    return recent if day >= recent else day.replace(day=1)


def label(moment: datetime, today: date) -> str:
    """The short time beside a title: 09:41, then Mon, then 18 Nov, then 18 Nov 2025."""
    day = moment.date()
    if day >= today - timedelta(days=1):
        return clock_time(moment)
    locale = QLocale()
    if day > today - timedelta(days=RECENT_DAYS):
        return locale.dayName(day.isoweekday(), QLocale.FormatType.ShortFormat)
    written = QDate(day.year, day.month, day.day)
    return locale.toString(written, "d MMM" if day.year == today.year else "d MMM yyyy")
