"""Attachments in the composer: dropped, pasted, opened in the media process, looked at, moved, removed."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.core.message import Draft, PanAndScan
from app.ui.attachments.desk import MOST
from app.ui.attachments.seen_card import SeenCard
from app.ui.attachments.thumbs import file_of
from app.ui.controls import Button, Words
from app.ui.main_window import MainWindow
from tests.ui.attaching import BLIND, SEEING, Make, attach, cards, drafts, focused, names
from tests.ui.windows import Asked, opened


def test_dropped_files_become_cards_and_belong_to_the_draft(
    window: MainWindow, asked: Asked, qtbot: QtBot, make: Make
) -> None:
    QTest.keyClicks(window.chat.composer.edit, "What is it?")
    cards = attach(window, qtbot, make("star.png"), make("wide.jpg", size=(120, 50)))
    assert [card.accessibleName() for card in cards] == ["Picture star.png", "Picture wide.jpg"]
    last = drafts(asked)[-1]
    assert (last.text, names(last)) == ("What is it?", ["star.png", "wide.jpg"])
    assert [(picture.width, picture.height) for picture in last.pictures] == [(64, 48), (120, 50)]
    assert all(file_of(picture).is_file() for picture in last.pictures)


def test_send_waits_until_the_pictures_are_open(window: MainWindow, asked: Asked, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    window.attachments_now.attach([make("star.png")])
    QTest.keyClicks(window.chat.composer.edit, "What is it?")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert window.chat.composer.hint.text() == "Sent when the files are open"
    sent: list[Draft] = []

    def was_sent() -> bool:
        sent.extend(call[2] for call in asked.take() if call[0] == "submit")
        return bool(sent)

    qtbot.waitUntil(was_sent, timeout=20_000)
    assert (sent[0].text, names(sent[0])) == ("What is it?", ["star.png"])
    assert cards(window) == []
    assert not window.chat.composer.has_draft


def test_pictures_alone_can_be_sent(window: MainWindow, asked: Asked, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    assert not window.chat.composer.send.isEnabled()
    attach(window, qtbot, make("star.png"))
    assert window.chat.composer.send.isEnabled()
    QTest.mouseClick(window.chat.composer.send, Qt.MouseButton.LeftButton)
    (sent,) = [call[2] for call in asked.take() if call[0] == "submit"]
    assert (sent.text, names(sent)) == ("", ["star.png"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.png", b"", "“empty.png” is empty."),
        ("page.png", b"<!doctype html><html>", "“page.png” is no picture that can be read here (it is a web page)."),
        ("bill.pdf", b"%PDF-1.7 ...", "“bill.pdf” is damaged: it is no PDF that can be read."),
    ],
)
def test_a_file_that_is_no_picture_is_refused_in_one_sentence(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    QTest.keyClicks(window.chat.composer.edit, "And this?")
    attach(window, qtbot, path)
    assert cards(window) == []
    assert window.chat.notice.sentence.accessibleName() == said
    assert window.chat.composer.edit.text() == "And this?"


def test_a_card_that_is_removed_while_it_opens_says_nothing(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.attachments_now.attach([make("star.png")])
    (card,) = cards(window)
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert cards(window) == []
    qtbot.waitUntil(lambda: not window.attachments_now.opener._running, timeout=20_000)
    QApplication.processEvents()
    assert not window.chat.shows("notice")


# the clipboard and other programs


def _png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(data, "PNG")
    return data.getvalue()


def test_a_copied_picture_is_preferred_to_its_html(window: MainWindow, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setData("image/png", _png())
    data.setHtml('<img src="https://example.org/a.png">')
    window.chat.composer.edit.insertFromMimeData(data)
    qtbot.waitUntil(lambda: bool(window.chat.composer.pictures), timeout=20_000)
    (picture,) = window.chat.composer.pictures
    assert (picture.name, picture.width, picture.height) == ("Pasted picture", 20, 10)
    assert window.chat.composer.edit.text() == ""


def test_words_that_come_with_a_picture_of_them_are_words(window: MainWindow) -> None:
    data = QMimeData()
    data.setData("image/png", _png())
    data.setText("A1\tB1")
    window.chat.composer.edit.insertFromMimeData(data)
    assert window.chat.composer.edit.text() == "A1\tB1"
    assert not window.chat.composer.pictures


def test_a_picture_of_qts_own_kind_is_taken_too(window: MainWindow, qtbot: QtBot) -> None:
    image = QImage(30, 20, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    data = QMimeData()
    data.setImageData(image)
    assert window.attachments_now.take(data)
    qtbot.waitUntil(lambda: bool(window.chat.composer.pictures), timeout=20_000)
    assert (window.chat.composer.pictures[0].width, window.chat.composer.pictures[0].height) == (30, 20)


def test_nothing_is_fetched_for_a_dragged_link(window: MainWindow) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.png")])
    assert not window.attachments_now.take(data)


# what the model sees


def test_how_far_a_picture_is_seen(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    (card,) = attach(window, qtbot, make("wide.png", size=(1200, 500)))
    sha = window.chat.composer.pictures[0].sha256
    assert card.state_words() == "Waits to be read"
    window.apply(told.PicturesSeen("a", {sha: 0.62}, 8.0))
    assert card.accessibleDescription() == "Reading the image… 62%"
    window.apply(told.PicturesSeen("b", {sha: 1.0}, 8.0))
    assert card.state_words() == "Reading the image… 62%", "that is another chat's"
    window.apply(told.PicturesSeen("a", {sha: 1.0}, 8.0, done=True))
    assert card.accessibleDescription() == "Ready, 768 tokens"


def test_a_closer_look_is_offered_with_its_price(window: MainWindow, asked: Asked, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    (card,) = attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    asked.take()
    offers = [child for child in card.findChildren(QAbstractButton) if child.accessibleName().startswith("Look")]
    assert [(one.accessibleName(), one.isVisible()) for one in offers] == [
        ("Look closer: 2 tiles, 768 tokens, about 16 s", True)
    ]
    QTest.mouseClick(offers[0], Qt.MouseButton.LeftButton)
    assert [picture.pan_and_scan for picture in drafts(asked)[-1].pictures] == [PanAndScan.CLOSER]
    assert not offers[0].isVisible()


def test_a_quick_machine_looks_closer_by_itself(window: MainWindow, asked: Asked, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    attach(window, qtbot, make("photo.png", size=(2000, 2700)), make("small.png"))
    first = window.chat.composer.pictures[0]
    asked.take()
    window.apply(told.PicturesSeen("a", {first.sha256: 1.0}, 0.4))
    assert [picture.pan_and_scan for picture in window.chat.composer.pictures] == [PanAndScan.CLOSER, PanAndScan.AUTO]
    assert drafts(asked), "what is looked at ahead is another picture now"


def test_what_the_person_chose_stays(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    (card,) = attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    window.chat.composer.strip.choose(card.attachment.number, PanAndScan.OFF)
    window.apply(told.PicturesSeen("a", {window.chat.composer.pictures[0].sha256: 1.0}, 0.4))
    assert window.chat.composer.pictures[0].pan_and_scan is PanAndScan.OFF


def test_the_card_of_what_the_model_sees(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    (card,) = attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    (shown,) = window.findChildren(SeenCard)
    said = [child.accessibleName() for child in shown.findChildren(QWidget)]
    assert "Whole image, 256 tokens; Tile 1, 256 tokens; Tile 2, 256 tokens" in said
    closer = next(child for child in shown.findChildren(QAbstractButton) if child.text() == "Look closer")
    QTest.mouseClick(closer, Qt.MouseButton.LeftButton)
    assert window.chat.composer.pictures[0].pan_and_scan is PanAndScan.CLOSER
    qtbot.waitUntil(lambda: not window.findChildren(SeenCard))
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    QTest.keyClick(window.findChildren(SeenCard)[0], Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(SeenCard))
    assert card.hasFocus() or window.chat.composer.edit.hasFocus()


def test_a_model_that_cannot_see_says_so_and_nothing_is_sent(
    window: MainWindow, asked: Asked, qtbot: QtBot, make: Make
) -> None:
    window.apply(BLIND)
    assert window.chat.composer.sight.accessibleName() == "No images"
    (card,) = attach(window, qtbot, make("star.png"))
    assert card.state_words() == "Not seen by this model"
    assert window.chat.blind.sentence.accessibleName().startswith("SmolLM2 cannot see pictures.")
    QTest.keyClicks(window.chat.composer.edit, "What is it?")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert not [call for call in asked.take() if call[0] == "submit"]
    assert window.chat.composer.edit.text() == "What is it?"
    window.apply(SEEING)
    assert not window.chat.shows("blind")
    assert window.chat.composer.sight.accessibleName() == "Sees images"
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert [call[0] for call in asked.take() if call[0] == "submit"] == ["submit"]


# by keyboard


def test_cards_are_moved_and_removed_by_keys(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    cards = attach(window, qtbot, make("a.png"), make("b.png", colour="blue"), make("c.png", colour="green"))
    QTest.keyClick(cards[0], Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert [picture.name for picture in window.chat.composer.pictures] == ["b.png", "a.png", "c.png"]
    assert cards[0].hasFocus()
    QTest.keyClick(cards[0], Qt.Key.Key_Delete)
    assert [picture.name for picture in window.chat.composer.pictures] == ["b.png", "c.png"]
    assert cards[2].hasFocus()


def test_a_card_is_dragged_to_another_place(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    first, second = attach(window, qtbot, make("a.png"), make("b.png", colour="blue"))
    QTest.mousePress(first, Qt.MouseButton.LeftButton, pos=QPoint(100, 30))
    QTest.mouseMove(first, QPoint(130, 30))
    QTest.mouseMove(first, first.mapFrom(window, second.mapTo(window, QPoint(60, 30))))
    QTest.mouseRelease(first, Qt.MouseButton.LeftButton)
    assert [picture.name for picture in window.chat.composer.pictures] == ["b.png", "a.png"]
    assert not window.findChildren(SeenCard)


def test_a_message_taken_back_brings_its_pictures(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    attach(window, qtbot, make("a.png"))
    other = msgspec.structs.replace(window.chat.composer.pictures[0], name="before.png")
    window.apply(told.DraftRestored("a", Draft("What is it?", (other,))))
    assert window.chat.composer.edit.text() == "What is it?"
    assert [picture.name for picture in window.chat.composer.pictures] == ["before.png", "a.png"]


def test_pictures_of_a_draft_come_with_its_chat(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    attach(window, qtbot, make("a.png"))
    picture = window.chat.composer.pictures[0]
    window.apply(told.ConversationOpened("b", "B", (), window.screen_now.own_settings))
    assert not window.chat.composer.pictures
    window.apply(told.ConversationOpened("a", "A", (), window.screen_now.own_settings, Draft("", (picture,))))
    assert window.chat.composer.pictures == (picture,)


def test_the_keyboard_goes_from_the_words_over_the_cards_to_attach(
    window: MainWindow, qtbot: QtBot, make: Make
) -> None:
    first, second = attach(window, qtbot, make("a.png"), make("b.png", colour="blue"))
    window.chat.composer.edit.setFocus()
    met = []
    for _ in range(5):
        QTest.keyClick(focused(), Qt.Key.Key_Tab)
        met.append(focused())
    assert [met[0], met[2], met[4]] == [first, second, window.chat.composer.attach]
    assert met[1].accessibleName() == "Remove a.png"


def test_of_two_hundred_files_as_many_are_taken_as_a_message_holds(window: MainWindow, make: Make) -> None:
    path = make("star.png")
    window.attachments_now.attach([path] * 200)
    assert len(cards(window)) == MOST
    assert window.chat.notice.sentence.accessibleName() == ("At most 32 files go in one message; 168 were left out.")


@pytest.mark.parametrize("width", [1280, 480])
def test_the_words_under_what_the_model_sees_are_whole(
    window: MainWindow, qtbot: QtBot, make: Make, width: int
) -> None:
    window.resize(width, 760)
    window.apply(SEEING)
    (card,) = attach(window, qtbot, make("photo.png", size=(1500, 2000)))
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    (shown,) = window.findChildren(SeenCard)
    parts = [*shown.findChildren(Button), *shown.findChildren(Words)]
    assert len(parts) >= 5
    assert [(part.accessibleName(), part.width()) for part in parts if part.width() < part.sizeHint().width()] == []


def test_what_was_said_of_files_goes_with_the_message_and_with_the_chat(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    attach(window, qtbot, empty)
    assert window.chat.shows("notice")
    window.apply(opened("b"))
    assert not window.chat.shows("notice")
    attach(window, qtbot, empty)
    assert window.chat.shows("notice")
    QTest.keyClicks(window.chat.composer.edit, "Hello")
    assert window.chat.shows("notice")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert not window.chat.shows("notice")


def test_the_undo_bar_stands_above_all_that_is_above_the_words(
    window: MainWindow, qtbot: QtBot, make: Make, tmp_path: Path
) -> None:
    chat = window.chat
    window.apply(told.ConversationRemoved("z", "Old"))
    qtbot.waitUntil(lambda: chat.undo.geometry().bottom() < chat.composer.y(), timeout=5000)
    place = chat.undo.geometry()
    attach(window, qtbot, make("star.png"))
    qtbot.waitUntil(lambda: chat.composer.y() < place.y(), timeout=5000)
    qtbot.waitUntil(lambda: chat.undo.geometry().bottom() < chat.composer.y(), timeout=5000)
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    attach(window, qtbot, empty)
    assert chat.shows("notice")
    qtbot.waitUntil(lambda: chat.undo.geometry().bottom() < chat.notice.y(), timeout=5000)


def test_what_is_pasted_anywhere_in_the_window_goes_to_the_message(window: MainWindow, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setImageData(QImage(30, 20, QImage.Format.Format_RGB32))
    QApplication.clipboard().setMimeData(data)
    window.chat.transcript.setFocus(Qt.FocusReason.OtherFocusReason)
    QTest.keyClick(focused(), Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert [card.accessibleName() for card in cards(window)] == ["Picture Pasted picture"]
    assert focused() is window.chat.composer.edit
    qtbot.waitUntil(lambda: not window.chat.composer.strip.is_opening, timeout=20_000)


def test_every_file_that_is_refused_is_named(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.txt" for number in range(9)]
    for file in files:
        file.write_bytes(b"")
    assert not attach(window, qtbot, *files[:3])
    said = window.chat.notice.sentence.accessibleName()
    assert said.startswith("3 files were not attached.")
    assert all(f"“{file.name}” is empty." in said for file in files[:3])
    files[3].write_text("words")
    assert len(attach(window, qtbot, files[3], files[4])) == 1
    assert window.chat.notice.sentence.accessibleName() == "“4.txt” is empty."
    attach(window, qtbot, *files)
    said = window.chat.notice.sentence.accessibleName()
    assert said.startswith("8 files were not attached.")
    assert said.endswith("… and 2 more.")
    attach(window, qtbot, *files * 4)
    said = window.chat.notice.sentence.accessibleName()
    assert said.startswith("At most 32 files go in one message; 6 were left out. 27 files were not attached.")


def test_a_file_that_opens_after_its_chat_was_left_goes_to_its_draft(
    window: MainWindow, asked: Asked, qtbot: QtBot, make: Make
) -> None:
    window.attachments_now.attach([make("star.png")])
    window.apply(told.ConversationOpened("b", "B", (), window.screen_now.own_settings))
    assert cards(window) == []
    found: list[tuple[str, Draft]] = []

    def was_kept() -> bool:
        found.extend(call[1:] for call in asked.take() if call[0] == "add_to_draft")
        return bool(found)

    qtbot.waitUntil(was_kept, timeout=20_000)
    assert (found[0][0], names(found[0][1])) == ("a", ["star.png"])
    assert cards(window) == []
