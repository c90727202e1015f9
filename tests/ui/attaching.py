"""What the tests of attachments share: models that see or do not, drops, cards and drafts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.chat.changes import ModelChanged, ModelState
from app.core.message import Draft
from app.ui.attachments.card import Card
from app.ui.main_window import MainWindow
from tests.ui.test_top_bar import READY
from tests.ui.windows import Asked

assert READY.model is not None
BLIND = ModelChanged(
    ModelState.READY, "SmolLM2", model=msgspec.structs.replace(READY.model, path="/models/blind.gguf", name="SmolLM2")
)
SEEING = ModelChanged(
    ModelState.READY,
    "Gemma 3 12B",
    model=msgspec.structs.replace(
        READY.model, path="/models/sees.gguf", vision=True, image_side=896, image_tokens=256, view_seconds=8.0
    ),
)

Make = Callable[..., Path]


def dropped(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def cards(window: MainWindow) -> list[Card]:
    return list(window.chat.composer.strip.cards)


def attach(window: MainWindow, qtbot: QtBot, *paths: Path) -> list[Card]:
    window.attachments_now.take(dropped(*paths))
    qtbot.waitUntil(lambda: not window.chat.composer.strip.is_opening, timeout=20_000)
    return cards(window)


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def drafts(asked: Asked) -> list[Draft]:
    return [call[2] for call in asked.take() if call[0] == "draft_changed"]


def names(draft: Draft) -> list[str]:
    return [picture.name for picture in draft.pictures]
