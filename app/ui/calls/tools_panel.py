"""The panel at the end side: tools of this chat, what waits, folders, servers, and the log of what was decided."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.chat.changes import CallsLogged, ToolRow, ToolsListed
from app.ui.calls.call_log import CallLog
from app.ui.calls.tool_rows import FolderRowView, ServerRowView, ToolRowView, WaitingRow
from app.ui.controls import Button, IconButton, Line, Switch, Words
from app.ui.figures import context_short, count
from app.ui.look import Look
from app.ui.painting import margins
from app.ui.scrolling import scrolling
from app.ui.sentence import Sentence

LOG_HIGH = 216


class ToolsPanel(QWidget):
    """Accessible as *Tools panel*. GUI thread; shows what it is told and asks by its signals."""

    closed = Signal()
    all_switched = Signal(bool)
    switched = Signal(str, bool)
    verdict_chosen = Signal(str, object)
    folder_asked = Signal()
    taken_back = Signal(str)
    writing_asked = Signal(str)
    server_added = Signal()
    server_asked = Signal(str, str)  # what is asked, which server
    show_asked = Signal()
    log_wanted = Signal(str)
    failed = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._listed: ToolsListed | None = None
        self._context = 0
        self._seconds: float | None = None
        self.setAccessibleName("Tools panel")
        self.setAutoFillBackground(False)
        self._all = Switch(look, "Tools on in this chat")
        self._all.toggled.connect(self._on_all_toggled)
        self._count = Words(look, "", 13, 500)
        self._cost = Words(look, "", 12, token="text2", figures=True)
        self._cost.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._again = Sentence(look, 12, 16, token="text2")
        self._waiting = WaitingRow(look)
        self._waiting.asked.connect(self.show_asked)
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 4, 0, 12)
        self._rows.setSpacing(0)
        self._log = CallLog(look)
        self._log.wanted.connect(self.log_wanted)
        self._log.failed.connect(self.failed)
        self._lay_out()
        look.changed.connect(self._on_look_changed)

    def show_tools(self, listed: ToolsListed) -> None:
        """Show the tools of this chat; the keyboard stays where it is."""
        self._listed = listed
        self._all.blockSignals(True)
        self._all.setChecked(listed.on)
        self._all.blockSignals(False)
        self._show_strip()
        self._fill()

    def show_cost(self, context: int, seconds: float | None) -> None:
        """How large the context is, and how long reading this chat again would take (None: not known)."""
        self._context, self._seconds = context, seconds
        self._show_strip()

    def show_waiting(self, name: str) -> None:
        """A call of this tool waits; "" for none."""
        self._waiting.show_name(name)

    def show_log(self, logged: CallsLogged) -> None:
        """Show the log's entries."""
        if logged.words == self._log.searched:
            self._log.show_entries(logged.entries)

    @property
    def searched(self) -> str:
        """What is searched for in the log."""
        return self._log.searched

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._look.colour("sidebar"))
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        painter.fillRect(0 if rightwards else self.width() - 1, 0, 1, self.height(), self._look.colour("border"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange and self._listed is not None:
            self._fill()

    def _lay_out(self) -> None:
        look = self._look
        head = QHBoxLayout()
        head.setContentsMargins(margins(16, 0, 8, 0))
        head.setSpacing(10)
        head.addWidget(Words(look, "Tools", 14, 600), 1)
        head.addWidget(Words(look, "On in this chat", 12, token="text2"))
        head.addWidget(self._all)
        close = IconButton(look, "close", "Close tools", "Ctrl+T", size=26, icon_size=16)
        close.clicked.connect(self.closed)
        head.addWidget(close)
        self._head = QWidget()
        self._head.setLayout(head)
        strip = QVBoxLayout()
        strip.setContentsMargins(16, 10, 16, 10)
        strip.setSpacing(2)
        figures = QHBoxLayout()
        figures.addWidget(self._count)
        figures.addWidget(self._cost, 1)
        strip.addLayout(figures)
        strip.addWidget(self._again)
        waiting = QVBoxLayout()
        waiting.setContentsMargins(12, 10, 12, 0)
        waiting.addWidget(self._waiting)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(waiting)
        column.addLayout(self._rows)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(margins(1, 0, 0, 0))
        whole.setSpacing(0)
        whole.addWidget(self._head)
        whole.addWidget(Line(look))
        whole.addLayout(strip)
        whole.addWidget(Line(look))
        whole.addWidget(scrolling(inner), 1)
        whole.addWidget(self._log)
        self._on_look_changed()

    def _show_strip(self) -> None:
        listed = self._listed
        if listed is None:
            return
        on = [row for row in listed.tools if row.on]
        self._count.setText(f"{count(len(on), 'tool', 'tools')} on" if listed.on else "No tools")
        tokens = sum(row.tokens or 0 for row in on)
        known = listed.on and bool(on) and all(row.tokens is not None for row in on)
        share = f", {tokens / self._context:.0%} of {context_short(self._context)}" if self._context else ""
        self._cost.setText(f"{tokens:,} tokens{share}" if known else "")
        seconds = f", about {max(1, round(self._seconds))} s" if self._seconds else ""
        if listed.too_small and not listed.on:
            self._again.say("", "This model is too small for tools: many of its calls would be wrong. They are off.")
        elif listed.too_small:
            self._again.say("", "This model is small: many of its calls will be wrong. Look before you approve.")
        else:
            self._again.say("", f"Switching one reads the chat again{seconds}")

    def _fill(self) -> None:
        """Make the rows anew."""
        listed, focus = self._listed, self.focusWidget()
        assert listed is not None
        focused = focus.objectName() if focus is not None else ""
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._section("Folders in this chat", "Add", "Open a folder to this chat", self.folder_asked)
        for grant in listed.grants:
            folder = FolderRowView(self._look, grant)
            folder.taken_back.connect(self.taken_back)
            folder.writing_asked.connect(self.writing_asked)
            self._rows.addWidget(folder)
        if not listed.grants:
            self._rows.addWidget(self._note("None. Drop a folder on the window to let tools read it."))
        self._section("Built in")
        self._add_tools([row for row in listed.tools if not row.origin], listed.on)
        self._section("Servers", "Add", "Add a tool server", self.server_added)
        for server in listed.servers:
            view = ServerRowView(self._look, server)
            view.asked.connect(self.server_asked)
            self._rows.addWidget(view)
            self._add_tools([row for row in listed.tools if row.origin == server.config.name], listed.on)
        if not listed.servers:
            self._rows.addWidget(self._note("None. A server is a program that brings more tools (MCP)."))
        if focused:
            self._focus_again(focused)

    def _focus_again(self, name: str) -> None:
        """The keyboard goes on in the row that took the place of the one it was in."""
        for number in range(self._rows.count()):
            item = self._rows.itemAt(number)
            row = item.widget() if item is not None else None
            again = row.findChild(QWidget, name) if row is not None else None
            if row is not None and again is not None:
                row.show()  # what is not shown takes no focus
                again.setFocus(Qt.FocusReason.OtherFocusReason)

    def _add_tools(self, rows: list[ToolRow], on: bool) -> None:
        for row in rows:
            view = ToolRowView(self._look, row, enabled=on)
            view.switched.connect(self.switched)
            view.verdict_chosen.connect(self.verdict_chosen)
            self._rows.addWidget(view)

    def _section(self, title: str, action: str = "", name: str = "", asked: object = None) -> None:
        head = QWidget()
        head.setFixedHeight(self._look.px(32))
        line = QHBoxLayout(head)
        line.setContentsMargins(margins(16, 6, 10, 0))
        line.addWidget(Words(self._look, title, 11, 600, "text3"), 1)
        if action:
            button = Button(self._look, action, "link", small=True, name=name)
            button.clicked.connect(asked)
            line.addWidget(button)
        self._rows.addWidget(head)

    def _note(self, text: str) -> QWidget:
        held = QWidget()
        line = QHBoxLayout(held)
        line.setContentsMargins(16, 2, 16, 6)
        sentence = Sentence(self._look, 12, 16, token="text3")
        sentence.say("", text)
        sentence.setSizePolicy(QSizePolicy.Policy.Expanding, sentence.sizePolicy().verticalPolicy())
        line.addWidget(sentence)
        return held

    @Slot(bool)
    def _on_all_toggled(self, on: bool) -> None:
        self.all_switched.emit(on)

    @Slot()
    def _on_look_changed(self) -> None:
        self._head.setFixedHeight(self._look.px(47))
        self._log.setFixedHeight(self._look.px(LOG_HIGH))
        if self._listed is not None:
            self._fill()
        self.update()
