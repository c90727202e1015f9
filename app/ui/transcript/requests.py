"""What the person asks of a message: copy, edit, menus, links; everything else goes on as a signal of the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QUrl, Slot
from PySide6.QtGui import QCursor, QGuiApplication, QIcon
from PySide6.QtWidgets import QMenu

from app.core.message import MessageState
from app.ui.transcript.blocks import plain_text
from app.ui.transcript.link_card import LinkCard
from app.ui.transcript.message import Message

if TYPE_CHECKING:
    from app.ui.transcript.entry import Entry
    from app.ui.transcript.view import TranscriptView


class Requests(QObject):
    """Connected to every message widget of one view."""

    def __init__(self, view: TranscriptView) -> None:
        super().__init__(view)
        self._view = view

    def connect_message(self, message: Message) -> None:
        """Hear what is asked of this widget's messages."""
        message.asked.connect(self._on_asked)
        message.edit_taken.connect(self._on_edit_taken)
        message.edit_cancelled.connect(self._on_edit_cancelled)
        message.menu_asked.connect(self._on_menu_asked)
        message.link_clicked.connect(self._on_link_clicked)
        message.copied.connect(self._view.copied)

    @Slot(str, str)
    def _on_asked(self, action: str, message: str) -> None:
        view = self._view
        match action:
            case "copy":
                self._copy(message)
            case "regenerate" | "again":
                view.regenerate_asked.emit(message)
            case "continue":
                view.continue_asked.emit(message)
            case "withdraw":
                view.withdraw_asked.emit(message)
            case "edit":
                view.begin_editing(message)
            case "seen":
                self._show_seen(message)
            case "before" | "after":
                self._choose_version(message, -1 if action == "before" else 1)
            case "more":
                self._on_menu_asked(message, QCursor.pos())

    def _choose_version(self, message: str, step: int) -> None:
        entry = self._view.entry(message)
        if entry is not None:
            shown = entry.beginning or entry.message
            versions = shown.versions
            place = versions.index(shown.id) + step
            if 0 <= place < len(versions):
                self._view.version_chosen.emit(versions[place])

    def _show_seen(self, message: str) -> None:
        """Of one picture what the model saw of it, of several which one."""
        entry = self._view.entry(message)
        if entry is not None and entry.asked_with_pictures:
            self._view.seen_asked.emit(entry.asked_with_pictures, QCursor.pos())

    def _copy(self, message: str) -> None:
        entry = self._view.entry(message)
        if entry is not None:
            self._put_on_clipboard(entry.full_text())

    def _put_on_clipboard(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._view.copied.emit(text)

    @Slot(str, str)
    def _on_edit_taken(self, message: str, text: str) -> None:
        self._view.end_editing(message)
        self._view.edit_submitted.emit(message, text)

    @Slot(str)
    def _on_edit_cancelled(self, message: str) -> None:
        self._view.end_editing(message)

    @Slot(str)
    def _on_link_clicked(self, target: str) -> None:
        card = LinkCard(self._view.window(), self._view.style_now, target)
        card.opened.connect(self._on_link_opened)
        card.show_at(QCursor.pos())

    @Slot(QUrl)
    def _on_link_opened(self, url: QUrl) -> None:
        self._view.link_activated.emit(url)

    @Slot(str, QPoint)
    def _on_menu_asked(self, message: str, spot: QPoint) -> None:
        entry = self._view.entry(message)
        if entry is None:
            return
        menu = self._menu(entry)
        menu.popup(spot)

    def _menu(self, entry: Entry) -> QMenu:
        view = self._view
        style = view.style_now
        message = entry.message.id
        menu = QMenu(view)
        menu.aboutToHide.connect(menu.deleteLater)

        def icon(name: str, token: str = "text2") -> QIcon:
            return QIcon(style.pixmap(name, token, 16, view.devicePixelRatioF()))

        selected = view.selected_text()
        if selected:
            menu.addAction(icon("copy"), "Copy selection").triggered.connect(lambda: self._put_on_clipboard(selected))
        if entry.is_answer:
            menu.addAction(icon("copy"), "Copy as Markdown").triggered.connect(lambda: self._copy(message))
            plain = menu.addAction(icon("document"), "Copy without Markdown")
            plain.triggered.connect(lambda: self._put_on_clipboard(plain_text(entry.words().blocks)))
        else:
            menu.addAction(icon("copy"), "Copy").triggered.connect(lambda: self._copy(message))
        if entry.message.state not in (MessageState.QUEUED, MessageState.STREAMING):
            edit = menu.addAction(icon("edit"), "Edit")
            edit.triggered.connect(lambda: view.begin_editing(message))
            prompt = menu.addAction(icon("seen"), "Show the full prompt")
            prompt.triggered.connect(lambda: view.prompt_asked.emit(message))
            menu.addSeparator()
            delete = menu.addAction(icon("trash", "danger"), "Delete")
            delete.triggered.connect(lambda: view.delete_asked.emit(message))
        return menu
