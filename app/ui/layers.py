"""Cards over the window's content: popovers beside their anchor, dialogs over a scrim.

They are children of the window, not windows of their own: rounded corners and shadows need no compositor, and they
move, scale and close with the window.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QWidget

from app.ui.look import Look
from app.ui.painting import box, shadow

MARGIN = 28
EDGE = 16


class _Layer(QWidget):
    """Covers its parent and follows its size."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        parent.installEventFilter(self)
        self.setGeometry(parent.rect())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        parent = self.parentWidget()
        if parent is not None and watched is parent and event.type() == QEvent.Type.Resize:
            self.setGeometry(parent.rect())
            self.place()
        return False

    def place(self) -> None:
        """Put the card where it belongs in the size that is there now."""


class Popover(_Layer):
    """A card beside its anchor; a click elsewhere and Esc close it, and the focus goes back."""

    closed = Signal()

    def __init__(self, look: Look, anchor: QWidget, card: QWidget, *, at_start: bool = False) -> None:
        """The card's end lies at the anchor's end, or with `at_start` their starts."""
        super().__init__(anchor.window())
        self._at_start = at_start
        self._look = look
        self._anchor = anchor
        self._card = card
        card.setParent(self)
        self._before = self.window().focusWidget()
        self.place()
        card.show()
        self.show()
        self.raise_()
        card.setFocus(Qt.FocusReason.PopupFocusReason)

    def place(self) -> None:
        size = self._card.sizeHint()
        size.setWidth(min(size.width(), self.width() - 2 * EDGE))
        anchor = QRect(self._anchor.mapTo(self.window(), QPoint(0, 0)), self._anchor.size())
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        left = anchor.right() + 5 - size.width() if rightwards != self._at_start else anchor.left() - 4
        left = max(EDGE, min(left, self.width() - size.width() - EDGE))
        top = anchor.bottom() + 6
        if top + size.height() > self.height() - EDGE:
            top = max(EDGE, anchor.top() - 6 - size.height())
        self._card.setGeometry(left, top, size.width(), size.height())

    def close_now(self) -> None:
        """Close, and give the keyboard back."""
        self.hide()
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()
        self.deleteLater()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._card.geometry().contains(event.position().toPoint()):
            self.close_now()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_now()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        card = QRectF(self._card.geometry())
        painter = QPainter(self)
        shadow(painter, card, 10, self._look.colour("shadow"))
        box(painter, card, 10, self._look.colour("raised"), self._look.colour("border_strong"))


class Dialog(QDialog):
    """A dialog that lies over the window on a scrim. The keyboard stays in it; Esc closes it."""

    def __init__(self, look: Look, window: QWidget, width: int, height: int) -> None:
        self._scrim = _Scrim(look, window)
        super().__init__(self._scrim)
        self.setWindowFlags(Qt.WindowType.Widget)
        self._look = look
        self._wanted = (width, height)
        self._before: QWidget | None = window.focusWidget()
        self._scrim.hold(self)
        look.changed.connect(self._scrim.place)
        self.finished.connect(self._on_finished)

    def open_over(self) -> None:
        """Show it; `finished` comes when it is closed, after which it deletes itself."""
        self._scrim.place()
        self._scrim.show()
        self._scrim.raise_()
        self.show()
        first = next(iter(self._inside()), self)
        first.setFocus(Qt.FocusReason.OtherFocusReason)

    def wanted(self, room: QRect) -> QRect:
        """Where it stands in this room."""
        width = min(round(self._wanted[0]), room.width() - 2 * EDGE)
        height = min(self._look.px(self._wanted[1]), room.height() - 2 * EDGE)
        return QRect((room.width() - width) // 2, (room.height() - height) // 2, width, height)

    def focusNextPrevChild(self, forward: bool) -> bool:
        inside = self._inside()
        if not inside:
            return False
        focus = self.window().focusWidget()
        place = inside.index(focus) if focus in inside else -1 if forward else 0
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        inside[(place + (1 if forward else -1)) % len(inside)].setFocus(reason)
        return True

    def _inside(self) -> list[QWidget]:
        takers = [
            child
            for child in self.findChildren(QWidget)
            if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.isVisible() and child.isEnabled()
        ]
        return sorted(takers, key=self._tab_place)

    def _tab_place(self, child: QWidget) -> int:
        place = 0
        step: QWidget | None = self
        while step is not None and step is not child:
            step = step.nextInFocusChain()
            place += 1
            if step is self:
                break
        return place

    def paintEvent(self, event: QPaintEvent) -> None:
        box(QPainter(self), self.rect(), 12, self._look.colour("window"), self._look.colour("border_strong"))

    def _on_finished(self) -> None:
        self._scrim.hide()
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.ActiveWindowFocusReason)
        self._scrim.deleteLater()


class _Scrim(_Layer):
    """Dims the window behind a dialog and keeps the mouse from it."""

    def __init__(self, look: Look, window: QWidget) -> None:
        super().__init__(window)
        self._look = look
        self._dialog: Dialog | None = None

    def hold(self, dialog: Dialog) -> None:
        """The dialog that stands on this scrim."""
        self._dialog = dialog

    def place(self) -> None:
        if self._dialog is not None:
            self._dialog.setGeometry(self._dialog.wanted(self.rect()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("scrim"))
        if self._dialog is not None:
            shadow(painter, QRectF(self._dialog.geometry()), 12, self._look.colour("shadow"), blur=48, drop=16)
