"""Pictures of messages: above the words, enlarged, saved, missing and found again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.core.message import Draft, Picture, Role
from app.core.protocol import Measured
from app.media.host import Decoding
from app.ui.attachments.attachment import about
from app.ui.attachments.dialog import PictureDialog
from app.ui.attachments.seen_card import SeenCard
from app.ui.attachments.thumbs import file_of
from app.ui.controls import Button, Words
from app.ui.main_window import MainWindow
from app.ui.transcript.attached import Thumb
from tests.ui.attaching import Make, drafts
from tests.ui.windows import Asked, message


@pytest.fixture
def kept_picture(window: MainWindow, make: Make) -> Picture:
    found = Decoding(make("star.png", size=(400, 300)), window._paths.attachments).picture()
    from app.core.paths import encode_path

    path = encode_path(window._paths.attachments / f"{found.sha256}.png")
    return Picture(found.sha256, found.width, found.height, path, name="star.png")


def _thumbs(window: MainWindow) -> list[Thumb]:
    return [thumb for thumb in window.chat.transcript.findChildren(Thumb) if thumb.isVisible()]


def _shown(window: MainWindow, *pictures: Picture, text: str = "What is it?") -> list[Thumb]:
    window.apply(told.MessageAdded(replace(message("m1", text), pictures=pictures)))
    return _thumbs(window)


def test_the_pictures_of_a_message_stand_above_its_words(window: MainWindow, kept_picture: Picture) -> None:
    thumbs = _shown(window, kept_picture, kept_picture)
    assert [thumb.accessibleName() for thumb in thumbs] == ["Picture star.png"] * 2
    assert {thumb.height() for thumb in thumbs} == {216}
    entry = window.chat.transcript.entry("m1")
    assert entry is not None
    assert entry.height > 216


def test_a_picture_is_enlarged_and_left_by_keys(window: MainWindow, qtbot: QtBot, kept_picture: Picture) -> None:
    thumb, _ = _shown(window, kept_picture, msgspec.structs.replace(kept_picture, name="same.png"))
    QTest.mouseClick(thumb, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(PictureDialog)
    assert dialog.accessibleName() == "Picture star.png"
    qtbot.waitUntil(lambda: dialog._canvas.image.width() == 400, timeout=10_000)
    QTest.keyClick(dialog, Qt.Key.Key_Right)
    assert dialog.accessibleName() == "Picture same.png"
    copy = next(button for button in dialog.findChildren(QAbstractButton) if button.text() == "Copy")
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().image().width() == 400
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(PictureDialog))


def test_a_picture_is_saved_as_it_is_kept(window: MainWindow, kept_picture: Picture, tmp_path: Path) -> None:
    (thumb,) = _shown(window, kept_picture)
    QTest.mouseClick(thumb, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(PictureDialog)
    dialog.save(tmp_path / "saved.png")
    assert (tmp_path / "saved.png").read_bytes() == file_of(kept_picture).read_bytes()
    dialog.save(tmp_path / "no such folder" / "saved.png")
    assert window.chat.notice.sentence.accessibleName().startswith("The picture could not be saved")
    dialog.accept()


def test_a_missing_picture_is_said_and_can_be_found_again(
    window: MainWindow, qtbot: QtBot, kept_picture: Picture, make: Make
) -> None:
    for file in window._paths.attachments.iterdir():
        file.unlink()
    (thumb,) = _shown(window, kept_picture)
    assert (thumb.is_missing, thumb.height()) == (True, 56)
    assert thumb.accessibleName() == "Picture star.png, missing"
    window.attachments_now.bring_back(kept_picture, make("other.png", colour="blue"))
    qtbot.waitUntil(lambda: window.chat.shows("notice"), timeout=20_000)
    assert "is another picture" in window.chat.notice.sentence.accessibleName()
    window.attachments_now.bring_back(kept_picture, make("star.png", size=(400, 300)))
    qtbot.waitUntil(lambda: [thumb.is_missing for thumb in _thumbs(window)] == [False], timeout=20_000)


def test_what_the_model_sees_of_a_missing_picture_is_a_note(
    window: MainWindow, asked: Asked, qtbot: QtBot, kept_picture: Picture, make: Make
) -> None:
    for file in window._paths.attachments.iterdir():
        file.unlink()
    _shown(window, kept_picture)
    lost = Measured(1, "a", 40, 10, (30,), 8192, 1024, 0, lost=(kept_picture.sha256,))
    window.apply(told.ContextMeasured("a", lost))
    window.attachments_now._on_sent_seen_asked(kept_picture, window.chat.transcript)
    (card,) = window.findChildren(SeenCard)
    shown = [words.text() for words in card.findChildren(Words)]
    assert "The picture is missing. The model reads a short note in its place." in shown
    assert not any("tokens" in text for text in shown)
    assert [button.text() for button in card.findChildren(Button)] == ["Show the full prompt"]
    window.attachments_now.bring_back(kept_picture, make("star.png", size=(400, 300)))
    qtbot.waitUntil(lambda: [thumb.is_missing for thumb in _thumbs(window)] == [False], timeout=20_000)
    assert drafts(asked) == [Draft()], "it is measured again"
    window.apply(told.ContextMeasured("a", replace(lost, lost=())))
    window.attachments_now._on_sent_seen_asked(kept_picture, window.chat.transcript)
    buttons = [button.text() for card in window.findChildren(SeenCard) for button in card.findChildren(Button)]
    assert "Open the picture" in buttons


def test_pictures_without_a_word_have_no_bubble(window: MainWindow, kept_picture: Picture) -> None:
    _shown(window, kept_picture, text="")
    shown = window.chat.transcript._rows.get("m1")
    assert shown is not None
    assert shown._bubble.isNull()
    assert not shown.body.isVisible()


def test_how_far_the_model_has_looked_is_told_in_the_place_of_the_answer(
    window: MainWindow, kept_picture: Picture
) -> None:
    from app.core.message import MessageState, Role

    _shown(window, kept_picture)
    window.apply(told.MessageAdded(message("m2", role=Role.ASSISTANT, state=MessageState.STREAMING)))
    window.apply(told.SeeingChanged("a", "m2", 0, 1, 0.5))
    entry = window.chat.transcript.entry("m2")
    assert entry is not None
    assert entry.is_read
    window.apply(told.TextAdded("a", "m2", "A star.", 3))
    assert not entry.is_read


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "about 1 s"), (31.6, "about 32 s"), (200, "about 3 min")])
def test_times_are_rounded(seconds: float, said: str) -> None:
    assert about(seconds) == said


def test_an_answer_leads_to_what_the_model_saw_and_to_the_whole_prompt(
    window: MainWindow, kept_picture: Picture, asked: Asked
) -> None:
    _shown(window, kept_picture)
    window.apply(told.MessageAdded(message("m2", "A star.", role=Role.ASSISTANT)))
    buttons = window.chat.transcript.findChildren(QAbstractButton)
    (seen,) = [one for one in buttons if one.accessibleName() == "What the model saw" and one.isVisible()]
    seen.click()
    (card,) = window.findChildren(SeenCard)
    (whole,) = [one for one in card.findChildren(QAbstractButton) if one.text() == "Show the full prompt"]
    asked.take()
    whole.click()
    assert asked.take() == [("show_prompt", "")]
