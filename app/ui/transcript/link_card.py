"""Before a link is opened: where it really leads, with Open and Copy."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from app.ui.painting import box, mirrored, words
from app.ui.transcript.buttons import RowButton
from app.ui.transcript.links import host_of, looks_alike, true_target
from app.ui.transcript.style import Style

WIDE = 380
SIDE = 14
HEAD = 38
FOOT = 46
WARNING = "This name has letters that can look like others. Open it only if you know it."


class LinkCard(QFrame):
    """A popover; it closes when the pointer presses elsewhere, and with Esc."""

    opened = Signal(QUrl)

    def __init__(self, parent: QWidget, style: Style, target: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.NoDropShadowWindowHint)
        self._style = style
        self._target = target
        self._true = true_target(target)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(f"Open this link? {self._true}")
        px = style.px
        wide = px(WIDE)
        inner = wide - 2 * SIDE
        address = QFontMetrics(style.ui(12)).boundingRect(QRect(0, 0, inner, 10_000), self._flags(), self._true)
        high = min(address.height(), px(160))
        self._host_area = QRect(SIDE, px(HEAD), inner, px(20))
        self._address_area = QRect(SIDE, self._host_area.bottom() + px(4), inner, high)
        self._warning_area = QRect()
        bottom = self._address_area.bottom()
        if looks_alike(target):
            self._warning_area = QRect(SIDE, bottom + px(8), inner, px(34))
            bottom = self._warning_area.bottom()
        self.setFixedSize(wide, bottom + px(10) + px(FOOT))
        self._open = RowButton(self, style, "external", "Open link", "Open", kind="primary", size=30, inset=12)
        self._copy = RowButton(self, style, "copy", "Copy link", "Copy", kind="plain", size=30, inset=12)
        self._open.clicked.connect(self._on_open_clicked)
        self._copy.clicked.connect(self._on_copy_clicked)
        end = wide - SIDE
        for button in (self._open, self._copy):
            size = button.sizeHint()
            end -= size.width()
            spot = QRect(end, self.height() - px(FOOT) + px(8), size.width(), size.height())
            button.setGeometry(mirrored(spot, self.rect(), self.layoutDirection()))
            end -= px(8)
        self.setTabOrder(self._copy, self._open)

    def show_at(self, spot: QPoint) -> None:
        """Open beside this spot of the screen."""
        screen = QGuiApplication.screenAt(spot) or self.screen()
        room = screen.availableGeometry().adjusted(8, 8, -8, -8)
        x = min(max(room.left(), spot.x() - 24), room.right() - self.width())
        y = spot.y() + 14
        if y + self.height() > room.bottom():
            y = spot.y() - 14 - self.height()
        self.move(x, max(room.top(), y))
        self.show()
        self._copy.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        style = self._style
        px = style.px
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        painter.fillRect(self.rect(), style.colour("raised"))
        box(painter, self.rect(), 0, style.colour("raised"), style.colour("border_strong"))
        foot = self.height() - px(FOOT)
        painter.fillRect(QRect(1, foot, self.width() - 2, 1), style.colour("border"))
        painter.setFont(style.ui(13, 600))
        head = QRectF(SIDE, 0, self.width() - 2 * SIDE, px(HEAD))
        words(painter, head, "Open this link?", style.colour("text"))
        painter.setFont(style.ui(13, 500))
        words(painter, self._host_area, host_of(self._target), style.colour("text"))
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        painter.setFont(style.ui(12))
        painter.setPen(style.colour("text2"))
        painter.drawText(self._address_area, self._flags(), self._true)
        if not self._warning_area.isNull():
            painter.setLayoutDirection(self.layoutDirection())
            painter.setPen(style.colour("warn"))
            painter.drawText(self._warning_area, int(Qt.TextFlag.TextWordWrap), WARNING)

    @staticmethod
    def _flags() -> int:
        return int(Qt.TextFlag.TextWrapAnywhere | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)

    @Slot()
    def _on_open_clicked(self) -> None:
        self.opened.emit(QUrl(self._target))
        self.close()

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._target)
        self.close()
