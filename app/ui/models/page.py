"""The *Models* page: a head with its parts, over the whole window until it is left."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.ui.controls import IconButton, PaintedButton, Words
from app.ui.look import Look
from app.ui.painting import box

NARROW = 760


class ModelsPage(QWidget):
    """Accessible as *Models*. Lies over its window; `left` comes when the person goes back."""

    left = Signal()

    def __init__(self, look: Look, window: QWidget) -> None:
        super().__init__(window)
        self._look = look
        self._tabs = QButtonGroup(self)
        self._pages = QStackedWidget()
        self._pages.setAutoFillBackground(False)
        self.setAccessibleName("Models")
        self.back = IconButton(look, "chevron-left", "Back to the chat", "Esc")
        self._row = QHBoxLayout()
        self._row.setContentsMargins(10, 8, 16, 8)
        self._row.setSpacing(4)
        self._row.addWidget(self.back)
        self._row.addWidget(Words(look, "Models", 14, 600))
        self._row.addSpacing(24)
        self._row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 1)
        column.setSpacing(0)
        column.addLayout(self._row)
        column.addSpacing(1)
        column.addWidget(self._pages, 1)
        self.back.clicked.connect(self.left)
        self._tabs.idClicked.connect(self._pages.setCurrentIndex)
        look.changed.connect(self.update)
        window.installEventFilter(self)
        self.setGeometry(window.rect())

    def add(self, name: str, page: QWidget, short: str = "") -> None:
        """Another part; `short` is what its tab says in a narrow window."""
        tab = _Tab(self._look, name, short or name)
        self._tabs.addButton(tab, self._pages.count())
        self._row.insertWidget(self._row.count() - 1, tab)
        self._pages.addWidget(page)

    def show_part(self, number: int) -> None:
        """Show this part, from 0."""
        self._tabs.button(number).setChecked(True)
        self._pages.setCurrentIndex(number)
        self._tabs.button(number).setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        for tab in self._tabs.buttons():
            assert isinstance(tab, _Tab)
            tab.set_short(short=self.width() < self._look.px(NARROW))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.fillRect(self.rect(), look.colour("window"))
        painter.fillRect(0, self._pages.y() - 1, self.width(), 1, look.colour("border"))


class _Tab(PaintedButton):
    def __init__(self, look: Look, text: str, short: str) -> None:
        super().__init__()
        self._look = look
        self._said = (text, short)
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        look.changed.connect(self._on_look_changed)

    def set_short(self, *, short: bool) -> None:
        """Say it in fewer letters."""
        self.setText(self._said[1] if short else self._said[0])
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        width = QFontMetricsF(self._look.font(13, 500)).horizontalAdvance(self.text())
        return QSize(round(width) + 24, self._look.px(32))

    def paintEvent(self, event: QPaintEvent) -> None:
        look, on = self._look, self.isChecked()
        painter = QPainter(self)
        fill = "tint" if on else "hover" if self.underMouse() else ""
        framed = self.ring or (on and look.theme.contrast)
        if fill or framed:
            edge = look.colour("accent") if framed else None
            box(painter, self.rect(), 6, look.colour(fill) if fill else None, edge, 2)
        painter.setFont(look.font(13, 500))
        painter.setPen(look.colour("accent" if on else "text2"))
        painter.drawText(QRectF(self.rect()), int(Qt.AlignmentFlag.AlignCenter), self.text())

    @Slot()
    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()
