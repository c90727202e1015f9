"""The words that are selected with the mouse."""

from __future__ import annotations

from app.ui.transcript.message import Message


class Selection:
    """Of one message at a time: selecting in another takes it away."""

    def __init__(self) -> None:
        self._message: Message | None = None

    def __bool__(self) -> bool:
        return self._message is not None

    @property
    def text(self) -> str:
        """The words, without Markdown."""
        return self._message.body.selected_text() if self._message is not None else ""

    def begin(self, message: Message) -> None:
        """Words of this message are selected now."""
        if self._message is not message:
            self.clear()
        self._message = message

    def clear(self) -> None:
        """Select nothing."""
        if self._message is not None:
            self._message.body.clear_selection()
            self._message = None

    def forget(self, message: Message) -> None:
        """This message is out of sight."""
        if self._message is message:
            self._message = None

    def select_all(self, last: Message | None) -> None:
        """All of the message that words are selected in, else of the last one."""
        message = self._message or last
        if message is not None:
            message.body.select_all()
