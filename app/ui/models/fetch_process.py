"""The process with the network code: one order, and what it tells of it."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QObject, QProcess, QTimer, Signal, Slot

from app.core.child import entry_of
from app.models.orders import Order, Refresh, Told

NOT_BEGUN = -1  # in the place of an exit code
_END_MS = 1000  # a kill costs nothing: what has come is on the disk


class FetchProcess(QObject):
    """GUI thread. `ended` comes once, with the exit code, after the last that it told."""

    told = Signal(object)  # Told
    ended = Signal(int)

    def __init__(self, order: Order | Refresh, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
        self._process.readyReadStandardOutput.connect(self._on_ready)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._order = order

    def begin(self) -> None:
        """Give it the order."""
        program, *arguments = entry_of("app.fetch_host", "cabochon-fetch")
        self._process.start(program, arguments)
        self._process.write(msgspec.json.encode(self._order) + b"\n")

    def stop(self) -> None:
        """Have it end."""
        self._process.closeWriteChannel()
        QTimer.singleShot(_END_MS, self._process, self._process.kill)

    def close(self) -> None:
        """The window closes: nothing more is told."""
        self._process.readyReadStandardOutput.disconnect(self._on_ready)
        self._process.finished.disconnect(self._on_finished)
        self._process.errorOccurred.disconnect(self._on_error)
        self._process.closeWriteChannel()
        if not self._process.waitForFinished(_END_MS):
            self._process.kill()
            self._process.waitForFinished(_END_MS)

    @Slot()
    def _on_ready(self) -> None:
        while self._process.canReadLine():
            self.told.emit(msgspec.json.decode(bytes(self._process.readLine().data()), type=Told))

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._end(NOT_BEGUN)

    @Slot()
    def _on_finished(self) -> None:
        self._on_ready()
        self._end(self._process.exitCode())

    def _end(self, code: int) -> None:
        self.ended.emit(code)
        self.deleteLater()
