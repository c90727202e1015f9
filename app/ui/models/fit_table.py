"""The table of what fits: a row for each quantisation, a column for each context, a mark and GiB in each cell."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFontMetricsF, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app.models.memory import Plan
from app.models.table import SAID, Row, kind, share, size_name
from app.ui.look import Look
from app.ui.models.chip import TOKENS, mark
from app.ui.painting import box, mirrored, words

CELL, GAP, HEAD, NAMES = 38, 6, 26, 178
NARROW, NARROW_NAMES = 640, 78
ROOMY = 60  # of a cell
LEAST, FEWEST = 54, 6  # width of a column, and columns that stay in a narrow window
_Index = QModelIndex | QPersistentModelIndex


class FitModel(QAbstractTableModel):
    """The first row names the contexts, the first column the quantisations."""

    def __init__(self) -> None:
        super().__init__()
        self._contexts: tuple[int, ...] = ()
        self.rows: tuple[Row, ...] = ()

    def show_rows(self, contexts: tuple[int, ...], rows: tuple[Row, ...]) -> None:
        """Show these plans."""
        if (contexts, len(rows)) == (self._contexts, len(self.rows)):
            self.rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows), len(contexts)))
            return
        self.beginResetModel()
        self._contexts, self.rows = contexts, rows
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() or not self.rows else len(self.rows) + 1

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._contexts) + 1

    def plan_at(self, index: _Index) -> Plan | None:
        """The plan of a cell."""
        if index.row() < 1 or index.column() < 1:
            return None
        return self.rows[index.row() - 1].cells[index.column() - 1]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        row, column = index.row(), index.column()
        if row == 0:
            return size_name(self._contexts[column - 1]) if column else ""
        if column == 0:
            return self.rows[row - 1].name
        made = self.rows[row - 1].cells[column - 1]
        size = f"{made.total / (1 << 30):.1f}"
        if role == Qt.ItemDataRole.DisplayRole:
            return size
        return f"{self.rows[row - 1].name} at {size_name(made.context)}: {size} GiB, {SAID[kind(made)]}"

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if index.row() < 1 or index.column() < 1:
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class FitTable(QTableView):
    """Accessible as *What fits*; `chosen` tells the row and the column of a cell, both from 0."""

    chosen = Signal(int, int)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.fits = FitModel()
        self.setModel(self.fits)
        self.setItemDelegate(_Cells(look, self))
        self.setAccessibleName("What fits")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.horizontalHeader().hide()
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.fits.modelReset.connect(self._on_reset)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        look.changed.connect(self._on_reset)

    def show_rows(self, contexts: tuple[int, ...], rows: tuple[Row, ...]) -> None:
        """Show these plans; the current cell stays where it is."""
        self.fits.show_rows(contexts, rows)

    def choose(self, row: int, column: int) -> None:
        """Make this cell the current one."""
        self.setCurrentIndex(self.fits.index(row + 1, column + 1))
        self._share_width()

    def sizeHint(self) -> QSize:
        look, rows = self._look, self.fits.rowCount()
        return QSize(look.px(NAMES + FEWEST * 90), look.px(HEAD) + max(0, rows - 1) * look.px(CELL + GAP))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._look.px(NARROW_NAMES + FEWEST * LEAST), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """The columns share the width; in a narrow window the smallest contexts leave, they differ least."""
        columns = self.fits.columnCount() - 1
        if columns < 1:
            return
        width = self.viewport().width()
        names = self._look.px(NAMES if width >= self._look.px(NARROW) else NARROW_NAMES)
        self.setColumnWidth(0, names)
        shown = max(min(columns, FEWEST), min(columns, (width - names) // self._look.px(LEAST)))
        leave = [column for column in range(1, columns + 1) if column != self.currentIndex().column()]
        leave = leave[: columns - shown]
        each, rest = divmod(width - names, shown)
        for column in range(1, columns + 1):
            self.setColumnHidden(column, column in leave)
            if column not in leave:
                self.setColumnWidth(column, each + (1 if rest > 0 else 0))
                rest -= 1

    @Slot()
    def _on_reset(self) -> None:
        for row in range(self.fits.rowCount()):
            self.setRowHeight(row, self._look.px(CELL + GAP if row else HEAD))
        self._share_width()
        self.updateGeometry()
        self.viewport().update()

    @Slot(object, object)
    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        self.viewport().update()
        if self.fits.plan_at(current) is not None:
            self.chosen.emit(current.row() - 1, current.column() - 1)


class _Cells(QStyledItemDelegate):
    def __init__(self, look: Look, table: FitTable) -> None:
        super().__init__(table)
        self._look = look
        self._table = table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        rect: QRect = option.rect
        painter.save()
        painter.setLayoutDirection(self._table.layoutDirection())
        made = self._table.fits.plan_at(index)
        if made is not None:
            self._paint_cell(painter, rect, index, made)
        elif index.row() == 0:
            current = index.column() == self._table.currentIndex().column() and index.column() > 0
            painter.setFont(self._look.figures(12, 600 if current else 400))
            painter.setPen(self._look.colour("accent" if current else "text2"))
            area = QRectF(rect).adjusted(0, 0, -GAP, -4)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), str(index.data()))
        else:
            self._paint_name(painter, rect, index)
        painter.restore()

    def _paint_name(self, painter: QPainter, rect: QRect, index: _Index) -> None:
        look, row = self._look, self._table.fits.rows[index.row() - 1]
        area = QRectF(rect).adjusted(0, 0, -8, -GAP)
        recommended = row.note == "recommended"
        painter.setFont(look.font(13, 600 if recommended else 500))
        used = words(painter, area, row.name, look.colour("text"))
        painter.setFont(look.font(11))
        after = area.adjusted(used + 8, 0, 0, 0).toRect()
        rest = mirrored(after, area.toRect(), self._table.layoutDirection())
        if QFontMetricsF(painter.font()).horizontalAdvance(row.note) <= rest.width():
            words(painter, rest, row.note, look.colour("text2"))

    def _paint_cell(self, painter: QPainter, rect: QRect, index: _Index, made: Plan) -> None:
        look, what = self._look, kind(made)
        area = QRectF(rect).adjusted(0, 0, -GAP, -GAP)
        contrast = look.colour("border") if look.theme.contrast else None
        box(painter, area, 6, look.colour(f"{TOKENS[what]}_tint"), contrast)
        if index == self._table.currentIndex():
            box(painter, area.adjusted(-1, -1, 1, 1), 7, None, look.colour("window"), 3)
            box(
                painter,
                area.adjusted(-2, -2, 2, 2) if self._table.hasFocus() else area,
                7,
                None,
                look.colour("accent"),
                2,
            )
        painter.setFont(look.figures(13))
        text = str(index.data())
        width = QFontMetricsF(painter.font()).horizontalAdvance(text)
        gap = 18 if area.width() >= ROOMY else 14
        start = area.center().x() - (width + gap) / 2
        mark(painter, QRectF(start, area.center().y() - 5, 10, 10), look, what, share(made))
        painter.setPen(look.colour(TOKENS[what]))
        painter.drawText(
            QRectF(start + gap, area.top(), width + 4, area.height()), int(Qt.AlignmentFlag.AlignVCenter), text
        )
