"""A scanned PDF of the message that is being written: which of its pages become pictures, and what they take."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.message import Scan
from app.media.documents import MOST_SCANS
from app.ui.attachments.attachment import pages_cost
from app.ui.attachments.card_head import card_head
from app.ui.attachments.page_fields import PageFields
from app.ui.attachments.sight import Sight
from app.ui.controls import Button, Line, Words
from app.ui.figures import count as count_words
from app.ui.look import Look
from app.ui.painting import margins

WIDTH = 400


class ScanCard(QWidget):
    """The card's content; the popover paints its frame. Accessible as *Pages as pictures*."""

    closed = Signal()
    chosen = Signal(int, int)  # the first and the last page

    def __init__(self, look: Look, scan: Scan, sight: Sight, fitting: int) -> None:
        """`fitting` pages are chosen at first."""
        super().__init__()
        self._look = look
        self._scan = scan
        self._sight = sight
        self._fitting = fitting
        self.setAccessibleName("Pages as pictures")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pages = PageFields(look, 1, fitting, scan.pages)
        self.pages.typed.connect(self._show_cost)
        self.pages.taken.connect(self._on_pages_taken)
        self.cost = Words(look, "", 12, 500, figures=True)
        self.note = Words(look, "", 12, token="text2")
        self.take = Button(look, "As pictures", "primary", small=True)
        self.take.clicked.connect(self._on_take_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(card_head(look, "Pages as pictures", scan.name, self.closed))
        column.addWidget(Line(look))
        self._rows = (_row(self.pages, self.cost, above=10), _row(self.note, self.take, above=0))
        for row in self._rows:
            column.addLayout(row)
        self._show_cost()

    def sizeHint(self) -> QSize:
        layout = self.layout()
        wide = max(row.sizeHint().width() for row in self._rows)
        return QSize(max(self._look.px(WIDTH), wide), layout.sizeHint().height() if layout else 0)

    @property
    def _count(self) -> int:
        """How many pages are chosen, 0 where that cannot be read."""
        chosen = self.pages.value
        return chosen[1] - chosen[0] + 1 if chosen is not None else 0

    @Slot()
    def _show_cost(self) -> None:
        count = self._count
        self.cost.setText(pages_cost(count, self._sight) if count else "")
        self.take.setEnabled(0 < count <= MOST_SCANS)
        said = ""
        if count >= MOST_SCANS and self._scan.pages > MOST_SCANS:
            said = f"At most {MOST_SCANS} at once"
        elif count >= self._fitting and self._fitting < min(self._scan.pages, MOST_SCANS):
            said = f"The context has room for {count_words(self._fitting, 'page', 'pages')}"
        self.note.setText(said)

    @Slot()
    def _on_pages_taken(self) -> None:
        self.pages.show_value(*(self.pages.value or (1, self._fitting)))
        self._show_cost()

    @Slot()
    def _on_take_clicked(self) -> None:
        chosen = self.pages.value
        if chosen is not None:
            self.chosen.emit(*chosen)


def _row(first: QWidget, last: QWidget, *, above: int) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(margins(14, above, 12, 10))
    row.setSpacing(12)
    row.addWidget(first)
    row.addStretch(1)
    row.addWidget(last)
    return row
