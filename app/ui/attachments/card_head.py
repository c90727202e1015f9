"""The first line of the cards about what is attached: what they show, of which file, and *Close*."""

from __future__ import annotations

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QHBoxLayout

from app.ui.controls import ElidedWords, IconButton, Words
from app.ui.look import Look
from app.ui.painting import margins


def card_head(look: Look, title: str, of: str, closed: SignalInstance) -> QHBoxLayout:
    """A row with a button that emits `closed`."""
    row = QHBoxLayout()
    row.setContentsMargins(margins(14, 4, 6, 3))
    row.setSpacing(8)
    row.addWidget(Words(look, title, 13, 600))
    name = ElidedWords(look, 12, token="text3")
    name.set_text(of)
    row.addWidget(name, 1)
    close = IconButton(look, "close", "Close", "Esc", icon_size=14)
    close.clicked.connect(closed)
    row.addWidget(close)
    return row
