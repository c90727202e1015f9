"""A real view with real messages, in the size of the pictures."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from app.chat.changes import MessageView
from app.core.message import MessageState, Role
from app.ui.look import Look
from app.ui.theme import LIGHT
from app.ui.transcript.body import Body
from app.ui.transcript.view import TranscriptView

DAY = 86_400
NOON = 1_790_000_000.0

Say = Callable[..., MessageView]


def person(key: str, text: str, **rest: object) -> MessageView:
    """A message of the person."""
    return _message(key, text, Role.USER, rest)


def answer(key: str, text: str, **rest: object) -> MessageView:
    """An answer of the model."""
    return _message(key, text, Role.ASSISTANT, rest)


def _message(key: str, text: str, role: Role, rest: dict[str, object]) -> MessageView:
    values: dict[str, object] = {"state": MessageState.COMPLETE, "created_at": NOON, **rest}
    return MessageView(key, str(values.pop("conversation", "chat")), role, text, **values)  # type: ignore[arg-type]


def chat(count: int) -> list[MessageView]:
    """Questions and answers of some lines, in turn."""
    made: list[MessageView] = []
    for number in range(count):
        if number % 2:
            text = f"Answer {number} with **words**.\n\n- one\n- two\n\n" + "More words follow here. " * 12
            made.append(answer(str(number), text))
        else:
            made.append(person(str(number), f"Question {number}, and what else is there to say about it?"))
    return made


@pytest.fixture
def view(qtbot: QtBot, look: Look) -> Iterator[TranscriptView]:
    """The transcript of a window 964 x 670, on the screen."""
    made = TranscriptView(LIGHT)
    qtbot.addWidget(made)
    made.resize(964, 670)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def settle(qtbot: QtBot, view: TranscriptView) -> None:
    """Wait until everything that came is on the screen."""
    qtbot.waitUntil(lambda: not view.is_busy, timeout=5000)


def bodies(view: TranscriptView) -> list[Body]:
    """What is seen of the messages, from top to bottom."""
    seen = [body for body in view.viewport().findChildren(Body) if body.isVisible()]
    return sorted(seen, key=lambda body: body.mapTo(view.viewport(), body.rect().topLeft()).y())


def words(view: TranscriptView) -> str:
    """What a screen reader finds in the view."""
    return "\n".join(body.accessibleName() for body in bodies(view))


def button(parent: QObject, name: str) -> QAbstractButton:
    """The last button of this name that is there."""
    found = [
        each for each in parent.findChildren(QAbstractButton) if each.accessibleName() == name and each.isVisible()
    ]
    assert found, f"no button {name!r}"
    return max(found, key=lambda each: each.mapToGlobal(each.rect().topLeft()).y())


def press(qtbot: QtBot, target: QAbstractButton) -> None:
    """Click it."""
    QTest.mouseClick(target, Qt.MouseButton.LeftButton)


def copied() -> str:
    """The clipboard."""
    return QApplication.clipboard().text()


@pytest.fixture
def no_garbage() -> Iterator[None]:
    """Nothing is collected meanwhile: in the window it is done at rest, and here there is the garbage of all tests."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
