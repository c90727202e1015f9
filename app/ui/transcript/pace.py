"""When words come to the screen, so that the window stays quick while they do."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.ui.transcript.rows import STEPS_AT_ONCE, Rows

FLUSH_MS = 33


class Pace(QObject):
    """What streams is shown within FLUSH_MS; what takes long is done in steps between events. GUI thread."""

    progressed = Signal()  # heights may be others now

    def __init__(self, rows: Rows, parent: QObject) -> None:
        super().__init__(parent)
        self._rows = rows
        self._changed: set[str] = set()
        self._flush = QTimer(self, singleShot=True, interval=FLUSH_MS)
        self._flush.timeout.connect(self._on_flush_due)
        self._rest = QTimer(self, singleShot=True, interval=0)
        self._rest.timeout.connect(self._on_rest_due)
        rows.work_found.connect(self._on_work_found)

    @property
    def is_busy(self) -> bool:
        """Whether something is still on its way to the screen."""
        return self._flush.isActive() or self._rest.isActive()

    def words_came(self, message_id: str) -> None:
        """There is more of this message."""
        self._changed.add(message_id)
        if not self._flush.isActive():
            self._flush.start()

    def forget(self) -> None:
        """The messages that changed are shown no more."""
        self._changed.clear()

    @Slot()
    def _on_work_found(self) -> None:
        self._rest.start()

    @Slot()
    def _on_flush_due(self) -> None:
        """Show what came since the last time."""
        changed, self._changed = self._changed, set()
        for message_id in changed:
            shown = self._rows.get(message_id)
            if shown is not None:
                shown.refresh_words(STEPS_AT_ONCE)
                shown.colour_some()
        self.progressed.emit()
        self._go_on()

    @Slot()
    def _on_rest_due(self) -> None:
        """Go on with what takes long: one step."""
        for shown in self._rows:
            if shown.has_words_to_parse:
                shown.refresh_words(1)
                self.progressed.emit()
                break
            if shown.colour_some():
                break
        self._go_on()

    def _go_on(self) -> None:
        if any(shown.has_words_to_parse or shown.has_code_to_colour for shown in self._rows):
            self._rest.start()
