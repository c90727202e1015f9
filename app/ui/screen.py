"""What is on the screen: every change of the session is shown here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.chat import changes as told
from app.chat.changes import Change, ModelChanged, ModelState
from app.core.message import MessageState, Role
from app.core.protocol import Measured
from app.core.settings import ConversationSettings, Settings
from app.ui.activity import ActivityLog
from app.ui.chat_pane import ChatPane
from app.ui.composer import Activity
from app.ui.look import Look
from app.ui.sidebar import Sidebar

NEW_CHAT = "New chat"


class Screen(QObject):
    """Holds what the window shows now, and shows what changes. GUI thread; decides nothing for the session."""

    model_loaded = Signal(str)
    described = Signal(object)  # Described
    model_measured = Signal(object)  # ModelMeasured
    settings_shown = Signal(object)
    bug_met = Signal(str)
    page_due = Signal(bool)  # the first page is shown: whether it was not before
    pictures_seen = Signal(object)
    parts_counted = Signal(object)
    model_shown = Signal(object)
    tools_listed = Signal(object)
    messages_shown = Signal(object)
    message_shown = Signal(object)
    messages_removed = Signal(object)  # their ids
    calls_logged = Signal(object)
    prompt_shown = Signal(object)
    server_tried = Signal(object)
    parts_measured = Signal(object)

    def __init__(self, look: Look, sidebar: Sidebar, chat: ChatPane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._sidebar = sidebar
        self._chat = chat
        self._handlers = self._made_handlers()
        self._activity = ActivityLog()
        self._opened = False
        self._sent_new = False
        self._listed: told.ToolsListed | None = None
        self._calls_waiting = 0
        self.conversation = ""
        self.has_messages = False
        self.last_answer: told.MessageView | None = None
        self.settings = Settings()
        self.own_settings = ConversationSettings()
        self.model: ModelChanged | None = None
        self.measured: Measured | None = None
        self.what_happened = ""
        self._has_chats = False
        self._begun = False  # with the demo model
        self._show_title("")

    @property
    def activity(self) -> Activity:
        """What goes on in the conversation that is shown."""
        doing = self._activity.of(self.conversation)
        return Activity.DECIDING if self._calls_waiting and doing is Activity.IDLE else doing

    @property
    def busy(self) -> bool:
        """Whether anything is being answered or waits for it, in any chat."""
        return bool(self._activity.words(""))

    @property
    def last_queued(self) -> str:
        """The message of this conversation that waits last; "" for none."""
        return self._activity.last_queued(self.conversation)

    def sent(self) -> None:
        """The person sent a message: in a new chat, the conversation that comes next is this one."""
        self._chat.silence("notice")
        self._sent_new = not self.conversation

    def leaves(self) -> None:
        """The person goes to another conversation: the next one that is opened is that one."""
        self._sent_new = False

    @Slot()
    def refresh_context(self) -> None:
        """The composer has become empty or is no longer: what does not fit may have changed with it."""
        self._show_measured(self.measured)

    @Slot(object)
    def apply(self, change: Change) -> None:
        """Show what the session changed."""
        handler = self._handlers.get(type(change))
        if handler is not None:
            handler(change)

    def _made_handlers(self) -> dict[type[Change], Callable[[Any], None]]:
        return {
            told.ConversationsListed: self._on_conversations_listed,
            told.ConversationOpened: self._on_conversation_opened,
            told.ConversationRemoved: self._on_conversation_removed,
            told.MessageAdded: self._on_message_added,
            told.MessageChanged: self._on_message_changed,
            told.MessagesRemoved: self._on_messages_removed,
            told.TextAdded: self._on_text_added,
            told.ReadingChanged: self._on_reading_changed,
            told.SeeingChanged: self._on_seeing_changed,
            told.PicturesSeen: self._on_pictures_seen,
            told.DraftRestored: self._on_draft_restored,
            told.ModelChanged: self._on_model_changed,
            told.ModelRefused: self._on_model_refused,
            told.SmallerOffered: self._on_smaller_offered,
            told.ContextMeasured: self._on_context_measured,
            told.SettingsChanged: self._on_settings_changed,
            told.WorkerRestarted: self._on_worker_restarted,
            told.SaveFailed: self._on_save_failed,
            told.SaveRecovered: self._on_save_recovered,
            told.Notice: self._on_notice,
            told.Bug: self._on_bug,
            told.CallWritten: self._on_call_written,
            told.ToolsListed: self._on_tools_listed,
            told.CallsLogged: self.calls_logged.emit,
            told.PromptShown: self.prompt_shown.emit,
            told.ServerTried: self.server_tried.emit,
            told.WorkerDescribed: lambda change: self.described.emit(change.described),
            told.ModelMeasured: self.model_measured.emit,
        }

    def _on_conversations_listed(self, change: told.ConversationsListed) -> None:
        self._sidebar.show_rows(change.rows)
        self._has_chats = bool(change.rows)
        self._refresh_demo()
        self._sidebar.show_open(self.conversation)

    def _on_conversation_opened(self, change: told.ConversationOpened) -> None:
        same = self._opened and (change.conversation == self.conversation or (self._sent_new and not self.conversation))
        if not same:
            self._chat.composer.flush()
            self._chat.silence("notice")
        self.conversation = change.conversation
        self._sent_new = False
        self.own_settings = change.settings
        if not same and (self._opened or not self._chat.composer.has_draft):
            self._chat.composer.set_draft(change.draft)  # words written before the first chat was there stay
        self._opened = True
        self._activity.note_all(change.conversation, change.messages)
        answers = [message for message in change.messages if message.role is Role.ASSISTANT]
        self.last_answer = answers[-1] if answers else None
        self._chat.transcript.show_conversation(change.messages)
        self.messages_shown.emit(change.messages)
        self.has_messages = bool(change.messages)
        self._show_title(change.title)
        self._sidebar.show_open(change.conversation)
        if not same:
            self._show_measured(None)
        self._refresh_activity()
        self._refresh_page()

    def _on_conversation_removed(self, change: told.ConversationRemoved) -> None:
        self._activity.forget_conversation(change.conversation)
        self._chat.offer_undo(f"{change.title} was deleted", ("chat", change.conversation))

    def _on_message_added(self, change: told.MessageAdded) -> None:
        message = change.message
        if self._sent_new and not self.conversation:
            self.conversation = message.conversation
            self._sent_new = False
        self._activity.note(message)
        if message.conversation == self.conversation:
            self.has_messages = True
            self._note_answer(message)
            self._refresh_page()
            self._chat.transcript.add_message(message)
            self.message_shown.emit(message)
        self._refresh_activity()

    def _on_message_changed(self, change: told.MessageChanged) -> None:
        message = change.message
        self._activity.note(message)
        if message.conversation == self.conversation:
            self._note_answer(message)
            self._chat.transcript.change_message(message)
            self.message_shown.emit(message)
        self._refresh_activity()

    def _on_messages_removed(self, change: told.MessagesRemoved) -> None:
        self._activity.forget(change.ids)
        if change.conversation == self.conversation:
            self._chat.transcript.remove_messages(change.ids)
            self.messages_removed.emit(change.ids)
            if self.last_answer is not None and self.last_answer.id in change.ids:
                self.last_answer = None
        if change.undo:
            self._chat.offer_undo("The message was deleted", ("message", change.undo))
        self._refresh_activity()

    def _on_text_added(self, change: told.TextAdded) -> None:
        if change.conversation == self.conversation:
            self._chat.transcript.add_text(change.message, change.text, change.generated)

    def _on_reading_changed(self, change: told.ReadingChanged) -> None:
        if change.conversation == self.conversation:
            self._chat.transcript.show_reading(change)

    def _on_seeing_changed(self, change: told.SeeingChanged) -> None:
        if change.conversation == self.conversation:
            self._chat.transcript.show_seeing(change)

    def _on_call_written(self, change: told.CallWritten) -> None:
        if change.conversation == self.conversation:
            self._chat.transcript.show_calling(change)

    def _on_tools_listed(self, change: told.ToolsListed) -> None:
        if self.model is not None and self.model.state is ModelState.READY:
            self.tools_listed.emit(change)
        self._listed = change

    def show_calls_waiting(self, number: int) -> None:
        """So many calls of this chat wait for the person: Send is Stop until they are decided."""
        if number != self._calls_waiting:
            self._calls_waiting = number
            self._refresh_activity()

    def _on_pictures_seen(self, change: told.PicturesSeen) -> None:
        if change.conversation == self.conversation:
            self.pictures_seen.emit(change)

    def _on_draft_restored(self, change: told.DraftRestored) -> None:
        self._sent_new = False
        if change.conversation == self.conversation:
            self._chat.composer.give_back(change.draft)
            self._chat.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_model_changed(self, change: ModelChanged) -> None:
        self.model = change
        self._chat.top.pill.show_model(change)
        self.model_shown.emit(change)
        self._chat.transcript.set_seconds_left(change.seconds_left)
        if change.state is ModelState.READY:
            self._chat.transcript.set_current_model(change.name)
            self._chat.silence("refused")
            if self._listed is not None:
                self.tools_listed.emit(self._listed)
            if change.model is not None:
                self.model_loaded.emit(change.model.path)
        elif change.state is ModelState.NONE:
            self._show_measured(None)
        self._refresh_demo()
        self._refresh_activity()
        self._refresh_page()

    def _on_model_refused(self, change: told.ModelRefused) -> None:
        if change.code == "cancelled":
            return
        kept = f" {change.kept} stays loaded." if change.kept else ""
        offered = f" It may run {change.offer.words}." if change.offer is not None else ""
        title, reason = f"{Path(change.path).name} was not loaded", f"{change.message}{offered}{kept}"
        again = Path(change.path) if change.code == "away" else None
        self._chat.tell_refused(title, reason, offered=change.offer is not None, again=again)

    def _on_smaller_offered(self, change: told.SmallerOffered) -> None:
        said = f"It may run {change.offer.words}. Ask again when it is loaded so."
        self._chat.tell_refused(f"{change.name} ran out of memory", said, offered=True)

    def _on_context_measured(self, change: told.ContextMeasured) -> None:
        if change.conversation == self.conversation:
            self._show_measured(change.measured)
            composer = self._chat.composer
            composer.set_too_long(composer.has_draft and bool(change.measured.error))
            self.parts_measured.emit(change.measured)
            self.parts_counted.emit(change.measured.parts)

    def _on_settings_changed(self, change: told.SettingsChanged) -> None:
        self.settings = change.settings
        self._look.choose(change.settings.theme, change.settings.text_scale)
        self._refresh_demo()
        self._refresh_page()
        self.settings_shown.emit(change.settings)

    def _on_worker_restarted(self, change: told.WorkerRestarted) -> None:
        rest = (
            "Restarted, your words are safe. The answer before it broke off is marked."
            if change.again
            else "It stopped again and stays off until you choose a model. Your words are safe."
        )
        self._chat.stopped.sentence.say("The model stopped working.", rest)
        self.what_happened = change.detail
        self._chat.stopped.show()

    def _on_save_failed(self, change: told.SaveFailed) -> None:
        self._chat.unsaved.sentence.say(*_told_first(change.message))
        self._chat.unsaved.show()

    def _on_save_recovered(self, _change: told.SaveRecovered) -> None:
        self._chat.silence("unsaved")

    def _on_notice(self, change: told.Notice) -> None:
        self.show_notice(change.message)

    @Slot(str)
    def show_notice(self, message: str) -> None:
        """Say a sentence above the composer."""
        self._chat.notice.sentence.say(*_told_first(message))
        self._chat.notice.show()

    def _on_bug(self, change: told.Bug) -> None:
        self.bug_met.emit(change.traceback or change.message)

    def _note_answer(self, message: told.MessageView) -> None:
        if message.role is Role.ASSISTANT and message.state is not MessageState.STREAMING:
            self.last_answer = message

    def _refresh_activity(self) -> None:
        self._chat.composer.set_activity(self.activity)
        self._sidebar.show_doing(self._activity.words(self.model.name if self.model else ""))

    def _refresh_page(self) -> None:
        if self.has_messages:
            self._chat.show_page(self._chat.transcript)
        elif self.model is not None and (self.model.state is ModelState.NONE or self._is_first_run):
            comes = not self._chat.shows("first")
            self._chat.show_page(self._chat.first)
            self.page_due.emit(comes)
        elif self.model is not None:
            self._chat.empty.show_model(self.model)
            self._chat.show_page(self._chat.empty)

    @property
    def _is_first_run(self) -> bool:
        """Whether no model was ever named or chosen, and nothing was said yet."""
        demo = self.model is not None and self.model.demo
        return demo and not (self._begun or self._has_chats or self.settings.model_path)

    @Slot()
    def begin_with_demo(self) -> None:
        """The person starts with the demo model."""
        self._begun = True
        self._refresh_page()
        self._refresh_demo()
        self._chat.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _refresh_demo(self) -> None:
        ready = self.model is not None and self.model.state is ModelState.READY and self.model.demo
        if ready and not self.settings.demo_notice_closed and not self._is_first_run:
            self._chat.demo.show()
        else:
            self._chat.silence("demo")

    def _show_title(self, title: str) -> None:
        self._chat.top.show_title(title or NEW_CHAT, can_rename=bool(self.conversation))

    def _show_measured(self, measured: Measured | None) -> None:
        self.measured = measured
        loaded = self.model is not None and self.model.state is not ModelState.NONE
        self._chat.top.meter.show_measured(measured, keep_place=loaded)
        composer = self._chat.composer
        over = measured is not None and composer.has_draft and bool(measured.left_out or measured.error)
        if measured is not None and over:
            paged = any(document.pages > 1 for document in composer.draft.documents)
            self._chat.context.show_measured(measured, self._larger_context(measured.context), paged=paged)
            composer.set_hint("" if measured.error else "Enter sends and leaves them out")
        else:
            self._chat.silence("context")
            composer.set_hint("")
            composer.set_too_long(False)

    def _larger_context(self, context: int) -> int:
        """Twice the context, as far as the model was trained; 0 when it has all it can have."""
        info = self.model.model if self.model is not None else None
        trained = info.trained_context if info is not None else 0
        larger = min(context * 2, trained)
        return larger if larger > context else 0


def _told_first(message: str) -> tuple[str, str]:
    """What happened, to stand in bold, and what follows from it; a single sentence stays plain."""
    first, stop, rest = message.partition(". ")
    return (f"{first}.", rest) if stop else ("", message)
