"""The thread of the session, with the real worker (scripted words) and the real store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

import pytest

from app.chat.changes import (
    Bug,
    Change,
    ConversationOpened,
    ConversationsListed,
    DraftRestored,
    MessageChanged,
    MessageView,
    ModelChanged,
    ModelState,
    Notice,
    TextAdded,
    TurnEnded,
    WorkerRestarted,
)
from app.chat.runner import SessionRunner
from app.chat.session import Changes, ChatSession
from app.cli.crash import BugError
from app.cli.link import SessionLink
from app.core.errors import UsageError
from app.core.message import Draft, FinishReason, MessageState
from app.core.paths import DataPaths

C = TypeVar("C", bound=Change)
SECONDS = 30.0


class Running:
    """A runner, and what it told."""

    def __init__(self, root: Path) -> None:
        self.paths = DataPaths(root)
        self.threads: set[str] = set()
        self._told: SimpleQueue[Change] = SimpleQueue()
        self.runner = SessionRunner(self.paths, self._on_change, scripted=True)

    def _on_change(self, change: Change) -> None:
        self.threads.add(threading.current_thread().name)
        self._told.put(change)

    def until(self, kind: type[C], accept: Callable[[C], bool] = lambda _: True) -> C:
        """The next change of this kind."""
        deadline = time.monotonic() + SECONDS
        while True:
            change = self._told.get(timeout=max(0.01, deadline - time.monotonic()))
            assert not isinstance(change, Bug), change
            if isinstance(change, kind) and accept(change):
                return change

    def rest(self) -> list[Change]:
        """What was told and not looked at."""
        found = []
        while True:
            try:
                found.append(self._told.get_nowait())
            except Empty:
                return found

    def start(self, model: Path) -> None:
        self.runner.start(model)
        self.until(ModelChanged, lambda change: change.state is ModelState.READY)

    def ask(self, text: str, conversation: str = "") -> MessageView:
        """One turn; returns the answer as it ended."""
        self.runner.post(lambda session: session.submit(conversation, Draft(text)))
        view = self.until(MessageChanged, lambda change: change.message.finish_reason is not None).message
        self.until(TurnEnded)
        return view


@pytest.fixture
def new_running(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    made: list[Running] = []

    def make() -> Running:
        made.append(Running(tmp_path / "data"))
        return made[-1]

    yield make
    for running in made:
        running.runner.close(10.0)


@pytest.fixture
def running(new_running: Callable[[], Running], micro_model: Path) -> Running:
    running = new_running()
    running.start(micro_model)
    return running


def test_a_turn_through_the_real_worker(running: Running) -> None:
    view = running.ask("/say Hello there")
    assert (view.text, view.state, view.finish_reason) == ("Hello there", MessageState.COMPLETE, FinishReason.STOP)
    assert running.threads == {"session"}


def test_an_answer_streams_and_stops(running: Running) -> None:
    running.runner.post(lambda session: session.submit("", Draft("/slow")))
    running.until(TextAdded)
    running.runner.post(ChatSession.stop)
    view = running.until(MessageChanged, lambda change: change.message.finish_reason is not None).message
    assert (view.state, view.finish_reason) == (MessageState.INTERRUPTED, FinishReason.CANCELLED)
    assert view.text


def test_a_crash_keeps_the_answer_and_comes_back(running: Running) -> None:
    view = running.ask("/crash")
    assert (view.state, view.finish_reason) == (MessageState.INTERRUPTED, FinishReason.ERROR)
    assert running.until(WorkerRestarted).again
    assert running.ask("/say Back").text == "Back"


def test_a_hanging_worker_is_killed_by_the_second_stop(running: Running) -> None:
    running.runner.post(lambda session: session.submit("", Draft("/hang")))
    time.sleep(0.3)
    running.runner.post(ChatSession.stop)
    time.sleep(0.2)
    running.runner.post(ChatSession.stop)
    assert running.until(TurnEnded).reason is FinishReason.CANCELLED
    running.until(ModelChanged, lambda change: change.state is ModelState.READY)
    assert running.ask("/say Back").text == "Back"


def test_close_keeps_what_is_being_written(running: Running, new_running: Callable[[], Running]) -> None:
    running.runner.post(lambda session: session.submit("", Draft("/slow")))
    words = running.until(TextAdded).text
    running.runner.close(10.0)
    after = new_running()
    after.runner.start()
    opened = after.until(ConversationOpened)
    assert opened.messages[-1].state is MessageState.INTERRUPTED
    assert opened.messages[-1].text.startswith(words)


def test_errors_become_changes_and_the_thread_goes_on(running: Running) -> None:
    def refuse(_: ChatSession) -> Changes:
        raise UsageError("This cannot be done.", "no")

    def break_down(_: ChatSession) -> Changes:
        raise RuntimeError("a bug")

    running.runner.post(refuse)
    assert running.until(Notice) == Notice("This cannot be done.", "no")
    running.runner.post(break_down)
    running.runner.post(ChatSession.list_conversations)
    deadline = time.monotonic() + SECONDS
    told: list[Change] = []
    while not any(isinstance(change, ConversationsListed) for change in told):
        assert time.monotonic() < deadline
        told += running.rest()
    (bug,) = [change for change in told if isinstance(change, Bug)]
    assert bug.message == "a bug"
    assert "break_down" in bug.traceback


def test_words_that_could_not_be_sent_come_with_the_sentence(running: Running) -> None:
    running.runner.post(lambda session: session.submit("nowhere", Draft("Hello")))
    assert running.until(DraftRestored) == DraftRestored("nowhere", Draft("Hello"))
    assert running.until(Notice).code == "no_conversation"


def _count_ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    ticks: list[float] = []
    tick = ChatSession.tick

    def counted(session: ChatSession) -> Changes:
        ticks.append(time.monotonic())
        return tick(session)

    monkeypatch.setattr(ChatSession, "tick", counted)
    return ticks


def test_an_idle_session_does_not_wake_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = _count_ticks(monkeypatch)
    running.ask("/say Hello")
    time.sleep(0.3)
    ticks.clear()
    time.sleep(1.0)
    assert ticks == []


def test_ticks_come_while_words_flood_in(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = _count_ticks(monkeypatch)
    running.runner.post(lambda session: session.submit("", Draft("/slow")))
    time.sleep(1.5)
    running.runner.post(ChatSession.stop)
    running.until(TurnEnded)
    assert 3 <= len(ticks) <= 10


def test_nothing_is_told_after_close(running: Running) -> None:
    running.runner.close(10.0)
    running.rest()
    running.runner.post(ChatSession.list_conversations)
    time.sleep(0.1)
    assert running.rest() == []
    running.runner.close(1.0)


def test_a_session_that_cannot_be_made_is_a_bug_and_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_paths: DataPaths) -> None:
        raise RuntimeError("no store")

    monkeypatch.setattr("app.chat.runner.Store", broken)
    told: SimpleQueue[Change] = SimpleQueue()
    runner = SessionRunner(DataPaths(tmp_path), told.put, scripted=True)
    with pytest.raises(RuntimeError, match="no store"):
        runner.begin()
    bug = told.get(timeout=SECONDS)
    assert isinstance(bug, Bug)
    assert "broken" in bug.traceback
    runner.close(SECONDS)
    with pytest.raises(BugError, match="no store"), SessionLink(DataPaths(tmp_path), scripted=True):
        pass
