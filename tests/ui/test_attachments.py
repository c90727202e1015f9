"""Pictures in the window: dropped, pasted, opened in the media process, shown, looked at, removed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ModelChanged, ModelState
from app.core.message import Draft, PanAndScan, Picture
from app.media.host import Decoding
from app.ui.attachments.attachment import about
from app.ui.attachments.card import Card
from app.ui.attachments.desk import MOST
from app.ui.attachments.dialog import PictureDialog
from app.ui.attachments.document_card import DocumentCard
from app.ui.attachments.seen_card import SeenCard
from app.ui.attachments.thumbs import file_of
from app.ui.main_window import MainWindow
from app.ui.report_dialog import ReportDialog
from app.ui.transcript.attached import FileChip, Thumb
from tests.media.drawn import shape
from tests.media.pdfs import pdf, scanned
from tests.ui.test_top_bar import READY, measured
from tests.ui.windows import Asked, message

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


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a picture file: `make("star.png")`, `make("wide.jpg", size=(1200, 500))`."""

    def made(name: str, kind: str = "star", colour: str = "red", size: tuple[int, int] = (64, 48)) -> Path:
        folder = tmp_path / "given"
        folder.mkdir(exist_ok=True)
        shape(kind, colour, size=size).save(folder / name)
        return folder / name

    return made


def _files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def _cards(window: MainWindow) -> list[Card]:
    return list(window.chat.composer.strip.cards)


def _attach(window: MainWindow, qtbot: QtBot, *paths: Path) -> list[Card]:
    window.attachments_now.take(_files(*paths))
    qtbot.waitUntil(lambda: not window.chat.composer.strip.is_opening, timeout=20_000)
    return _cards(window)


def _focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def _drafts(asked: Asked) -> list[Draft]:
    return [call[2] for call in asked.take() if call[0] == "draft_changed"]


def _names(draft: Draft) -> list[str]:
    return [picture.name for picture in draft.pictures]


def test_dropped_files_become_cards_and_belong_to_the_draft(
    window: MainWindow, asked: Asked, qtbot: QtBot, make: Make
) -> None:
    QTest.keyClicks(window.chat.composer.edit, "What is it?")
    cards = _attach(window, qtbot, make("star.png"), make("wide.jpg", size=(120, 50)))
    assert [card.accessibleName() for card in cards] == ["Picture star.png", "Picture wide.jpg"]
    last = _drafts(asked)[-1]
    assert (last.text, _names(last)) == ("What is it?", ["star.png", "wide.jpg"])
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
    assert (sent[0].text, _names(sent[0])) == ("What is it?", ["star.png"])
    assert _cards(window) == []
    assert not window.chat.composer.has_draft


def test_pictures_alone_can_be_sent(window: MainWindow, asked: Asked, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    assert not window.chat.composer.send.isEnabled()
    _attach(window, qtbot, make("star.png"))
    assert window.chat.composer.send.isEnabled()
    QTest.mouseClick(window.chat.composer.send, Qt.MouseButton.LeftButton)
    (sent,) = [call[2] for call in asked.take() if call[0] == "submit"]
    assert (sent.text, _names(sent)) == ("", ["star.png"])


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
    _attach(window, qtbot, path)
    assert _cards(window) == []
    assert window.chat.notice.sentence.accessibleName() == said
    assert window.chat.composer.edit.text() == "And this?"


def test_a_card_that_is_removed_while_it_opens_says_nothing(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.attachments_now.attach([make("star.png")])
    (card,) = _cards(window)
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert _cards(window) == []
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
    (card,) = _attach(window, qtbot, make("wide.png", size=(1200, 500)))
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
    (card,) = _attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    asked.take()
    offers = [child for child in card.findChildren(QAbstractButton) if child.accessibleName().startswith("Look")]
    assert [(one.accessibleName(), one.isVisible()) for one in offers] == [
        ("Look closer: 2 tiles, 768 tokens, about 16 s", True)
    ]
    QTest.mouseClick(offers[0], Qt.MouseButton.LeftButton)
    assert [picture.pan_and_scan for picture in _drafts(asked)[-1].pictures] == [PanAndScan.CLOSER]
    assert not offers[0].isVisible()


def test_a_quick_machine_looks_closer_by_itself(window: MainWindow, asked: Asked, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    _attach(window, qtbot, make("photo.png", size=(2000, 2700)), make("small.png"))
    first = window.chat.composer.pictures[0]
    asked.take()
    window.apply(told.PicturesSeen("a", {first.sha256: 1.0}, 0.4))
    assert [picture.pan_and_scan for picture in window.chat.composer.pictures] == [PanAndScan.CLOSER, PanAndScan.AUTO]
    assert _drafts(asked), "what is looked at ahead is another picture now"


def test_what_the_person_chose_stays(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    (card,) = _attach(window, qtbot, make("photo.png", size=(2000, 2700)))
    window.chat.composer.strip.choose(card.attachment.number, PanAndScan.OFF)
    window.apply(told.PicturesSeen("a", {window.chat.composer.pictures[0].sha256: 1.0}, 0.4))
    assert window.chat.composer.pictures[0].pan_and_scan is PanAndScan.OFF


def test_the_card_of_what_the_model_sees(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    window.apply(SEEING)
    (card,) = _attach(window, qtbot, make("photo.png", size=(2000, 2700)))
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
    (card,) = _attach(window, qtbot, make("star.png"))
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


# documents


def test_a_document_is_counted_and_its_pages_are_chosen(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(SEEING)
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf(["First page of it", "Second page of it", "Third page of it"]))
    (card,) = _attach(window, qtbot, path)
    assert card.accessibleName() == "Document report.pdf"
    assert card.state_words() == "3 pages, Counting…"
    (document,) = _drafts(asked)[-1].documents
    assert (document.pages, document.first, document.last) == (3, 1, 3)
    window.apply(told.ContextMeasured("a", msgspec.structs.replace(measured(), parts=(1240,))))
    assert card.accessibleDescription() == "3 pages, 1,240 tokens"
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    (shown,) = window.findChildren(DocumentCard)
    assert "Second page of it" in shown.words.toPlainText()
    shown.first.setText("2")
    QTest.keyClick(shown.first, Qt.Key.Key_Return)
    (document,) = _drafts(asked)[-1].documents
    assert (document.first, document.last) == (2, 3)
    assert card.state_words() == "Pages 2 to 3, Counting…"


def test_scanned_pages_become_pictures_when_asked(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(SEEING)
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned(2))
    (card,) = _attach(window, qtbot, path)
    assert card.state_words() == "Scanned: no words in it"
    offers = [child for child in card.findChildren(QAbstractButton) if child.accessibleName().startswith("As pict")]
    assert [one.accessibleName() for one in offers] == ["As pictures: 2 pages, 512 tokens"]
    QTest.mouseClick(offers[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.chat.composer.pictures) == 2, timeout=30_000)
    assert [picture.name for picture in window.chat.composer.pictures] == ["scan.pdf, page 1", "scan.pdf, page 2"]
    assert not window.chat.composer.draft.documents


def test_a_scanned_document_is_never_left_behind_without_a_word(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(SEEING)
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned(1))
    (card,) = _attach(window, qtbot, path)
    QTest.keyClicks(window.chat.composer.edit, "What does it say?")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert not [call for call in asked.take() if call[0] == "submit"]
    assert window.chat.notice.sentence.accessibleName().startswith("“scan.pdf” has no words in it.")
    QTest.keyClick(card, Qt.Key.Key_Delete)
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert [call[0] for call in asked.take() if call[0] == "submit"] == ["submit"]


def test_the_keyboard_goes_from_the_words_over_the_cards_to_attach(
    window: MainWindow, qtbot: QtBot, make: Make
) -> None:
    first, second = _attach(window, qtbot, make("a.png"), make("b.png", colour="blue"))
    window.chat.composer.edit.setFocus()
    met = []
    for _ in range(5):
        QTest.keyClick(_focused(), Qt.Key.Key_Tab)
        met.append(_focused())
    assert [met[0], met[2], met[4]] == [first, second, window.chat.composer.attach]
    assert met[1].accessibleName() == "Remove a.png"


def test_documents_go_with_a_message_to_a_model_without_eyes(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(BLIND)
    path = tmp_path / "notes.txt"
    path.write_text("The fish was 7.20.")
    _attach(window, qtbot, path)
    QTest.keyClicks(window.chat.composer.edit, "What did the fish cost?")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    (sent,) = [call[2] for call in asked.take() if call[0] == "submit"]
    assert [document.name for document in sent.documents] == ["notes.txt"]
    window.apply(told.MessageAdded(replace(message("m1", "What did it cost?"), documents=sent.documents)))
    (chip,) = [chip for chip in window.chat.transcript.findChildren(FileChip) if chip.isVisible()]
    assert chip.accessibleName() == "Document notes.txt"
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(ReportDialog)
    assert dialog.findChildren(QPlainTextEdit)[0].toPlainText() == "The fish was 7.20."
    dialog.accept()


# by keyboard


def test_cards_are_moved_and_removed_by_keys(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    cards = _attach(window, qtbot, make("a.png"), make("b.png", colour="blue"), make("c.png", colour="green"))
    QTest.keyClick(cards[0], Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert [picture.name for picture in window.chat.composer.pictures] == ["b.png", "a.png", "c.png"]
    assert cards[0].hasFocus()
    QTest.keyClick(cards[0], Qt.Key.Key_Delete)
    assert [picture.name for picture in window.chat.composer.pictures] == ["b.png", "c.png"]
    assert cards[2].hasFocus()


def test_a_card_is_dragged_to_another_place(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    first, second = _attach(window, qtbot, make("a.png"), make("b.png", colour="blue"))
    QTest.mousePress(first, Qt.MouseButton.LeftButton, pos=QPoint(100, 30))
    QTest.mouseMove(first, QPoint(130, 30))
    QTest.mouseMove(first, first.mapFrom(window, second.mapTo(window, QPoint(60, 30))))
    QTest.mouseRelease(first, Qt.MouseButton.LeftButton)
    assert [picture.name for picture in window.chat.composer.pictures] == ["b.png", "a.png"]
    assert not window.findChildren(SeenCard)


def test_a_message_taken_back_brings_its_pictures(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    _attach(window, qtbot, make("a.png"))
    other = msgspec.structs.replace(window.chat.composer.pictures[0], name="before.png")
    window.apply(told.DraftRestored("a", Draft("What is it?", (other,))))
    assert window.chat.composer.edit.text() == "What is it?"
    assert [picture.name for picture in window.chat.composer.pictures] == ["before.png", "a.png"]


def test_pictures_of_a_draft_come_with_its_chat(window: MainWindow, qtbot: QtBot, make: Make) -> None:
    _attach(window, qtbot, make("a.png"))
    picture = window.chat.composer.pictures[0]
    window.apply(told.ConversationOpened("b", "B", (), window.screen_now.own_settings))
    assert not window.chat.composer.pictures
    window.apply(told.ConversationOpened("a", "A", (), window.screen_now.own_settings, Draft("", (picture,))))
    assert window.chat.composer.pictures == (picture,)


# in the transcript


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


def test_of_two_hundred_files_as_many_are_taken_as_a_message_holds(window: MainWindow, make: Make) -> None:
    path = make("star.png")
    window.attachments_now.attach([path] * 200)
    assert len(_cards(window)) == MOST
    assert window.chat.notice.sentence.accessibleName() == ("At most 32 files go in one message; 168 were left out.")
