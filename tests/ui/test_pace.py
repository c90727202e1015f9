"""How fast the loaded model has written: only what it wrote itself counts."""

from __future__ import annotations

import time

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ModelChanged, ModelState
from app.core.message import MessageState, Role, Timings, Usage
from app.ui.main_window import MainWindow
from app.ui.models.pace import Pace
from tests.ui.test_top_bar import INFO, READY
from tests.ui.windows import message


@pytest.fixture
def pace(window: MainWindow, qtbot: QtBot) -> Pace:
    """Of a window in which a model was just loaded."""
    made = Pace(window.screen_now, window)
    window.apply(READY)
    return made


def _answer(window: MainWindow, key: str, tokens: int, speed: float, at: float) -> None:
    view = msgspec.structs.replace(
        message(key, "Yes."),
        role=Role.ASSISTANT,
        state=MessageState.COMPLETE,
        created_at=at,
        usage=Usage(generated_tokens=tokens),
        timings=Timings(tokens_per_second=speed),
    )
    window.apply(told.MessageAdded(view))


def test_the_latest_answer_counts(window: MainWindow, pace: Pace) -> None:
    _answer(window, "old", 200, 90.0, time.time() - 100)
    assert pace.tokens == 0.0, "another model wrote it, or another plan"
    _answer(window, "short", 3, 70.0, time.time() + 1)
    assert pace.tokens == 0.0, "three tokens say nothing"
    _answer(window, "a", 200, 41.0, time.time() + 1)
    _answer(window, "b", 200, 40.0, time.time() + 2)
    assert pace.tokens == 40.0
    window.apply(ModelChanged(ModelState.LOADING, "Another"))
    assert pace.tokens == 0.0


def test_pictures_count_too(window: MainWindow, pace: Pace) -> None:
    window.apply(ModelChanged(ModelState.READY, "Seeing", model=msgspec.structs.replace(INFO, view_seconds=2.0)))
    assert pace.picture == 2.0
    window.apply(told.PicturesSeen("a", {}, 1.5, done=True))
    assert pace.picture == 1.5
    window.apply(told.PicturesSeen("a", {}, 0.0, done=True))
    assert pace.picture == 1.5
