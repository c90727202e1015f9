"""The window's small controls, painted from the theme: icon button, button, switch, words."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLabel, QPushButton, QSizePolicy, QStyle, QToolButton, QWidget

from app.ui.keyboard_ring import Ringed, is_enter
from app.ui.look import Look
from app.ui.painting import KEYBOARD, box, mirrored, picture, reading_direction, words
from app.ui.tips import tip


def describe(widget: QWidget, name: str, key: str | QKeySequence | None = None) -> None:
    """Give a control its name for screen readers and a tooltip with its name and key."""
    widget.setAccessibleName(name)
    keys = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) if key else ""
    widget.setToolTip(tip(f"{name}   {keys}" if keys else name))


class IconButton(QToolButton):
    """A button without words: 30 high, radius 6, the icon greyer until the pointer or the keyboard is on it."""

    def __init__(self, look: Look, icon: str, name: str, key: str = "", *, size: int = 30, icon_size: int = 18) -> None:
        super().__init__()
        self._look = look
        self._icon_name = icon
        self._size = size
        self._icon_size = icon_size
        self._ring = False
        describe(self, name, key)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    def set_picture(self, icon: str) -> None:
        """Show another icon."""
        self._icon_name = icon
        self.update()

    def sizeHint(self) -> QSize:
        side = self._look.px(self._size)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = event.reason() in KEYBOARD
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        over = self.underMouse() and self.isEnabled()
        held = self.isDown() and self.isEnabled()
        fill = look.colour("pressed") if held else look.colour("hover") if over else None
        ring = look.colour("accent") if self._ring else None
        contrast = look.colour("border") if look.theme.contrast and fill is not None else None
        box(painter, self.rect(), 6, fill, ring or contrast, 2 if ring else 1)
        token = "text3" if not self.isEnabled() else "text" if over or held else "text2"
        if self.isChecked():
            token = "accent"
        drawn = look.pixmap(self._icon_name, token, self._icon_size, self.devicePixelRatioF())
        picture(painter, QRectF(self.rect()).center(), drawn)

    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()


class Button(Ringed, QPushButton):
    """A button with words. `kind` is plain (outlined), primary (filled), quiet (words alone) or link (accent words)."""

    def __init__(
        self,
        look: Look,
        text: str,
        kind: str = "plain",
        *,
        small: bool = False,
        icon: str = "",
        name: str = "",
        icon_last: bool = False,
    ) -> None:
        super().__init__(text)
        self._look = look
        self._kind = kind
        self._small = small
        self._icon_name = icon
        self._icon_last = icon_last
        if name:
            self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    def sizeHint(self) -> QSize:
        look = self._look
        padding = look.px(10 if self._small else 12) * 2 + 2
        icon = look.px(16) + look.px(6) if self._icon_name else 0
        width = QFontMetricsF(self._words_font()).horizontalAdvance(self.text())
        return QSize(round(width) + icon + padding, look.px(26 if self._small else 30))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        fill, border, ink = self._colours()
        box(painter, self.rect(), 6, fill, border)
        painter.setFont(self._words_font())
        metrics = QFontMetricsF(self._words_font())
        text_width = metrics.horizontalAdvance(self.text())
        icon_width = look.px(16) + look.px(6) if self._icon_name else 0
        start = (self.width() - text_width - icon_width) / 2
        rightwards = (self.layoutDirection() == Qt.LayoutDirection.LeftToRight) != self._icon_last
        if self._icon_name:
            middle = start + look.px(8) if rightwards else self.width() - start - look.px(8)
            drawn = look.pixmap(self._icon_name, ink, 16, self.devicePixelRatioF())
            picture(painter, QRectF(middle, self.height() / 2, 0, 0).center(), drawn)
        painter.setPen(look.colour(ink))
        text_start = start + icon_width if rightwards else start
        where = QRectF(text_start, 0, text_width + 1, self.height())
        painter.drawText(where, int(Qt.AlignmentFlag.AlignCenter), self.text())

    def _colours(self) -> tuple[QColor | None, QColor | None, str]:
        look = self._look
        over = self.underMouse()
        held = self.isDown()
        if self._kind == "primary":
            if not self.isEnabled():
                return look.colour("hover"), None, "text3"
            return look.colour("accent_pressed" if held else "accent_hover" if over else "accent"), None, "on_accent"
        if not self.isEnabled():
            return None, look.colour("border") if self._kind == "plain" else None, "text3"
        fill = look.colour("pressed") if held else look.colour("hover") if over else None
        if self._kind == "plain":
            return fill or look.colour("raised"), look.colour("border_strong"), "text"
        if self._kind == "link":
            return fill, None, "accent"
        return fill, None, "text" if over else "text2"

    def _words_font(self) -> QFont:
        return self._look.font(12 if self._small else 13, 500)

    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()


class Switch(Ringed, QCheckBox):
    """On or off: 32 x 18, the knob 14."""

    corner = 9

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self._look = look
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(32, 18)

    def hitButton(self, position: object) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        on = self.isChecked()
        area = QRectF((self.width() - 32) / 2, (self.height() - 18) / 2, 32, 18)
        box(painter, area, 9, look.colour("accent" if on else "control"))
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        knob = QRectF(area.left() + (16 if on == rightwards else 2), area.top() + 2, 14, 14)
        box(painter, knob, 7, look.colour("on_accent" if on else "raised"))


class CheckBox(Ringed, QCheckBox):
    """16 x 16, radius 4: on, `accent` with a tick; its text, if any, beside it."""

    corner = 4

    def __init__(self, look: Look, text: str = "") -> None:
        super().__init__(text)
        self._look = look
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        look.changed.connect(self.updateGeometry)
        look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        px = self._look.px
        if not self.text():
            return QSize(px(16), px(16))
        metrics = QFontMetricsF(self._look.font(13))
        return QSize(px(16 + 8) + round(metrics.horizontalAdvance(self.text())) + 6, px(24))

    def hitButton(self, position: object) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        on = self.isChecked()
        side = look.px(16)
        area = QRect(0, 0, side, side)
        if self.text():
            area.moveTo(3, (self.height() - side) // 2)
            area = mirrored(area, self.rect(), self.layoutDirection())
            painter.setFont(look.font(13))
            beside = self.rect().adjusted(side + look.px(8) + 3, 0, 0, 0)
            ink = look.colour("text" if self.isEnabled() else "text3")
            words(painter, mirrored(beside, self.rect(), self.layoutDirection()), self.text(), ink)
        box(painter, area, 4, look.colour("accent" if on else "raised"), None if on else look.colour("control"))
        if on:
            picture(painter, QRectF(area).center(), look.pixmap("check", "on_accent", 12, self.devicePixelRatioF()))


class PaintedButton(QAbstractButton):
    """A button that paints itself; `ring` tells that the keyboard brought the focus to it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ring = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses it, as Space does."""
        if is_enter(event):
            self.click()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.ring = event.reason() in KEYBOARD
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.ring = False
        super().focusOutEvent(event)


class Line(QWidget):
    """A hairline between the parts of a card."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._look.colour("border"))


class Words(QLabel):
    """A line in one role of the type table: size, weight and a colour of the theme; painted, not styled."""

    def __init__(
        self,
        look: Look,
        text: str = "",
        px: float = 13,
        weight: int = 400,
        token: str = "text",
        *,
        figures: bool = False,
    ) -> None:
        super().__init__(text)
        self._look = look
        self._role = (px, weight, figures)
        self._token = token
        self.setTextFormat(Qt.TextFormat.PlainText)
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    def set_token(self, token: str) -> None:
        """Take another colour of the theme."""
        self._token = token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._look.colour(self._token))
        shown = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        area = self.contentsRect()
        painter.setLayoutDirection(reading_direction(self.text(), self.layoutDirection()))
        elided = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(shown), elided)

    def minimumSizeHint(self) -> QSize:
        natural = super().minimumSizeHint()
        return QSize(min(natural.width(), 24), natural.height())

    def _on_look_changed(self) -> None:
        px, weight, figures = self._role
        make = self._look.figures if figures else self._look.font
        self.setFont(make(px, weight))
        self.update()


class ElidedWords(QWidget):
    """One line of words that shortens itself with an ellipsis; its whole text is its accessible name."""

    def __init__(self, look: Look, px: float, weight: int = 400, token: str = "text") -> None:
        super().__init__()
        self._look = look
        self._role = (px, weight)
        self._token = token
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        look.changed.connect(self._on_look_changed)

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show other words."""
        if text != self._text:
            self._text = text
            self.setAccessibleName(text)
            self._on_look_changed()

    def font_now(self) -> QFont:
        """The font at the text size in force."""
        return self._look.font(*self._role)

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(self.font_now())
        return QSize(round(metrics.horizontalAdvance(self._text)) + 2, round(metrics.height()) + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        painter.setFont(self.font_now())
        words(painter, self.rect(), self._text, self._look.colour(self._token))

    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()
