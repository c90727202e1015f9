"""The messages that are seen: only they have widgets, which are used again as the view scrolls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.core.message import MessageState
from app.ui.transcript.entries import Entries
from app.ui.transcript.entry import Entry
from app.ui.transcript.heights import Heights
from app.ui.transcript.message import Frame, Message
from app.ui.transcript.style import Style

STEPS_AT_ONCE = 6  # pieces of a message that are parsed before the window paints again
SPARE = 6  # widgets that are kept for messages to come
KEPT_WORDS = 40  # parsed messages that are kept out of sight


class Rows(QObject):
    """One widget for each message in sight, below one another on the viewport. GUI thread."""

    message_made = Signal(object)
    message_left = Signal(object)  # out of sight: its widget is for another message
    work_found = Signal()  # words to parse or code to colour

    def __init__(
        self, viewport: QWidget, style: Style, frame: Callable[[], Frame], entries: Entries, heights: Heights
    ) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._style = style
        self._frame = frame
        self._entries = entries
        self._heights = heights
        self._shown: dict[str, Message] = {}
        self._spare: list[Message] = []
        self._kept: list[str] = []

    def __iter__(self) -> Iterator[Message]:
        return iter(self._shown.values())

    def get(self, message_id: str) -> Message | None:
        """The widget of a message, if it has one."""
        return self._shown.get(message_id)

    def set_style(self, style: Style) -> None:
        """Take another theme or text size; it is used when messages are laid out again."""
        self._style = style

    # -- single messages

    def show_again(self, message_id: str, *, latest: bool) -> None:
        """What is around a message has changed."""
        shown = self._shown.get(message_id)
        if shown is not None and shown.entry is not None:
            shown.show_entry(shown.entry, self._style, self._frame(), latest=latest)

    def show_waiting(self) -> None:
        """The model takes another time to load: the messages that wait for it say so."""
        for message_id, shown in self._shown.items():
            if shown.entry is not None and shown.entry.message.state is MessageState.QUEUED:
                self.show_again(message_id, latest=False)

    def show_change(self, entry: Entry, *, other_words: bool) -> None:
        """A message has another value."""
        shown = self._shown.get(entry.message.id)
        if shown is None:
            if other_words:
                entry.exact = False
                entry.height = entry.estimate(self._style.scale)
        elif other_words or entry.document is None:
            shown.entry = None
            self._show_in(shown, self._entries.place(entry.message.id))
        else:
            shown.refresh_words(STEPS_AT_ONCE)

    def put_away(self, ids: Iterable[str]) -> None:
        """These messages are gone."""
        self._put_away(self._shown.keys() & set(ids))

    def put_all_away(self) -> None:
        """Another conversation, or everything is to be made again."""
        self._put_away(set(self._shown))
        self._kept.clear()

    # -- what is seen

    def lay_out(self, top: int, bottom: int) -> int | None:
        """Lay out messages that are seen for the first time; returns by how much those above `top` grew, or above what
        was seen before, None for nothing new."""
        if not len(self._entries):
            return None
        at = self._heights.index_at(top)
        known = self._first_known(at, bottom) if top > 0 else 0  # who went to the beginning stays there
        grown = 0
        fresh = False
        while at < len(self._entries) and self._heights.top(at) <= bottom:
            entry = self._entries[at]
            before = entry.height
            start = self._heights.top(at)
            shown = self._shown.get(entry.message.id)
            if shown is None or not entry.exact:
                shown = self._show(at)
            more = shown.see(top - start, bottom - start)
            if entry.height != before:
                fresh = True
                if at < known:
                    grown += entry.height - before
                elif more:
                    grown += more
                elif start < top:
                    grown += entry.height - before
            at += 1
        return grown if fresh else None

    def place(self, top: int, bottom: int) -> list[Message]:
        """Move the widgets of what is seen to their places, put away the others; returns those seen, in order."""
        focus = QApplication.focusWidget()
        seen: list[tuple[int, Message]] = []
        for message_id, shown in list(self._shown.items()):
            at = self._entries.place(message_id)
            start = self._heights.top(at)
            if start <= bottom and start + shown.height() >= top:
                seen.append((at, shown))
            elif (
                not self._entries[at].editing
                and not self._entries[at].has_waiting
                and not (focus is not None and shown.isAncestorOf(focus))
            ):
                self._put_away({message_id})
                continue
            shown.move(0, start - top)
            shown.show()
        seen.sort(key=lambda pair: pair[0])
        return [shown for _, shown in seen]

    def _first_known(self, at: int, bottom: int) -> int:
        """The first entry from `at` on that was seen before, 0 for none above `bottom`."""
        while at < len(self._entries) and self._heights.top(at) <= bottom:
            if self._entries[at].exact and self._entries[at].message.id in self._shown:
                return at
            at += 1
        return 0

    def _show(self, at: int) -> Message:
        entry = self._entries[at]
        shown = self._shown.get(entry.message.id)
        if shown is None:
            shown = self._spare.pop() if self._spare else self._made()
            self._shown[entry.message.id] = shown
        self._show_in(shown, at)
        return shown

    def _show_in(self, shown: Message, at: int) -> None:
        shown.show_entry(self._entries[at], self._style, self._frame(), latest=at == len(self._entries) - 1)
        if shown.has_words_to_parse or shown.has_code_to_colour:
            self.work_found.emit()

    def _made(self) -> Message:
        made = Message(self._viewport, self._style)
        self.message_made.emit(made)
        return made

    def _put_away(self, ids: set[str]) -> None:
        # out of the list before they are hidden: the keyboard then goes elsewhere, and the view may scroll there
        for message_id, shown in [(message_id, self._shown.pop(message_id)) for message_id in ids]:
            shown.hide()
            self.message_left.emit(shown)
            shown.put_away()
            if len(self._spare) < SPARE:
                self._spare.append(shown)
            else:
                shown.deleteLater()
            self._keep_words(message_id)

    def _keep_words(self, message_id: str) -> None:
        """Of the messages that went out of sight last, so that scrolling back is quick."""
        self._kept.append(message_id)
        while len(self._kept) > KEPT_WORDS:
            entry = self._entries.find(self._kept.pop(0))
            if entry is not None and entry.message.id not in self._shown:
                entry.drop_words()
