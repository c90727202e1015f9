"""The buttons of the transcript: painted, 26 high, with an icon, words or both."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui.keyboard_ring import is_enter
from app.ui.painting import KEYBOARD, box, picture
from app.ui.transcript.style import Style


class RowButton(QAbstractButton):
    """Without `words` an icon alone; with words, `inset` pixels beside them.

    `kind` is quiet, plain (outlined) or primary (filled).
    A sleeping button paints nothing until the pointer is on its message or the keyboard on itself.
    """

    focus_changed = Signal()

    def __init__(
        self,
        parent: QWidget,
        style: Style,
        icon: str,
        name: str,
        words: str = "",
        *,
        kind: str = "quiet",
        size: int = 26,
        inset: int = 10,
        icon_last: bool = False,
    ) -> None:
        super().__init__(parent)
        self._icon_last = icon_last
        self._style = style
        self._icon_name = icon
        self._kind = kind
        self._size = size
        self._inset = inset
        self._ring = False
        self._asleep = False
        self.setText(words)
        self.setAccessibleName(name)
        self.setToolTip("" if words else name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_style(self, style: Style) -> None:
        """Take another theme or text size."""
        self._style = style
        self.resize(self.sizeHint())
        self.update()

    def set_asleep(self, asleep: bool) -> None:
        """Paint nothing, or be seen."""
        if asleep != self._asleep:
            self._asleep = asleep
            self.update()

    def set_face(self, icon: str, words: str) -> None:
        """Show another icon and other words."""
        self._icon_name = icon
        self.setText(words)
        self.update()

    def sizeHint(self) -> QSize:
        px = self._style.px
        high = px(self._size)
        if not self.text():
            return QSize(high, high)
        icon = px(16) + px(6) if self._icon_name else 0
        width = QFontMetricsF(self._style.ui(12, 500)).horizontalAdvance(self.text())
        return QSize(round(width) + icon + px(2 * self._inset), high)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses it, as in dialogs."""
        if is_enter(event):
            self.click()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = event.reason() in KEYBOARD
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._asleep:
            return
        style = self._style
        painter = QPainter(self)
        over = self.underMouse() and self.isEnabled()
        ink = self._paint_ground(painter, over)
        area = QRectF(self.rect())
        drawn = style.pixmap(self._icon_name, ink, 16, self.devicePixelRatioF()) if self._icon_name else None
        if not self.text():
            if drawn is not None:
                picture(painter, area.center(), drawn)
            return
        painter.setFont(style.ui(12, 500))
        width = QFontMetricsF(painter.font()).horizontalAdvance(self.text())
        room = style.px(22) if drawn is not None else 0
        start = (area.width() - width - room) / 2
        rightwards = (self.layoutDirection() == Qt.LayoutDirection.LeftToRight) != self._icon_last
        if drawn is not None:
            middle = start + style.px(8) if rightwards else area.width() - start - style.px(8)
            picture(painter, QPointF(middle, area.center().y()), drawn)
        words = QRectF(start + room if rightwards else start, 0, width + 1, area.height())
        painter.setPen(style.colour(ink))
        painter.drawText(words, int(Qt.AlignmentFlag.AlignCenter), self.text())

    def _paint_ground(self, painter: QPainter, over: bool) -> str:
        """The fill and border; returns the colour's name for what stands on it."""
        style = self._style
        held = self.isDown()
        if self._kind == "primary":
            token = "hover" if not self.isEnabled() else "accent"
            if self.isEnabled() and (held or over):
                token = "accent_pressed" if held else "accent_hover"
            box(painter, self.rect(), 6, style.colour(token))
            ink = "on_accent" if self.isEnabled() else "text3"
        else:
            fill = style.colour("pressed") if held else style.colour("hover") if over else None
            border = style.colour("border_strong") if self._kind == "plain" else None
            if self._kind == "plain" and fill is None:
                fill = style.colour("raised")
            if border is None and fill is not None and style.theme.contrast:
                border = style.colour("border")
            box(painter, self.rect(), 6, fill, border)
            ink = "text" if over or held or self._kind == "plain" else "text2"
            if not self.isEnabled():
                ink = "text3"
        if self._ring:
            box(painter, self.rect(), 6, None, style.colour("accent" if self._kind != "primary" else "on_accent"), 2)
        return ink
