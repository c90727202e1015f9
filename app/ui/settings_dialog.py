"""The settings: a list of pages, cards of rows, changes that apply at once."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.chat.changes import ModelChanged
from app.core.settings import Settings
from app.ui.about_page import AboutPage
from app.ui.controls import Button, IconButton, PaintedButton, Words
from app.ui.layers import Dialog
from app.ui.look import Look
from app.ui.painting import box, margins, mirrored, picture, words
from app.ui.settings_pages import AppearancePage, ChatPage, ModelPage, Page, SamplingPage

SIZE = (880, 656)
LIST = 208
NARROW_LIST = 57  # icons alone
NARROW = 600


class _PageButton(PaintedButton):
    """A row of the list, 34 high."""

    def __init__(self, look: Look, icon: str, name: str) -> None:
        super().__init__()
        self._look = look
        self._icon_name = icon
        self.setText(name)
        self.setAccessibleName(name)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        look.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(120), self._look.px(34))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        on = self.isChecked()
        fill = "selected" if on else "hover" if self.underMouse() else ""
        framed = self.ring or (on and look.theme.contrast)
        if fill or framed:
            colour = look.colour(fill) if fill else None
            box(painter, self.rect(), 6, colour, look.colour("accent") if framed else None, 2)
        spot = mirrored(QRect(10, 0, look.px(16), self.height()), self.rect(), self.layoutDirection())
        drawn = look.pixmap(self._icon_name, "text" if on else "text2", 16, self.devicePixelRatioF())
        picture(painter, spot.center().toPointF(), drawn)
        painter.setFont(look.font(13))
        inner = self.rect().adjusted(look.px(36), 0, -8, 0)
        if inner.width() < look.px(36):
            return
        words(painter, mirrored(inner, self.rect(), self.layoutDirection()), self.text(), look.colour("text"))


class SettingsDialog(Dialog):
    """Accessible as *Settings*. `changed` carries the whole settings after each change."""

    changed = Signal(object)

    def __init__(self, look: Look, window: QWidget, settings: Settings, model: ModelChanged) -> None:
        super().__init__(look, window, *SIZE)
        self.setAccessibleName("Settings")
        self._pages: dict[str, Page] = {
            "Model": ModelPage(look, model),
            "Sampling": SamplingPage(look, model),
            "Chat": ChatPage(look),
            "Appearance": AppearancePage(look),
            "About": AboutPage(look),
        }
        icons = {"Model": "cpu", "Sampling": "sampling", "Chat": "edit", "Appearance": "contrast", "About": "info"}
        self._buttons = QButtonGroup(self)
        self._stack = QStackedWidget()
        self._title = Words(look, "", 14, 600)
        self._list = QWidget()
        rows = QVBoxLayout(self._list)
        rows.setContentsMargins(10, 14, 10, 10)
        rows.setSpacing(2)
        self._heading = Words(look, "Settings", 14, 600)
        self._heading.setContentsMargins(margins(10, 2, 0, 12))
        rows.addWidget(self._heading)
        for number, (name, page) in enumerate(self._pages.items()):
            button = _PageButton(look, icons[name], name)
            self._buttons.addButton(button, number)
            rows.addWidget(button)
            self._stack.addWidget(_scrolled(page))
            page.changed.connect(self._on_page_changed)
        rows.addStretch(1)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._list)
        outer.addLayout(self._right(look), 1)
        self._buttons.idClicked.connect(self._on_page_chosen)
        self.show_settings(settings)
        self.show_page("Model")

    @Slot(object)
    def show_settings(self, settings: Settings) -> None:
        """Show these settings on every page."""
        for page in self._pages.values():
            page.show_settings(settings)

    def show_page(self, name: str) -> None:
        """Turn to this page."""
        number = list(self._pages).index(name)
        self._buttons.button(number).setChecked(True)
        self._stack.setCurrentIndex(number)
        self._title.setText(name)

    def done(self, result: int) -> None:
        for page in self._pages.values():
            page.finish()
        super().done(result)

    def wanted(self, room: QRect) -> QRect:
        place = super().wanted(room)
        narrow = place.width() < NARROW
        self._list.setFixedWidth(NARROW_LIST if narrow else LIST)
        self._heading.setVisible(not narrow)
        for button in self._buttons.buttons():
            button.setToolTip(button.text() if narrow else "")
        return place

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        look = self._look
        painter = QPainter(self)
        inside = QPainterPath()
        inside.addRoundedRect(self.rect().adjusted(1, 1, -1, -1).toRectF(), 11, 11)
        painter.setClipPath(inside)
        listed = mirrored(QRect(0, 0, self._list.width(), self.height()), self.rect(), self.layoutDirection())
        painter.fillRect(listed, look.colour("sidebar"))
        edge = mirrored(QRect(self._list.width(), 0, 1, self.height()), self.rect(), self.layoutDirection())
        painter.fillRect(edge, look.colour("border"))
        foot = QRect(self._list.width(), self.height() - look.px(52), self.width() - self._list.width(), 1)
        painter.fillRect(mirrored(foot, self.rect(), self.layoutDirection()), look.colour("border"))

    def _right(self, look: Look) -> QVBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(margins(25, 11, 13, 0))
        head.addWidget(self._title, 1)
        close = IconButton(look, "close", "Close", "Esc")
        close.clicked.connect(self.reject)
        head.addWidget(close)
        foot = QHBoxLayout()
        foot.setContentsMargins(margins(25, look.px(11), 24, look.px(11)))
        foot.addWidget(Words(look, "Changes apply at once", 12, token="text3"), 1)
        shut = Button(look, "Close")
        shut.clicked.connect(self.accept)
        foot.addWidget(shut)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addLayout(head)
        column.addSpacing(12)
        column.addWidget(self._stack, 1)
        column.addLayout(foot)
        return column

    @Slot(int)
    def _on_page_chosen(self, number: int) -> None:
        self.show_page(list(self._pages)[number])

    @Slot(object)
    def _on_page_changed(self, settings: Settings) -> None:
        for page in self._pages.values():
            if page is not self.sender():
                page.show_settings(settings)
        self.changed.emit(settings)


def _scrolled(page: Page) -> QScrollArea:
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    page.setContentsMargins(margins(25, 2, 24, 16))
    area.setWidget(page)
    area.viewport().setAutoFillBackground(False)
    page.setAutoFillBackground(False)
    return area
