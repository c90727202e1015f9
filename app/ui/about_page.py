"""What this program is: its version, what it stands on, and the licences of all that came with it."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit

from app.core.paths import resources
from app.core.versions import installed_versions
from app.ui.controls import Words
from app.ui.look import Look
from app.ui.settings_controls import SettingsCard, SettingsRow
from app.ui.settings_pages import Page

NAMES = {"cabochon": "Cabochon", "llama-cpp-python": "llama.cpp, through llama-cpp-python", "PySide6": "Qt and PySide6"}
NOTES = {
    "cabochon": "Apache License 2.0",
    "llama-cpp-python": "MIT License. Runs the model",
    "PySide6": "GNU LGPL 3. Draws the window",
}
FROM_SOURCE = (
    "This Cabochon runs from its source. The licences of the parts lie with them in .venv; a package has them here."
)


class AboutPage(Page):
    """The versions, and a text that can be read and searched by keyboard and screen reader."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        versions = installed_versions()
        rows = [SettingsRow(look, NAMES[key], NOTES[key], Words(look, versions[key], 13)) for key in NAMES]
        self._licences = QPlainTextEdit()
        self._licences.setAccessibleName("Licences")
        self._licences.setProperty("field", True)
        self._licences.setFrameShape(QFrame.Shape.NoFrame)
        self._licences.setReadOnly(True)
        self._licences.setTabChangesFocus(True)
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()
        note = "Of Cabochon and of every part that came with it"
        self._column.addWidget(
            SettingsCard(look, [*rows, SettingsRow(look, "Licences", note, self._licences, below=True)])
        )
        self._column.addStretch(1)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._licences.toPlainText():
            self._licences.setPlainText(licences())

    @Slot()
    def _on_look_changed(self) -> None:
        self._licences.setFont(self._look.font(12))
        self._licences.setFixedHeight(self._look.px(280))


def licences() -> str:
    """The text that was collected when the package was made; a sentence where there is none."""
    try:
        return (resources() / "licences.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        return FROM_SOURCE
