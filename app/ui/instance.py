"""One window for one data folder: a second start hands over what it was asked and raises the first one's window."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.core.paths import decode_path, encode_path
from app.ui.instance_name import server_name

CONNECT_MS = 500
ANSWER_MS = 2000
LONGEST = 1 << 20


class Handover(msgspec.Struct, frozen=True):
    """What a second start was asked: paths as `encode_path` writes them, and the token that lets a window rise."""

    model: str = ""
    files: tuple[str, ...] = ()
    activation: str = ""

    @property
    def model_path(self) -> Path | None:
        """The model it was started with."""
        return decode_path(self.model) if self.model else None

    @property
    def file_paths(self) -> tuple[Path, ...]:
        """The files it was started with."""
        return tuple(decode_path(name) for name in self.files)


def handover(model: Path | None, files: tuple[Path, ...]) -> Handover:
    """What this start would hand over."""
    return Handover(
        encode_path(model) if model else "",
        tuple(encode_path(path) for path in files),
        os.environ.get("XDG_ACTIVATION_TOKEN", ""),
    )


class SingleInstance(QObject):
    """`asked` carries the Handover of another start. GUI thread."""

    asked = Signal(object)

    def __init__(self, root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = server_name(root)
        self._server: QLocalServer | None = None

    def hand_over(self, asked: Handover) -> bool:
        """Give this to the window that is open already; False when there is none. Blocks up to two seconds."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(CONNECT_MS):
            return False
        socket.write(msgspec.json.encode(asked) + b"\n")
        socket.flush()
        socket.waitForReadyRead(ANSWER_MS)
        socket.disconnectFromServer()
        return True

    def listen(self) -> bool:
        """Be the one that others hand over to; False when somebody else is already."""
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connected)
        if self._server.listen(self._name):
            return True
        probe = QLocalSocket()
        probe.connectToServer(self._name)
        if probe.waitForConnected(CONNECT_MS):
            probe.abort()
            return False
        QLocalServer.removeServer(self._name)  # left behind by a window that was killed
        return self._server.listen(self._name)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @Slot()
    def _on_connected(self) -> None:
        while self._server is not None and self._server.hasPendingConnections():
            caller = self._server.nextPendingConnection()
            caller.readyRead.connect(self._on_ready)
            caller.disconnected.connect(caller.deleteLater)

    @Slot()
    def _on_ready(self) -> None:
        caller = self.sender()
        if not isinstance(caller, QLocalSocket):
            return
        if caller.bytesAvailable() > LONGEST:
            caller.abort()
        elif caller.canReadLine():
            line = bytes(caller.readLine().data())
            caller.write(b"ok\n")
            caller.flush()
            caller.disconnectFromServer()
            try:
                asked = msgspec.json.decode(line, type=Handover)
            except msgspec.DecodeError:
                return
            self.asked.emit(asked)
