"""The sentences of rows and day lines."""

from __future__ import annotations

from datetime import date, datetime

from msgspec.structs import replace

from app.core.message import FinishReason, MessageState, Timings, Usage
from app.ui.transcript.words import (
    Note,
    can_continue,
    day_words,
    note_of,
    reading_words,
    seconds_words,
    stats_of,
    version_of,
)
from tests.ui.transcript.conftest import answer, person

FIGURES = {"usage": Usage(generated_tokens=312), "timings": Timings(tokens_per_second=41.2, first_token_ms=612)}


def test_stats() -> None:
    message = answer("1", "words", model="Gemma 3 4B", **FIGURES)
    plain = "41 tok/s · first word 0.6 s · 312 tokens"
    assert stats_of(message, "Gemma 3 4B", short=False, isolate=False) == plain
    assert stats_of(message, "Gemma 3 12B", short=False, isolate=False) == f"Gemma 3 4B · {plain}"
    assert stats_of(message, "Gemma 3 12B", short=True, isolate=True).startswith(
        "\u2068Gemma 3 4B\u2069 · 41 tok/s · 0.6 s"
    )
    assert stats_of(answer("1", "words"), "", short=False, isolate=False) == ""
    assert stats_of(person("1", "words"), "", short=False, isolate=False) == ""


def test_notes() -> None:
    cut = answer("1", "words", state=MessageState.INTERRUPTED, usage=Usage(generated_tokens=64))
    assert note_of(cut, None, None) == Note("Interrupted after 64 tokens", "warn", "warning")
    assert note_of(replace(cut, usage=Usage(generated_tokens=1)), None, None) == Note(
        "Interrupted after 1 token", "warn", "warning"
    )
    full = replace(cut, finish_reason=FinishReason.LENGTH)
    assert note_of(full, None, None) == Note("Reached its limit after 64 tokens", "warn", "warning")
    failed = replace(cut, finish_reason=FinishReason.ERROR, error="The model stopped.")
    assert note_of(failed, None, None) == Note("The model stopped.", "danger", "error")
    assert note_of(replace(cut, saved=False), None, None) == Note("On screen only, not saved yet", "danger", "disk")
    assert note_of(answer("1", "words"), None, None) is None


def test_what_waits_says_so() -> None:
    waits = person("1", "words", state=MessageState.QUEUED)
    assert note_of(waits, None, None) == Note("Waits for the model", "warn", "clock")
    assert note_of(waits, None, 7.6) == Note("Waits for the model, 8 s", "warn", "clock")


def test_writing_says_how_fast() -> None:
    writing = answer("1", "words", state=MessageState.STREAMING)
    assert note_of(writing, None, None) == Note("Writing")
    assert note_of(writing, 38.6, None) == Note("Writing · 39 tok/s")
    assert note_of(answer("1", "", state=MessageState.STREAMING), None, None) is None


def test_only_what_was_cut_can_go_on() -> None:
    assert can_continue(answer("1", "words", state=MessageState.INTERRUPTED))
    assert can_continue(answer("1", "words", finish_reason=FinishReason.LENGTH))
    assert not can_continue(answer("1", "", state=MessageState.INTERRUPTED))
    assert not can_continue(answer("1", "words"))
    assert not can_continue(answer("1", "words", state=MessageState.STREAMING))


def test_versions() -> None:
    assert version_of(answer("b", "words", versions=("a", "b", "c"))) == (2, 3)
    assert version_of(answer("a", "words", versions=("a",))) is None


def test_reading() -> None:
    assert reading_words(4210, 6180) == "4,210 of 6,180 tokens"
    assert seconds_words(8.2) == "8 s left"
    assert seconds_words(0.1) == "1 s left"


def test_days() -> None:
    today = date(2026, 11, 24)
    assert day_words(datetime(2026, 11, 24, 13, 41), today).startswith("Today ")
    assert day_words(datetime(2026, 11, 23, 13, 41), today).startswith("Yesterday ")
    assert day_words(datetime(2026, 11, 16, 13, 41), today) == "Monday 16 November"
    assert day_words(datetime(2025, 11, 16, 13, 41), today) == "16 November 2025"
