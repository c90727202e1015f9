"""What lies over a code block or a wide table: wrap, Copy, and the bar that scrolls it sideways."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QScrollBar, QWidget

from app.ui.transcript.buttons import RowButton
from app.ui.transcript.code_piece import HEAD, CodePiece
from app.ui.transcript.pieces import Piece
from app.ui.transcript.style import Style

BAR = 12
BUTTON = 24
SAYS_COPIED_MS = 1500


class FrameTools(QObject):
    """Belongs to the frame of one block; its widgets are the message's children. GUI thread."""

    wrap_toggled = Signal(int)
    shifted = Signal(int)
    copied = Signal(str)

    def __init__(self, message: QWidget, at: int, style: Style) -> None:
        super().__init__(message)
        self._message = message
        self._style = style
        self._piece: Piece | None = None
        self._bar: QScrollBar | None = None
        self._buttons: tuple[RowButton, RowButton] | None = None
        self.at = at

    def place(self, piece: Piece, area: QRect) -> None:
        """Stand over the frame of the piece; `area` is the frame in the message's pixels."""
        self._piece = piece
        if isinstance(piece, CodePiece):
            self._place_buttons(area)
        self._place_bar(piece, area)

    def widgets(self) -> list[QWidget]:
        """Those there are, in the order of the keyboard."""
        return [*(self._buttons or ()), *([self._bar] if self._bar is not None else [])]

    def remove(self) -> None:
        """The block is out of sight."""
        for widget in self.widgets():
            widget.hide()
            widget.deleteLater()
        self.deleteLater()

    def _place_buttons(self, area: QRect) -> None:
        style = self._style
        if self._buttons is None:
            wrap = RowButton(self._message, style, "wrap", "Wrap lines", size=BUTTON)
            wrap.clicked.connect(self._on_wrap_clicked)
            copy = RowButton(self._message, style, "copy", "Copy code", "Copy", size=BUTTON, inset=6)
            copy.clicked.connect(self._on_copy_clicked)
            self._buttons = (wrap, copy)
            self._say_copy = QTimer(self, singleShot=True, interval=SAYS_COPIED_MS)
            self._say_copy.timeout.connect(self._on_said)
        x = area.right() - style.px(7)
        for button in reversed(self._buttons):
            size = button.sizeHint()
            x -= size.width()
            spot = QRect(x, area.top() + (style.px(HEAD) - size.height()) // 2 + 1, size.width(), size.height())
            button.setGeometry(_from_start(spot, area, self._message.layoutDirection()))
            button.show()
            x -= style.px(6)

    def _place_bar(self, piece: Piece, area: QRect) -> None:
        if not piece.overflow:
            if self._bar is not None:
                self._bar.hide()
            return
        if self._bar is None:
            self._bar = QScrollBar(Qt.Orientation.Horizontal, self._message)
            self._bar.setAccessibleName("Scroll sideways")
            self._bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._bar.valueChanged.connect(self._on_bar_moved)
        frame = area.adjusted(6, 0, -6, 0)
        self._bar.setGeometry(frame.left(), area.bottom() - BAR + 1, frame.width(), BAR)
        self._bar.setPageStep(frame.width())
        self._bar.setSingleStep(self._style.px(40))
        self._bar.setRange(0, piece.overflow)
        self._bar.setValue(piece.shift)
        self._bar.show()

    def scroll(self, by: int) -> bool:
        """Scroll sideways; False when there is no further."""
        if self._bar is None or self._bar.isHidden():
            return False
        before = self._bar.value()
        self._bar.setValue(before + by)
        return self._bar.value() != before

    @Slot()
    def _on_wrap_clicked(self) -> None:
        self.wrap_toggled.emit(self.at)

    @Slot()
    def _on_copy_clicked(self) -> None:
        if self._piece is not None and self._buttons is not None:
            QGuiApplication.clipboard().setText(self._piece.text)
            self.copied.emit(self._piece.text)
            self._buttons[1].set_face("check", "Copied")
            self._replace()
            self._say_copy.start()

    @Slot()
    def _on_said(self) -> None:
        if self._buttons is not None:
            self._buttons[1].set_face("copy", "Copy")
            self._replace()

    def _replace(self) -> None:
        """The button with words has another width; its end stays where it is."""
        if self._buttons is None:
            return
        button = self._buttons[1]
        spot = button.geometry()
        width = button.sizeHint().width()
        grown = width - spot.width()
        rightwards = self._message.layoutDirection() == Qt.LayoutDirection.LeftToRight
        button.setGeometry(spot.left() - grown if rightwards else spot.left(), spot.top(), width, spot.height())
        wrap = self._buttons[0]
        wrap.move(wrap.x() - grown if rightwards else wrap.x() + grown, wrap.y())

    @Slot(int)
    def _on_bar_moved(self, value: int) -> None:
        if self._piece is not None and self._piece.shift != value:
            self._piece.shift = value
            self.shifted.emit(self.at)


def _from_start(spot: QRect, within: QRect, direction: Qt.LayoutDirection) -> QRect:
    if direction == Qt.LayoutDirection.LeftToRight:
        return spot
    return QRect(within.left() + within.right() - spot.right(), spot.top(), spot.width(), spot.height())
