"""The one thread that owns the session and its store; the window and the command line only post to it."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from app.chat.changes import Bug, Change, Notice
from app.chat.clock import Clock, SystemClock
from app.chat.refusals import changes_with
from app.chat.session import Changes, ChatSession
from app.core.errors import UserError
from app.core.message import Picture
from app.core.paths import DataPaths, resources
from app.core.protocol import Event
from app.engine.client import EngineClient
from app.store.store import Store
from app.tools.frames import AnyHostEvent, CallEnded
from app.tools.toolbox import Toolbox

Command = Callable[[ChatSession], Changes]

_TICK_SECONDS = 0.25


class SessionRunner:
    """Runs posted commands, worker events and ticks one after the other. `post` from any thread.

    A UserError that a command raises becomes a Notice, any other exception a Bug; the thread goes on after both.
    While nothing is under way the thread sleeps until something is posted.
    """

    def __init__(
        self,
        paths: DataPaths,
        on_change: Callable[[Change], None],
        *,
        scripted: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Starts nothing. `on_change` is called on the session's thread; `scripted` puts words in a model's place."""
        self._paths = paths
        self._on_change = on_change
        self._scripted = scripted
        self._clock = clock or SystemClock()
        self._jobs: SimpleQueue[Command | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._made: Future[None] = Future()

    def start(self, model: Path | None = None) -> None:
        """Start the thread with `ChatSession.start(model)`: the window's way."""
        self._start_thread()
        self.post(lambda session: session.start(model))

    def begin(self) -> None:
        """Start the thread only, the command line's way: nothing is told or loaded until it is asked for.

        Raises what kept the session from being made, which is a bug.
        """
        self._start_thread()
        self._made.result()

    def post(self, command: Command) -> None:
        """Have the command run on the session's thread; what it changed goes to `on_change`. Any thread."""
        self._jobs.put(command)

    def close(self, timeout: float) -> None:
        """Save, end the worker and the thread; waits at most `timeout` seconds. No change is told after it."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(timeout)
            self._thread = None

    def _start_thread(self) -> None:
        # a daemon: a disk that hangs must not keep the program from ending after close() has waited
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            session = self._session()
        except Exception as error:  # noqa: BLE001 - a bug must be told: nothing that is posted would ever be answered
            self._made.set_exception(error)
            self._on_change(_bug(error))
            return
        self._made.set_result(None)
        self._work(session)

    def _session(self) -> ChatSession:
        store = Store(self._paths)
        log, addons = self._paths.logs / "worker.log", self._paths.addons
        engine = EngineClient(self._on_event, log, scripted=self._scripted, addons=addons)
        demo_places = (self._paths.models, resources() / "models")
        toolbox = Toolbox(self._on_tool_event, self._paths.logs)
        return ChatSession(store, engine, self._clock, demo_places, self._paths.embeddings, toolbox)

    def _work(self, session: ChatSession) -> None:
        tick_at = 0.0
        while True:
            due = tick_at if session.under_way else session.rests_at
            try:
                job = self._jobs.get(timeout=max(0.0, due - self._clock.monotonic()) if due is not None else None)
            except Empty:
                job = ChatSession.tick if session.under_way else ChatSession.rest
            if job is None:
                self._perform(session, ChatSession.close)
                return
            self._perform(session, job)
            if session.under_way and self._clock.monotonic() >= tick_at:
                tick_at = self._clock.monotonic() + _TICK_SECONDS
                if job is not ChatSession.tick:
                    self._perform(session, ChatSession.tick)

    def _perform(self, session: ChatSession, command: Command) -> None:
        try:
            changes = command(session)
        except UserError as error:
            changes = (*changes_with(error), Notice(error.message, error.code))
        except Exception as error:  # noqa: BLE001 - a bug must be told, and must not take the chat with it
            changes = (_bug(error),)
        for change in changes:
            self._on_change(change)

    def _on_tool_event(self, event: AnyHostEvent) -> None:
        pictures: tuple[Picture, ...] = ()
        if isinstance(event, CallEnded) and event.images:
            from app.chat.tool_pictures import kept_pictures

            event, pictures = kept_pictures(event, self._paths.attachments)
        self.post(lambda session: session.tools.handle(event, pictures))

    def _on_event(self, event: Event) -> None:
        self.post(partial(_handle, event))


def _bug(error: Exception) -> Bug:
    return Bug(str(error) or type(error).__name__, "".join(traceback.format_exception(error)))


def _handle(event: Event, session: ChatSession) -> Changes:
    return session.handle(event)
