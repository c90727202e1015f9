"""The bar above the transcript: sidebar button, title, model, context used, more."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QStackedWidget

from app.ui.context_meter import ContextMeter
from app.ui.controls import ElidedWords, IconButton
from app.ui.look import Look
from app.ui.model_pill import ModelPill
from app.ui.rail import BadgeButton

HEIGHT = 48


class _TitleEdit(QLineEdit):
    """The title while it is renamed: Enter takes it, Esc leaves it as it was."""

    taken = Signal(str)
    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.taken.emit(self.text().strip())
        else:
            super().keyPressEvent(event)


class _Title(ElidedWords):
    """The title at rest; a double click renames."""

    rename_asked = Signal()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.rename_asked.emit()


class TopBar(QFrame):
    """Tells what the person asked for; the main window knows the conversation it is about."""

    sidebar_asked = Signal()
    renamed = Signal(str)
    more_asked = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._can_rename = False
        self.sidebar_button = IconButton(look, "sidebar", "Show or hide conversations", "Ctrl+B")
        self.title = _Title(look, 14, 600)
        self.pill = ModelPill(look)
        self.meter = ContextMeter(look)
        self.tools = BadgeButton(look, "tools", "Tools", "Ctrl+T")
        self.tools.hide()
        self.more = IconButton(look, "more", "More")
        self._edit = _TitleEdit()
        self._edit.setAccessibleName("Title")
        self._titles = QStackedWidget()
        self._titles.addWidget(self.title)
        self._titles.addWidget(self._edit)
        self._row = QHBoxLayout(self)
        self._row.setSpacing(8)
        self._row.addWidget(self.sidebar_button)
        self._row.addWidget(self._titles, 1)
        self._row.addWidget(self.pill)
        self._row.addWidget(self.meter)
        self._row.addWidget(self.tools)
        self._row.addWidget(self.more)
        self.sidebar_button.clicked.connect(self.sidebar_asked)
        self.more.clicked.connect(self.more_asked)
        self.title.rename_asked.connect(self.rename)
        self._edit.taken.connect(self._on_title_taken)
        self._edit.left.connect(self._on_title_left)
        self._edit.editingFinished.connect(self._on_title_left)
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    def show_title(self, title: str, *, can_rename: bool) -> None:
        """Show the conversation's title; a new chat cannot be renamed before it is stored."""
        self.title.set_text(title)
        self._can_rename = can_rename

    def set_compact(self, compact: bool) -> None:
        """Take the form for windows narrower than 720."""
        self.pill.set_compact(compact)
        self.meter.set_compact(compact)
        self.tools.setVisible(compact)  # elsewhere it stands on the rail

    @Slot()
    def rename(self) -> None:
        """Edit the title in place."""
        if self._can_rename:
            self._edit.setText(self.title.text)
            self._edit.selectAll()
            self._titles.setCurrentWidget(self._edit)
            self._edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("window"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._look.colour("border"))

    @Slot(str)
    def _on_title_taken(self, title: str) -> None:
        self._titles.setCurrentWidget(self.title)
        if title and title != self.title.text:
            self.renamed.emit(title)

    @Slot()
    def _on_title_left(self) -> None:
        self._titles.setCurrentWidget(self.title)

    @Slot()
    def _on_look_changed(self) -> None:
        self.setFixedHeight(self._look.px(HEIGHT))
        self._titles.setFixedHeight(self._look.px(32))
        self._edit.setFont(self._look.font(14, 600))
        self._row.setContentsMargins(10, 0, 10, 0)
        self.update()
