"""Documents in the window: counted, paged, scanned pages by choice, shown again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.core.message import Document, Draft, Scan
from app.core.paths import encode_path
from app.ui.attachments.attachment import pages_cost
from app.ui.attachments.card import Card
from app.ui.attachments.document_card import DocumentCard
from app.ui.attachments.scan_card import ScanCard
from app.ui.attachments.sight import Sight
from app.ui.main_window import MainWindow
from app.ui.report_dialog import ReportDialog
from app.ui.transcript.attached import FileChip
from tests.media.pdfs import pdf, scanned
from tests.ui.attaching import BLIND, SEEING, attach, cards, drafts, dropped
from tests.ui.test_top_bar import measured
from tests.ui.windows import Asked, message


def test_a_document_is_counted_and_its_pages_are_chosen(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(SEEING)
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf(["First page of it", "Second page of it", "Third page of it"]))
    (card,) = attach(window, qtbot, path)
    assert card.accessibleName() == "Document report.pdf"
    assert card.state_words() == "3 pages, Counting…"
    (document,) = drafts(asked)[-1].documents
    assert (document.pages, document.first, document.last) == (3, 1, 3)
    window.apply(told.ContextMeasured("a", msgspec.structs.replace(measured(), parts=(1240,))))
    assert card.accessibleDescription() == "3 pages, 1,240 tokens"
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    (shown,) = window.findChildren(DocumentCard)
    assert "Second page of it" in shown.words.toPlainText()
    shown.pages.first.setText("2")
    QTest.keyClick(shown.pages.first, Qt.Key.Key_Return)
    (document,) = drafts(asked)[-1].documents
    assert (document.first, document.last) == (2, 3)
    assert card.state_words() == "Pages 2 to 3, Counting…"


def test_a_document_that_cannot_fit_is_not_sent_until_fewer_pages_are_chosen(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(SEEING)
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf([f"Page {number} of it" for number in range(9)]))
    attach(window, qtbot, path)
    composer = window.chat.composer
    QTest.keyClicks(composer.edit, "What is in it?")
    window.apply(told.ContextMeasured("a", measured(40_000, error="It is longer than the context.")))
    assert not composer.send.isEnabled()
    assert composer.hint.text() == "Too long to be sent"
    assert window.chat.context.sentence.text.endswith("Press a document to choose fewer pages of it.")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert not [call for call in asked.take() if call[0] == "submit"]
    assert composer.edit.text() == "What is in it?"
    composer.strip.choose_pages(cards(window)[0].attachment.number, 1, 2)
    assert composer.send.isEnabled()
    window.apply(told.ContextMeasured("a", measured()))
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert [call[0] for call in asked.take() if call[0] == "submit"] == ["submit"]


def test_words_after_a_message_that_was_too_long_are_sent_at_once(window: MainWindow, asked: Asked) -> None:
    composer = window.chat.composer
    composer.edit.set_text("far too long")
    window.apply(told.ContextMeasured("a", measured(40_000, error="It is longer than the context.")))
    assert not composer.send.isEnabled()
    composer.edit.set_text("")
    composer.edit.set_text("short")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert [call[2].text for call in asked.take() if call[0] == "submit"] == ["short"]


def _scan(window: MainWindow, qtbot: QtBot, folder: Path, *, pages: int) -> Card:
    """The card of a PDF without words."""
    window.apply(SEEING)
    path = folder / "scan.pdf"
    path.write_bytes(scanned(pages))
    (card,) = attach(window, qtbot, path)
    return card


def _offer(card: Card) -> QAbstractButton:
    """The one button that makes pictures of its pages."""
    (offer,) = [child for child in card.findChildren(QAbstractButton) if child.accessibleName().startswith("As pict")]
    return offer


def test_scanned_pages_become_pictures_when_asked(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    card = _scan(window, qtbot, tmp_path, pages=2)
    assert card.state_words() == "Scanned: no words in it"
    offer = _offer(card)
    assert offer.accessibleName() == "As pictures: 2 pages, 512 tokens"
    QTest.mouseClick(offer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.chat.composer.pictures) == 2, timeout=30_000)
    assert [picture.name for picture in window.chat.composer.pictures] == ["scan.pdf, page 1", "scan.pdf, page 2"]
    assert not window.chat.composer.draft.documents


def test_pages_drawn_after_their_chat_was_left_go_to_its_draft(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    card = _scan(window, qtbot, tmp_path, pages=2)
    QTest.mouseClick(_offer(card), Qt.MouseButton.LeftButton)
    window.chat.composer.strip.show_draft(Draft(), window.chat.composer.next_number)
    found: list[Any] = []

    def has_come() -> bool:
        found.extend(each for call in asked.take() if call[0] == "add_to_draft" for each in call[2:])
        return bool(found)

    qtbot.waitUntil(has_come, timeout=30_000)
    (added, taken) = found
    assert [picture.name for picture in added.pictures] == ["scan.pdf, page 1", "scan.pdf, page 2"]
    assert taken == Scan(encode_path(tmp_path / "scan.pdf"), "scan.pdf", 2)
    assert not window.chat.composer.strip.cards


def test_a_scanned_document_is_never_left_behind_without_a_word(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    card = _scan(window, qtbot, tmp_path, pages=1)
    QTest.keyClicks(window.chat.composer.edit, "What does it say?")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert not [call for call in asked.take() if call[0] == "submit"]
    assert window.chat.notice.sentence.accessibleName().startswith("“scan.pdf” has no words in it.")
    QTest.keyClick(card, Qt.Key.Key_Delete)
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert [call[0] for call in asked.take() if call[0] == "submit"] == ["submit"]


def test_what_was_said_of_a_scan_goes_when_it_is_decided_about(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    card = _scan(window, qtbot, tmp_path, pages=1)
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert window.chat.shows("notice")
    QTest.mouseClick(_offer(card), Qt.MouseButton.LeftButton)
    assert not window.chat.shows("notice")
    qtbot.waitUntil(lambda: not window.chat.composer.strip.is_opening, timeout=30_000)
    window.chat.composer.set_draft(Draft())
    card = _scan(window, qtbot, tmp_path, pages=1)
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert window.chat.shows("notice")
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert not window.chat.shows("notice")


def _show_draft(window: MainWindow, qtbot: QtBot, draft: Draft) -> list[Card]:
    """The cards of another draft, when their files have been read again."""
    window.chat.composer.set_draft(draft)
    qtbot.waitUntil(lambda: not window.chat.composer.strip.is_opening, timeout=20_000)
    return cards(window)


def test_a_scan_is_part_of_the_draft_until_it_is_decided_about(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    card = _scan(window, qtbot, tmp_path, pages=2)
    kept = Draft(scans=(Scan(encode_path(tmp_path / "scan.pdf"), "scan.pdf", 2),))
    assert drafts(asked)[-1] == kept
    assert not _show_draft(window, qtbot, Draft())
    (card,) = _show_draft(window, qtbot, kept)
    assert card.state_words() == "Scanned: no words in it"
    QTest.mouseClick(_offer(card), Qt.MouseButton.LeftButton)
    assert card.state_words() == "Making pictures…"
    assert window.chat.composer.draft == kept
    qtbot.waitUntil(lambda: len(window.chat.composer.pictures) == 2, timeout=30_000)
    assert not drafts(asked)[-1].scans


def test_a_scan_that_is_removed_leaves_the_draft_while_it_is_read_again_too(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    _scan(window, qtbot, tmp_path, pages=1)
    kept = drafts(asked)[-1]
    window.chat.composer.set_draft(Draft())
    window.chat.composer.set_draft(kept)
    (card,) = cards(window)
    assert card.state_words() == "Opening…"
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert drafts(asked) == [Draft()]


def test_a_scan_whose_file_is_gone_keeps_its_place(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    _scan(window, qtbot, tmp_path, pages=1)
    kept = drafts(asked)[-1]
    (tmp_path / "scan.pdf").rename(tmp_path / "elsewhere.pdf")
    window.chat.composer.set_draft(Draft())
    (card,) = _show_draft(window, qtbot, kept)
    assert card.state_words() == "Cannot be opened"
    assert card.accessibleDescription() == "There is no file “scan.pdf”."
    assert not _offer(card).isVisible()
    assert window.chat.composer.draft == kept
    said = "There is no file “scan.pdf”. Put it back to where it was, or remove its card."
    for sends in (False, True):
        if sends:
            QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
        else:
            QTest.mouseClick(card, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: window.chat.shows("notice"), timeout=20_000)
        assert window.chat.notice.sentence.accessibleName() == said
        assert card.state_words() == "Cannot be opened"
        window.chat.silence("notice")
    assert not [call for call in asked.take() if call[0] == "submit"]
    (tmp_path / "elsewhere.pdf").rename(tmp_path / "scan.pdf")
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: card.state_words() == "Scanned: no words in it", timeout=20_000)
    assert not window.chat.shows("notice")


def _scan_card(window: MainWindow) -> ScanCard:
    (shown,) = [card for card in window.findChildren(ScanCard) if card.isVisible()]
    return shown


def test_of_a_scan_with_too_many_pages_some_are_chosen(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    card = _scan(window, qtbot, tmp_path, pages=41)
    assert _offer(card).accessibleName() == "As pictures: choose from 41 pages"
    QTest.mouseClick(_offer(card), Qt.MouseButton.LeftButton)
    shown = _scan_card(window)
    assert (shown.pages.value, shown.cost.text()) == ((1, 40), "40 pages, 10,240 tokens")
    assert shown.note.text() == "At most 40 at once"
    shown.pages.last.selectAll()
    QTest.keyClicks(shown.pages.last, "99")
    assert (shown.cost.text(), shown.take.isEnabled()) == ("41 pages, 10,496 tokens", False)
    shown.pages.first.selectAll()
    QTest.keyClicks(shown.pages.first, "40")
    QTest.keyClick(shown.pages.first, Qt.Key.Key_Return)
    assert (shown.pages.last.text(), shown.cost.text()) == ("41", "2 pages, 512 tokens")
    QTest.mouseClick(shown.take, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.chat.composer.pictures) == 2, timeout=30_000)
    assert [picture.name for picture in window.chat.composer.pictures] == ["scan.pdf, page 40", "scan.pdf, page 41"]
    assert not drafts(asked)[-1].scans


def test_at_first_as_many_pages_of_a_scan_are_chosen_as_fit(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    card = _scan(window, qtbot, tmp_path, pages=5)
    window.apply(told.ContextMeasured("a", replace(measured(), context=4096, reserve=1024, total=2200)))
    QTest.mouseClick(_offer(card), Qt.MouseButton.LeftButton)
    shown = _scan_card(window)
    assert (shown.pages.value, shown.cost.text()) == ((1, 3), "3 pages, 768 tokens")
    assert shown.note.text() == "The context has room for 3 pages"
    assert shown.take.isEnabled()


def test_pages_of_any_scan_are_chosen_by_its_card(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    card = _scan(window, qtbot, tmp_path, pages=3)
    card.setFocus()
    QTest.keyClick(card, Qt.Key.Key_Space)
    shown = _scan_card(window)
    assert shown.pages.value == (1, 3)
    shown.pages.last.setText("x")
    QTest.keyClick(shown.pages.last, Qt.Key.Key_Return)
    assert shown.pages.value == (1, 3)
    shown.pages.last.setText("1")
    QTest.mouseClick(shown.take, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.chat.composer.pictures) == 1, timeout=30_000)


@pytest.mark.parametrize(
    ("sight", "said"),
    [
        (Sight(True, side=896, tokens=256), "2 pages, 512 tokens"),
        (Sight(True, choices=(70, 560)), "2 pages, about 1,120 tokens"),
        (Sight(True), "2 pages"),
    ],
)
def test_what_pages_take_is_told_as_far_as_it_is_known(sight: Sight, said: str) -> None:
    assert pages_cost(2, sight) == said


def test_a_scan_opened_after_its_chat_was_left_goes_to_its_draft(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(SEEING)
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned(1))
    window.attachments_now.take(dropped(path))
    window.chat.composer.set_draft(Draft())
    found: list[tuple[object, ...]] = []

    def has_come() -> bool:
        found.extend(call[1:] for call in asked.take() if call[0] == "add_to_draft")
        return bool(found)

    qtbot.waitUntil(has_come, timeout=30_000)
    assert found == [("a", Draft(scans=(Scan(encode_path(path), "scan.pdf", 1),)), None)]


def test_what_comes_back_into_the_draft_is_kept_with_it(window: MainWindow, asked: Asked, qtbot: QtBot) -> None:
    window.apply(SEEING)
    added = Draft(documents=(Document("d" * 64, "notes.txt", "text", 1, ""),))
    window.apply(told.DraftRestored("a", added))
    qtbot.waitUntil(lambda: drafts(asked) == [added], timeout=5000)


def test_pages_drawn_while_their_chat_was_left_take_the_place_of_their_card(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    card = _scan(window, qtbot, tmp_path, pages=2)
    kept = drafts(asked)[-1]
    QTest.mouseClick(_offer(card), Qt.MouseButton.LeftButton)
    window.chat.composer.set_draft(Draft())
    window.chat.composer.set_draft(kept)
    qtbot.waitUntil(lambda: len(window.chat.composer.pictures) == 2, timeout=30_000)
    assert [each.attachment.name for each in cards(window)] == ["scan.pdf, page 1", "scan.pdf, page 2"]


def test_documents_go_with_a_message_to_a_model_without_eyes(
    window: MainWindow, asked: Asked, qtbot: QtBot, tmp_path: Path
) -> None:
    window.apply(BLIND)
    path = tmp_path / "notes.txt"
    path.write_text("The fish was 7.20.")
    attach(window, qtbot, path)
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
