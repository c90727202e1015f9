"""The left pane: search, New chat, the conversations by day, settings at the foot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from app.ui.controls import IconButton, Words
from app.ui.look import Look
from app.ui.overlay_scroll_bar import OverlayScrollBar
from app.ui.painting import KEYBOARD, margins, mirrored, picture
from app.ui.sidebar_delegate import SidebarDelegate
from app.ui.sidebar_model import SidebarModel

if TYPE_CHECKING:
    from app.chat.changes import ConversationRow

WIDTH = 272
WIDTH_RANGE = (220, 360)


class SearchField(QLineEdit):
    """A field with a magnifying glass at its start; Esc empties it."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setAccessibleName("Search conversations")
        self.setToolTip("Search conversations   Ctrl+F")
        self.setPlaceholderText("Search")
        self.setObjectName("search")
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        spot = mirrored(QRect(10, 1, self._look.px(16), self.height()), self.rect(), self.layoutDirection())
        drawn = self._look.pixmap("search", "text2", 16, self.devicePixelRatioF())
        picture(painter, spot.center().toPointF(), drawn)

    def _on_look_changed(self) -> None:
        self.setFont(self._look.font(13))
        self.setFixedHeight(self._look.px(30))
        indent = self._look.px(22)
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        self.setTextMargins(indent if rightwards else 0, 0, 0 if rightwards else indent, 0)


class ChatList(QListView):
    """The conversations. Arrow keys move the ring, Enter opens, F2 renames, Del deletes."""

    opened = Signal(str)
    delete_asked = Signal(str)

    def __init__(self, look: Look, model: SidebarModel, delegate: SidebarDelegate) -> None:
        super().__init__()
        self._items = model
        self._delegate = delegate
        self._look = look
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setAccessibleName("Conversations")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setTabKeyNavigation(False)
        self.viewport().setAutoFillBackground(False)
        self.setMouseTracking(True)
        self._scroll_bar = OverlayScrollBar(self)
        self.clicked.connect(self._on_clicked)
        self.customContextMenuRequested.connect(self._on_menu_asked)

    def rename_current(self) -> None:
        """Edit the title of the row that the ring is on."""
        if self._items.item(self.currentIndex()) is not None:
            self.edit(self.currentIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.state() == QAbstractItemView.State.EditingState:
            return  # the editor's own Enter comes by here
        item = self._items.item(self.currentIndex())
        if item is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit(item.id)
        elif item is not None and event.key() == Qt.Key.Key_Delete:
            self.delete_asked.emit(item.id)
        elif event.key() == Qt.Key.Key_F2:
            self.rename_current()
        else:
            self._delegate.keyboard = True
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._delegate.keyboard = event.reason() in KEYBOARD
        if not self.currentIndex().isValid():
            first = next(iter(self._items.ids()), "")
            self.setCurrentIndex(self._items.index_of(first))
        super().focusInEvent(event)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        item = self._items.item(index)
        if item is not None:
            self.opened.emit(item.id)

    @Slot(QPoint)
    def _on_menu_asked(self, where: QPoint) -> None:
        index = self.indexAt(where)
        item = self._items.item(index)
        if item is None:
            return
        from app.ui.menus import Menu

        self.setCurrentIndex(index)
        menu = Menu(self._look, self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.add("Rename", self.rename_current, icon="edit", key="F2")
        menu.addSeparator()
        chat = item.id
        menu.add("Delete", lambda: self.delete_asked.emit(chat), icon="trash", key="Del", danger=True)
        menu.popup(self.viewport().mapToGlobal(where))


class Sidebar(QWidget):
    """Tells what the person asked for; knows nothing of the session."""

    chat_chosen = Signal(str)
    new_asked = Signal()
    renamed = Signal(str, str)
    delete_asked = Signal(str)
    settings_asked = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._model = SidebarModel(self)
        self._delegate = SidebarDelegate(look, self)
        self.search = SearchField(look)
        self.list = ChatList(look, self._model, self._delegate)
        self.new_chat = IconButton(look, "new-chat", "New chat", "Ctrl+N")
        self.settings = IconButton(look, "settings", "Settings", "Ctrl+,")
        self._nothing = Words(look, "No title matches", 12, token="text2")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._nothing.hide()
        self._lay_out()
        self._connect()
        self._on_look_changed()

    def show_rows(self, rows: Sequence[ConversationRow]) -> None:
        """List these conversations, newest first."""
        current = self._model.item(self.list.currentIndex())
        self._model.show_rows(rows)
        if current is not None:
            self.list.setCurrentIndex(self._model.index_of(current.id))
        self._tell_nothing()

    def show_open(self, conversation: str) -> None:
        """Mark the conversation that is in the transcript and bring it into view."""
        self._model.set_open(conversation)
        index = self._model.index_of(conversation)
        if index.isValid():
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)

    def show_doing(self, doing: dict[str, str]) -> None:
        """What stands in place of the previews: conversation -> words."""
        self._model.set_doing(doing)

    def day_passed(self) -> None:
        """Put the day headings right."""
        self._model.day_passed()

    def neighbour(self, conversation: str, step: int) -> str:
        """The conversation `step` rows below (above when negative); "" beyond the ends."""
        ids = self._model.ids()
        if not ids:
            return ""
        if conversation not in ids:
            return ids[0]
        place = ids.index(conversation) + step
        return ids[place] if 0 <= place < len(ids) else ""

    def focus_search(self) -> None:
        """Give the search field the keyboard."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("sidebar"))
        edge = mirrored(QRect(self.width() - 1, 0, 1, self.height()), self.rect(), self.layoutDirection())
        painter.fillRect(edge, self._look.colour("border"))
        foot = self.height() - self._look.px(44)
        painter.fillRect(0, foot, self.width(), 1, self._look.colour("border"))

    def _lay_out(self) -> None:
        self._head = QHBoxLayout()
        self._head.setSpacing(8)
        self._head.addWidget(self.search, 1)
        self._head.addWidget(self.new_chat)
        self._foot = QHBoxLayout()
        self._foot.addStretch(1)
        self._foot.addWidget(self.settings)
        column = QVBoxLayout(self)
        column.setContentsMargins(margins(0, 0, 1, 0))
        column.setSpacing(0)
        column.addLayout(self._head)
        column.addWidget(self._nothing)
        column.addWidget(self.list, 1)
        column.addLayout(self._foot)

    def _connect(self) -> None:
        self.new_chat.clicked.connect(self.new_asked)
        self.settings.clicked.connect(self.settings_asked)
        self.search.textChanged.connect(self._on_search_changed)
        self.search.returnPressed.connect(self._on_search_entered)
        self.list.opened.connect(self.chat_chosen)
        self.list.delete_asked.connect(self.delete_asked)
        self._delegate.renamed.connect(self.renamed)
        self._look.changed.connect(self._on_look_changed)

    def _tell_nothing(self) -> None:
        self._nothing.setVisible(self._model.empty and self._model.filtered)

    @Slot(str)
    def _on_search_changed(self, words: str) -> None:
        self._model.set_filter(words)
        self._tell_nothing()

    @Slot()
    def _on_search_entered(self) -> None:
        first = next(iter(self._model.ids()), "")
        if first:
            self.chat_chosen.emit(first)

    @Slot()
    def _on_look_changed(self) -> None:
        px = self._look.px
        self._head.setContentsMargins(12, px(9), 12, px(9))
        self._foot.setContentsMargins(margins(12, px(8), 8, px(6)))
        self._nothing.setContentsMargins(12, px(16), 12, 0)
        self.list.doItemsLayout()
        self.update()
