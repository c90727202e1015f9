"""*Pages 2 to 4 of 9*: which pages of a document are meant."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.ui.controls import Words
from app.ui.look import Look
from app.ui.painting import margins


class PageFields(QWidget):
    """Two fields. Pages that there are not are never asked for."""

    typed = Signal()
    taken = Signal()  # Enter, or a field was left

    def __init__(self, look: Look, first: int, last: int, pages: int) -> None:
        super().__init__()
        self._look = look
        self._pages = pages
        self.first = self._field(first, "First page")
        self.last = self._field(last, "Last page")
        row = QHBoxLayout(self)
        row.setContentsMargins(margins(0, 0, 0, 0))
        row.setSpacing(8)
        row.addWidget(Words(look, "Pages", 12, token="text2"))
        row.addWidget(self.first)
        row.addWidget(Words(look, "to", 12, token="text2"))
        row.addWidget(self.last)
        row.addWidget(Words(look, f"of {pages:,}", 12, token="text2"))

    @property
    def value(self) -> tuple[int, int] | None:
        """The first and the last page; None where no numbers stand there."""
        asked = [field.text().strip() for field in (self.first, self.last)]
        if not all(text.isdecimal() for text in asked):
            return None
        first, last = sorted(max(1, min(int(text), self._pages)) for text in asked)
        return first, last

    def show_value(self, first: int, last: int) -> None:
        """Show these pages."""
        self.first.setText(str(first))
        self.last.setText(str(last))

    def _field(self, page: int, name: str) -> QLineEdit:
        field = QLineEdit(str(page))
        field.setAccessibleName(name)
        field.setProperty("field", True)
        field.setFixedWidth(self._look.px(52))
        field.setMaxLength(5)
        field.textEdited.connect(self.typed)
        field.editingFinished.connect(self.taken)
        return field
