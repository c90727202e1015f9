"""Whatever is done in whatever order: no acknowledged word is lost, and the screen shows what is stored."""

from __future__ import annotations

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.chat.changes import Change, DraftRestored, MessagesRemoved, TurnEnded
from app.chat.refusals import changes_with
from app.chat.session import Changes
from app.core.errors import UserError
from app.core.message import Draft, FinishReason, Role
from app.core.protocol import Generate, Load
from tests.chat.driving import MODEL, Bench
from tests.store.faults import FaultyDisk

WORDS = st.sampled_from(["apple", "pear", "plum", "cherry", "grape"])
PLACE = st.integers(min_value=0, max_value=7)


class Chatting(RuleBasedStateMachine):
    """`said` are the words that must be found, in the composer or in the database, whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cabochon-test-"))
        self.disk = FaultyDisk().__enter__()
        self.starts = 0
        self.said: set[str] = set()
        self.answers: dict[str, str] = {}
        self.undo: list[str] = []
        self.deleted: list[str] = []
        self.count = 0

    @initialize()
    def begin(self) -> None:
        self.bench = Bench(self.folder / "0", vfs=self.disk.name)
        self.do(self.bench.session.start(MODEL))

    def teardown(self) -> None:
        self.disk.mend()
        self.bench.store.close()
        self.disk.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    # how a screen follows

    def do(self, changes: Changes) -> None:
        for change in changes:
            if isinstance(change, MessagesRemoved) and change.undo:
                self.undo.append(change.undo)
            if isinstance(change, TurnEnded):
                self.note_answer(change)
        self.bench.take(changes)

    def note_answer(self, change: TurnEnded) -> None:
        view = self.bench.session._desk.library.view(change.message)
        if view is not None:
            self.answers[view.id] = view.text

    def attempt(self, act: str, *arguments: object) -> tuple[Change, ...]:
        """What the window does: an error gives words back, or nothing has happened."""
        try:
            changes: Changes = getattr(self.bench.session, act)(*arguments)
        except UserError as error:
            restored = changes_with(error)
            self.bench.take(restored)
            return restored
        self.do(changes)
        return changes

    def pick(self, place: int) -> str:
        return self.bench.ids[place % len(self.bench.ids)] if self.bench.ids else "nothing"

    # what the person does

    @rule(word=WORDS)
    def submit(self, word: str) -> None:
        self.count += 1
        text = f"{word} {self.count}"
        changes = self.attempt("submit", self.bench.conversation, Draft(text))
        if not any(isinstance(change, DraftRestored) for change in changes):
            self.said.add(text)

    @rule(place=PLACE)
    def withdraw(self, place: int) -> None:
        for change in self.attempt("withdraw", self.pick(place)):
            if isinstance(change, DraftRestored):
                self.said.discard(change.draft.text)

    @rule(place=PLACE, word=WORDS)
    def edit(self, place: int, word: str) -> None:
        message = self.bench.shown.get(self.pick(place))
        if message is None or (message.role is Role.USER and message.state.value == "queued"):
            return
        self.count += 1
        text = f"{word} {self.count}"
        before = len(self.bench.changes)
        self.attempt("edit", message.id, text)
        if len(self.bench.changes) > before:
            if message.role is Role.USER:
                self.said.add(text)
            else:
                self.answers[message.id] = text

    @rule(place=PLACE)
    def regenerate(self, place: int) -> None:
        self.attempt("regenerate", self.pick(place))

    @rule(place=PLACE)
    def go_on(self, place: int) -> None:
        self.attempt("continue_answer", self.pick(place))

    @rule(place=PLACE, version=PLACE)
    def select(self, place: int, version: int) -> None:
        view = self.bench.shown.get(self.pick(place))
        if view is not None:
            self.attempt("select_version", view.versions[version % len(view.versions)])

    @rule(place=PLACE)
    def delete(self, place: int) -> None:
        self.attempt("delete_message", self.pick(place))

    @precondition(lambda self: self.undo)
    @rule()
    def undo_delete(self) -> None:
        self.attempt("undo_delete", self.undo.pop())

    @rule()
    def new_chat(self) -> None:
        self.attempt("new_conversation")

    @rule(place=PLACE)
    def open(self, place: int) -> None:
        rows = self.bench.store.conversations.listed()
        if rows:
            self.attempt("open_conversation", rows[place % len(rows)].id)

    @rule()
    def delete_chat(self) -> None:
        if self.bench.conversation:
            self.deleted.append(self.bench.conversation)
            self.attempt("delete_conversation", self.bench.conversation)

    @precondition(lambda self: self.deleted)
    @rule()
    def restore_chat(self) -> None:
        self.attempt("restore_conversation", self.deleted.pop())

    @rule()
    def stop(self) -> None:
        turn = self.bench.session._desk.answering.turn
        if turn is None or not turn.stops:
            self.attempt("stop")

    @rule()
    def retry(self) -> None:
        self.attempt("retry_save")

    # what the engine does

    def open_turn(self) -> bool:
        turn = self.bench.session._desk.answering.turn
        return turn is not None

    @precondition(lambda self: self.bench.session._desk.keeper._load is not None)
    @rule(ok=st.booleans())
    def load_ends(self, ok: bool) -> None:
        if ok or len(self.bench.engine.all(Load)) > 20:
            self.bench.load_ends()
        else:
            self.bench.load_fails()
            self.do(self.bench.session.choose_model(MODEL))

    @precondition(open_turn)
    @rule(word=WORDS)
    def words(self, word: str) -> None:
        self.bench.words(word + " ")

    @precondition(open_turn)
    @rule(reason=st.sampled_from([FinishReason.STOP, FinishReason.LENGTH]))
    def ends(self, reason: FinishReason) -> None:
        turn = self.bench.session._desk.answering.turn
        assert turn is not None
        assert turn.number == self.bench.engine.last(Generate).turn
        self.follow(self.bench.ends(turn.text + "end.", FinishReason.CANCELLED if turn.stops else reason))

    @precondition(open_turn)
    @rule()
    def fails(self) -> None:
        self.follow(self.bench.fails())

    @rule()
    def dies(self) -> None:
        self.follow(self.bench.dies())
        if self.bench.session._desk.keeper._load is None and self.bench.session._desk.keeper.info is None:
            self.do(self.bench.session.choose_model(MODEL))

    def follow(self, changes: Changes) -> None:
        for change in changes:
            if isinstance(change, TurnEnded):
                self.note_answer(change)

    # what the world does

    @rule(seconds=st.sampled_from([0.3, 1.1, 3.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.clock.pass_seconds(seconds)
        self.do(self.bench.session.tick())

    @rule()
    def clock_is_set_back(self) -> None:
        self.bench.clock.wall -= 86_400

    @rule(writes=st.integers(min_value=0, max_value=12))
    def disk_fills(self, writes: int) -> None:
        self.disk.fail_after(writes)

    @rule()
    def disk_is_mended(self) -> None:
        self.disk.mend()

    @rule()
    def killed_and_started_again(self) -> None:
        """kill -9: what was on the disk at this moment is all there is."""
        unsaved = set(self.bench.session._desk.saver.unsaved)
        writing = self.bench.session._desk.answering.turn
        for message in unsaved | ({writing.view.id} if writing else set()):
            self.answers.pop(message, None)  # told as not saved, or not ended
        self.starts += 1
        there = self.folder / str(self.starts)
        shutil.copytree(self.bench.paths.root, there, ignore=shutil.ignore_patterns("*-shm"))
        self.bench.store.close()
        self.disk.mend()
        self.bench = Bench(there, vfs=self.disk.name)
        assert self.bench.store.trouble is None
        assert self.bench.store.set_aside is None
        self.do(self.bench.session.start(MODEL))
        mine = self.bench.store.owner
        states = self.bench.store._check().rows("SELECT DISTINCT state, owner FROM messages WHERE deletion IS NULL")
        assert all(state in ("complete", "interrupted") or owner == mine for state, owner in states), states

    # what must hold

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "bench"):
            return
        rows = self.bench.store._check().rows("SELECT id, role, text FROM messages")
        texts = {str(text) for _, role, text in rows if role == "user"}
        assert self.said <= texts, self.said - texts
        unsaved = self.bench.session._desk.saver.unsaved
        writing = self.bench.session._desk.answering.turn
        for message, _, text in rows:
            known = self.answers.get(str(message))
            if known is None or (writing is not None and writing.view.id == message):
                continue
            assert known == (unsaved[str(message)].text if message in unsaved else text)

    @invariant()
    def the_screen_shows_what_is_stored(self) -> None:
        if hasattr(self, "bench"):
            self.bench.check_screen()

    @invariant()
    def roles_alternate_in_every_prompt(self) -> None:
        if hasattr(self, "bench") and self.bench.engine.all(Generate):
            roles = [message.role for message in self.bench.engine.last(Generate).prompt.messages]
            assert roles[0] is Role.USER
            assert all(one is not other for one, other in pairwise(roles))


Chatting.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestChatting = Chatting.TestCase
