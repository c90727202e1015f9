"""What drives the real window once it is on the screen, and tells what became of it. See `WindowProbe`."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

from app.chat.changes import Change, ConversationOpened, ModelChanged, ModelState, TextAdded, TurnEnded
from app.core.message import Draft
from app.ui.main_window import MainWindow
from tests.benchmarks.handled import frames, percentile
from tests.benchmarks.probe import Commands, tell
from tests.benchmarks.timed import TimedApplication

LOOKS_EVERY_MS = 5
AFTER_MS = 300  # for what the end of an answer brings with it


class WindowProbe(QObject):
    """Does what the lines of standard input say. GUI thread.

    `open ID` opens a chat, told as `opened` (the chat of the start is told so too); `focus composer|transcript` puts
    the keyboard there, told as `focused`; `send TEXT` sends it, told as `answered` when the answer has ended, with what
    the application of timed.py has noted since the sending. `ready` is told when a model is.
    """

    _over = Signal()

    def __init__(self, main: MainWindow) -> None:
        super().__init__(main)
        self._main = main
        self._transcript = main.chat.transcript
        application = QApplication.instance()
        self._timed = application if isinstance(application, TimedApplication) else None
        self._began = time.perf_counter()
        self._opening = ""
        self._messages = 0
        self._painted_ms = 0.0
        self._text_times: list[float] = []
        self._over.connect(self._on_painted, Qt.ConnectionType.QueuedConnection)
        self._look = QTimer(self, interval=LOOKS_EVERY_MS)
        self._look.timeout.connect(self._on_look)
        self._after = QTimer(self, singleShot=True, interval=AFTER_MS)
        self._after.timeout.connect(self._on_answer_shown)
        self._commands = Commands(self)
        self._commands.came.connect(self._on_command)

    def hear(self, change: Change) -> None:
        """A change that the window has shown; its picture is still to be painted."""
        if isinstance(change, ConversationOpened) and self._opening in ("", change.conversation):
            self._messages = len(change.messages)
            self._transcript.viewport().installEventFilter(self)
        elif isinstance(change, ModelChanged) and change.state is ModelState.READY:
            tell("ready")
        elif isinstance(change, TextAdded):
            self._text_times.append(time.perf_counter())
        elif isinstance(change, TurnEnded):
            self._after.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            self._over.emit()  # queued: it comes back when all that is on the window has been painted
        return False

    @Slot()
    def _on_painted(self) -> None:
        self._painted_ms = (time.perf_counter() - self._began) * 1000
        self._look.start()

    @Slot()
    def _on_look(self) -> None:
        """What takes long, such as the colours of code, comes after the first picture."""
        if not self._transcript.is_busy:
            self._look.stop()
            settled = (time.perf_counter() - self._began) * 1000
            handled, _ = self._timed.end() if self._timed is not None else ([], [])
            longest = max((event.own for event in handled), default=0.0) * 1000
            tell(
                "opened",
                messages=self._messages,
                painted_ms=self._painted_ms,
                settled_ms=settled,
                longest_ms=longest,
            )

    @Slot(str)
    def _on_command(self, line: str) -> None:
        what, _, value = line.partition(" ")
        if what == "open":
            self._opening = value
            if self._timed is not None:
                self._timed.begin()
            self._began = time.perf_counter()
            self._main.actions_now.open_chat(value)
        elif what == "focus":
            to_composer = value == "composer"
            widget = self._main.chat.composer.edit if to_composer else self._transcript
            widget.setFocus(Qt.FocusReason.OtherFocusReason)
            blinks = self._main.chat.composer.edit.hasFocus() and QApplication.cursorFlashTime() > 0
            tell("focused", active=self._main.isActiveWindow(), blinks=blinks)
        elif what == "send":
            self._send(value)

    def _send(self, text: str) -> None:
        self._text_times = []
        if self._timed is not None:
            self._timed.begin()
        self._main.actions_now.submit(Draft(text))

    @Slot()
    def _on_answer_shown(self) -> None:
        if self._timed is None:
            tell("answered", texts=len(self._text_times))
            return
        handled, gaps = self._timed.end()
        shown = frames(handled)
        longest = max(handled, key=lambda event: event.own)
        tell(
            "answered",
            texts=len(self._text_times),
            seconds=self._text_times[-1] - self._text_times[0],
            events=len(handled),
            walls=[round(frame.wall * 1000, 2) for frame in shown],
            owns=[round(frame.own * 1000, 2) for frame in shown],
            gaps=[round(gap * 1000, 2) for gap in gaps],
            longest={"what": longest.what, "own": longest.own * 1000, "cpu": longest.cpu * 1000},
            longest_wall=max(event.wall for event in handled) * 1000,
            usual=percentile([event.wall for event in handled], 99) * 1000,
        )
