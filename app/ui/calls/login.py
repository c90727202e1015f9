"""The PATH of the person's login shell, asked for on a thread: a profile may take seconds."""

from __future__ import annotations

import threading
from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from app.tools.environment import login_path


class LoginPath(QObject):
    """`found` carries it, once. GUI thread."""

    found = Signal(str)

    def ask(self) -> None:
        """Begin to ask."""
        # a daemon: the program does not wait for a shell when it ends
        threading.Thread(target=self._work, name="login-path", daemon=True).start()

    def _work(self) -> None:
        path = login_path()
        with suppress(RuntimeError):  # the dialog that asked was closed meanwhile
            self.found.emit(path)
