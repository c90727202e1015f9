"""A slider: a track of 4, a knob of 16."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFocusEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider

from app.ui.look import Look
from app.ui.painting import KEYBOARD, box

_KNOB, _TRACK, _ROOM = 16, 4, 3  # the room is for the ring


class Slider(QSlider):
    """Whole numbers from the start side to the end side; a press anywhere takes the knob there."""

    def __init__(self, look: Look, name: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._look = look
        self._ring = False
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(160, _KNOB + 2 * _ROOM)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, _KNOB + 2 * _ROOM)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._take(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._take(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the page scrolls

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = event.reason() in KEYBOARD
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, middle = self._look, self.height() / 2
        painter = QPainter(self)
        edge = look.colour("border") if look.theme.contrast else None
        track = QRectF(_ROOM, middle - _TRACK / 2, self.width() - 2 * _ROOM, _TRACK)
        box(painter, track, _TRACK / 2, look.colour("pressed"), edge)
        at = self._knob_centre()
        done = QRectF(track)
        if self._rightwards:
            done.setRight(at)
        else:
            done.setLeft(at)
        box(painter, done, _TRACK / 2, look.colour("accent"))
        knob = QRectF(at - _KNOB / 2, middle - _KNOB / 2, _KNOB, _KNOB)
        if self._ring:
            box(painter, knob.adjusted(-3, -3, 3, 3), _KNOB / 2 + 3, None, look.colour("accent"), 2)
        box(painter, knob, _KNOB / 2, look.colour("raised"), look.colour("accent"), 2)

    @property
    def _rightwards(self) -> bool:
        return self.layoutDirection() == Qt.LayoutDirection.LeftToRight

    def _knob_centre(self) -> float:
        steps = max(1, self.maximum() - self.minimum())
        part = (self.value() - self.minimum()) / steps
        room = self.width() - 2 * _ROOM - _KNOB
        return _ROOM + _KNOB / 2 + room * (part if self._rightwards else 1 - part)

    def _take(self, event: QMouseEvent) -> None:
        room = max(1, self.width() - 2 * _ROOM - _KNOB)
        part = (event.position().x() - _ROOM - _KNOB / 2) / room
        part = part if self._rightwards else 1 - part
        self.setValue(self.minimum() + round(part * (self.maximum() - self.minimum())))
