"""The rows of the sidebar: sections by day with the conversations below them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.ui import days

if TYPE_CHECKING:
    from app.chat.changes import ConversationRow

Index = QModelIndex | QPersistentModelIndex
ITEM_ROLE = int(Qt.ItemDataRole.UserRole)


class SectionItem(NamedTuple):
    """A heading."""

    text: str


class ChatItem(NamedTuple):
    """A conversation as it is drawn. `doing` stands in place of the preview while its answer is written or waits."""

    id: str
    title: str
    preview: str
    time: str
    doing: str = ""
    open: bool = False
    attached: str = ""  # image or document
    asks: bool = False  # what it does is to wait for the person


Item = SectionItem | ChatItem
_ATTACHED = {"image": "with pictures", "document": "with documents"}
CHAT_FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable


class SidebarModel(QAbstractListModel):
    """Keeps what the session listed, filtered by the words in the search field. GUI thread.

    A row is made for drawing when it is drawn: thousands of chats cost no more than those in view.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ConversationRow, ...] = ()
        self._shown: list[SectionItem | ConversationRow] = []
        self._places: dict[str, int] = {}
        self._filter = ""
        self._opened = ""
        self._doing: dict[str, str] = {}
        self._day = date.min

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        if role == ITEM_ROLE:
            return self._item(index.row())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            item = self._item(index.row())
            if isinstance(item, SectionItem):
                return item.text
            return ", ".join(part for part in self._said(item) if part)
        return None

    @staticmethod
    def _said(item: ChatItem) -> tuple[str, ...]:
        return item.title, item.doing or item.preview, _ATTACHED.get(item.attached, ""), item.time

    def flags(self, index: Index) -> Qt.ItemFlag:
        if index.isValid() and not isinstance(self._shown[index.row()], SectionItem):
            return CHAT_FLAGS
        return Qt.ItemFlag.NoItemFlags

    @property
    def filtered(self) -> bool:
        """Whether only titles with the words of the search field are listed."""
        return bool(self._filter)

    @property
    def empty(self) -> bool:
        """Whether there is no conversation to list."""
        return not self._shown

    def is_section(self, row: int) -> bool:
        """Whether a heading stands in this row."""
        return isinstance(self._shown[row], SectionItem)

    def show_rows(self, rows: Sequence[ConversationRow]) -> None:
        """List these conversations, newest first."""
        self._rows = tuple(rows)
        self._rebuild()

    def set_filter(self, words: str) -> None:
        """List only the conversations whose title contains these words, in any case."""
        words = " ".join(words.split()).casefold()
        if words != self._filter:
            self._filter = words
            self._rebuild()

    def set_open(self, conversation: str) -> None:
        """Mark the conversation that is in the transcript ("" for none)."""
        if conversation != self._opened:
            changed = (self._opened, conversation)
            self._opened = conversation
            self._redraw(changed)

    def set_doing(self, doing: dict[str, str]) -> None:
        """What stands in place of the previews: conversation -> "Writing…", "Waits for …"."""
        changed = [key for key in {*doing, *self._doing} if doing.get(key) != self._doing.get(key)]
        self._doing = dict(doing)
        self._redraw(changed)

    def day_passed(self) -> None:
        """Put the headings right when the day has changed since they were made."""
        if self._rows and self._day != date.today():
            self._rebuild()
            self._redraw(self._places)

    def item(self, index: Index) -> ChatItem | None:
        """The conversation at this index, None for a heading."""
        item = self._item(index.row()) if index.isValid() and index.row() < len(self._shown) else None
        return item if isinstance(item, ChatItem) else None

    def index_of(self, conversation: str) -> QModelIndex:
        """Where a conversation stands; invalid when it is not listed."""
        place = self._places.get(conversation)
        return QModelIndex() if place is None else self.index(place, 0)

    def ids(self) -> list[str]:
        """The conversations listed, from the top."""
        return list(self._places)

    def _item(self, row: int) -> Item:
        shown = self._shown[row]
        if isinstance(shown, SectionItem):
            return shown
        return ChatItem(
            shown.id,
            shown.title or "New chat",
            " ".join(shown.preview.split()),
            days.label(datetime.fromtimestamp(shown.changed_at), self._day),
            self._doing.get(shown.id, "Waits for your decision" if shown.asks else ""),
            shown.id == self._opened,
            "image" if shown.has_pictures else "document" if shown.has_documents else "",
            shown.asks and shown.id not in self._doing,
        )

    def _redraw(self, conversations: Iterable[str]) -> None:
        for conversation in conversations:
            place = self._places.get(conversation)
            if place is not None:
                self.dataChanged.emit(self.index(place, 0), self.index(place, 0))

    def _rebuild(self) -> None:
        shown = self._made_rows()
        before = self._shown
        pairs = list(zip(before, shown, strict=False))
        if len(shown) == len(before) and all(_same_place(old, new) for old, new in pairs):
            self._shown = shown
            self._redraw([new.id for old, new in pairs if old != new and not isinstance(new, SectionItem)])
            return
        self.beginResetModel()
        self._shown = shown
        self._places = {row.id: place for place, row in enumerate(shown) if not isinstance(row, SectionItem)}
        self.endResetModel()

    def _made_rows(self) -> list[SectionItem | ConversationRow]:
        self._day = date.today()
        shown: list[SectionItem | ConversationRow] = []
        heading = ""
        until = date.max  # the heading holds for days down to this one
        for row in self._rows:
            if self._filter and self._filter not in row.title.casefold():
                continue
            moment = datetime.fromtimestamp(row.changed_at)
            if not heading or moment.date() < until:
                here, until = days.section(moment, self._day), days.section_start(moment, self._day)
                if here != heading:
                    heading = here
                    shown.append(SectionItem(here))
            shown.append(row)
        return shown


def _same_place(old: SectionItem | ConversationRow, new: SectionItem | ConversationRow) -> bool:
    if isinstance(old, SectionItem) or isinstance(new, SectionItem):
        return old == new
    return old.id == new.id
