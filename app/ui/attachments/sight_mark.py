"""*Sees images* or *No images*: what the loaded model can do, beside the Attach button."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.attachments.sight import Sight
from app.ui.look import Look
from app.ui.mark import mark_size, paint_mark


class SightMark(QWidget):
    """28 high; empty while there is no model."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._narrow = False
        self.value = Sight()
        self.hide()
        look.changed.connect(self.updateGeometry)

    def show_sight(self, sight: Sight) -> None:
        """Say what the model sees."""
        self.value = sight
        self.setAccessibleName(self._words())
        if sight.sees and not sight.side:
            self.setToolTip("Each picture is seen in a size of its own")
        elif sight.sees:
            self.setToolTip(f"Each view of a picture is {sight.tokens} tokens, seen at {sight.side} × {sight.side}")
        else:
            self.setToolTip(sight.blind)
        self.setVisible(sight.sees is not None)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return mark_size(self._look, self._words())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_mark(self, self._look, "eye" if self.value.sees else "eye-off", self._words(), on=bool(self.value.sees))

    def _words(self) -> str:
        return "Sees images" if self.value.sees else "No images"
