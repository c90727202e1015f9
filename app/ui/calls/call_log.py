"""The log of calls in the panel: rows of 28 with time, mark, name, decision and duration; searched and exported."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.core.tools import LoggedCall
from app.core.visible import visible
from app.ui.calls.call_line import time_words
from app.ui.controls import IconButton, Words
from app.ui.days import clock_time
from app.ui.look import Look
from app.ui.painting import margins, mirrored, picture, words
from app.ui.tips import tip

ROW = 28
EVENTS = {
    "allowed": ("success", "ok", "allowed"),
    "approved": ("success", "ok", "approved"),
    "edited": ("edit", "accent", "edited, approved"),
    "denied": ("deny", "danger", "denied"),
    "refused": ("deny", "danger", "refused"),
    "asked": ("clock", "warn", "asked"),
    "done": ("check", "text3", "done"),
    "failed": ("warning", "warn", "failed"),
}
_ENTRY = Qt.ItemDataRole.UserRole + 1


class _Rows(QStyledItemDelegate):
    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, self._look.px(ROW))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        look, entry = self._look, index.data(_ENTRY)
        area: QRect = option.rect
        direction: Qt.LayoutDirection = option.direction
        px = look.px
        painter.save()
        painter.setLayoutDirection(direction)
        icon, token, said = EVENTS.get(entry.event, ("info", "text3", entry.event))
        painter.setFont(look.figures(12))
        spot = QRect(area.left() + px(16), area.top(), px(40), area.height())
        words(
            painter, mirrored(spot, area, direction), clock_time(datetime.fromtimestamp(entry.at)), look.colour("text3")
        )
        mark = mirrored(QRect(area.left() + px(58), area.top(), px(18), area.height()), area, direction)
        ratio = painter.device().devicePixelRatioF()
        picture(painter, QRectF(mark).center(), look.pixmap(icon, token, 14, ratio))
        end = area.right() - px(16)
        if entry.milliseconds:
            end -= self._at_end(painter, area, end, time_words(entry.milliseconds), direction) + px(8)
        painter.setFont(look.font(12))
        told = visible(entry.why) if entry.event == "refused" else said
        end -= self._at_end(painter, area, end, told, direction) + px(8)
        painter.setFont(look.font(12, 500))
        name = QRect(area.left() + px(82), area.top(), max(px(24), end - area.left() - px(82)), area.height())
        words(painter, mirrored(name, area, direction), visible(entry.tool), look.colour("text"))
        painter.restore()

    def _at_end(self, painter: QPainter, area: QRect, end: int, text: str, direction: Qt.LayoutDirection) -> int:
        wide = min(QFontMetrics(painter.font()).horizontalAdvance(text) + 2, area.width() // 2)
        spot = QRect(end - wide, area.top(), wide, area.height())
        words(painter, mirrored(spot, area, direction), text, self._look.colour("text2"), end=True)
        return wide


class CallLog(QWidget):
    """Accessible as *Decided calls*. `wanted` asks for the entries with these words."""

    wanted = Signal(str)
    failed = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._entries: tuple[LoggedCall, ...] = ()
        self._model = QStandardItemModel(self)
        self._list = QListView()
        self._list.setAccessibleName("Decided calls")
        self._list.setModel(self._model)
        self._list.setItemDelegate(_Rows(look, self))
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setUniformItemSizes(True)
        self._list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._list.viewport().setAutoFillBackground(False)
        self._search = QLineEdit()
        self._search.setAccessibleName("Search decided calls")
        self._search.setPlaceholderText("Search")
        self._search.hide()
        self._search.textChanged.connect(self.wanted)
        find = IconButton(look, "search", "Search decided calls", size=26, icon_size=16)
        find.setCheckable(True)
        find.toggled.connect(self._on_find_toggled)
        export = IconButton(look, "export", "Export decided calls", size=26, icon_size=16)
        export.clicked.connect(self._on_export)
        head = QHBoxLayout()
        head.setContentsMargins(margins(16, 8, 10, 4))
        head.setSpacing(2)
        head.addWidget(Words(look, "Decided calls", 11, 600, "text3"), 1)
        head.addWidget(find)
        head.addWidget(export)
        field = QHBoxLayout()
        field.setContentsMargins(margins(16, 0, 16, 0))
        field.addWidget(self._search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 6)
        column.setSpacing(2)
        column.addLayout(head)
        column.addLayout(field)
        column.addWidget(self._list, 1)
        look.changed.connect(self.update)

    @property
    def searched(self) -> str:
        """The words that are searched for, "" for none."""
        return self._search.text() if not self._search.isHidden() else ""

    def show_entries(self, entries: tuple[LoggedCall, ...]) -> None:
        """Show these, the latest first."""
        self._entries = entries
        self._model.clear()
        for entry in entries:
            said = EVENTS.get(entry.event, ("", "", entry.event))[2]
            moment = clock_time(datetime.fromtimestamp(entry.at))
            item = QStandardItem(f"{moment}, {visible(entry.tool)}, {said}")
            item.setData(entry, _ENTRY)
            item.setToolTip(tip(f"{visible(entry.arguments)[:600]}\n{visible(entry.why)}".strip()))
            self._model.appendRow(item)

    def paintEvent(self, event: object) -> None:
        QPainter(self).fillRect(0, 0, self.width(), 1, self._look.colour("border"))

    @Slot(bool)
    def _on_find_toggled(self, on: bool) -> None:
        self._search.setVisible(on)
        if on:
            self._search.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._search.clear()

    @Slot()
    def _on_export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self.window(), "Export decided calls", "calls.jsonl", "JSON lines (*.jsonl)"
        )
        if not path:
            return
        try:
            export_entries(self._entries, Path(path))
        except OSError as error:
            self.failed.emit(f"The log was not written: {error.strerror}.")


def export_entries(entries: tuple[LoggedCall, ...], path: Path) -> None:
    """One JSON object for each entry, the oldest first."""
    lines = [json.dumps({name: getattr(one, name) for name in one.__struct_fields__}) for one in reversed(entries)]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
