"""What the pages say of a graphics card that is not used yet, with the command that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.controls import Button
from app.ui.look import Look
from app.ui.sentence import Sentence
from app.ui.tips import tip

if TYPE_CHECKING:
    from app.models.graphics import Advice


class UnusedCard(QWidget):
    """Hidden until there is something to say. A `quiet` one says it in plain letters, without showing the command."""

    def __init__(self, look: Look, *, quiet: bool = False) -> None:
        super().__init__()
        self._command = ""
        self._quiet = quiet
        self.said = Sentence(look, 12, 16)
        self.command = Sentence(look, 12, 16, token="text")
        self.copy = Button(look, "Copy command", "link", small=True)
        self._line = QWidget()
        row = QHBoxLayout(self._line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        above, beside = (self.command, self.said) if quiet else (self.said, self.command)
        row.addWidget(beside, 1)
        row.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(above)
        column.addWidget(self._line)
        self.copy.clicked.connect(self._on_copy_clicked)
        self.hide()

    def tell(self, advice: Advice | None) -> None:
        """Say this; nothing where there is nothing to say."""
        if advice is not None:
            self._command = advice.command
            self.said.say(*("", f"{advice.what} {advice.mend}") if self._quiet else (advice.what, advice.mend))
            self.command.say("", advice.command)
            self.command.setVisible(not self._quiet)
            self.copy.setToolTip(tip(advice.command))
            self.copy.setVisible(bool(advice.command))
            self._line.setVisible(self._quiet or bool(advice.command))
        self.setVisible(advice is not None)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._command)
