"""Title, model pill and context meter."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.chat.changes import ModelChanged, ModelState
from app.core.protocol import Measured, ModelInfo
from app.core.settings import Sampling
from app.ui.context_meter import meter_token, meter_words
from app.ui.look import Look
from app.ui.model_pill import pill_words
from app.ui.top_bar import TopBar

INFO = ModelInfo(
    name="Gemma 3 12B",
    path="/models/gemma.gguf",
    architecture="gemma3",
    family="gemma3",
    quantisation="Q4_0 QAT",
    size_bytes=7_130_000_000,
    parameters=12_000_000_000,
    context=32_768,
    trained_context=131_072,
    gpu_layers=0,
    layers=48,
    vision=False,
    fingerprint="f",
    recommended=Sampling(temperature=1.0, top_k=64, top_p=0.95, min_p=0.0),
    load_ms=1.0,
)
READY = ModelChanged(ModelState.READY, "Gemma 3 12B", 1.0, None, INFO)
LOADING = ModelChanged(ModelState.LOADING, "Gemma 3 12B", 0.62, 8.2)


def measured(total: int = 6180, left_out: int = 0, per_message: tuple[int, ...] = (), error: str = "") -> Measured:
    """What a worker could answer for a context of 32k."""
    return Measured(1, "a", total, 100, per_message, 32_768, 1400, left_out, error)


@pytest.fixture
def bar(look: Look, qtbot: QtBot) -> TopBar:
    made = TopBar(look)
    qtbot.addWidget(made)
    made.resize(1000, 48)
    made.show()
    return made


@pytest.mark.parametrize(
    ("change", "compact", "expected"),
    [
        (ModelChanged(ModelState.NONE), False, ("No model", "")),
        (READY, False, ("Gemma 3 12B", "· Q4_0 QAT")),
        (READY, True, ("Gemma 3 12B", "")),
        (LOADING, False, ("Gemma 3 12B", "Loading 62%, 8 s left")),
        (LOADING, True, ("Gemma 3 12B", "Loading 62%")),
        (ModelChanged(ModelState.LOADING, "X", 0.0), False, ("X", "Loading 0%")),
        (ModelChanged(ModelState.READY, "SmolLM2 135M", 1.0, None, INFO, demo=True), False, ("Demo", "· SmolLM2 135M")),
    ],
)
def test_what_the_pill_says(change: ModelChanged, compact: bool, expected: tuple[str, str]) -> None:
    assert pill_words(change, compact) == expected


def test_screen_readers_hear_the_model(bar: TopBar) -> None:
    bar.pill.show_model(READY)
    assert bar.pill.accessibleName() == "Model"
    assert bar.pill.accessibleDescription() == "Gemma 3 12B · Q4_0 QAT"


def test_the_pill_shows_its_whole_words(bar: TopBar, look: Look) -> None:
    for change in (READY, LOADING, ModelChanged(ModelState.NONE)):
        bar.pill.show_model(change)
        assert bar.pill.sizeHint().width() - look.px(57) >= bar.pill._words_width()


def test_the_cross_gives_a_load_up_and_the_rest_opens_the_menu(bar: TopBar, qtbot: QtBot) -> None:
    bar.pill.show_model(LOADING)
    QTest.qWait(0)
    cross = QPoint(bar.pill.width() - 12, bar.pill.height() // 2)
    with qtbot.waitSignal(bar.pill.cancel_asked), qtbot.assertNotEmitted(bar.pill.clicked):
        QTest.mouseClick(bar.pill, Qt.MouseButton.LeftButton, pos=cross)
    with qtbot.waitSignal(bar.pill.clicked), qtbot.assertNotEmitted(bar.pill.cancel_asked):
        QTest.mouseClick(bar.pill, Qt.MouseButton.LeftButton, pos=QPoint(40, 10))
    bar.pill.show_model(READY)
    with qtbot.waitSignal(bar.pill.clicked):
        QTest.mouseClick(bar.pill, Qt.MouseButton.LeftButton, pos=cross)


def test_the_meter_has_its_value_and_words(bar: TopBar) -> None:
    assert not bar.meter.isVisible()
    bar.meter.show_measured(measured())
    assert bar.meter.isVisible()
    assert bar.meter.accessibleName() == "Context used"
    assert (bar.meter.value(), bar.meter.maximum()) == (6180, 32_768)
    assert meter_words(measured()) == "6.2k / 32k"
    assert "6,180 of 32,768 tokens" in bar.meter.toolTip()


@pytest.mark.parametrize(
    ("figures", "token"),
    [
        (measured(6180), "accent"),
        (measured(26_300), "warn"),
        (measured(32_768), "warn"),
        (measured(40_000), "danger"),
        (measured(20_000, left_out=2), "danger"),
        (measured(20_000, error="Too long."), "danger"),
    ],
)
def test_the_meter_warns_before_it_is_full(figures: Measured, token: str) -> None:
    assert meter_token(figures) == token


def test_the_meter_opens_by_click_and_by_key(bar: TopBar, qtbot: QtBot) -> None:
    bar.meter.show_measured(measured())
    with qtbot.waitSignal(bar.meter.pressed):
        QTest.mouseClick(bar.meter, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(bar.meter.pressed):
        QTest.keyClick(bar.meter, Qt.Key.Key_Return)


def test_the_meter_is_a_ring_in_a_narrow_window(bar: TopBar) -> None:
    bar.meter.show_measured(measured())
    wide = bar.meter.sizeHint().width()
    bar.set_compact(True)
    assert bar.meter.sizeHint().width() < wide
    assert bar.meter.grab().toImage().width() > 0


def test_a_title_is_renamed_in_place(bar: TopBar, qtbot: QtBot) -> None:
    bar.show_title("Heat pump loan", can_rename=True)
    bar.rename()
    editor = bar.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    assert editor.text() == "Heat pump loan"
    editor.setText("Heat pump, seven years")
    with qtbot.waitSignal(bar.renamed) as renamed:
        QTest.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["Heat pump, seven years"]


def test_escape_leaves_the_title_and_a_new_chat_has_none_to_change(bar: TopBar, qtbot: QtBot) -> None:
    bar.show_title("Heat pump loan", can_rename=True)
    bar.rename()
    editor = bar.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("x")
    with qtbot.assertNotEmitted(bar.renamed):
        QTest.keyClick(editor, Qt.Key.Key_Escape)
    bar.show_title("New chat", can_rename=False)
    bar.rename()
    assert not editor.isVisible()


@pytest.mark.usefixtures("_right_to_left")
def test_the_bar_is_painted_from_right_to_left(bar: TopBar) -> None:
    bar.pill.show_model(READY)
    bar.meter.show_measured(measured())
    QTest.qWait(0)
    assert bar.pill.x() < bar.width() // 2 < bar.sidebar_button.x()
    assert not bar.grab().isNull()
