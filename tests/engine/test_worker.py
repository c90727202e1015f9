"""The worker's loop by itself: one terminal event for every job, whatever the engine does."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import pytest

from app.core.errors import EngineError, ModelError
from app.core.message import FinishReason, Message, Picture, Role, SampledTokens, Timings, Usage
from app.core.paths import encode_path
from app.core.protocol import (
    AnyEvent,
    Bench,
    Benched,
    CancelLoad,
    Describe,
    Described,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Loading,
    LookAhead,
    LookedAhead,
    Measure,
    Measured,
    ModelInfo,
    Offer,
    Prompt,
    Ready,
    Render,
    Rendered,
    Request,
    Stop,
    Text,
    Unload,
    Unloaded,
    WorkerFault,
    decode_event,
    encode,
)
from app.core.settings import LoadOptions
from app.engine.api import OutOfMemory
from app.engine.fake import ScriptedEngine
from app.engine.worker import Worker

PROMPT = Prompt("c", (Message(Role.USER, "Hello"),))


class BadEngine:
    """Does what the test says; keeps a model from the start."""

    def __init__(self) -> None:
        self.loaded = True
        self.looks = 0
        self.holds = False  # a look ahead goes on until it is ended
        self.deaf = False  # and does not let other work pass
        self.trouble: Callable[[], object] = lambda: None
        self.stopped = threading.Event()

    def begin(self) -> None:
        self.stopped.clear()

    def request_stop(self) -> None:
        self.stopped.set()

    def load(self, request: Load, progress: Callable[[float], None]) -> ModelInfo:
        for step in range(1000):
            progress(step / 1000)
        self.trouble()
        return ScriptedEngine().load(request, progress)

    def unload(self) -> None:
        self.loaded = False

    def rest(self) -> None:
        pass

    def measure(self, request: Measure) -> Measured:
        self.trouble()
        return Measured(request.measure, "c", 1, 0, (1,), 100, 10, 0)

    def generate(self, request: Generate, emit: Callable[[Event], None]) -> Finished:
        emit(Text(request.turn, "Some words", 2))
        self.trouble()
        reason = FinishReason.CANCELLED if self.stopped.is_set() else FinishReason.STOP
        return Finished(request.turn, reason, "Some words", SampledTokens("f", b""), Usage(), Timings())

    def look_ahead(self, request: LookAhead, emit: Callable[[Event], None], pause: Callable[[], bool]) -> bool:
        self.looks += 1
        emit(LookedAhead(request.ahead, (0.5,)))
        while self.holds:
            if (pause() and not self.deaf) or self.stopped.wait(0.01):
                return False
        self.trouble()
        emit(LookedAhead(request.ahead, (1.0,), done=True))
        return True

    def describe(self, request: Describe) -> Described:
        self.trouble()
        return Described(request.describe, {}, (), "", ())

    def render(self, request: Render) -> Rendered:
        self.trouble()
        return Rendered(request.render, ())

    def bench(self, request: Bench) -> Benched:
        self.trouble()
        return Benched(request.bench, 1.0, 1.0, 1.0, 1)


class Loop:
    """A worker on a thread, and our end of its pipe."""

    def __init__(self) -> None:
        self.ours, self._theirs = multiprocessing.Pipe()
        self.engine = BadEngine()
        self.left = 0
        worker = Worker(self._theirs, self.engine, self._leave)
        self._thread = threading.Thread(target=worker.run)
        self._thread.start()
        assert isinstance(self.next(), Ready)

    def _leave(self) -> None:
        self.left += 1

    def send(self, request: Request) -> None:
        self.ours.send_bytes(encode(request))

    def next(self) -> AnyEvent:
        assert self.ours.poll(10), "no event"
        return decode_event(self.ours.recv_bytes())

    def silent(self) -> bool:
        return not self.ours.poll(0.1)

    def close(self) -> None:
        self.ours.close()
        self._thread.join(10)
        self._theirs.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def _raise(error: BaseException) -> Callable[[], None]:
    def trouble() -> None:
        raise error

    return trouble


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("The model could not go on.", "memory"), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("a bug"), "bug"),
    ],
)
def test_a_turn_that_fails_ends_once(loop: Loop, error: Exception, code: str) -> None:
    loop.engine.trouble = _raise(error)
    loop.send(Generate(5, PROMPT))
    assert isinstance(loop.next(), Text)
    event = loop.next()
    if code == "bug":
        assert isinstance(event, WorkerFault)
        assert "a bug" in event.traceback
        event = loop.next()
    assert isinstance(event, Failed)
    assert (event.turn, event.code) == (5, code)
    assert event.message.endswith(".")
    assert loop.silent()
    loop.engine.trouble = lambda: None
    loop.send(Generate(6, PROMPT))
    loop.next()
    assert isinstance(loop.next(), Finished)


def test_a_turn_that_runs_out_of_memory_offers_a_smaller_way(loop: Loop) -> None:
    offer = Offer(LoadOptions(kv_type="q8_0"), "with a q8_0 cache")
    loop.engine.trouble = _raise(OutOfMemory(EngineError("There is not enough memory.", "memory"), offer))
    loop.send(Generate(5, PROMPT))
    assert isinstance(loop.next(), Text)
    assert loop.next() == Failed(5, "memory", "There is not enough memory.", offer=offer)


def test_a_load_that_fails_says_whether_a_model_is_kept(loop: Loop) -> None:
    loop.engine.trouble = _raise(ModelError("“x” is cut.", "cut"))
    loop.send(Load(1, encode_path("x")))
    event = loop.next()
    while isinstance(event, Loading):
        event = loop.next()
    assert event == LoadFailed(1, "cut", "“x” is cut.", model_kept=True)
    loop.send(Unload())
    assert isinstance(loop.next(), Unloaded)
    loop.send(Load(2, encode_path("x")))
    event = loop.next()
    while isinstance(event, Loading):
        event = loop.next()
    assert event == LoadFailed(2, "cut", "“x” is cut.", model_kept=False)


def test_progress_is_told_seldom(loop: Loop) -> None:
    loop.engine.trouble = lambda: time.sleep(0.05)
    loop.send(Load(1, encode_path("x")))
    told = 0
    while isinstance(event := loop.next(), Loading):
        told += 1
    assert isinstance(event, Loaded)
    assert 1 <= told <= 3


@pytest.mark.parametrize(
    "asked",
    [Measure(3, PROMPT), Bench(3), Describe(3), Generate(3, PROMPT)],
    ids=["measure", "bench", "describe", "turn"],
)
def test_every_question_is_answered_when_there_is_no_model(loop: Loop, asked: Request) -> None:
    loop.engine.trouble = _raise(EngineError("No model is loaded. Choose one first.", "no_model"))
    loop.send(asked)
    event = loop.next()
    if isinstance(event, Text):
        event = loop.next()
    assert isinstance(event, Measured | Benched | Described | Failed)
    assert "No model is loaded" in (event.message if isinstance(event, Failed) else event.error)


def test_a_frame_of_nonsense_is_a_fault_and_the_loop_goes_on(loop: Loop) -> None:
    for nonsense in (b"", b"{}", b"nonsense", b'{"type":"load"}', b"\xff\xfe", b'{"type":"generate","turn":"x"}'):
        loop.ours.send_bytes(nonsense)
        assert isinstance(loop.next(), WorkerFault)
    loop.send(Describe(1))
    assert isinstance(loop.next(), Described)


def test_a_stop_reaches_a_busy_engine(loop: Loop) -> None:
    loop.engine.trouble = lambda: loop.engine.stopped.wait(10)
    loop.send(Generate(1, PROMPT))
    assert isinstance(loop.next(), Text)
    loop.send(Stop(2))
    time.sleep(0.1)
    assert not loop.engine.stopped.is_set(), "it was meant for another turn"
    loop.send(Stop(1))
    event = loop.next()
    assert isinstance(event, Finished)
    assert event.reason is FinishReason.CANCELLED


def test_a_load_that_was_given_up_before_it_began(loop: Loop) -> None:
    loop.engine.trouble = lambda: loop.engine.stopped.wait(10)
    loop.send(Generate(1, PROMPT))
    assert isinstance(loop.next(), Text)
    loop.send(Load(4, encode_path("x")))
    loop.send(CancelLoad(4))
    loop.send(Stop(1))
    assert isinstance(loop.next(), Finished)
    event = loop.next()
    assert isinstance(event, LoadFailed)
    assert (event.load, event.code, event.model_kept) == (4, "cancelled", True)


def test_the_end_of_the_pipe_ends_the_worker() -> None:
    loop = Loop()
    loop.close()
    assert loop.left == 1


def test_events_that_nobody_hears_are_no_error(loop: Loop) -> None:
    other: tuple[Connection, Connection] = multiprocessing.Pipe()
    worker = Worker(other[0], loop.engine, lambda: None)
    other[1].close()
    worker.run()
    other[0].close()


# work ahead

PICTURE, OTHER = Picture("a" * 64, 8, 8, ""), Picture("b" * 64, 8, 8, "")


def _about(*pictures: Picture) -> Prompt:
    return Prompt("c", (Message(Role.USER, "Hello", pictures=pictures),))


def test_a_look_ahead_goes_on_after_a_measurement(loop: Loop) -> None:
    loop.engine.holds = True
    loop.send(LookAhead(1, _about(PICTURE)))
    assert loop.next() == LookedAhead(1, (0.5,))
    loop.send(Measure(3, PROMPT))
    assert isinstance(loop.next(), Measured)
    assert loop.next() == LookedAhead(1, (0.5,))
    loop.engine.holds = False
    assert loop.next() == LookedAhead(1, (1.0,), done=True)
    assert loop.engine.looks == 2


def test_a_turn_ends_a_look_ahead_at_once(loop: Loop) -> None:
    loop.engine.holds = loop.engine.deaf = True
    loop.send(LookAhead(1, _about(PICTURE)))
    assert isinstance(loop.next(), LookedAhead)
    loop.send(Generate(2, PROMPT))  # without this picture: nothing of it is wanted
    assert isinstance(loop.next(), Text)
    assert isinstance(loop.next(), Finished)
    assert loop.silent()
    assert loop.engine.looks == 1


def test_a_turn_about_the_same_picture_waits_for_its_view(loop: Loop) -> None:
    loop.engine.holds = loop.engine.deaf = True
    loop.send(LookAhead(1, _about(PICTURE)))
    assert isinstance(loop.next(), LookedAhead)
    loop.send(Generate(2, _about(PICTURE)))
    assert loop.silent()
    assert not loop.engine.stopped.is_set(), "the view that is nearly seen would be begun anew"
    loop.engine.holds = False
    assert loop.next() == LookedAhead(1, (1.0,), done=True)
    assert isinstance(loop.next(), Text)


def test_a_stop_also_ends_the_view_that_its_turn_waits_for(loop: Loop) -> None:
    loop.engine.holds = loop.engine.deaf = True
    loop.send(LookAhead(1, _about(PICTURE)))
    assert isinstance(loop.next(), LookedAhead)
    loop.send(Generate(2, _about(PICTURE)))
    loop.send(Stop(2))
    event = loop.next()
    assert isinstance(event, Finished)
    assert event.reason is FinishReason.CANCELLED
    assert loop.engine.looks == 1


def test_another_picture_takes_the_place_of_one_that_was_removed(loop: Loop) -> None:
    loop.engine.holds = loop.engine.deaf = True
    loop.send(LookAhead(1, _about(PICTURE)))
    assert loop.next() == LookedAhead(1, (0.5,))
    loop.send(LookAhead(2, _about(OTHER)))
    assert loop.next() == LookedAhead(2, (0.5,))
    loop.send(LookAhead(3, Prompt("c", ())))
    assert loop.silent()
    loop.send(Describe(1))
    assert isinstance(loop.next(), Described)


def test_a_document_that_is_removed_ends_its_reading(loop: Loop) -> None:
    loop.engine.holds = loop.engine.deaf = True
    loop.send(LookAhead(1, Prompt("c", (Message(Role.USER, "[Document: a.txt]\nWords\n\n"),))))
    assert isinstance(loop.next(), LookedAhead)
    loop.send(Generate(2, Prompt("c", (Message(Role.USER, "[Document: a.txt]\nWords\n\nAnd?"),))))
    assert loop.silent()
    assert not loop.engine.stopped.is_set(), "what the turn begins with is being read"
    loop.send(LookAhead(3, Prompt("c", ())))
    assert isinstance(loop.next(), Text)
    assert isinstance(loop.next(), Finished)


@pytest.mark.parametrize("error", [EngineError("A picture is gone.", "gone"), RuntimeError("a bug")])
def test_a_look_ahead_that_fails_is_told_once(loop: Loop, error: Exception) -> None:
    loop.engine.trouble = _raise(error)
    loop.send(LookAhead(1, _about(PICTURE)))
    assert loop.next() == LookedAhead(1, (0.5,))
    if isinstance(error, RuntimeError):
        assert isinstance(loop.next(), WorkerFault)
    event = loop.next()
    assert isinstance(event, LookedAhead)
    assert event.error.endswith(".")
    assert loop.silent()
