"""A document of the message that is being written: its beginning, what it takes, and which pages are read."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.chat.documents import chosen
from app.core.message import Document
from app.ui.attachments.attachment import document_words
from app.ui.attachments.card_head import card_head
from app.ui.attachments.page_fields import PageFields
from app.ui.controls import Line, Words
from app.ui.look import Look
from app.ui.painting import margins

WIDTH = 460
HIGH = 260
SHOWN = 40_000  # characters


class DocumentCard(QWidget):
    """The card's content; the popover paints its frame. Enter or leaving a field takes the pages."""

    closed = Signal()
    chosen = Signal(int, int)

    def __init__(self, look: Look, document: Document, tokens: int | None) -> None:
        super().__init__()
        self._look = look
        self._document = document
        self.setAccessibleName("What the model reads")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.words = QPlainTextEdit(_beginning(document))
        self.words.setAccessibleName("Text of the document")
        self.words.setReadOnly(True)
        self.words.setTabChangesFocus(True)
        self.words.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.words.setFont(look.mono(12))
        self.words.setMinimumHeight(look.px(HIGH))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(card_head(look, "What the model reads", document.name, self.closed))
        column.addWidget(Line(look))
        body = QHBoxLayout()
        body.setContentsMargins(margins(14, 10, 6, 10))
        body.addWidget(self.words)
        column.addLayout(body)
        column.addWidget(Line(look))
        column.addLayout(self._foot(tokens))

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return QSize(self._look.px(WIDTH), layout.sizeHint().height() if layout else 0)

    def _foot(self, tokens: int | None) -> QHBoxLayout:
        document = self._document
        row = QHBoxLayout()
        row.setContentsMargins(margins(14, 7, 12, 7))
        row.setSpacing(8)
        if document.pages > 1:
            self.pages = PageFields(self._look, document.first, document.last, document.pages)
            self.pages.taken.connect(self._on_pages_taken)
            row.addWidget(self.pages)
        row.addStretch(1)
        row.addWidget(Words(self._look, document_words(document, tokens), 12, 500, figures=True))
        return row

    @Slot()
    def _on_pages_taken(self) -> None:
        now = (self._document.first, self._document.last)
        asked = self.pages.value
        self.pages.show_value(*(asked or now))
        if asked is not None and asked != now:
            self.chosen.emit(*asked)


def _beginning(document: Document) -> str:
    words = chosen(document)
    if words is None:
        return "The text of this document is missing."
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}\n…"
