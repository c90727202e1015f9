"""What stands in the row under a message: what is to be said, what can be done, versions and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.message import FinishReason, MessageState
from app.ui.transcript.entry import Entry
from app.ui.transcript.foot import Row
from app.ui.transcript.words import WAITS, can_continue, note_of, stats_of, version_of

if TYPE_CHECKING:
    from app.ui.transcript.message import Frame


def row_of(entry: Entry, frame: Frame, *, latest: bool, rightwards: bool) -> Row:
    """The row of this message in this frame; `latest`: nothing follows it."""
    message = entry.message
    note = note_of(message, entry.rate(), frame.seconds_left, entry.calling)
    version = version_of(entry.beginning or message)
    if entry.is_streaming:
        return Row(note, stats="Esc stops")
    if entry.has_waiting:
        return Row(WAITS, stats="" if frame.narrow else "Ctrl+Enter approves once")
    if entry.has_open:
        return Row(stats="Esc stops")
    if not entry.is_answer:
        if message.state is MessageState.QUEUED:
            return Row(note, asks=("withdraw",), end=True)
        return Row(note, ("copy", "edit"), version=version, end=True)
    cut = can_continue(message)
    failed = message.finish_reason is FinishReason.ERROR or bool(message.error)
    asks: tuple[str, ...] = ()
    if cut or failed or message.state is MessageState.INTERRUPTED:
        asks = ("continue", "again") if cut and latest else ("again",)
    seen = ("seen",) if entry.asked_with_pictures else ()
    actions = ("copy", *(() if asks else ("regenerate",)), "edit", *seen, "more")
    stats = "" if asks else stats_of(message, frame.current_model, short=frame.narrow, isolate=not rightwards)
    return Row(note, actions, asks, version, stats)
