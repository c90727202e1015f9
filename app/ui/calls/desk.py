"""Everything about tools in the window: panel, marks, folders that were dropped, servers; wired to the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from app.chat.changes import CallsLogged, MessageView, ServerTried, ToolsListed
from app.core.protocol import Measured
from app.core.tools import CallState, Verdict
from app.ui.chat_pane import ChatPane
from app.ui.look import Look
from app.ui.panes import Panes
from app.ui.screen import Screen

if TYPE_CHECKING:
    from app.chat.runner import Command
    from app.core.paths import DataPaths
    from app.ui.calls.server_dialog import ServerDialog
    from app.ui.calls.tools_panel import ToolsPanel
    from app.ui.layers import Dialog


class _Waiting(NamedTuple):
    """A call that waits: its tool, and the message it stands in."""

    tool: str
    message: str


class ToolsDesk(QObject):
    """GUI thread. Posts what the person decides; the panel is made when it is first opened."""

    def __init__(
        self,
        look: Look,
        window: QWidget,
        panes: Panes,
        chat: ChatPane,
        screen: Screen,
        paths: DataPaths,
        post: Callable[[Command], None],
        show_dialog: Callable[[Dialog], None],
    ) -> None:
        super().__init__(window)
        self._look = look
        self._window = window
        self._panes = panes
        self._chat = chat
        self._screen = screen
        self._paths = paths
        self._post = post
        self._show_dialog = show_dialog
        self._panel: ToolsPanel | None = None
        self._listed: ToolsListed | None = None
        self._waiting: dict[str, _Waiting] = {}  # calls that wait in the chat that is shown
        self._speed = 0.0  # tokens a second that were read last
        self._server_dialog: ServerDialog | None = None
        chat.composer.tools.toggled.connect(self._on_all_switched)
        panes.rail.tools.clicked.connect(self.toggle_panel)
        chat.top.tools.clicked.connect(self.toggle_panel)
        screen.tools_listed.connect(self.show_tools)
        screen.messages_shown.connect(self._on_messages_shown)
        screen.message_shown.connect(self._on_message_shown)
        screen.messages_removed.connect(self._on_messages_removed)
        screen.calls_logged.connect(self._on_calls_logged)
        screen.server_tried.connect(self._on_server_tried)
        screen.parts_measured.connect(self._on_measured)

    @property
    def on(self) -> int:
        """How many tools the model of this chat is told of."""
        return sum(row.on for row in self._listed.tools) if self._listed is not None and self._listed.on else 0

    # the panel

    @Slot()
    def toggle_panel(self) -> None:
        """Open the panel, or close it."""
        opened = not self._panes.panel_open
        if opened:
            self._made_panel()
            self._post(lambda session: session.tools.start_servers())
            self._want_log("")
        self._panes.open_panel(opened)
        self._panes.rail.tools.setChecked(opened)

    @Slot(object)
    def show_tools(self, listed: ToolsListed) -> None:
        """The tools of the chat that is shown."""
        self._listed = listed
        mark = self._chat.composer.tools
        mark.blockSignals(True)
        mark.show_tools(on=listed.on, count=sum(row.on for row in listed.tools), too_small=listed.too_small)
        mark.blockSignals(False)
        if self._panel is not None:
            self._panel.show_tools(listed)
        if self._server_dialog is not None:
            self._server_dialog.show_listed(listed)

    def _made_panel(self) -> ToolsPanel:
        if self._panel is None:
            from app.ui.calls.tools_panel import ToolsPanel

            panel = self._panel = ToolsPanel(self._look)
            panel.closed.connect(self.toggle_panel)
            panel.all_switched.connect(self._on_all_switched)
            panel.switched.connect(self._on_switched)
            panel.verdict_chosen.connect(self._on_verdict_chosen)
            panel.folder_asked.connect(self._on_folder_asked)
            panel.taken_back.connect(self._on_taken_back)
            panel.writing_asked.connect(self._on_writing_asked)
            panel.server_added.connect(self.add_server)
            panel.server_asked.connect(self._on_server_asked)
            panel.show_asked.connect(self._on_show_asked)
            panel.log_wanted.connect(self._want_log)
            panel.failed.connect(self._screen.show_notice)
            self._panes.set_panel(panel)
            if self._listed is not None:
                panel.show_tools(self._listed)
            self._show_cost()
            self._show_waiting()
        return self._panel

    # calls that wait

    @Slot(str, bool, object, str)
    def decide(self, call: str, approve: bool, arguments: object, reach: str) -> None:
        """The person's word about a call."""
        edited = arguments if isinstance(arguments, dict) else None
        here, always = reach == "here", reach == "always"
        self._post(
            lambda session: session.tools.decide(call, approve=approve, arguments=edited, here=here, always=always)
        )

    @Slot(object)
    def _on_messages_shown(self, messages: tuple[MessageView, ...]) -> None:
        self._waiting.clear()
        for message in messages:
            self._note(message)
        self._show_waiting()
        self._focus_waiting()

    @Slot(object)
    def _on_message_shown(self, message: MessageView) -> None:
        before = set(self._waiting)
        self._note(message)
        self._show_waiting()
        if message.timings.prompt_ms and message.usage.evaluated_tokens > 64:
            self._speed = message.usage.evaluated_tokens / (message.timings.prompt_ms / 1000)
        if any(call.settled for call in message.calls) or set(self._waiting) != before:
            self._log_again()
        if set(self._waiting) - before:
            self._focus_waiting()

    @Slot(object)
    def _on_messages_removed(self, ids: tuple[str, ...]) -> None:
        self._waiting = {call: one for call, one in self._waiting.items() if one.message not in ids}
        self._show_waiting()

    def _focus_waiting(self) -> None:
        """The card takes the keyboard only where nobody writes: from an empty composer or the transcript's reader."""
        if self._waiting and not self._chat.composer.has_draft and self._may_take(QApplication.focusWidget()):
            self._chat.transcript.focus_waiting()

    def _may_take(self, focus: QWidget | None) -> bool:
        if focus is None or self._chat.composer.isAncestorOf(focus):
            return True
        fields = QLineEdit | QPlainTextEdit | QTextEdit
        return self._chat.transcript.isAncestorOf(focus) and not isinstance(focus, fields)

    def _note(self, message: MessageView) -> None:
        for call in message.calls:
            if call.state is CallState.WAITING:
                self._waiting[call.id] = _Waiting(call.name, message.id)
            else:
                self._waiting.pop(call.id, None)

    def _show_waiting(self) -> None:
        number = len(self._waiting)
        self._panes.rail.tools.set_number(number)
        self._chat.top.tools.set_number(number)
        self._screen.show_calls_waiting(number)
        if self._panel is not None:
            self._panel.show_waiting(next((one.tool for one in self._waiting.values()), ""))

    @Slot()
    def _on_show_asked(self) -> None:
        self._chat.transcript.show_end()
        self._chat.transcript.focus_waiting()

    # figures

    @Slot(object)
    def _on_measured(self, _measured: Measured) -> None:
        self._show_cost()

    def _show_cost(self) -> None:
        measured = self._screen.measured
        if self._panel is not None and measured is not None:
            seconds = measured.total / self._speed if self._speed else None
            self._panel.show_cost(measured.context, seconds)

    @Slot(str)
    def _want_log(self, words: str) -> None:
        if self._panel is not None:
            self._post(lambda session: session.tools.read_log(words))

    def _log_again(self) -> None:
        if self._panel is not None:
            self._want_log(self._panel.searched)

    @Slot(object)
    def _on_calls_logged(self, logged: CallsLogged) -> None:
        if self._panel is not None:
            self._panel.show_log(logged)

    # what is switched

    @Slot(bool)
    def _on_all_switched(self, on: bool) -> None:
        self._post(lambda session: session.tools.switch_all(on=on))

    @Slot(str, bool)
    def _on_switched(self, key: str, on: bool) -> None:
        self._post(lambda session: session.tools.switch(key, on=on))

    @Slot(str, object)
    def _on_verdict_chosen(self, key: str, verdict: Verdict) -> None:
        self._post(lambda session: session.tools.set_verdict(key, verdict))

    # folders

    def ask_folder(self, folder: Path) -> None:
        """A folder was dropped: ask above what is being written."""
        from app.ui.calls.folder_card import FolderCard

        card = FolderCard(self._look, folder)
        card.decided.connect(self._on_folder_decided)
        card.listed.connect(self._on_folder_listed)
        self._chat.composer.show_card(card)

    @Slot()
    def _on_folder_asked(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, "Open a folder to this chat", str(Path.home()))
        if chosen:
            self.ask_folder(Path(chosen))

    @Slot(str, bool)
    def _on_folder_decided(self, folder: str, allowed: bool) -> None:
        self._chat.composer.drop_card()
        if allowed:
            self._post(lambda session: session.tools.grant(Path(folder)))

    @Slot(str)
    def _on_folder_listed(self, folder: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(folder))

    @Slot(str)
    def _on_writing_asked(self, folder: str) -> None:
        self._post(lambda session: session.tools.grant(Path(folder), write=True))

    @Slot(str)
    def _on_taken_back(self, folder: str) -> None:
        self._post(lambda session: session.tools.take_back(folder))

    # servers

    @Slot()
    def add_server(self) -> None:
        """Open the dialog that adds a tool server."""
        self._open_server_dialog(None)

    @Slot(str, str)
    def _on_server_asked(self, asked: str, name: str) -> None:
        if asked == "review":
            self._open_server_dialog(name)
        elif asked == "log":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._paths.logs)))
        elif asked == "restart":
            self._post(lambda session: session.tools.restart_server(name))
        elif asked == "remove":
            self._post(lambda session: session.tools.remove_server(name))
        else:
            self._post(lambda session: session.tools.enable_server(name, enabled=asked == "enable"))

    def _open_server_dialog(self, review: str | None) -> None:
        from app.ui.calls.server_dialog import ServerDialog

        servers = self._listed.servers if self._listed is not None else ()
        row = next((one for one in servers if one.config.name == review), None)
        dialog = ServerDialog(self._look, self._window, row, [one.config.name for one in servers])
        dialog.tried.connect(self._on_try_asked)
        dialog.added.connect(self._on_added)
        dialog.accepted_tools.connect(self._on_accepted)
        dialog.finished.connect(self._on_dialog_finished)
        self._server_dialog = dialog
        self._show_dialog(dialog)

    @Slot(object)
    def _on_try_asked(self, config: object) -> None:
        from app.core.tools import ServerConfig

        if isinstance(config, ServerConfig):
            self._post(lambda session: session.tools.try_server(config))

    @Slot(object, object, object)
    def _on_added(self, config: object, tried: object, off: object) -> None:
        from app.core.tools import ServerConfig

        if isinstance(config, ServerConfig) and isinstance(tried, ServerTried) and isinstance(off, tuple):
            self._post(lambda session: session.tools.add_server(config, tried, off))

    @Slot(str, object, object)
    def _on_accepted(self, name: str, shown: object, off: object) -> None:
        if isinstance(shown, tuple) and isinstance(off, tuple):
            self._post(lambda session: session.tools.accept_tools(name, shown, off))

    @Slot(object)
    def _on_server_tried(self, tried: ServerTried) -> None:
        if self._server_dialog is not None:
            self._server_dialog.show_tried(tried)

    @Slot()
    def _on_dialog_finished(self) -> None:
        self._server_dialog = None
