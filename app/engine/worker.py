"""The worker's loop: one job after the other on the main thread; what ends a job is heard beside it.

The reader thread takes Stop and CancelLoad at once, so that they reach a busy engine. The rest waits in line. When the
other side is gone the process ends where it stands: there is nobody left to work for.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from app.core.errors import UserError
from app.core.message import FinishReason, SampledTokens, Timings, Usage
from app.core.protocol import (
    PROTOCOL_VERSION,
    AnyRequest,
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
    Offer,
    Ready,
    Render,
    Rendered,
    Stop,
    Unload,
    Unloaded,
    WorkerFault,
    decode_request,
    encode,
)
from app.engine.api import Engine, OutOfMemory

_log = logging.getLogger("app.worker")
_REST_SECONDS = 120.0  # without a request
_PROGRESS_EVERY = 0.1  # seconds between two Loading events
_MEMORY = "There is not enough memory for this. Close other programs, or choose a smaller model or context."
_BUG = "Something went wrong inside the engine. What was written so far is kept."

Key = tuple[str, int]


def serve(connection: Connection, *, scripted: bool, addons: Path | None = None) -> None:
    """Work until the other side closes; does not return in a process of its own."""
    Worker(connection, _made_engine(scripted, addons)).run()


def _made_engine(scripted: bool, addons: Path | None) -> Engine:
    if scripted:
        from app.engine.fake import ScriptedEngine

        return ScriptedEngine()
    from app.engine.local import LocalEngine

    return LocalEngine(addons)


class Worker:
    """Takes requests from one end of a Pipe and answers with events."""

    def __init__(self, connection: Connection, engine: Engine, leave: Callable[[], None] = lambda: os._exit(0)) -> None:
        """`leave` is called by the reader thread at the end of the pipe."""
        self._connection = connection
        self._engine = engine
        self._leave = leave
        self._sending = threading.Lock()
        self._state = threading.Lock()
        self._current: Key | None = None
        self._given_up: set[Key] = set()
        self._jobs: SimpleQueue[AnyRequest | None] = SimpleQueue()
        self._ahead: LookAhead | None = None  # done while nothing else is asked
        self._looking: LookAhead | None = None  # it, while it is worked on

    def run(self) -> None:
        """Serve; returns when the pipe has ended and `leave` came back."""
        self._send(Ready(protocol=PROTOCOL_VERSION, pid=os.getpid()))
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        while True:
            request = self._next()
            if request is None:
                return
            if isinstance(request, LookAhead):
                self._ahead = request if request.prompt.messages else None
            else:
                if not isinstance(request, Measure | Render | Describe):
                    self._ahead = None
                self._work(request)
            while self._ahead is not None and self._jobs.empty():
                self._look_ahead(self._ahead)

    def _next(self) -> AnyRequest | None:
        try:
            return self._jobs.get(timeout=_REST_SECONDS if self._engine.loaded else None)
        except Empty:
            self._engine.rest()
            return self._jobs.get()

    # the reader thread

    def _read(self) -> None:
        while True:
            try:
                frame = self._connection.recv_bytes()
            except (EOFError, OSError):
                break
            try:
                self._take(decode_request(frame))
            except msgspec.ValidationError as error:
                self._send(WorkerFault(f"The engine was sent something that is no request: {error}", ""))
        self._leave()
        self._jobs.put(None)

    def _take(self, request: AnyRequest) -> None:
        if isinstance(request, Stop):
            self._give_up(("turn", request.turn))
        elif isinstance(request, CancelLoad):
            self._give_up(("load", request.load))
        else:
            self._jobs.put(request)
            with self._state:
                if self._looking is not None and not _goes_on(self._looking, request):
                    self._engine.request_stop()

    def _give_up(self, key: Key) -> None:
        with self._state:
            self._given_up.add(key)
            if key == self._current or self._looking is not None:
                self._engine.request_stop()

    # the main thread

    def _work(self, request: AnyRequest) -> None:
        key = _key(request)
        with self._state:
            self._engine.begin()
            self._current = key
            given_up = key in self._given_up
        try:
            if given_up:
                self._send(_ended_before_it_began(request, model_kept=self._engine.loaded))
            else:
                self._perform(request)
        finally:
            with self._state:
                self._current = None
                if key is not None:  # numbers rise: what was meant for earlier jobs will not be needed again
                    self._given_up = {one for one in self._given_up if one[0] != key[0] or one[1] > key[1]}

    def _look_ahead(self, request: LookAhead) -> None:
        """Go on with it until it is done or other work comes; a measurement only interrupts it."""
        with self._state:
            self._engine.begin()
            self._looking = request
        try:
            if not self._engine.loaded or self._engine.look_ahead(request, self._send, lambda: not self._jobs.empty()):
                self._ahead = None
        except UserError as error:
            self._refuse_ahead(request, error.message)
        except Exception as error:  # noqa: BLE001 - as in _perform
            _log.exception("Looking ahead failed")
            self._send(WorkerFault(str(error) or type(error).__name__, traceback.format_exc()))
            self._refuse_ahead(request, _BUG)
        finally:
            with self._state:
                self._looking = None

    def _refuse_ahead(self, request: LookAhead, message: str) -> None:
        self._ahead = None
        self._send(LookedAhead(request.ahead, (), error=message))

    def _perform(self, request: AnyRequest) -> None:
        try:
            self._send(self._answer(request))
        except OutOfMemory as error:
            self._refuse(request, error.code, error.message, error.offer)
        except UserError as error:
            self._refuse(request, error.code, error.message)
        except MemoryError:
            self._refuse(request, "memory", _MEMORY)
        except Exception as error:  # noqa: BLE001 - the edge of the worker: a bug ends one job, not the process
            _log.exception("A job failed")
            self._send(WorkerFault(str(error) or type(error).__name__, traceback.format_exc()))
            self._refuse(request, "bug", _BUG)

    def _answer(self, request: AnyRequest) -> Event:
        """Do what is asked; returns the event that ends it."""
        if isinstance(request, Load):
            return Loaded(request.load, self._engine.load(request, _Progress(request.load, self._send)))
        if isinstance(request, Generate):
            return self._engine.generate(request, self._send)
        if isinstance(request, Measure):
            return self._engine.measure(request)
        if isinstance(request, Render):
            return self._engine.render(request)
        if isinstance(request, Describe):
            return self._engine.describe(request)
        if isinstance(request, Bench):
            return self._engine.bench(request)
        assert isinstance(request, Unload)
        self._engine.unload()
        return Unloaded()

    def _refuse(self, request: AnyRequest, code: str, message: str, offer: Offer | None = None) -> None:
        if isinstance(request, Load):
            self._send(LoadFailed(request.load, code, message, model_kept=self._engine.loaded, offer=offer))
        elif isinstance(request, Generate):
            self._send(Failed(request.turn, code, message, offer=offer))
        elif isinstance(request, Measure):
            conversation = request.prompt.conversation
            self._send(Measured(request.measure, conversation, 0, 0, (), 0, 0, 0, error=message))
        elif isinstance(request, Render):
            self._send(Rendered(request.render, (), message))
        elif isinstance(request, Bench):
            self._send(Benched(request.bench, 0.0, 0.0, 0.0, 0, error=message))
        elif isinstance(request, Describe):
            self._send(Described(request.describe, {}, (), "", (), error=message))
        else:
            _log.error("%s failed: %s", type(request).__name__, message)

    def _send(self, event: Event) -> None:
        frame = encode(event)
        try:
            with self._sending:
                self._connection.send_bytes(frame)
        except OSError:  # nobody listens any more; the reader thread ends the process
            _log.info("An event was not sent: the other side is gone")


class _Progress:
    """Tells how far a load is, some ten times a second."""

    def __init__(self, load: int, send: Callable[[Event], None]) -> None:
        self._load = load
        self._send = send
        self._next = 0.0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PROGRESS_EVERY
            self._send(Loading(self._load, min(1.0, fraction)))


def _goes_on(looking: LookAhead, request: AnyRequest) -> bool:
    """Whether the step that is worked on is wanted by this request too, or does not disturb it."""
    if isinstance(request, Measure | Render | Describe):
        return True
    if not isinstance(request, Generate | LookAhead):
        return False
    messages, ahead = request.prompt.messages, looking.prompt.messages[-1]
    wanted = {picture.sha256 for message in messages for picture in message.pictures}
    has_words = any(message.text.startswith(ahead.text) for message in messages)
    return has_words and all(picture.sha256 in wanted for picture in ahead.pictures)


def _key(request: AnyRequest) -> Key | None:
    if isinstance(request, Load):
        return ("load", request.load)
    return ("turn", request.turn) if isinstance(request, Generate) else None


def _ended_before_it_began(request: AnyRequest, *, model_kept: bool) -> Event:
    if isinstance(request, Load):
        return LoadFailed(request.load, "cancelled", "Loading was given up.", model_kept=model_kept)
    assert isinstance(request, Generate)
    return Finished(request.turn, FinishReason.CANCELLED, "", SampledTokens("", b""), Usage(), Timings())
