"""Documents in the window: counted, paged, scanned pages by choice, shown again."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.core.message import Draft
from app.ui.attachments.card import Card
from app.ui.attachments.document_card import DocumentCard
from app.ui.main_window import MainWindow
from app.ui.report_dialog import ReportDialog
from app.ui.transcript.attached import FileChip
from tests.media.pdfs import pdf, scanned
from tests.ui.attaching import BLIND, SEEING, attach, drafts
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
    shown.first.setText("2")
    QTest.keyClick(shown.first, Qt.Key.Key_Return)
    (document,) = drafts(asked)[-1].documents
    assert (document.first, document.last) == (2, 3)
    assert card.state_words() == "Pages 2 to 3, Counting…"


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
    found: list[Draft] = []

    def has_come() -> bool:
        found.extend(call[-1] for call in asked.take() if call[0] == "add_to_draft")
        return bool(found)

    qtbot.waitUntil(has_come, timeout=30_000)
    assert [[picture.name for picture in draft.pictures] for draft in found] == [
        ["scan.pdf, page 1", "scan.pdf, page 2"]
    ]
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
