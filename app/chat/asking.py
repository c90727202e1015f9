"""What leads to an answer: sending, waiting in line, asking again, editing, going on."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from app.chat.answering import Answering
from app.chat.changes import Change, DraftRestored, MessageChanged, MessageView, Notice, TurnEnded
from app.chat.clock import Clock
from app.chat.library import Library
from app.chat.prompts import Prompts, stamped, system_text
from app.chat.refusals import UnsavedError, UnsentError
from app.chat.views import branch_changes
from app.chat.wording import title_of, well_formed
from app.core.errors import StorageError, UsageError
from app.core.message import Draft, FinishReason, MessageState, Role
from app.core.paths import decode_path
from app.core.protocol import Prompt
from app.core.settings import ConversationSettings, Settings
from app.core.tools import ToolDefinition
from app.store.records import AnswerRecord, StoredMessage
from app.store.store import Store

_RETRY_SECONDS = 2.0


class Asking:
    """Session thread. `model` in its methods is the name of a model that can be asked now, "" while there is none."""

    def __init__(
        self,
        store: Store,
        answering: Answering,
        library: Library,
        prompts: Prompts,
        clock: Clock,
        tools: Callable[[ConversationSettings], tuple[ToolDefinition, ...]] = lambda _: (),
    ) -> None:
        """`tools` are those that a conversation with these settings tells the model of."""
        self._store = store
        self._answering = answering
        self._library = library
        self._prompts = prompts
        self._clock = clock
        self._retry_at: float | None = None
        self._tools = tools
        self.settings = Settings()

    @property
    def is_blocked(self) -> bool:
        """Whether a message waits because the store could not be written."""
        return self._retry_at is not None

    def submit(
        self, conversation: str, draft: Draft, own: ConversationSettings, model: str
    ) -> tuple[str, list[Change]]:
        """Save a message, then send it or let it wait; "" is a new conversation, with the settings `own`."""
        draft = msgspec.structs.replace(draft, text=well_formed(draft.text))
        if not draft:
            raise UsageError("There is nothing to send yet.", "empty")
        gone = next((picture for picture in draft.pictures if not decode_path(picture.path).exists()), None)
        if gone is not None:
            named = f"picture “{gone.name}”" if gone.name else "picture"
            said = f"The {named} is missing: its file was deleted. Remove it, or attach it again."
            raise UnsentError(said, "picture_gone", conversation, draft)
        is_new = not conversation
        free = self._is_free(model)
        try:
            if not is_new and self._store.conversations.find(conversation) is None:
                raise UnsentError("This chat was deleted.", "no_conversation", conversation, draft)
            before = self._library.branch(conversation)
            with self._store.durable():
                if is_new:
                    own = stamped(own, self.settings, self._clock)
                    conversation = self._store.conversations.add(_title(draft), own, self._clock.now())
                    self._store.conversations.set_draft("", Draft())
                leaf = self._library.conversation(conversation).leaf
                question = self._add_question(conversation, leaf, draft)
                self._store.conversations.set_draft(conversation, Draft())
                begun = self._store_beginning(question, model) if free else None
        except StorageError as error:
            raise UnsavedError(error, "" if is_new else conversation, draft) from error
        self._enter(question, begun)
        if is_new:
            return conversation, [self._library.opened(conversation)]
        return conversation, list(branch_changes(conversation, before, self._library.branch(conversation)))

    def begin_next(self, model: str) -> list[Change]:
        """Answer the message that waits longest, if the model is free."""
        if not self._answering.line or self._answering.turn is not None:
            return []
        if self._retry_at is not None and self._clock.monotonic() < self._retry_at:
            return []
        question = self._answering.line[0]
        stored = self._store.messages.find(question)
        if stored is None or stored.state is not MessageState.QUEUED:  # another process took it back
            self._answering.line.remove(question)
            return self.begin_next(model)
        try:
            before = self._library.branch(stored.conversation)
            with self._store.durable():
                begun = self._store_beginning(question, model)
        except StorageError as error:
            return self._blocked(error)
        self._retry_at = None
        self._enter(question, begun)
        return list(branch_changes(stored.conversation, before, self._library.branch(stored.conversation)))

    def regenerate(self, message: str, model: str) -> list[Change]:
        """Answer the question before this answer (or this question) again, as another version."""
        chosen, question = self._turn_of(message)
        if question.state is MessageState.QUEUED:
            raise UsageError("This message waits for the model already.", "queued")
        stopped = self._stop_below(question.id)
        before = self._library.branch(question.conversation)
        answer = chosen.id if chosen is not question else _answer_to(question.id, before)
        free = self._is_free(model)
        with self._store.durable():
            moved = bool(answer) and self._store.messages.move_waiting(_end_of(answer, before), question.id)
            if not moved:
                self._store.messages.show(question.id)
            left = self._end_waiting_below(answer) if answer else []
            if not free:
                self._store.messages.set_state(question.id, MessageState.QUEUED, self._store.owner)
            self._store.conversations.touch(question.conversation, self._clock.now())
            begun = self._store_beginning(question.id, model) if free else None
        self._leave_line(left)
        self._enter(question.id, begun, first=stopped)
        return list(branch_changes(question.conversation, before, self._library.branch(question.conversation)))

    def edit(self, message: str, text: str, model: str) -> list[Change]:
        """Send a message again in other words, as another branch. An answer's and a waiting message's are replaced."""
        stored, text = self._library.message(message), well_formed(text)
        if not Draft(text, stored.pictures, stored.documents):
            raise UsageError("There is nothing left of this message. Delete it instead.", "empty")
        if stored.role is Role.ASSISTANT or stored.state is MessageState.QUEUED:
            return self._replace_text(stored, text)
        stopped = self._stop_below(message)
        before = self._library.branch(stored.conversation)
        free = self._is_free(model)
        with self._store.durable():
            left = self._end_waiting_below(message)
            question = self._add_question(
                stored.conversation, stored.parent, Draft(text, stored.pictures, stored.documents)
            )
            begun = self._store_beginning(question, model) if free else None
        self._leave_line(left)
        self._enter(question, begun, first=stopped)
        return list(branch_changes(stored.conversation, before, self._library.branch(stored.conversation)))

    def go_on(self, message: str, model: str) -> list[Change]:
        """Continue a partial answer in the same message."""
        stored = self._library.message(message)
        if stored.calls and all(call.settled for call in stored.calls) and not self._has_followers(message):
            return self.proceed(message)
        if stored.role is not Role.ASSISTANT or stored.state is not MessageState.INTERRUPTED:
            raise UsageError("Only an answer that was cut off can go on.", "not_partial")
        if self._has_followers(message):
            raise UsageError("Only the last answer can go on. Edit or regenerate this one instead.", "not_last")
        if not self._is_free(model):
            raise UsageError("The model is busy. Continue when it is ready.", "busy")
        self._check_saved(message)
        tokens = self._store.messages.tokens(message)
        view = msgspec.structs.replace(
            self._library_view(message), state=MessageState.STREAMING, finish_reason=None, error="", model=model
        )
        with self._store.durable():
            self._store.messages.show(message)
            self._store.messages.set_state(message, MessageState.STREAMING, self._store.owner)
            prompt = self._prompt(stored.conversation, message)
        before = AnswerRecord(stored.text, MessageState.STREAMING, tokens, usage=stored.usage, model=model)
        sampling = self._own(stored.conversation).sampling or self.settings.sampling
        self._answering.begin(view, before, prompt, sampling)
        return [MessageChanged(view)]

    def proceed(self, message: str) -> list[Change]:
        """The calls of this answer are settled: what they came back with is read next, before all that waits.

        Not where the person has gone on otherwise meanwhile: with other words, or with another version.
        """
        view = self._library.view(message)
        if view is None:
            return []  # it was deleted meanwhile
        if self._has_followers(message) or self._library.conversation(view.conversation).leaf != message:
            return [MessageChanged(view)]
        with self._store.durable():
            self._store.messages.set_state(message, MessageState.QUEUED, self._store.owner)
        self._answering.line.insert(0, message)
        return [MessageChanged(self._library_view(message))]

    def give_up(self, conversation: str) -> list[Change]:
        """Answers of this conversation that wait to go on with what their tools came back with end here."""
        told: list[Change] = []
        for message in list(self._answering.line):
            stored = self._store.messages.find(message)
            if stored is None or stored.conversation != conversation or stored.role is not Role.ASSISTANT:
                continue
            self._leave_line([message])
            self._store.messages.end(message, FinishReason.CANCELLED, "")
            ended = TurnEnded(conversation, message, FinishReason.CANCELLED)
            told += [MessageChanged(self._library_view(message)), ended]
        return told

    def withdraw(self, message: str) -> list[Change]:
        """Take a waiting message back; the words of one that was not answered before go back to the composer."""
        stored = self._library.message(message)
        if stored.role is not Role.USER or stored.state is not MessageState.QUEUED:
            raise UsageError("This message was sent already.", "sent")
        before = self._library.branch(stored.conversation)
        answered = self._store.messages.has_answers(message)
        taken = Draft(stored.text, stored.pictures, stored.documents)
        with self._store.durable():
            if answered:
                self._store.messages.set_state(message, MessageState.COMPLETE)
                self._store.messages.show(self._store.messages.newest_leaf(message))
            else:
                draft = self._library.conversation(stored.conversation).draft
                self._store.conversations.set_draft(stored.conversation, joined(taken, draft))
                self._store.messages.take_back(message)
        self._leave_line([message])
        after = self._library.branch(stored.conversation)
        changes = list(branch_changes(stored.conversation, before, after))
        return changes if answered else [*changes, DraftRestored(stored.conversation, taken)]

    def leave(self, messages: list[str]) -> tuple[Change, ...]:
        """These messages were deleted: none of them is answered or waits any more."""
        self._leave_line(messages)
        turn = self._answering.turn
        return self._answering.abandon() if turn is not None and turn.view.id in messages else ()

    def draft_prompt(self, conversation: str, draft: Draft, own: ConversationSettings) -> Prompt:
        """What would be read if this draft were sent now."""
        if not conversation:
            system = system_text(stamped(own, self.settings, self._clock), self.settings)
            return self._prompts.up_to("", "", system, self._tools(own), draft=draft)
        stored = self._library.conversation(conversation)
        system = system_text(stored.settings, self.settings)
        return self._prompts.up_to(conversation, stored.leaf, system, self._tools(stored.settings), draft=draft)

    def prompt_up_to(self, conversation: str, message: str) -> Prompt:
        """What was read to answer this message, or to go on from it."""
        return self._prompt(conversation, message)

    def _is_free(self, model: str) -> bool:
        return bool(model) and self._answering.turn is None and not self._answering.line

    def _add_question(self, conversation: str, parent: str, draft: Draft) -> str:
        now = self._clock.now()
        question = self._store.messages.add_question(
            conversation, parent, draft, MessageState.QUEUED, self._store.owner, now
        )
        self._store.conversations.touch(conversation, now)
        return question

    def _store_beginning(self, question: str, model: str) -> tuple[MessageView, Prompt]:
        """The question is sent and its answer begins: in the store, and as what the model will be asked."""
        messages = self._store.messages
        messages.set_state(question, MessageState.COMPLETE)
        answer = messages.add_answer(question, self._store.owner, self._clock.now(), model)
        view = self._library_view(answer)
        return view, self._prompt(view.conversation, question)

    def _enter(self, question: str, begun: tuple[MessageView, Prompt] | None, *, first: bool = False) -> None:
        """After the commit: ask the model, or stand in line."""
        if begun is None:
            self._answering.line.insert(0 if first else len(self._answering.line), question)
            return
        view, prompt = begun
        self._leave_line([question])
        sampling = self._own(view.conversation).sampling or self.settings.sampling
        before = AnswerRecord("", MessageState.STREAMING, model=view.model)
        self._answering.begin(view, before, prompt, sampling)

    def _replace_text(self, stored: StoredMessage, text: str) -> list[Change]:
        if stored.state is MessageState.STREAMING:
            raise UsageError("This answer is still being written. Stop it first.", "busy")
        self._check_saved(stored.id)
        self._store.messages.set_text(stored.id, text)
        return [MessageChanged(self._library_view(stored.id))]

    def _check_saved(self, message: str) -> None:
        if message in self._answering.saver.unsaved:
            raise StorageError("This answer is not saved yet. Press Retry first.", "unsaved")

    def _stop_below(self, message: str) -> bool:
        """Stop the answer that is written below this message; whether there was one."""
        turn = self._answering.turn
        if turn is None or not self._store.messages.is_below(turn.view.id, message):
            return False
        if not turn.stops:
            self._answering.stop()
        return True

    def _end_waiting_below(self, message: str) -> list[str]:
        """What waits below this message waits no more: its branch is no longer the one that is talked in."""
        left = [waiting for waiting in self._answering.line if self._store.messages.is_below(waiting, message)]
        for waiting in left:
            self._store.messages.set_state(waiting, MessageState.COMPLETE)
        return left

    def _leave_line(self, messages: list[str]) -> None:
        self._answering.line[:] = [waiting for waiting in self._answering.line if waiting not in messages]

    def _prompt(self, conversation: str, leaf: str) -> Prompt:
        own = self._own(conversation)
        return self._prompts.up_to(conversation, leaf, system_text(own, self.settings), self._tools(own))

    def _turn_of(self, message: str) -> tuple[StoredMessage, StoredMessage]:
        """The first part of the answer that this message is of (or this question), and the question before it."""
        chosen = self._library.message(message)
        while chosen.role is Role.ASSISTANT:
            before = self._library.message(chosen.parent)
            if before.role is Role.USER:
                return chosen, before
            chosen = before
        return chosen, chosen

    def beginning(self, message: str) -> str:
        """The first part of the answer that this message is a part of; a question is its own."""
        return self._turn_of(message)[0].id

    def _has_followers(self, message: str) -> bool:
        return self._store.messages.has_followers(message)

    def _own(self, conversation: str) -> ConversationSettings:
        return self._library.conversation(conversation).settings

    def _library_view(self, message: str) -> MessageView:
        view = self._library.view(message)
        assert view is not None
        return view

    def _blocked(self, error: StorageError) -> list[Change]:
        was_told, self._retry_at = self._retry_at is not None, self._clock.monotonic() + _RETRY_SECONDS
        if was_told:
            return []
        return [
            Notice(f"{error.message} Your message is saved and waits until the answer can be saved too.", error.code)
        ]


def joined(first: Draft, second: Draft) -> Draft:
    """Both, one after the other, as one thing to write on."""
    words = [draft.text for draft in (first, second) if draft.text.strip()]
    return Draft(
        "\n".join(words),
        first.pictures + second.pictures,
        first.documents + second.documents,
        first.scans + second.scans,
    )


def _title(draft: Draft) -> str:
    """The first words, or what the first attachment was called."""
    named = [document.name for document in draft.documents] + [picture.name for picture in draft.pictures]
    return title_of(draft.text if draft.text.strip() or not named else named[0])


def _end_of(answer: str, branch: tuple[MessageView, ...]) -> str:
    """The last part of the answer that begins with this one on this branch."""
    ids = [view.id for view in branch]
    if answer in ids:
        for view in branch[ids.index(answer) :]:
            if view.role is not Role.ASSISTANT:
                break
            answer = view.id
    return answer


def _answer_to(question: str, branch: tuple[MessageView, ...]) -> str:
    """The answer that follows the question on this branch, "" for none."""
    ids = [view.id for view in branch]
    after = branch[ids.index(question) + 1 :] if question in ids else ()
    return after[0].id if after and after[0].role is Role.ASSISTANT else ""
