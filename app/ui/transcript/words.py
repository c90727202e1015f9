"""What stands in the row under a message and on the lines between days. No Qt beyond the way of writing dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from PySide6.QtCore import QDate, QLocale

from app.chat.changes import CallWritten, MessageView
from app.core.message import FinishReason, MessageState, Role
from app.core.visible import visible
from app.ui.days import clock_time
from app.ui.figures import count, tokens


@dataclass(frozen=True, slots=True)
class Note:
    """Words at the start of the row, with an icon and the name of their colour."""

    words: str
    tone: str = "text3"
    icon: str = ""


WAITS = Note("The answer goes on when you decide. Nothing has run yet.", "text3", "pause")


def note_of(
    message: MessageView, rate: float | None, seconds_left: float | None, calling: CallWritten | None = None
) -> Note | None:
    """What has to be said about a message, if anything."""
    if not message.saved:
        return Note("On screen only, not saved yet", "danger", "disk")
    if message.state is MessageState.QUEUED:
        return Note(_waits(seconds_left), "warn", "clock")
    if message.role is not Role.ASSISTANT:
        return None
    if message.state is MessageState.STREAMING and calling is not None:
        called = f"Calls {visible(calling.name)}" if calling.name else "Calls a tool"
        return Note(f"{called} · {count(calling.generated, 'token', 'tokens')}")
    if message.state is MessageState.STREAMING:
        return Note("Writing" if rate is None else f"Writing · {rate:.0f} tok/s") if message.text else None
    if message.finish_reason is FinishReason.ERROR or message.error:
        return Note(message.error or "The model could not go on.", "danger", "error")
    generated = message.usage.generated_tokens
    after = f" after {count(generated, 'token', 'tokens')}" if generated else ""
    if message.finish_reason is FinishReason.LENGTH:
        return Note(f"Reached its limit{after}", "warn", "warning")
    if message.state is MessageState.INTERRUPTED:
        return Note(f"Interrupted{after}", "warn", "warning")
    return None


def _waits(seconds_left: float | None) -> str:
    if seconds_left is None:
        return "Waits for the model"
    return f"Waits for the model, {max(1, round(seconds_left))} s"


def can_continue(message: MessageView) -> bool:
    """Whether this answer was cut and can go on."""
    if message.role is not Role.ASSISTANT or message.state in (MessageState.STREAMING, MessageState.QUEUED):
        return False
    if message.calls:
        return all(call.settled for call in message.calls)
    if not message.text:
        return False
    return message.state is MessageState.INTERRUPTED or message.finish_reason is FinishReason.LENGTH


def stats_of(message: MessageView, current_model: str, *, short: bool, isolate: bool) -> str:
    """`41 tok/s · first word 0.6 s · 312 tokens`, led by the model when another one is loaded now."""
    if message.role is not Role.ASSISTANT or message.state is MessageState.STREAMING:
        return ""
    parts: list[str] = []
    if message.model and current_model and message.model != current_model:
        parts.append(f"\u2068{message.model}\u2069" if isolate else message.model)
    if message.timings.tokens_per_second:
        parts.append(f"{message.timings.tokens_per_second:.0f} tok/s")
    if message.timings.first_token_ms:
        seconds = f"{message.timings.first_token_ms / 1000:.1f} s"
        parts.append(seconds if short else f"first word {seconds}")
    if message.usage.generated_tokens:
        parts.append(count(message.usage.generated_tokens, "token", "tokens"))
    return " · ".join(parts)


def version_of(message: MessageView) -> tuple[int, int] | None:
    """Which version it is and how many there are, from 1; None for the only one."""
    if len(message.versions) < 2 or message.id not in message.versions:
        return None
    return message.versions.index(message.id) + 1, len(message.versions)


def reading_words(done: int, total: int) -> str:
    """`4,210 of 6,180 tokens`."""
    return f"{tokens(done)} of {tokens(total)} tokens"


def seeing_words(done: int, total: int, fraction: float) -> str:
    """`62%`, `2 of 5, 62%`."""
    return f"{fraction:.0%}" if total == 1 else f"{done + 1} of {total}, {fraction:.0%}"


def seconds_words(seconds: float) -> str:
    """`8 s left`."""
    return f"{max(1, round(seconds))} s left"


def day_words(moment: datetime, today: date) -> str:
    """`Today 13:41`, `Yesterday 09:05`, `Monday 16 November`, with the year when it is another one."""
    day = moment.date()
    if day == today:
        return f"Today {clock_time(moment)}"
    if day == today - timedelta(days=1):
        return f"Yesterday {clock_time(moment)}"
    pattern = "dddd d MMMM" if day.year == today.year else "d MMMM yyyy"
    return QLocale().toString(QDate(day.year, day.month, day.day), pattern)
