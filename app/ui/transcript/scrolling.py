"""Where the transcript stands, and how it stays there while heights above turn out to be others."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QAbstractScrollArea

from app.ui.transcript.entries import Entries
from app.ui.transcript.heights import Heights

STEP = 40
ALMOST = 2  # this near to the end is at the end

Anchor = tuple[str, int]


class Scrolling(QObject):
    """The values of a view's bar, in pixels. Tells where a person's scrolling led apart from its own placing."""

    scrolled = Signal()

    def __init__(self, view: QAbstractScrollArea, entries: Entries, heights: Heights) -> None:
        super().__init__(view)
        self._viewport = view.viewport()
        self._bar = view.verticalScrollBar()
        self._entries = entries
        self._heights = heights
        self._placing = False
        self.follows_end = True
        self._bar.setSingleStep(STEP)
        self._bar.valueChanged.connect(self._on_value_changed)

    @property
    def is_placing(self) -> bool:
        """Whether the bar is moved by the view and not by a person."""
        return self._placing

    @property
    def is_at_end(self) -> bool:
        """Whether the last words are in sight."""
        return self._bar.value() >= self._bar.maximum() - ALMOST

    @property
    def top(self) -> int:
        """Where what is seen begins."""
        return self._bar.value()

    @property
    def bottom(self) -> int:
        """Where what is seen ends."""
        return self._bar.value() + self._viewport.height()

    def sum_up(self, below: int) -> None:
        """Tell the bar the height of all messages and of the room below them."""
        self._heights.sum_up(self._entries)
        high = self._viewport.height()
        self._placing = True
        self._bar.setPageStep(high)
        self._bar.setRange(0, max(0, self._heights.total + below - high))
        if self.follows_end:
            self._bar.setValue(self._bar.maximum())
        self._placing = False

    def place(self, value: int) -> None:
        """Move without taking it for a person's scrolling."""
        self._placing = True
        self._bar.setValue(value)
        self._placing = False

    def anchor(self) -> Anchor | None:
        """The first message that is seen, and how much of it is above the view; None while the end is followed."""
        if not len(self._entries) or self.follows_end:
            return None
        at = self._heights.index_at(self.top)
        return self._entries[at].message.id, self.top - self._heights.top(at)

    def return_to(self, anchor: Anchor) -> None:
        """Stand where the anchor was taken; its message may have another height now."""
        at = self._entries.place(anchor[0])
        self.place(self._heights.top(at) + min(anchor[1], self._entries[at].height))

    def scroll_to(self, anchor: Anchor) -> None:
        """Leave the end for the anchor, as a person would."""
        self._bar.setValue(self._heights.top(self._entries.place(anchor[0])) + anchor[1])

    def scroll_by(self, pixels: int) -> None:
        """Scroll as a person would."""
        self._bar.setValue(self._bar.value() + pixels)

    @Slot(int)
    def _on_value_changed(self, _value: int) -> None:
        if not self._placing:
            self.follows_end = self.is_at_end
            self.scrolled.emit()
