"""Cards, lines and panels on the screen, light or dark, from left or from right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.tools import Call
from app.ui import painting
from app.ui.calls.approval import ApprovalCard
from app.ui.calls.stack import CallStack
from app.ui.look import Look
from app.ui.theme import DARK, LIGHT
from app.ui.transcript.style import Style
from app.ui.transcript.view import TranscriptView

FACES = {
    "light": ("light", Qt.LayoutDirection.LeftToRight),
    "dark": ("dark", Qt.LayoutDirection.LeftToRight),
    "rtl": ("light", Qt.LayoutDirection.RightToLeft),
}
Show = Callable[[QWidget], None]
ShowCard = Callable[[Call], ApprovalCard]


@pytest.fixture(params=list(FACES))
def face(request: pytest.FixtureRequest, qapp: QApplication, look: Look) -> Iterator[Look]:
    """The light theme, the dark one, and the light one from right to left."""
    theme, direction = FACES[request.param]
    look.choose(theme, 1.0)
    qapp.setLayoutDirection(direction)
    yield look
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


@pytest.fixture
def style(look: Look) -> Style:
    """What the transcript is painted with, in the theme in force."""
    return Style(LIGHT if look.theme is LIGHT else DARK, 1.0)


@pytest.fixture
def holder(look: Look, qtbot: QtBot) -> Iterator[QWidget]:
    """A window of 640 x 700, active."""
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(640, 700)
    made.show()
    made.activateWindow()
    assert QTest.qWaitForWindowActive(made)
    yield made
    made.close()


@pytest.fixture
def show_card(holder: QWidget, style: Style) -> ShowCard:
    """Puts the card of a call on the screen, as a message does."""

    def shown(call: Call) -> ApprovalCard:
        card = ApprovalCard(holder, style, call)

        def fit() -> None:
            card.setGeometry(0, 0, 600, card.arrange(600))
            card.show()

        card.sized.connect(fit)
        fit()
        return card

    return shown


@pytest.fixture
def stack(holder: QWidget) -> CallStack:
    """The calls of one message; `sized` lays them out, as a message does."""
    made = CallStack(holder)

    def fit() -> None:
        made.setGeometry(0, 0, 600, made.lay_out(600))

    made.sized.connect(fit)
    return made


@pytest.fixture
def view(qtbot: QtBot, look: Look) -> Iterator[TranscriptView]:
    """The transcript of a window 964 x 670, on the screen."""
    made = TranscriptView(LIGHT)
    qtbot.addWidget(made)
    made.resize(964, 670)
    made.show()
    made.activateWindow()
    assert QTest.qWaitForWindowActive(made)
    yield made
    made.close()


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that are painted from now on, before they are shortened."""
    told: list[str] = []
    real = painting.words

    def words(painter: QPainter, rect: QRectF, text: str, colour: QColor, *, end: bool = False) -> float:
        told.append(text)
        return real(painter, rect, text, colour, end=end)

    for module in ("painting", "calls.approval", "calls.call_line", "calls.call_log", "calls.form", "transcript.foot"):
        monkeypatch.setattr(f"app.ui.{module}.words", words)
    return told
