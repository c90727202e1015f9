"""The window's panes: conversations at the start, the chat beside them; a drawer over a scrim in narrow windows."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QEvent, QRect, Qt, QVariantAnimation, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.ui.look import Look
from app.ui.painting import mirrored
from app.ui.rail import WIDTH as RAIL
from app.ui.rail import Rail
from app.ui.sidebar import WIDTH, WIDTH_RANGE

NARROW = 720
COVERED = 900
PANEL = 320
GRIP = 5
MOVE_MS = 160


class Panes(QWidget):
    """Places sidebar and chat by hand, so that a pane can slide and the sidebar can become a drawer.

    `painted` comes once, when the window is on the screen for the first time.
    """

    narrowed = Signal(bool)
    painted = Signal()

    def __init__(self, look: Look, sidebar: QWidget, chat: QWidget) -> None:
        super().__init__()
        self._look = look
        self._sidebar = sidebar
        self._chat = chat
        self._panel: QWidget | None = None
        self._panel_open = False
        self.rail = Rail(look)
        self._width = WIDTH
        self._open = True
        self._drawer_open = False
        self._share = 1.0
        self._was_painted = False
        chat.setParent(self)
        self._scrim = _Scrim(look, self)
        self.rail.setParent(self)
        sidebar.setParent(self)
        self._grip = _Grip(self)
        self._move = QVariantAnimation(self)
        self._move.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._move.valueChanged.connect(self._on_moved)
        self._move.finished.connect(self._place)
        self._scrim.pressed.connect(self.close_drawer)

    @property
    def narrow(self) -> bool:
        """Whether the sidebar is a drawer now."""
        return self.width() < NARROW

    @property
    def panel_open(self) -> bool:
        """Whether the panel at the end side is seen."""
        return self._panel_open

    def set_panel(self, panel: QWidget) -> None:
        """What stands there when it is opened."""
        self._panel = panel
        panel.setParent(self)
        panel.hide()

    def open_panel(self, opened: bool) -> None:
        """Open the panel, or close it."""
        self._panel_open = opened and self._panel is not None
        self._place()

    @property
    def sidebar_open(self) -> bool:
        """Whether the sidebar stands open in a window that is wide enough."""
        return self._open

    @property
    def sidebar_width(self) -> int:
        """The width the person gave it."""
        return self._width

    def restore(self, is_open: bool, width: int) -> None:
        """Take what was kept from the last time."""
        self._open = is_open
        self._width = min(max(width, WIDTH_RANGE[0]), WIDTH_RANGE[1])
        self._share = 1.0 if is_open else 0.0
        self._place()

    @Slot()
    def toggle(self) -> None:
        """Open the sidebar, or close it."""
        if self.narrow:
            self._drawer_open = not self._drawer_open
            self._slide(self._drawer_open)
        else:
            self._open = not self._open
            self._slide(self._open)

    def show_sidebar(self) -> None:
        """Open the sidebar if it is not."""
        if not (self._drawer_open if self.narrow else self._open):
            self.toggle()

    @Slot()
    def close_drawer(self) -> None:
        """Close the drawer of a narrow window."""
        if self.narrow and self._drawer_open:
            self.toggle()

    def drag_to(self, x: int) -> None:
        """The person drags the sidebar's edge."""
        width = x if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else self.width() - x
        self._width = min(max(width, WIDTH_RANGE[0]), WIDTH_RANGE[1])
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        was_narrow = 0 < event.oldSize().width() < NARROW
        if self.narrow != was_narrow or event.oldSize().width() <= 0:
            self._move.stop()
            self._drawer_open = False
            self._share = 0.0 if self.narrow else float(self._open)
            self.narrowed.emit(self.narrow)
        self._place()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.narrow and self._drawer_open:
            self.close_drawer()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._look.colour("window"))
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._place()

    def _slide(self, opened: bool) -> None:
        target = 1.0 if opened else 0.0
        if not self.isVisible():
            self._share = target
            self._place()
            return
        self._move.stop()
        self._move.setDuration(self._look.motion(MOVE_MS))
        self._move.setStartValue(self._share)
        self._move.setEndValue(target)
        self._move.start()

    @Slot(object)
    def _on_moved(self, share: float) -> None:
        self._share = float(share)
        self._place()

    @Slot()
    def _place(self) -> None:
        whole = self.rect()
        direction = self.layoutDirection()
        shown = round(self._width * self._share)
        side = QRect(shown - self._width, 0, self._width, self.height())
        start = 0 if self.narrow else shown
        end = self._place_end(whole)
        self._sidebar.setVisible(shown > 0)
        self._sidebar.setGeometry(mirrored(side, whole, direction))
        self._chat.setGeometry(mirrored(whole.adjusted(start, 0, -end, 0), whole, direction))
        self._grip.setVisible(not self.narrow and shown == self._width)
        self._grip.setGeometry(mirrored(QRect(shown - 2, 0, GRIP, self.height()), whole, direction))
        self._grip.raise_()
        self._scrim.setVisible(self.narrow and shown > 0)
        self._scrim.setGeometry(whole)

    def _place_end(self, whole: QRect) -> int:
        """Rail and panel; returns what they take of the chat. In a window below 900 the panel covers the chat."""
        direction = self.layoutDirection()
        rail = 0 if self.narrow else RAIL
        self.rail.setVisible(bool(rail))
        self.rail.setGeometry(mirrored(whole.adjusted(whole.width() - rail, 0, 0, 0), whole, direction))
        if self._panel is None:
            return rail
        wide = min(PANEL, whole.width() - rail)
        left = whole.width() - rail - wide
        self._panel.setVisible(self._panel_open)
        self._panel.setGeometry(mirrored(QRect(left, 0, wide, whole.height()), whole, direction))
        if not self._panel_open:
            return rail
        self._panel.raise_()
        return rail + wide if whole.width() >= COVERED else rail


class _Grip(QWidget):
    """The sidebar's edge, to drag."""

    def __init__(self, panes: Panes) -> None:
        super().__init__(panes)
        self._panes = panes
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._panes.drag_to(self.mapToParent(event.position().toPoint()).x())


class _Scrim(QWidget):
    """Dims the chat behind the drawer; a press on it closes the drawer."""

    pressed = Signal()

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._look.colour("scrim"))
