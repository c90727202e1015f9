"""Garbage is looked for when the window rests, never while an answer is written."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.ui.garbage import REST_MS, Housekeeping


class _Loop:
    """Refers to itself, as what only a collection finds."""

    alive = 0

    def __init__(self) -> None:
        _Loop.alive += 1
        self.me = self

    def __del__(self) -> None:
        _Loop.alive -= 1


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    gc.collect()
    yield
    gc.unfreeze()


def test_it_waits_for_the_end_of_the_answer(qtbot: QtBot) -> None:
    answering = True
    housekeeping = Housekeeping(lambda: answering)
    _Loop()
    assert _Loop.alive == 1
    housekeeping.due()
    qtbot.wait(REST_MS + 300)
    assert gc.get_freeze_count() == 0
    answering = False
    housekeeping.due()
    qtbot.waitUntil(lambda: gc.get_freeze_count() > 0, timeout=5 * REST_MS)
    assert _Loop.alive == 0
    housekeeping.deleteLater()


def test_what_was_set_aside_is_looked_through_the_next_time(qtbot: QtBot) -> None:
    housekeeping = Housekeeping(lambda: False)
    kept = [_Loop()]
    housekeeping.due()
    qtbot.waitUntil(lambda: gc.get_freeze_count() > 0, timeout=5 * REST_MS)
    kept.clear()
    gc.collect()
    assert _Loop.alive == 1, "it was set aside"
    housekeeping.due()
    qtbot.waitUntil(lambda: _Loop.alive == 0, timeout=5 * REST_MS)
    housekeeping.deleteLater()
