"""What a person can do with conversations and a model, and what each of it changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile
from pathlib import Path

import msgspec

from app.chat.asking import joined
from app.chat.changes import (
    Change,
    ConversationRemoved,
    DraftRestored,
    ModelMeasured,
    Notice,
    SettingsChanged,
)
from app.chat.clock import Clock
from app.chat.desk import Changes, Desk
from app.chat.link import EngineLink
from app.chat.model_keeper import DEMO_MODEL
from app.chat.tool_commands import ToolCommands
from app.chat.views import branch_changes
from app.chat.wording import clean_title, well_formed
from app.core.errors import StorageError, UsageError
from app.core.message import Draft, Scan
from app.core.protocol import Event
from app.core.settings import ConversationSettings, Settings, with_tools
from app.store.store import Store
from app.tools.toolbox import Toolbox

__all__ = ["Changes", "ChatSession"]


class ChatSession:
    """Conversations, one model and the answers it writes. Single-threaded: the thread that made it; see SessionRunner.

    Every method returns what it changed. They raise UsageError for what does not exist or cannot be done now, and
    StorageError for what could not be saved: nothing has happened then, and the words of a message that was not saved
    go back to the composer (`refusals.changes_with`).
    """

    def __init__(
        self,
        store: Store,
        engine: EngineLink,
        clock: Clock,
        demo_places: Sequence[Path] = (),
        embeddings: Path | None = None,
        toolbox: Toolbox | None = None,
    ) -> None:
        """Starts nothing. `demo_places` are folders where the demo model may be; `embeddings` is the engine's own."""
        self._store = store
        self._engine = engine
        self._clock = clock
        self._demo_places = demo_places
        self._desk = Desk(store, engine, clock, embeddings, toolbox)
        self.tools = ToolCommands(self._desk)
        self._removed_open = ""

    @property
    def settings(self) -> Settings:
        """The settings that hold in this session."""
        return self._desk.asking.settings

    @property
    def default_model(self) -> Path | None:
        """The model that is loaded where none is named: the remembered one, else the demo model."""
        if self.settings.model_path:
            return Path(self.settings.model_path)
        return next((place / DEMO_MODEL for place in self._demo_places if (place / DEMO_MODEL).is_file()), None)

    @property
    def under_way(self) -> bool:
        """Whether time matters now: an answer, a load, or something that is not saved yet."""
        return self._desk.under_way

    # beginning and end

    def start(self, model: Path | None = None) -> Changes:
        """The window's start: lists the chats, opens the one that was open last, loads a model.

        That is the given one (remembered once it is loaded), else the remembered one, else the demo model.
        """
        self._desk.is_window = True
        told: list[Change] = []
        opened = ""
        if self._store.trouble is None:
            told += self._desk.read_settings()
            self._desk.answering.line += self._adopted()
            self.tools.mend()
            opened = self._store.conversations.opened()
            told += [self._desk.library.listed(), *self._desk.show(opened)]
        else:
            told += [SettingsChanged(self.settings), *self._desk.show("")]
        told += self._told_of_storage()
        return self._desk.settled([*told, *self._begin_load(model)])

    def begin(self) -> Changes:
        """The command line's start: tells the settings and the conversations; opens and loads nothing.

        Raises StorageError where the data folder can be neither read nor written.
        """
        if self._store.trouble is not None:
            raise self._store.trouble
        told = self._desk.read_settings()
        return (*told, self._desk.library.listed(), *self._told_of_storage())

    def close(self) -> Changes:
        """Save what is being written, end the worker and the store."""
        told = (*self._desk.answering.abandon(), *self._desk.retried())
        self._desk.toolbox.close()
        self._engine.close()
        self._store.close()
        return told

    # conversations; "" is the new chat, which is stored with its first message

    def list_conversations(self) -> Changes:
        """Tell all conversations, the one that was written in last first."""
        return (self._desk.library.listed(),)

    def new_conversation(self) -> Changes:
        """Show an empty new chat; what the one before would have set for itself is forgotten."""
        self._desk.own_new = ConversationSettings()
        return self._desk.settled(self._desk.show(""))

    def open_conversation(self, conversation: str) -> Changes:
        """Show a conversation."""
        return self._desk.settled([*self._desk.news(), *self._desk.show(conversation)])

    def rename_conversation(self, conversation: str, title: str) -> Changes:
        """Give it a title of the person's own."""
        title = clean_title(well_formed(title))
        if not title:
            raise UsageError("A chat needs a title.", "empty")
        self._desk.library.conversation(conversation)
        self._store.conversations.rename(conversation, title)
        shown = [self._desk.library.opened(conversation)] if conversation == self._desk.open else []
        return self._desk.settled([self._desk.library.listed(), *shown])

    def delete_conversation(self, conversation: str) -> Changes:
        """Move it to the trash; what was being answered in it is kept as far as it came."""
        stored = self._desk.library.conversation(conversation)
        self._desk.calling.forget(conversation)
        gone = self._store.messages.all_in(conversation)
        with self._store.durable():
            self._store.messages.end_waiting(conversation)
            self._store.conversations.trash(conversation, self._clock.now())
        told = list(self._desk.asking.leave(gone))
        told.append(ConversationRemoved(conversation, stored.title))
        self._removed_open = ""
        if conversation == self._desk.open:
            self._removed_open = conversation
            told += self._desk.show("")
        return self._desk.settled([*told, self._desk.library.listed()])

    def restore_conversation(self, conversation: str) -> Changes:
        """Bring it back from the trash; it is shown again if it was when it was deleted."""
        if not self._store.conversations.restore(conversation):
            raise UsageError("This chat is not in the trash.", "no_conversation")
        shown = self._desk.show(conversation) if conversation == self._removed_open else ()
        return self._desk.settled([self._desk.library.listed(), *shown])

    def change_conversation_settings(self, conversation: str, settings: ConversationSettings) -> Changes:
        """Set what a conversation sets for itself ("": the new chat, before its first message)."""
        if conversation:
            self._desk.library.conversation(conversation)
            self._store.conversations.set_settings(conversation, settings)
        else:
            self._desk.own_new = settings
        if conversation != self._desk.open:
            return ()
        return self._desk.settled(self._desk.show(conversation))

    def draft_changed(self, conversation: str, draft: Draft) -> Changes:
        """Keep what is being written, and have it measured against the context (ContextMeasured follows).

        What cannot be saved stays in the composer; the next change is saved again.
        """
        draft = msgspec.structs.replace(draft, text=well_formed(draft.text))
        self._desk.save_aside(lambda: self._store.conversations.set_draft(conversation, draft))
        told = self._desk.news()
        if conversation == self._desk.open:
            self._desk.draft = draft
            self._desk.meter.ask(conversation, draft)
        return self._desk.settled(told)

    def add_to_draft(self, conversation: str, added: Draft, instead: Scan | None = None) -> Changes:
        """What was opened for a chat that is shown no more goes with what is being written there.

        `instead` was decided about: the pictures of its pages are there in its stead.
        """
        if conversation == self._desk.open:
            return self._desk.settled((DraftRestored(conversation, added),))
        drafts = self._store.conversations
        if not conversation:
            before = drafts.new_draft()
        elif (stored := drafts.find(conversation)) is not None:
            before = stored.draft
        else:
            return ()  # it was deleted meanwhile
        before = msgspec.structs.replace(before, scans=tuple(scan for scan in before.scans if scan != instead))
        self._desk.save_aside(lambda: drafts.set_draft(conversation, joined(before, added)))
        return ()

    # messages

    def submit(self, conversation: str, draft: Draft) -> Changes:
        """Save a message with its pictures, then send it, or let it wait in line while the model loads or answers."""
        told = [*self._desk.news(), *self._desk.retried()]
        own, model = self._desk.own_new, self._desk.model
        where, changes = self._desk.asking.submit(conversation, draft, own, model)
        if not conversation:
            self._desk.own_new = ConversationSettings()
            self._desk.remember_open(where)
        self._desk.draft = Draft()
        return self._desk.settled([*told, *changes, self._desk.library.listed()])

    def withdraw(self, message: str) -> Changes:
        """Take a waiting message back: its words come as DraftRestored."""
        return self._desk.settled([*self._desk.asking.withdraw(message), self._desk.library.listed()])

    def stop(self) -> Changes:
        """End the answer (or the load) where it is; a second call kills the worker."""
        if given_up := self._desk.asking.give_up(self._desk.open):
            return self._desk.settled(given_up)
        if self._desk.answering.turn is None:
            stopped = self._desk.calling.stop(self._desk.open) if self._desk.open else []
            return self._desk.settled(stopped or self._desk.keeper.cancel())
        if self._desk.answering.stop():
            self._desk.keeper.kill()
        return ()

    def regenerate(self, message: str) -> Changes:
        """Answer again, as another version: `message` is an answer, or a message of the person."""
        told = self._desk.retried()
        return self._desk.settled(
            [*told, *self._desk.asking.regenerate(message, self._desk.model), self._desk.library.listed()]
        )

    def edit(self, message: str, text: str) -> Changes:
        """A message of the person is sent again in other words, as another branch; an answer's text is replaced."""
        told = self._desk.retried()
        return self._desk.settled(
            [*told, *self._desk.asking.edit(message, text, self._desk.model), self._desk.library.listed()]
        )

    def continue_answer(self, message: str) -> Changes:
        """Go on with the last answer in the same message."""
        told = self._desk.retried()
        if self._desk.keeper.is_resting:
            notice = Notice("The model had been resting and is loaded again. Continue when it is ready.", "resting")
            return self._desk.settled([*told, *self._desk.keeper.wake(), notice])
        return self._desk.settled([*told, *self._desk.asking.go_on(message, self._desk.model)])

    def select_version(self, message: str) -> Changes:
        """Show this version, with the newest of what follows it."""
        conversation = self._desk.library.message(message).conversation
        before = self._desk.library.branch(conversation)
        self._store.messages.show(self._store.messages.newest_leaf(message))
        return self._desk.settled(branch_changes(conversation, before, self._desk.library.branch(conversation)))

    def delete_message(self, message: str) -> Changes:
        """Remove a message and what follows it; MessagesRemoved carries the token for undo_delete.

        Of an answer that called tools all parts go.
        """
        message = self._desk.asking.beginning(message)
        conversation = self._desk.library.message(message).conversation
        before = self._desk.library.branch(conversation)
        self._desk.calling.forget_messages(list(dropwhile(lambda view: view.id != message, before)))
        deletion = self._store.deletions.delete(message, self._clock.now())
        told = self._desk.asking.leave(list(deletion.messages))
        told += branch_changes(conversation, before, self._desk.library.branch(conversation), deletion.id)
        return self._desk.settled([*told, self._desk.library.listed()])

    def undo_delete(self, token: str) -> Changes:
        """Bring back what one delete_message removed."""
        conversation = self._store.deletions.conversation(token)
        if not conversation:
            raise UsageError("This can no longer be brought back.", "no_deletion")
        before = self._desk.library.branch(conversation)
        self._store.deletions.undo(token)
        changes = branch_changes(conversation, before, self._desk.library.branch(conversation))
        return self._desk.settled([*changes, self._desk.library.listed()])

    # model and worker

    def choose_model(self, path: Path, *, mmproj: Path | None = None, remember: bool = True) -> Changes:
        """Load this model in place of the loaded one, and remember it once it is loaded.

        `mmproj` is its image part; None takes the one that was named for it last, else one beside it that fits.

        An answer that is being written is stopped; what there is of it stays.
        """
        turn = self._desk.answering.turn
        if turn is not None and not turn.stops:
            self._desk.answering.stop()
        return self._desk.settled(self._desk.keeper.choose(self._desk.wanted(path, mmproj, remember=remember)))

    def choose_fetched(self, path: Path) -> Changes:
        """Load a model that has just come, as choose_model does; an answer that is being written ends first."""
        return self._desk.settled(self._desk.keeper.choose(self._desk.wanted(path, remember=True)))

    def accept_offer(self) -> Changes:
        """Load the model that memory was missing for in the smaller way that ModelRefused or SmallerOffered told.

        It is remembered for this model on this machine.
        """
        wanted = self._desk.keeper.offered
        if wanted is None:
            raise UsageError("There is nothing to load in a smaller way.", "no_offer")
        told = self._desk.remember_fitted(wanted)
        return self._desk.settled([*told, *self._desk.keeper.choose(wanted)])

    def load_default_model(self) -> Changes:
        """Load the remembered model, or the demo model where none was chosen; ModelChanged NONE where there is none."""
        return self._desk.settled(self._begin_load(None))

    def cancel_load(self) -> Changes:
        """Give the load up and go back to the model before."""
        return self._desk.settled(self._desk.keeper.cancel())

    def unload_model(self) -> Changes:
        """Free the model's memory."""
        turn = self._desk.answering.turn
        if turn is not None and not turn.stops:
            self._desk.answering.stop()
        return self._desk.settled(self._desk.keeper.unload())

    def kill_engine(self) -> Changes:
        """End the worker: it has not answered for too long. It is started again by itself."""
        self._desk.keeper.kill()
        return ()

    def tell_measured(self, name: str) -> Changes:
        """What answers of a model of this name took here."""
        return (ModelMeasured(name, self._store.messages.measured(name)),)

    def describe(self) -> Changes:
        """Ask the worker what it is made of (WorkerDescribed follows; WorkerRestarted if it dies over it)."""
        self._desk.keeper.describe()
        return ()

    def show_prompt(self, message: str = "") -> Changes:
        """Ask how the model reads the chat up to this message, or with what is being written (PromptShown follows)."""
        self._desk.show_prompt(message)
        return ()

    def bench(self, prompt_tokens: int = 512, generate_tokens: int = 64, repeat: int = 3) -> Changes:
        """Measure the loaded model (WorkerBenched follows)."""
        if not self._desk.model or self._desk.answering.turn is not None:
            raise UsageError("There is no model that could be measured now.", "no_model")
        self._desk.keeper.bench(prompt_tokens, generate_tokens, repeat)
        return ()

    # settings and saving

    def change_settings(self, settings: Settings, *, remember: bool = True) -> Changes:
        """Take these settings, and load the model again where how it is loaded has changed.

        What was decided about tools stays. With `remember` False they hold for this session only and nothing of them
        is stored.
        """
        if settings.load != self.settings.load:  # the person decides anew
            settings = msgspec.structs.replace(settings, fitted=())
        settings = with_tools(settings, self.settings)
        self._desk.asking.settings = settings
        told: list[Change] = [SettingsChanged(settings)]
        if remember:
            try:
                self._store.save_settings(with_tools(settings, self._store.settings()))
            except StorageError as error:
                told.append(Notice(f"{error.message} The settings hold until the program ends.", error.code))
        self._desk.keeper.reload(self._desk.load_options)
        self._desk.measure_again()
        return self._desk.settled(told)

    def retry_save(self) -> Changes:
        """Write now what is on screen only."""
        return self._desk.settled(self._desk.retried())

    # what comes from outside

    def handle(self, event: Event) -> Changes:
        """Take an event of the worker; events of turns and loads that are over are dropped."""
        return self._desk.handle(event)

    @property
    def rests_at(self) -> float | None:
        """When `rest` is due, by the clock's monotonic(); None while the model is used or may stay."""
        return self._desk.rests_at

    def rest(self) -> Changes:
        """Give the memory of a model back that nobody has used for as long as the settings say."""
        return self._desk.rest()

    def tick(self) -> Changes:
        """Partial saves, deadlines and retries; to be called about every 0.25 s while `under_way`."""
        return self._desk.tick()

    def _adopted(self) -> list[str]:
        try:
            return [] if self._store.only_reading else self._store.adopt_queued()
        except StorageError:  # they stay in the store and wait for the next start
            return []

    def _told_of_storage(self) -> Changes:
        """What is wrong with the data folder, as a sentence."""
        trouble, only_reading, aside = self._store.trouble, self._store.only_reading, self._store.set_aside
        if trouble is not None:
            return (Notice(f"{trouble.message} Nothing is saved.", trouble.code),)
        if only_reading is not None:
            return (Notice(f"{only_reading.message} Chats can be read; nothing new is saved.", only_reading.code),)
        if aside is not None:
            told = f"The file with the chats was damaged. It was kept as {aside.name}, and a new one was begun."
            return (Notice(told, "set_aside"),)
        return ()

    def _begin_load(self, given: Path | None) -> Changes:
        path = given if given is not None else self.default_model
        if path is None:
            return self._desk.keeper.ready_change()
        return self._desk.keeper.choose(self._desk.wanted(path, remember=given is not None))
