"""The main window: its panes, keys, menus and what is dropped on it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import QMainWindow, QWidget

from app.ui.chat_pane import ChatPane
from app.ui.look import Look
from app.ui.panes import Panes
from app.ui.sidebar import Sidebar
from app.ui.window_state import WindowState, encode_geometry

if TYPE_CHECKING:
    from app.chat.changes import Change, PromptShown
    from app.chat.runner import Command
    from app.core.paths import DataPaths
    from app.ui.actions import Actions
    from app.ui.attachments.desk import AttachmentDesk
    from app.ui.calls.desk import ToolsDesk
    from app.ui.drop_overlay import DropOverlay
    from app.ui.layers import Dialog, Popover
    from app.ui.models.desk import ModelsDesk
    from app.ui.screen import Screen

SMALLEST = QSize(480, 560)
FIRST = QSize(1280, 820)


class MainWindow(QMainWindow):
    """Accessible as *Cabochon*. GUI thread; `post` never blocks, `apply` takes what comes back.

    It is made in two steps, so that it is on the screen early: what the first picture needs, and with `begin` the rest.
    """

    screen_now: Screen
    actions_now: Actions
    attachments_now: AttachmentDesk
    models_now: ModelsDesk
    tools_now: ToolsDesk

    closing = Signal()

    def __init__(self, look: Look, paths: DataPaths, state: WindowState, post: Callable[[Command], None]) -> None:
        super().__init__()
        self._look = look
        self._paths = paths
        self._state = state
        self._post = post
        self._popover: Popover | None = None
        self._dialog: Dialog | None = None
        self._drop: DropOverlay | None = None
        self._bug_shown = False
        self._begun = False
        self.setWindowTitle("Cabochon")
        self.setAccessibleName("Cabochon")
        self.setMinimumSize(SMALLEST)
        self.setAcceptDrops(True)
        self.sidebar = Sidebar(look)
        self.chat = ChatPane(look)
        self.panes = Panes(look, self.sidebar, self.chat)
        self.setCentralWidget(self.panes)
        self.panes.narrowed.connect(self.chat.set_narrow)
        self._restore()
        self.chat.composer.edit.setFocus()

    @Slot()
    def begin(self) -> None:
        """Connect what the person does with the session. Once; `apply` does it too."""
        if self._begun:
            return
        self._begun = True
        from app.ui.actions import Actions
        from app.ui.attachments.desk import AttachmentDesk
        from app.ui.calls.desk import ToolsDesk
        from app.ui.models.desk import ModelsDesk
        from app.ui.screen import Screen

        self.screen_now = Screen(self._look, self.sidebar, self.chat, self)
        self.actions_now = Actions(self.screen_now, self.sidebar, self.chat, self._post, self)
        self.attachments_now = AttachmentDesk(
            self._look, self, self.chat, self._paths, self._show_dialog, lambda: self.screen_now.conversation
        )
        self.models_now = ModelsDesk(
            self._look, self, self.chat, self._paths, self.actions_now, self.screen_now, self._recent_models
        )
        self.models_now.covered.connect(self._on_covered)
        self.tools_now = ToolsDesk(
            self._look, self, self.panes, self.chat, self.screen_now, self._paths, self._post, self._show_dialog
        )
        self._connect_panes()
        self._connect_chat()
        self._add_shortcuts()
        self._order_tabs()

    @Slot(object)
    def apply(self, change: Change) -> None:
        """Show what the session changed."""
        self.begin()
        self.screen_now.apply(change)

    def raise_now(self) -> None:
        """Come to the front: a second start asked for it."""
        if self.isMinimized():
            self.showNormal()
        self.raise_()
        self.activateWindow()

    # -- wiring ------------------------------------------------------------------------------------------------------

    def _connect_panes(self) -> None:
        actions = self.actions_now
        sidebar = self.sidebar
        sidebar.chat_chosen.connect(actions.open_chat)
        sidebar.chat_chosen.connect(self.panes.close_drawer)
        sidebar.new_asked.connect(actions.new_chat)
        sidebar.new_asked.connect(self.panes.close_drawer)
        sidebar.renamed.connect(actions.rename_chat)
        sidebar.delete_asked.connect(actions.delete_chat)
        sidebar.settings_asked.connect(self.open_settings)
        top = self.chat.top
        top.sidebar_asked.connect(self.panes.toggle)
        top.renamed.connect(actions.rename_open_chat)
        top.more_asked.connect(self._on_more_asked)
        top.pill.cancel_asked.connect(actions.cancel_load)
        top.meter.pressed.connect(self._on_meter_pressed)
        self.screen_now.model_loaded.connect(self._on_model_loaded)
        self.screen_now.bug_met.connect(self.show_bug)
        self.screen_now.model_shown.connect(self.attachments_now.show_model)
        self.screen_now.pictures_seen.connect(self.attachments_now.show_seen)
        self.screen_now.parts_counted.connect(self.attachments_now.show_counted)
        self.screen_now.parts_measured.connect(self.attachments_now.show_measured)
        self.attachments_now.refused.connect(self.screen_now.show_notice)
        self.attachments_now.prompt_asked.connect(actions.show_prompt)
        self.screen_now.prompt_shown.connect(self._on_prompt_shown)
        self.attachments_now.opened_away.connect(actions.add_to_draft)

    def _connect_chat(self) -> None:
        actions, chat = self.actions_now, self.chat
        chat.composer.submitted.connect(actions.submit)
        chat.composer.stop_asked.connect(actions.stop)
        chat.composer.escaped.connect(self._on_escape)
        chat.composer.draft_changed.connect(actions.keep_draft)
        chat.composer.emptied.connect(self.screen_now.refresh_context)
        transcript = chat.transcript
        transcript.regenerate_asked.connect(actions.regenerate)
        transcript.edit_submitted.connect(actions.edit_message)
        transcript.continue_asked.connect(actions.continue_answer)
        transcript.delete_asked.connect(actions.delete_message)
        transcript.prompt_asked.connect(actions.show_prompt)
        transcript.version_chosen.connect(actions.choose_version)
        transcript.withdraw_asked.connect(actions.withdraw)
        transcript.link_activated.connect(actions.open_link)
        transcript.call_decided.connect(self.tools_now.decide)
        chat.save_retried.connect(actions.retry_save)
        chat.undo_asked.connect(actions.undo)
        chat.demo_notice_closed.connect(actions.close_demo_notice)
        chat.what_happened_asked.connect(self._on_what_happened_asked)
        chat.model_file_asked.connect(actions.browse_model)
        chat.model_chosen.connect(self.models_now.choose)
        chat.offer_accepted.connect(actions.accept_offer)
        chat.larger_context_asked.connect(actions.enlarge_context)
        chat.beginning_chosen.connect(actions.begin_with)

    def _add_shortcuts(self) -> None:
        actions = self.actions_now
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+N": actions.new_chat,
            "Ctrl+F": self._on_search_asked,
            "Ctrl+B": self.panes.toggle,
            "Ctrl+,": self.open_settings,
            "Ctrl+O": actions.browse_model,
            "Ctrl+U": self.attachments_now.browse,
            "Ctrl+M": self.models_now.open_page,
            "Ctrl+T": self.tools_now.toggle_panel,
            "F2": self._on_rename_asked,
            "Ctrl+Shift+C": actions.copy_last_answer,
            "Ctrl++": lambda: actions.step_scale(1),
            "Ctrl+=": lambda: actions.step_scale(1),
            "Ctrl+-": lambda: actions.step_scale(-1),
            "Ctrl+0": lambda: actions.step_scale(0),
            "Ctrl+Tab": lambda: actions.step_chat(1),
            "Ctrl+Shift+Tab": lambda: actions.step_chat(-1),
            "Alt+Down": lambda: actions.step_chat(1),
            "Alt+Up": lambda: actions.step_chat(-1),
        }
        self._shortcuts = [QShortcut(QKeySequence(key), self, done) for key, done in keys.items()]
        QShortcut(QKeySequence("Ctrl+Q"), self, self.close)  # works while a dialog is open, unlike the others

    def _order_tabs(self) -> None:
        top = self.chat.top
        order: list[QWidget] = [
            self.sidebar.search,
            self.sidebar.new_chat,
            self.sidebar.list,
            self.sidebar.settings,
            top.sidebar_button,
            top.pill,
            top.meter,
            top.more,
            self.chat.transcript,
            self.chat.composer.edit,
            self.chat.composer.attach,
            self.chat.composer.tools,
            self.chat.composer.send,
            self.panes.rail.tools,
        ]
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)

    # -- menus, popover, dialogs ---------------------------------------------------------------------------------------

    @Slot()
    def open_settings(self, page: str = "") -> None:
        """Open the settings."""
        if self._dialog is not None:
            return
        from app.ui.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._look, self, self.screen_now.settings, self.models_now.model)
        dialog.changed.connect(self.actions_now.change_settings)
        self.screen_now.settings_shown.connect(dialog.show_settings)
        if page:
            dialog.show_page(page)
        self._show_dialog(dialog)

    def _show_dialog(self, dialog: Dialog) -> None:
        self._close_popover()
        if self._dialog is not None:
            self._dialog.reject()
        self._dialog = dialog
        dialog.finished.connect(self._on_dialog_finished)
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
        dialog.open_over()

    @Slot()
    def _on_dialog_finished(self) -> None:
        self._dialog = None
        for shortcut in self._shortcuts:
            shortcut.setEnabled(True)

    @Slot(str)
    def show_bug(self, report: str) -> None:
        """Show the crash dialog, once in a run."""
        if self._bug_shown:
            return
        self._bug_shown = True
        from app.ui.report_dialog import ReportDialog

        said = "Something went wrong in Cabochon itself. What you wrote is saved. You can go on, or start it again."
        self._show_dialog(ReportDialog(self._look, self, "Cabochon made a mistake", said, report))

    @Slot()
    def _on_what_happened_asked(self) -> None:
        from app.ui.report_dialog import ReportDialog

        said = "The process that runs the model ended by itself. Your words are safe; a broken answer is marked."
        self._show_dialog(ReportDialog(self._look, self, "What happened", said, self.screen_now.what_happened))

    @Slot(object)
    def _on_prompt_shown(self, shown: PromptShown) -> None:
        from app.ui.prompt_dialog import PromptDialog

        self._show_dialog(PromptDialog(self._look, self, shown))

    @Slot()
    def _on_more_asked(self) -> None:
        from app.ui.menus import Menu

        more = self.chat.top.more
        menu = Menu(self._look, more)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        stored = bool(self.screen_now.conversation)
        menu.add("Rename", self.chat.top.rename, icon="edit", key="F2").setEnabled(stored)
        copy = menu.add("Copy last answer", self.actions_now.copy_last_answer, icon="copy", key="Ctrl+Shift+C")
        copy.setEnabled(self.screen_now.last_answer is not None)
        menu.addSeparator()
        menu.add("Settings", self.open_settings, icon="settings", key="Ctrl+,")
        menu.addSeparator()
        menu.add("Delete chat", self.actions_now.delete_open_chat, icon="trash", danger=True).setEnabled(stored)
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        start = more.width() - menu.sizeHint().width() if rightwards else 0
        menu.popup(more.mapToGlobal(QPoint(start, more.height() + 4)))

    @Slot()
    def _on_meter_pressed(self) -> None:
        measured = self.screen_now.measured
        if measured is None:
            return
        from app.ui.context_popover import ContextPopover
        from app.ui.layers import Popover

        card = ContextPopover(
            self._look,
            measured,
            has_draft=self.chat.composer.has_draft,
            has_system=bool(self.screen_now.own_settings.system_prompt or self.screen_now.settings.system_prompt),
            tools=self.tools_now.on,
        )
        self._close_popover()
        self._popover = Popover(self._look, self.chat.top.meter, card)
        card.closed.connect(self._popover.close_now)
        card.change_asked.connect(self._on_context_change_asked)
        self._popover.closed.connect(self._on_popover_closed)
        self.chat.top.meter.set_open(True)

    def _close_popover(self) -> None:
        if self._popover is not None:
            self._popover.close_now()

    @Slot()
    def _on_popover_closed(self) -> None:
        self._popover = None
        self.chat.top.meter.set_open(False)

    @Slot()
    def _on_context_change_asked(self) -> None:
        self._close_popover()
        self.open_settings("Model")

    @Slot()
    def _on_rename_asked(self) -> None:
        if self.sidebar.list.hasFocus():
            self.sidebar.list.rename_current()
        else:
            self.chat.top.rename()

    @Slot()
    def _on_search_asked(self) -> None:
        self.panes.show_sidebar()
        self.sidebar.focus_search()

    @Slot()
    def _on_escape(self) -> None:
        if self.panes.narrow:
            self.panes.close_drawer()
        self.actions_now.stop()

    # -- models ------------------------------------------------------------------------------------------------------

    @Slot(str)
    def _on_model_loaded(self, path: str) -> None:
        self._state = self._state.with_recent(path)

    @Slot(bool)
    def _on_covered(self, covered: bool) -> None:
        """The chat has no focus while the page of the models lies over it."""
        self.panes.setEnabled(not covered)
        if not covered:
            self.chat.composer.edit.setFocus()

    def _recent_models(self) -> list[Path]:
        return [Path(path) for path in self._state.recent_models]

    # -- what Qt tells -------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._on_escape()
        elif event.matches(QKeySequence.StandardKey.Paste) and self._dialog is None and self.panes.isEnabled():
            self.chat.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)
            self.chat.composer.edit.paste()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.sidebar.day_passed()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        from app.ui.drop_overlay import DropOverlay, offered_by

        offered = offered_by(event.mimeData())
        if offered is not None and self._dialog is None:
            event.acceptProposedAction()
            self._drop = self._drop or DropOverlay(self._look, self)
            self._drop.show_for(offered)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._end_drop()

    def dropEvent(self, event: QDropEvent) -> None:
        from app.ui.drop_overlay import dropped_folder, dropped_model

        self._end_drop()
        model = dropped_model(event.mimeData())
        if model is not None:
            event.acceptProposedAction()
            self.actions_now.choose_model(model)
        elif (folder := dropped_folder(event.mimeData())) is not None:
            event.acceptProposedAction()
            self.tools_now.ask_folder(folder)
        elif self.attachments_now.take(event.mimeData()):
            event.acceptProposedAction()

    def _end_drop(self) -> None:
        if self._drop is not None:
            self._drop.hide()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.chat.composer.flush()
        self.chat.composer.drop_card()
        if self._begun:
            self.attachments_now.close()
            self.models_now.close()
        self._state = self._state._replace(
            geometry=encode_geometry(bytes(self.saveGeometry().data())),
            sidebar_open=self.panes.sidebar_open,
            sidebar_width=self.panes.sidebar_width,
        )
        self.closing.emit()
        super().closeEvent(event)

    @property
    def state(self) -> WindowState:
        """What is to be kept for the next start."""
        return self._state

    def _restore(self) -> None:
        geometry = self._state.geometry_bytes
        if not geometry or not self.restoreGeometry(QByteArray(geometry)):
            screen = self.screen().availableSize()
            self.resize(FIRST.boundedTo(screen))
        self.panes.restore(self._state.sidebar_open, self._state.sidebar_width)
