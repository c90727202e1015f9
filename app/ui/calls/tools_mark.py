"""*Tools 2* beside the composer's Attach button: how many tools the model is told of, and a switch for all."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QPaintEvent

from app.ui.controls import PaintedButton
from app.ui.look import Look
from app.ui.mark import mark_size, paint_mark


class ToolsMark(PaintedButton):
    """28 high; checked while tools are on in this chat. Hidden while there is no model."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._count = 0
        self.setCheckable(True)
        self.setAccessibleName("Tools in this chat")
        self.hide()
        look.changed.connect(self.updateGeometry)

    def show_tools(self, *, on: bool, count: int, too_small: bool) -> None:
        """How many are on here; a model that is `too_small` has them off until the person wants them."""
        self._count = count
        self.setChecked(on)
        state = f"{count} on" if on else "off"
        self.setAccessibleDescription(state)
        small = "This model is small: many of its calls will be wrong. " if too_small else ""
        self.setToolTip(f"{small}{'Tell the model of no tools here' if on else 'Let the model use tools here'}")
        self.show()
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return mark_size(self._look, self._words())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_mark(self, self._look, "tools", self._words(), on=self.isChecked(), ring=self.ring)

    def _words(self) -> str:
        return f"Tools {self._count}" if self.isChecked() else "No tools"
