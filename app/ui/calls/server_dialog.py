"""*Add a tool server*: the command as it will run, a test start, and what its tools say of themselves, before it stays.

The same dialog shows the tools of a server again that says something else of them than when the person looked.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.chat.changes import ServerRow, ServerTried, ToolsListed
from app.core.errors import UsageError
from app.core.tools import ServerConfig, ServerTool
from app.core.visible import alike, visible
from app.tools.environment import command_line, needs_network, parse_config, server_environment
from app.ui.calls.login import LoginPath
from app.ui.card import Card
from app.ui.controls import Button, CheckBox, ElidedWords, IconButton, Line, Words
from app.ui.layers import Dialog
from app.ui.look import Look
from app.ui.painting import margins
from app.ui.scrolling import scrolling
from app.ui.sentence import Sentence
from app.ui.settings_controls import Segments

SIZE = (880, 656)
NARROW = 720
_WAIT_MS = 400
_FIRST = "Start it once for a look: it is stopped again, and nothing is kept."


@dataclass(frozen=True, slots=True)
class _Form:
    name: QLineEdit
    command: QLineEdit
    folder: QLineEdit
    environment: QPlainTextEdit


class ServerDialog(Dialog):
    """Accessible as *Add a tool server*. *Add server* is open only after a test start that answered."""

    tried = Signal(object)  # ServerConfig: start it for a look
    added = Signal(object, object, object)  # ServerConfig, ServerTried, the names of tools that stay off
    accepted_tools = Signal(
        str, object, object
    )  # server, its tools as they were shown, the names of those that stay off

    def __init__(self, look: Look, window: QWidget, review: ServerRow | None = None, known: Sequence[str] = ()) -> None:
        """`known` are the names of the servers that are there already."""
        super().__init__(look, window, *SIZE)
        self._known = {alike(name) for name in known}
        self._review = review
        self._config: ServerConfig | None = review.config if review is not None else None
        self._started: ServerConfig | None = None  # that the test start was asked for, unless it was edited since
        self._found: ServerTried | None = None
        self._boxes: dict[str, CheckBox] = {}
        self._path: str | None = None
        self._login = LoginPath(self)
        self._login.found.connect(self._on_path_found)
        title = "What the tools say of themselves now" if review is not None else "Add a tool server"
        self.setAccessibleName(title)
        self._result = Sentence(look, 13, 18)
        self._test = Button(look, "Test start")
        self._test.clicked.connect(self._on_test_clicked)
        self._tools = QVBoxLayout()
        self._tools.setContentsMargins(12, 4, 12, 4)
        self._tools.setSpacing(0)
        self._warning = Sentence(look, 12, 16, "warn")
        self._add = Button(look, "Accept" if review is not None else "Add server", "primary")
        self._add.setEnabled(review is not None)
        self._add.clicked.connect(self._on_add_clicked)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_WAIT_MS)
        self._pause.timeout.connect(self._show_command)
        self._lay_out(title)
        if review is not None:
            self._result.say(f"{visible(review.config.name)} has changed.", "Look at what is new before you go on.")
            self._test.hide()
            self._show_tools(review.tools, marked=review.unseen, off=review.off)
            self._show_command()
        else:
            self._result.say("", _FIRST)
            self._test.setEnabled(False)
            self._login.ask()

    def show_tried(self, tried: ServerTried) -> None:
        """How the test start ended."""
        if self._started is None:
            return
        self._test.setEnabled(True)
        self._test.setText("Test again")
        if tried.message:
            self._result.say(visible(tried.message), visible(tried.detail)[-400:])
            return
        self._found = tried
        named = f"{visible(tried.title)} {visible(tried.version)}".strip()
        over = "over HTTP" if self._started.url else "over stdio"
        self._result.say("It started, answered and was stopped again.", f"{tried.seconds:.1f} s, {over}, {named}")
        self._show_tools(tried.tools)
        self._add.setEnabled(True)

    def show_listed(self, listed: ToolsListed) -> None:
        """The servers may have changed meanwhile."""
        if self._review is not None:
            row = next((one for one in listed.servers if one.config == self._review.config), None)
            if row is not None and row.tools != self._review.tools:
                self._review = row
                self._show_tools(row.tools, marked=row.unseen)

    def sizeHint(self) -> QSize:
        return QSize(*SIZE)

    def _lay_out(self, title: str) -> None:
        look = self._look
        head = QHBoxLayout()
        head.setContentsMargins(margins(25, 12, 13, 12))
        head.addWidget(Words(look, title, 14, 600), 1)
        close = IconButton(look, "close", "Close", "Esc")
        close.clicked.connect(self.reject)
        head.addWidget(close)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        if self._review is None:
            body.addWidget(scrolling(self._form_side()), 10)
        body.addWidget(self._tools_side(), 11)
        foot = QHBoxLayout()
        foot.setContentsMargins(margins(25, 12, 24, 12))
        foot.setSpacing(10)
        note = Words(
            look, "If a tool's description changes later, that tool goes off until you have looked.", 12, token="text3"
        )
        note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        foot.addWidget(note, 1)
        cancel = Button(look, "Cancel")
        cancel.clicked.connect(self.reject)
        foot.addWidget(cancel)
        foot.addWidget(self._add)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(Line(look))
        column.addLayout(body, 1)
        column.addWidget(Line(look))
        column.addLayout(foot)

    def _form_side(self) -> QWidget:
        look = self._look
        self._kind = Segments(look, "How it is given", [("command", "Command"), ("json", "Paste JSON")])
        self._kind.show_value("command")
        self._kind.chosen.connect(self._on_kind_chosen)
        name, command, folder = QLineEdit(), QLineEdit(), QLineEdit()
        environment = QPlainTextEdit()
        for field, label in ((name, "Name"), (command, "Command line"), (folder, "Working folder")):
            field.setAccessibleName(label)
            field.setFont(look.mono(12))
            field.textChanged.connect(self._on_edited)
        folder.setPlaceholderText("~")
        command.setPlaceholderText("npx -y @modelcontextprotocol/server-memory, or https://…")
        self._form = _Form(name, command, folder, environment)
        self._json = QPlainTextEdit()
        self._json.setPlaceholderText('{"mcpServers": {"memory": {"command": "npx", "args": ["-y", "…"]}}}')
        for text, label in ((environment, "Environment"), (self._json, "Configuration as JSON")):
            text.setProperty("field", "true")
            text.setAccessibleName(label)
            text.setTabChangesFocus(True)
            text.setFont(look.mono(12))
            text.textChanged.connect(self._on_edited)
        environment.setPlaceholderText("NAME=value, one in a line")
        environment.setFixedHeight(look.px(64))
        fields = QWidget()
        column = QVBoxLayout(fields)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for label, field in (("Name", name), ("Command", command), ("Working folder", folder)):
            column.addWidget(Words(look, label, 12, 500))
            column.addWidget(field)
            column.addSpacing(6)
        column.addWidget(Words(look, "Environment", 12, 500))
        column.addWidget(environment)
        besides = Sentence(look, 12, 16, token="text3")
        besides.say("", "Besides these it gets PATH, HOME, the language and TMPDIR only.")
        column.addWidget(besides)
        self._ways = QStackedWidget()
        self._ways.addWidget(fields)
        self._ways.addWidget(self._json)
        self._runs = QPlainTextEdit()
        self._runs.setReadOnly(True)
        self._runs.setProperty("field", "true")
        self._runs.setAccessibleName("What runs, in full")
        self._runs.setFont(look.mono(12))
        self._runs.setTabChangesFocus(True)
        self._runs.setMinimumHeight(look.px(110))
        side = QWidget()
        whole = QVBoxLayout(side)
        whole.setContentsMargins(margins(25, 16, 24, 16))
        whole.setSpacing(8)
        whole.addWidget(self._kind)
        whole.addSpacing(6)
        whole.addWidget(self._ways)
        whole.addSpacing(6)
        whole.addWidget(Words(look, "What runs, in full", 12, 500))
        whole.addWidget(self._runs, 1)
        return side

    def _tools_side(self) -> QWidget:
        look = self._look
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self._result, 1)
        top.addWidget(self._test, 0, Qt.AlignmentFlag.AlignTop)
        inner = QWidget()
        inner.setLayout(self._tools)
        self._scroll: QScrollArea = scrolling(inner)
        held = Card(look)
        inside = QVBoxLayout(held)
        inside.setContentsMargins(1, 6, 1, 6)
        inside.addWidget(self._scroll)
        warning = Card(look, "warn")
        row = QVBoxLayout(warning)
        row.setContentsMargins(14, 10, 14, 10)
        row.addWidget(self._warning)
        side = QFrame()
        whole = QVBoxLayout(side)
        whole.setContentsMargins(margins(24, 16, 25, 16))
        whole.setSpacing(12)
        whole.addLayout(top)
        whole.addWidget(held, 1)
        whole.addWidget(warning)
        return side

    def _show_tools(
        self, tools: tuple[ServerTool, ...], marked: tuple[str, ...] = (), off: tuple[str, ...] = ()
    ) -> None:
        """Rows for these; a tick that the person has set stays."""
        unticked = {*off, *(name for name, check in self._boxes.items() if not check.isChecked())}
        while (item := self._tools.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._boxes = {}
        for tool in tools:
            self._tools.addWidget(self._tool(tool, on=tool.name not in unticked, changed=tool.name in marked))
        self._tools.addStretch(1)

    def _tool(self, tool: ServerTool, *, on: bool, changed: bool) -> QWidget:
        look = self._look
        row = QWidget()
        check = CheckBox(look)
        check.setAccessibleName(f"Use {visible(tool.name)}")
        check.setChecked(on)
        self._boxes[tool.name] = check
        name = ElidedWords(look, 13, 500)
        name.set_text(visible(tool.name))
        said = "new or changed" if changed else "" if tool.reads_only else "changes something"
        words = QHBoxLayout()
        words.setSpacing(8)
        words.addWidget(name)
        if said:
            words.addWidget(Words(look, said, 11, 500, "warn"))
        words.addStretch(1)
        about = Sentence(look, 11, 15, token="text2")
        about.say("", visible(tool.description)[:600] or "It says nothing of itself.")
        column = QVBoxLayout()
        column.setSpacing(1)
        column.addLayout(words)
        column.addWidget(about)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 6, 0, 6)
        line.setSpacing(10)
        line.addWidget(check, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(column, 1)
        return row

    @Slot(object)
    def _on_kind_chosen(self, kind: str) -> None:
        self._ways.setCurrentIndex(0 if kind == "command" else 1)
        self._on_edited()

    @Slot(str)
    def _on_path_found(self, path: str) -> None:
        self._path = path
        self._show_command()

    @Slot()
    def _on_edited(self) -> None:
        self._forget_start()
        self._result.say("", _FIRST)
        self._pause.start()

    @Slot()
    def _show_command(self) -> None:
        if self._path is None and self._review is None:
            return  # until the login shell has told its PATH, by which the program is found
        try:
            config = self._read()
        except UsageError as error:
            config, said = None, error.message
        else:
            said = ""
        self._config = config or (self._review.config if self._review is not None else None)
        network = needs_network(self._config) if self._config is not None else ""
        self._warning.say("This program runs with your rights.", _rights(visible(network)))
        if self._review is not None:
            return
        self._test.setEnabled(config is not None)
        self._form.name.setPlaceholderText(visible(config.name) if config is not None else "")
        if config is None:
            self._runs.setPlainText(visible(said))
        elif config.url:
            self._runs.setPlainText(f"Connects to {visible(config.url)}")
        else:
            environment = server_environment(config, self._path or "")
            self._runs.setPlainText(visible(command_line(config, environment)))

    def _read(self) -> ServerConfig | None:
        """What the form says; None as long as it says nothing. Raises UsageError."""
        if self._review is not None:
            return self._review.config
        if self._ways.currentIndex() == 1:
            text = self._json.toPlainText()
            return self._pasted(text)[0] if text.strip() else None
        form = self._form
        name, command = form.name.text().strip(), form.command.text().strip()
        if not command:
            return None
        if command.startswith(("http://", "https://")):
            return self._new(ServerConfig(name or "server", url=command))
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UsageError("A quotation mark in the command has no end.", "command") from error
        folder = form.folder.text().strip()
        place = str(Path(folder).expanduser()) if folder else ""
        environment = _pairs(form.environment.toPlainText())
        return self._new(ServerConfig(name or _named(words), tuple(words), folder=place, environment=environment))

    def _new(self, config: ServerConfig) -> ServerConfig:
        if alike(config.name) in self._known:
            raise UsageError("There is a server of this name already. Give it another.", "taken")
        return config

    @Slot()
    def _on_test_clicked(self) -> None:
        self._pause.stop()
        self._show_command()
        if self._config is not None:
            self._forget_start()
            self._started = self._config
            self._test.setEnabled(False)
            self._result.say("It starts…", "The first start may fetch the program from the network.")
            self.tried.emit(self._config)

    @Slot()
    def _on_add_clicked(self) -> None:
        off = tuple(name for name, check in self._boxes.items() if not check.isChecked())
        if self._review is not None:
            self.accepted_tools.emit(self._review.config.name, self._review.tools, off)
        elif self._started is not None and self._found is not None:
            self.added.emit(self._started, self._found, off)
            self._known.add(alike(self._started.name))
            if self._has_another(self._started.name):
                return
        self.accept()

    def _pasted(self, text: str) -> list[ServerConfig]:
        """The servers of a text that are not here yet. Raises UsageError."""
        left = [config for config in parse_config(text) if alike(config.name) not in self._known]
        if not left:
            raise UsageError("The servers in this text are here already.", "taken")
        return left

    def _has_another(self, added: str) -> bool:
        """Go on with the next server of a text that has several."""
        if self._ways.currentIndex() == 0:
            return False
        try:
            left = self._pasted(self._json.toPlainText())
        except UsageError:
            return False
        self._forget_start()
        more = f", and {len(left) - 1} more after it" if len(left) > 1 else ""
        self._result.say(f"{visible(added)} is added.", f"The next is {visible(left[0].name)}{more}: start it once.")
        self._show_command()
        return True

    def _forget_start(self) -> None:
        """What was found by a test start holds no more."""
        self._add.setEnabled(False)
        self._started = self._found = None
        self._show_tools(())


def _rights(network: str) -> str:
    said = "It could read, change or send any file that you can, whatever its tools say."
    return f"{said} {network} Cabochon asks before each call, but cannot see what it does inside.".replace("  ", " ")


def _named(words: list[str]) -> str:
    """A name for a server out of its command: of `npx -y @scope/server-memory` it is `memory`."""
    given = [word for word in words[1:] if not word.startswith(("-", "/", "~", "."))]
    last = next((word for word in given if "mcp" in word or "server" in word), given[0] if given else words[0])
    return re.sub(r"^(mcp-)?(server-)?|(-mcp)?(-server)?$", "", Path(last).name.partition("==")[0]) or "server"


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """NAME=value, one in a line. Raises UsageError."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise UsageError("The environment is written NAME=value, one in a line.", "environment")
        found.append((name.strip(), value))
    return tuple(found)
