"""The time."""

from __future__ import annotations

from datetime import datetime

from app.tools.registry import ToolError


def current_time(zone: str | None = None) -> str:
    """Returns the current date and time.

    zone: An IANA time zone such as Europe/Paris; without it the local one
    """
    if not zone:
        return _told(datetime.now().astimezone(), "")
    from zoneinfo import ZoneInfo

    try:
        there = ZoneInfo(zone)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ToolError(f"There is no time zone “{zone[:80]}”. Use a name such as Europe/Paris.") from error
    return _told(datetime.now(there), zone)


def _told(moment: datetime, zone: str) -> str:
    """The moment first, by itself: small models quote it whole."""
    day = f"{moment:%Y-%m-%dT%H:%M:%S} {moment:%A}"
    return f"{day}, {zone} (UTC{moment:%z})" if zone else day
