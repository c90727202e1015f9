"""The only crossing between threads: what the session changed comes from its thread by one queued signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from app.chat.changes import Change
    from app.chat.runner import Command, SessionRunner


class SessionBridge(QObject):
    """Lives on the GUI thread. What is posted before the session has started waits for it."""

    received = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner: SessionRunner | None = None
        self._waiting: list[Command] = []

    def attach(self, runner: SessionRunner) -> None:
        """The session is there: hand over what waited for it."""
        self._runner = runner
        for command in self._waiting:
            runner.post(command)
        self._waiting.clear()

    def post(self, command: Command) -> None:
        """Ask the session to do something; its changes come back as `received`. Never blocks."""
        if self._runner is None:
            self._waiting.append(command)
        else:
            self._runner.post(command)

    def pass_on(self, change: Change) -> None:
        """Queue a change for the window. Called on the session's thread."""
        self.received.emit(change)

    def close(self, timeout: float) -> None:
        """End the session: everything is saved, the worker has gone."""
        if self._runner is not None:
            self._runner.close(timeout)
            self._runner = None
