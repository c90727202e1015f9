"""What the person does becomes a command for the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.message import Draft, Scan
from app.core.settings import Settings
from app.ui.chat_pane import ChatPane
from app.ui.composer import Activity
from app.ui.look import SCALES
from app.ui.screen import Screen
from app.ui.sidebar import Sidebar

if TYPE_CHECKING:
    from app.chat.runner import Command


class Actions(QObject):
    """Posts to the session; reads from the screen which conversation, model and settings are meant. GUI thread."""

    def __init__(
        self, screen: Screen, sidebar: Sidebar, chat: ChatPane, post: Callable[[Command], None], window: QWidget
    ) -> None:
        super().__init__(window)
        self._screen = screen
        self._sidebar = sidebar
        self._chat = chat
        self._post = post
        self._window = window

    # conversations

    @Slot()
    def new_chat(self) -> None:
        """Begin a new chat; it is stored with its first message."""
        self._chat.composer.flush()
        self._screen.leaves()
        self._post(lambda session: session.new_conversation())
        self._to_composer()

    @Slot(str)
    def open_chat(self, conversation: str) -> None:
        """Bring a conversation into the transcript."""
        if conversation != self._screen.conversation:
            self._chat.composer.flush()
            self._screen.leaves()
            self._post(lambda session: session.open_conversation(conversation))
        self._to_composer()

    def step_chat(self, step: int) -> None:
        """Open the conversation below (above) the one that is open."""
        neighbour = self._sidebar.neighbour(self._screen.conversation, step)
        if neighbour:
            self.open_chat(neighbour)

    @Slot(str, str)
    def rename_chat(self, conversation: str, title: str) -> None:
        """Give a conversation another title."""
        self._post(lambda session: session.rename_conversation(conversation, title))

    @Slot(str)
    def rename_open_chat(self, title: str) -> None:
        """Give the conversation in the transcript another title."""
        if self._screen.conversation:
            self.rename_chat(self._screen.conversation, title)

    @Slot(str)
    def delete_chat(self, conversation: str) -> None:
        """Delete a conversation; the undo bar brings it back."""
        self._post(lambda session: session.delete_conversation(conversation))

    @Slot()
    def delete_open_chat(self) -> None:
        """Delete the conversation in the transcript."""
        if self._screen.conversation:
            self.delete_chat(self._screen.conversation)

    @Slot(object)
    def undo(self, token: object) -> None:
        """Bring back what the undo bar speaks of."""
        if isinstance(token, tuple):
            kind, key = token
            if kind == "chat":
                self._post(lambda session: session.restore_conversation(key))
            else:
                self._post(lambda session: session.undo_delete(key))

    # messages

    @Slot(object)
    def submit(self, draft: Draft) -> None:
        """Send a message in the conversation that is shown."""
        conversation = self._screen.conversation
        self._screen.sent()
        self._post(lambda session: session.submit(conversation, draft))

    @Slot(object)
    def keep_draft(self, draft: Draft) -> None:
        """Keep what is being written, and have it measured."""
        conversation = self._screen.conversation
        self._post(lambda session: session.draft_changed(conversation, draft))

    @Slot(str, object, object)
    def add_to_draft(self, conversation: str, added: Draft, instead: Scan | None) -> None:
        """A file was opened for a chat that is shown no more."""
        self._post(lambda session: session.add_to_draft(conversation, added, instead))

    @Slot(str)
    def show_prompt(self, message: str) -> None:
        """Ask how the model reads the chat, up to this message or with what is being written."""
        self._post(lambda session: session.show_prompt(message))

    @Slot()
    def stop(self) -> None:
        """Stop the answer, or take back the message that waits."""
        if self._screen.activity in (Activity.ANSWERING, Activity.DECIDING):
            self._post(lambda session: session.stop())
        elif self._screen.last_queued:
            self.withdraw(self._screen.last_queued)

    @Slot(str)
    def withdraw(self, message: str) -> None:
        """Take a waiting message back into the composer."""
        self._post(lambda session: session.withdraw(message))

    @Slot(str)
    def regenerate(self, message: str) -> None:
        """Write this answer again, as another version."""
        self._post(lambda session: session.regenerate(message))

    @Slot(str, str)
    def edit_message(self, message: str, text: str) -> None:
        """Send a message again in other words, as another branch."""
        self._post(lambda session: session.edit(message, text))

    @Slot(str)
    def continue_answer(self, message: str) -> None:
        """Go on with an answer that was cut."""
        self._post(lambda session: session.continue_answer(message))

    @Slot(str)
    def choose_version(self, message: str) -> None:
        """Show another version."""
        self._post(lambda session: session.select_version(message))

    @Slot(str)
    def delete_message(self, message: str) -> None:
        """Delete a message; the undo bar brings it back."""
        self._post(lambda session: session.delete_message(message))

    @Slot()
    def copy_last_answer(self) -> None:
        """Put the last answer on the clipboard."""
        if self._screen.last_answer is not None:
            QGuiApplication.clipboard().setText(self._screen.last_answer.text)

    @Slot(QUrl)
    def open_link(self, url: QUrl) -> None:
        """Open a link that the person chose, in their own browser or mail program."""
        if url.scheme() in ("http", "https", "mailto"):
            QDesktopServices.openUrl(url)

    def describe(self) -> None:
        """Ask the engine what it is made of."""
        self._post(lambda session: session.describe())

    @Slot(str)
    def ask_measured(self, name: str) -> None:
        """Ask what answers of a model of this name took here."""
        self._post(lambda session: session.tell_measured(name))

    @Slot()
    def accept_offer(self) -> None:
        """Load the model that did not fit in the smaller way that was offered."""
        self._post(lambda session: session.accept_offer())

    @Slot()
    def retry_save(self) -> None:
        """Write what is on screen only."""
        self._post(lambda session: session.retry_save())

    @Slot(str)
    def begin_with(self, words: str) -> None:
        """Put the beginning of a message into the composer."""
        self._chat.composer.edit.set_text(words)
        self._to_composer()

    # models

    @Slot(object)
    def choose_model(self, path: Path, image_part: Path | None = None) -> None:
        """Load this model and remember it, with its image part where that is named."""
        self._chat.silence("refused")
        if image_part is None:
            self._post(lambda session: session.choose_model(path))
        else:
            self._post(lambda session: session.choose_model(path, mmproj=image_part))

    @Slot(object)
    def choose_fetched(self, path: Path) -> None:
        """Load a model that has come, once no answer is being written."""
        self._chat.silence("refused")
        self._post(lambda session: session.choose_fetched(path))

    @Slot()
    def browse_model(self) -> None:
        """Ask for a model file."""
        self._browse("Choose a model file", lambda name: self.choose_model(Path(name)))

    @Slot(object)
    def browse_image_part(self, path: Path) -> None:
        """Ask for the image part of this model, and load it with that."""
        self._browse("Choose its image part (mmproj)", lambda name: self.choose_model(path, Path(name)))

    def _browse(self, title: str, chosen: Callable[[str], None]) -> None:
        dialog = QFileDialog(self._window, title, "", "Models (*.gguf);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(chosen)
        dialog.open()

    @Slot()
    def cancel_load(self) -> None:
        """Give the load up."""
        self._post(lambda session: session.cancel_load())

    @Slot()
    def unload(self) -> None:
        """Free the model's memory."""
        self._post(lambda session: session.unload_model())

    @Slot(int)
    def enlarge_context(self, context: int) -> None:
        """Load the model again with this context."""
        load = msgspec.structs.replace(self._screen.settings.load, context=context)
        self.change_settings(msgspec.structs.replace(self._screen.settings, load=load))

    # settings

    @Slot(object)
    def change_settings(self, settings: Settings) -> None:
        """Take these settings from now on."""
        self._post(lambda session: session.change_settings(settings))

    @Slot()
    def close_demo_notice(self) -> None:
        """Never speak of the demo model again."""
        self._chat.silence("demo")
        self.change_settings(msgspec.structs.replace(self._screen.settings, demo_notice_closed=True))

    def step_scale(self, step: int) -> None:
        """Make the text larger or smaller; 0 is 100%."""
        now = self._screen.settings.text_scale
        place = min(range(len(SCALES)), key=lambda index: abs(SCALES[index] - now))
        scale = SCALES[min(max(place + step, 0), len(SCALES) - 1)] if step else 1.0
        if scale != now:
            self.change_settings(msgspec.structs.replace(self._screen.settings, text_scale=scale))

    def _to_composer(self) -> None:
        self._chat.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)
