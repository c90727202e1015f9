"""Pictures for a model that sees each in a size of its own: what it takes, and the choice of image tokens."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ModelChanged, ModelState
from app.core.message import IMAGE_TOKENS, Picture
from app.core.protocol import Measured, Sighting
from app.ui.attachments.seen_card import SeenCard
from app.ui.controls import Words
from app.ui.main_window import MainWindow
from app.ui.menus import Menu
from tests.ui.attaching import SEEING, Make, attach, drafts
from tests.ui.test_top_bar import READY
from tests.ui.windows import Asked, message

assert READY.model is not None
_OWN_SIZES = msgspec.structs.replace(
    READY.model, path="/models/own.gguf", name="Gemma 4", vision=True, image_choices=IMAGE_TOKENS, view_seconds=0.2
)
GEMMA_4 = ModelChanged(ModelState.READY, "Gemma 4", model=_OWN_SIZES)
TILING = ModelChanged(ModelState.READY, "SmolVLM", model=msgspec.structs.replace(_OWN_SIZES, image_choices=()))


def _measured(window: MainWindow, *sightings: Sighting) -> None:
    found = Measured(1, "a", 900, 10, (890,), 8192, 1024, 0, sightings=sightings)
    window.apply(told.ContextMeasured("a", found))


def _sighting(picture: Picture, tokens: int = 561, width: int = 1056, height: int = 1200, parts: int = 1) -> Sighting:
    return Sighting(picture.sha256, picture.image_tokens, tokens, parts, width, height)


def _open_seen(window: MainWindow, card: QWidget) -> SeenCard:
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    return window.findChildren(SeenCard)[-1]


def _said(shown: QWidget) -> list[str]:
    named = [child.accessibleName() for child in shown.findChildren(QWidget)]
    return named + [words.text() for words in shown.findChildren(Words)]


def test_the_card_tells_what_a_picture_takes(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.apply(GEMMA_4)
    assert window.chat.composer.sight.toolTip() == "Each picture is seen in a size of its own"
    (card,) = attach(window, qtbot, make("wide.png", size=(1200, 500)))
    (picture,) = window.chat.composer.pictures
    window.apply(told.PicturesSeen("a", {picture.sha256: 1.0}, 0.2, done=True))
    assert card.state_words() == "Ready"
    _measured(window, _sighting(picture, 252, 1200, 480))
    assert card.accessibleDescription() == "Ready, 252 tokens"
    window.apply(SEEING)
    window.apply(told.PicturesSeen("a", {picture.sha256: 1.0}, 8.0, done=True))
    assert card.state_words() == "Ready, 768 tokens", "another model looks at it in its own way"


def test_more_tokens_are_offered_where_a_picture_is_seen_smaller(
    window: MainWindow, asked: Asked, qtbot: QtBot, make: Make
) -> None:
    window.apply(GEMMA_4)
    big, small = attach(window, qtbot, make("photo.png", size=(2000, 2700)), make("small.png", size=(480, 480)))
    first, second = window.chat.composer.pictures
    _measured(window, _sighting(first), _sighting(second, 102, 480, 480))

    def offers(card: QWidget) -> list[QAbstractButton]:
        found = [child for child in card.findChildren(QAbstractButton) if child.accessibleName().startswith("Look")]
        return [one for one in found if one.isVisible()]

    assert [one.accessibleName() for one in offers(big)] == ["Look closer: up to 1,120 tokens"]
    assert offers(small) == []
    asked.take()
    QTest.mouseClick(offers(big)[0], Qt.MouseButton.LeftButton)
    assert [picture.image_tokens for picture in drafts(asked)[-1].pictures] == [1120, 0]
    assert offers(big) == []
    _measured(window, _sighting(window.chat.composer.pictures[0], 1082, 1344, 1824))
    assert offers(big) == [], "it was chosen"


def test_the_choice_of_image_tokens(window: MainWindow, asked: Asked, qtbot: QtBot, make: Make) -> None:
    window.apply(GEMMA_4)
    (card,) = attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    _measured(window, _sighting(window.chat.composer.pictures[0]))
    shown = _open_seen(window, card)
    said = _said(shown)
    assert "Whole image, 561 tokens" in said
    assert "seen at 1056 × 1200, 2.2 times smaller" in said
    assert "Pan and scan" not in said
    choice = next(child for child in shown.findChildren(QAbstractButton) if child.accessibleName() == "Image tokens")
    assert choice.text() == "Up to 560 tokens"
    QTest.mouseClick(choice, Qt.MouseButton.LeftButton)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, Menu)
    items = [action for action in menu.actions() if isinstance(action, QAction)]
    assert [(item.text(), item.isChecked()) for item in items] == [
        ("Up to 70 quickest", False), ("Up to 140", False), ("Up to 280", False), ("Up to 560 usual", True),
        ("Up to 1,120 finest", False),
    ]  # fmt: skip
    asked.take()
    items[0].trigger()
    menu.close()
    assert [picture.image_tokens for picture in drafts(asked)[-1].pictures] == [70]
    qtbot.waitUntil(lambda: not window.findChildren(SeenCard))


@pytest.mark.parametrize("parts", [1, 10])
def test_without_a_choice_none_is_offered(window: MainWindow, qtbot: QtBot, make: Make, parts: int) -> None:
    window.apply(TILING)
    (card,) = attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    _measured(window, _sighting(window.chat.composer.pictures[0], 80, 512, 512, parts))
    shown = _open_seen(window, card)
    said = _said(shown)
    whole = "Whole image in 10 parts" if parts > 1 else "Whole image"
    assert f"{whole}, 80 tokens" in said
    assert ("each seen at 512 × 512" in said) is (parts > 1)
    assert not {"Pan and scan", "Image tokens", "Look closer"} & set(said)
    assert card.accessibleName() == "Picture photo.png"


def test_a_picture_that_was_sent_is_told_as_it_was_seen(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.apply(GEMMA_4)
    attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    picture = msgspec.structs.replace(window.chat.composer.pictures[0], image_tokens=1120)
    _measured(window, _sighting(picture, 1082, 1344, 1824))
    window.apply(told.MessageAdded(msgspec.structs.replace(message("m1", "What is it?"), pictures=(picture,))))
    window.chat.transcript.seen_asked.emit("m1", window.mapToGlobal(window.rect().center()))
    (shown,) = window.findChildren(SeenCard)
    said = _said(shown)
    assert shown.accessibleName() == "What the model saw"
    assert {"Whole image, 1,082 tokens", "seen at 1344 × 1824, 1.5 times smaller", "Up to 1,120 tokens"} <= set(said)
