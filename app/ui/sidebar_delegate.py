"""How a row of the sidebar is painted and renamed in place."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QObject, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.ui.look import Look
from app.ui.painting import box, mirrored, picture, words
from app.ui.sidebar_model import ITEM_ROLE, ChatItem, Index, SectionItem, SidebarModel

ROW = 52
SECTION = 28


class SidebarDelegate(QStyledItemDelegate):
    """Paints sections and rows after the anatomy: inset 8 and 1, title and time on one baseline, preview below."""

    renamed = Signal(str, str)

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.keyboard = False  # whether the view got its focus by the keyboard: only then a row shows the ring

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        model = index.model()
        section = isinstance(model, SidebarModel) and model.is_section(index.row())
        return QSize(120, self._look.px(SECTION if section else ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item = index.data(ITEM_ROLE)
        painter.save()
        direction: Qt.LayoutDirection = option.direction
        painter.setLayoutDirection(direction)
        rect: QRect = option.rect
        painter.setClipRect(rect)
        if isinstance(item, SectionItem):
            self._paint_section(painter, rect, item, direction)
        elif isinstance(item, ChatItem):
            state: QStyle.StateFlag = option.state
            over = bool(state & QStyle.StateFlag.State_MouseOver)
            focus = self.keyboard and bool(state & QStyle.StateFlag.State_HasFocus)
            self._paint_chat(painter, rect, item, direction, over, focus)
        painter.restore()

    def _paint_section(self, painter: QPainter, rect: QRect, item: SectionItem, direction: Qt.LayoutDirection) -> None:
        look = self._look
        painter.setFont(look.font(11, 600))
        line = QRect(rect.left() + 20, rect.top() + look.px(10), rect.width() - 32, look.px(14))
        words(painter, mirrored(line, rect, direction), item.text, look.colour("text3"))

    def _paint_chat(
        self, painter: QPainter, rect: QRect, item: ChatItem, direction: Qt.LayoutDirection, over: bool, focus: bool
    ) -> None:
        look = self._look
        body = rect.adjusted(8, 1, -8, -1)
        fill = "selected" if item.open else "hover" if over else ""
        accent = focus or (item.open and look.theme.contrast)
        edge = "accent" if accent else "border" if over and look.theme.contrast else ""
        if fill or edge:
            colour = look.colour(fill) if fill else None
            box(painter, body, 8, colour, look.colour(edge) if edge else None, 2 if accent else 1)
        painter.setFont(look.figures(11))
        time_width = painter.fontMetrics().horizontalAdvance(item.time)
        inner = body.adjusted(12, 0, -12, 0)
        top = body.top() + look.px(7)
        time = QRect(inner.right() - time_width, top + 1, time_width + 1, look.px(18))
        faint = look.colour("text2" if item.open else "text3")
        words(painter, mirrored(time, rect, direction), item.time, faint, end=True)
        painter.setFont(look.font(13, 500))
        title = QRect(inner.left(), top, inner.width() - time_width - 8, look.px(18))
        words(painter, mirrored(title, rect, direction), item.title, look.colour("text"))
        painter.setFont(look.font(12))
        below = QRect(inner.left(), body.top() + look.px(27), inner.width(), look.px(16))
        if item.attached:
            spot = QRect(below.right() - look.px(14), below.top(), look.px(14), below.height())
            drawn = look.pixmap(
                item.attached, "text2" if item.open else "text3", 14, painter.device().devicePixelRatioF()
            )
            picture(painter, QRectF(mirrored(spot, rect, direction)).center(), drawn)
            below.setRight(spot.left() - 6)
        shade = look.colour("accent" if item.doing.startswith("Writing") else "warn" if item.asks else "text2")
        words(painter, mirrored(below, rect, direction), item.doing or item.preview, shade)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName("Title")
        editor.setFont(self._look.font(13, 500))
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        item = index.data(ITEM_ROLE)
        if isinstance(editor, QLineEdit) and isinstance(item, ChatItem):
            editor.setText(item.title)
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        item = index.data(ITEM_ROLE)
        if isinstance(editor, QLineEdit) and isinstance(item, ChatItem):
            title = editor.text().strip()
            if title and title != item.title:
                self.renamed.emit(item.id, title)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        height = self._look.px(30)
        editor.setGeometry(rect.left() + 11, rect.center().y() - height // 2, rect.width() - 22, height)
