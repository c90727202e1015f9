"""The command line's side of the session: commands go to its thread, changes come back in order to the main thread."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

from app.chat.changes import Bug, Change, Notice
from app.chat.runner import SessionRunner
from app.chat.session import ChatSession
from app.cli.crash import BugError
from app.core.errors import UserError
from app.core.paths import DataPaths

Command = Callable[[ChatSession], tuple[Change, ...]]
_T = TypeVar("_T")

_CLOSE_SECONDS = 10.0
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted:
    """Ctrl-C (or a request to end) came while the session was at work."""


class SessionLink:
    """One session for one call of the program. All methods on the main thread.

    While it is entered, Ctrl-C arrives as `Interrupted` among the changes, so that no change is lost by it; `direct`
    gives Ctrl-C back its usual meaning for as long as the person is asked for a line.
    """

    def __init__(self, paths: DataPaths, *, scripted: bool = False) -> None:
        self._arrived: SimpleQueue[Change | Interrupted] = SimpleQueue()
        self._runner = SessionRunner(paths, self._arrived.put, scripted=scripted)
        self._handlers: dict[int, object] = {}
        self.notices: tuple[Notice, ...] = ()  # what is said about the data folder at the beginning

    def __enter__(self) -> SessionLink:
        for number in _SIGNALS:
            self._handlers[number] = signal.signal(number, self._on_signal)
        try:
            begun = self._begin()
        except BaseException:
            self.__exit__()
            raise
        self.notices = tuple(change for change in begun if isinstance(change, Notice))
        return self

    def _begin(self) -> tuple[Change, ...]:
        try:
            self._runner.begin()
        except Exception as error:
            raise _bug(error) from error
        return self.call(ChatSession.begin)

    def __exit__(self, *_: object) -> None:
        self._runner.close(_CLOSE_SECONDS)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def call(self, command: Command) -> tuple[Change, ...]:
        """Run the command on the session's thread and wait for what it changed, which `next` also delivers.

        Raises the UserError that the command raised, BugError for any other.
        """
        return self._put(command, lambda changes: changes)

    def post(self, command: Command) -> None:
        """Have the command run on the session's thread, and do not wait for it. Any thread."""
        self._runner.post(command)

    def ask(self, question: Callable[[ChatSession], _T]) -> _T:
        """Have a question about the session answered on its thread. Raises what the question raised."""
        return self._put(question, lambda _: ())

    def _put(self, question: Callable[[ChatSession], _T], told: Callable[[_T], tuple[Change, ...]]) -> _T:
        answer: Future[_T] = Future()

        def run(session: ChatSession) -> tuple[Change, ...]:
            try:
                found = question(session)
            except UserError as error:
                answer.set_exception(error)
            except Exception as error:  # noqa: BLE001 - a bug on the session's thread is the caller's to tell, once
                answer.set_exception(_bug(error))
            else:
                answer.set_result(found)
                return told(found)
            return ()

        self._runner.post(run)
        return answer.result()

    def next(self, seconds: float | None = None) -> Change | Interrupted | None:
        """The next thing that happened, None when nothing did within `seconds`. Raises BugError."""
        try:
            arrived = self._arrived.get(timeout=seconds)
        except Empty:
            return None
        if isinstance(arrived, Bug):
            raise BugError(arrived.message, arrived.traceback)
        return arrived

    @contextmanager
    def direct(self) -> Iterator[None]:
        """Ctrl-C raises KeyboardInterrupt inside this block."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._arrived.put(Interrupted())


def _bug(error: Exception) -> BugError:
    return BugError(str(error) or type(error).__name__, "".join(traceback.format_exception(error)))
