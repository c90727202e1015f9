"""The conversation on the screen: only what is seen has widgets, whatever its length."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Qt, QUrl, Signal, Slot
from PySide6.QtGui import (
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.chat.changes import CallWritten, MessageView, ReadingChanged, SeeingChanged
from app.ui.overlay_scroll_bar import OverlayScrollBar
from app.ui.theme import Theme
from app.ui.transcript.entries import Entries
from app.ui.transcript.entry import Entry
from app.ui.transcript.foot import HIGH
from app.ui.transcript.heights import Heights
from app.ui.transcript.jump import JumpButton
from app.ui.transcript.keyboard import Keyboard
from app.ui.transcript.message import Frame, Message
from app.ui.transcript.pace import Pace
from app.ui.transcript.requests import Requests
from app.ui.transcript.rows import Rows
from app.ui.transcript.scrolling import Anchor, Scrolling
from app.ui.transcript.selection import Selection
from app.ui.transcript.style import Style

COLUMN = 704
MARGIN = 32
NARROW = 720
NARROW_MARGIN = 20
BELOW_ALL = 16
ROUNDS = 8  # of laying out: what is seen moves as heights turn out to be others


class TranscriptView(QAbstractScrollArea):
    """Accessible as *Transcript*. GUI thread; shows what it is told and asks by its signals, decides nothing."""

    regenerate_asked = Signal(str)
    edit_submitted = Signal(str, str)
    continue_asked = Signal(str)
    delete_asked = Signal(str)
    prompt_asked = Signal(str)
    seen_asked = Signal(str, QPoint)  # the question with pictures, where the pointer is
    version_chosen = Signal(str)
    withdraw_asked = Signal(str)
    link_activated = Signal(QUrl)
    copied = Signal(str)
    picture_opened = Signal(str, int)
    picture_menu_asked = Signal(str, int, QPoint)
    document_opened = Signal(str, int)
    call_decided = Signal(str, bool, object, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._style = Style(theme, 1.0)
        self._current_model = ""
        self._seconds_left: float | None = None
        self.setAccessibleName("Transcript")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setAutoFillBackground(False)
        self._bar = OverlayScrollBar(self)  # it hears of values before `_scrolling`, by which they may be corrected
        self._entries = Entries()
        heights = Heights()
        self._scrolling = Scrolling(self, self._entries, heights)
        self._scrolling.scrolled.connect(self._refresh)
        self._rows = Rows(self.viewport(), self._style, self._frame, self._entries, heights)
        self._rows.message_made.connect(self._on_message_made)
        self._rows.message_left.connect(self._on_message_left)
        self._pace = Pace(self._rows, self)
        self._pace.progressed.connect(self._refresh)
        self._selection = Selection()
        self._requests = Requests(self)
        self._jump = JumpButton(self.viewport(), self._style)
        self._jump.clicked.connect(self._on_jump_clicked)
        self._keyboard = Keyboard(self, self.viewport(), self._scrolling, self._jump)

    # -- what is told

    def show_conversation(self, messages: Sequence[MessageView]) -> None:
        """Show these messages from the last one up. The same conversation again keeps its place."""
        before = self._entries[0].message.conversation if len(self._entries) else ""
        same = bool(messages) and messages[0].conversation == before
        anchor = self._scrolling.anchor() if same else None
        self._entries.show_all(messages, self._style.scale)
        self._forget_shown()
        self._scrolling.follows_end = True
        if anchor is not None and anchor[0] in self._entries:
            self._scrolling.follows_end = False
            self._sum_up()
            self._scrolling.scroll_to(anchor)
        self._refresh()

    def add_message(self, message: MessageView) -> None:
        """A message at the end. The person's own brings the view to the end."""
        if message.id in self._entries:
            self.change_message(message)
            return
        before = self._entries.last
        entry = self._entries.add(message, self._style.scale)
        if not entry.is_answer:
            self._scrolling.follows_end = True
        if before is not None:
            self._rows.show_again(before.message.id, latest=False)
        self._refresh()

    def change_message(self, message: MessageView) -> None:
        """The message with this id is another now."""
        entry = self._entries.find(message.id)
        if entry is not None:
            self._rows.show_change(entry, other_words=entry.change(message))
            self._refresh()

    def remove_messages(self, ids: Sequence[str]) -> None:
        """These messages are gone."""
        self._entries.remove(ids)
        self._rows.put_away(ids)
        self._refresh()

    def add_text(self, message_id: str, text: str, generated: int) -> None:
        """More of the answer; it is on the screen within FLUSH_MS (see Pace)."""
        entry = self._entries.find(message_id)
        if entry is not None:
            entry.add_text(text, generated)
            self._pace.words_came(message_id)

    def show_reading(self, reading: ReadingChanged) -> None:
        """How far the model has read, in the place where the answer will begin."""
        entry = self._entries.find(reading.message)
        if entry is None:
            return
        entry.read(reading)
        self._show_progress(reading.message)

    def show_seeing(self, seeing: SeeingChanged) -> None:
        """How far the model has looked at the pictures, in the same place."""
        entry = self._entries.find(seeing.message)
        if entry is not None:
            entry.see(seeing)
            self._show_progress(seeing.message)

    def show_calling(self, calling: CallWritten) -> None:
        """The answer is writing a call."""
        entry = self._entries.find(calling.message)
        if entry is not None:
            entry.call(calling)
            self._show_progress(calling.message)

    def focus_waiting(self) -> bool:
        """Give the keyboard to Deny of the last call that waits; False where none is seen."""
        last = self._entries.last
        shown = self._rows.get(last.message.id) if last is not None else None
        card = shown.calls.waiting if shown is not None else None
        if card is None:
            return False
        card.deny.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True

    def _show_progress(self, message: str) -> None:
        shown = self._rows.get(message)
        if shown is not None:
            high = shown.slot_height
            shown.refresh()
            if shown.slot_height != high:
                self._refresh()

    def show_again(self) -> None:
        """Files that were missing are back: make what is seen anew."""
        self._forget_shown()
        self._refit()

    def set_theme(self, theme: Theme) -> None:
        """Take another theme."""
        self._restyle(Style(theme, self._style.scale))

    def set_text_scale(self, factor: float) -> None:
        """Take another text size, 1.0 for 100%."""
        self._restyle(Style(self._style.theme, factor))

    def set_current_model(self, name: str) -> None:
        """The model that is loaded now: answers of others are marked with their model."""
        if name != self._current_model:
            self._current_model = name
            self._refit()

    def set_seconds_left(self, seconds: float | None) -> None:
        """How long the model still takes to load, for the messages that wait for it."""
        self._seconds_left = seconds
        self._rows.show_waiting()

    # -- layout

    def _frame(self) -> Frame:
        width = self.viewport().width()
        narrow = self.window().width() < NARROW
        margin = NARROW_MARGIN if narrow else max(MARGIN, (width - COLUMN) // 2)
        return Frame(width, max(80, width - 2 * margin), margin, narrow, self._current_model, self._seconds_left)

    def _sum_up(self) -> None:
        last = self._entries.last
        row = self._style.px(HIGH) if last is not None and not last.is_answer else 0
        self._scrolling.sum_up(row + BELOW_ALL)

    @Slot()
    def _refresh(self) -> None:
        """Lay out what is seen, and place it. What was seen stays where it is."""
        scrolling = self._scrolling
        if scrolling.is_placing or not self.isVisible():
            return
        self._sum_up()
        for _ in range(ROUNDS):
            top = scrolling.top
            moved = self._rows.lay_out(top, scrolling.bottom)
            if moved is None:
                break
            self._sum_up()
            if not scrolling.follows_end:
                scrolling.place(top + moved)
        self._keyboard.set_order(self._rows.place(scrolling.top, scrolling.bottom))
        self._jump.place(shown=not scrolling.is_at_end)

    def _forget_shown(self) -> None:
        self._rows.put_all_away()
        self._pace.forget()
        self._keyboard.forget()

    def _refit(self) -> None:
        """The width, the neighbours or the model changed: everything is to be laid out again."""
        self._entries.doubt_heights()
        self._refresh()

    def _restyle(self, style: Style) -> None:
        if style.theme is self._style.theme and style.scale == self._style.scale:
            return
        anchor = self._scrolling.anchor()
        grown = style.scale / self._style.scale
        self._style = style
        self._jump.set_style(style)
        self._rows.set_style(style)
        for entry in self._entries:
            entry.height = round(entry.height * grown)
        self._refit()
        self._return_to(anchor)
        self.viewport().update()

    def _return_to(self, anchor: Anchor | None) -> None:
        if anchor is None or anchor[0] not in self._entries:
            return
        self._sum_up()
        self._scrolling.return_to(anchor)
        self._refresh()

    # -- what messages ask for (see Requests)

    @property
    def style_now(self) -> Style:
        """The theme and text size in force."""
        return self._style

    def entry(self, message: str) -> Entry | None:
        """What is known of a message."""
        return self._entries.find(message)

    def begin_editing(self, message: str) -> None:
        """Put a field in the place of a message."""
        shown = self._set_editing(message, editing=True)
        if shown is not None:
            shown.focus_editor()

    def end_editing(self, message: str) -> None:
        """Put the message back in its place."""
        self._set_editing(message, editing=False)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _set_editing(self, message: str, *, editing: bool) -> Message | None:
        entry = self.entry(message)
        shown = self._rows.get(message)
        if entry is not None:
            entry.editing = editing
            entry.edited = None
            entry.exact = False
            self._refresh()
        return shown

    def selected_text(self) -> str:
        """The words selected with the mouse, without Markdown."""
        return self._selection.text

    # -- events

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Nothing is painted on the viewport: its widgets are moved by `Rows.place`."""

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self.viewport()).fillRect(event.rect(), self._style.colour("window"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            anchor = self._scrolling.anchor()
            self._refit()
            self._return_to(anchor)
        else:
            self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._forget_shown()
            self._refit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            if self.selected_text():
                QGuiApplication.clipboard().setText(self.selected_text())
                self.copied.emit(self.selected_text())
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            last = self._entries.last
            self._selection.select_all(self._rows.get(last.message.id) if last is not None else None)
        elif event.key() == Qt.Key.Key_Home:
            self.verticalScrollBar().setValue(0)
        elif event.key() == Qt.Key.Key_End:
            self._on_jump_clicked()
        elif event.key() == Qt.Key.Key_Escape and self._selection:
            self._selection.clear()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        sideways = turned.x() or (turned.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if (sideways and abs(turned.x()) >= abs(turned.y())) or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            spot = event.position().toPoint()
            child = self.viewport().childAt(spot)
            while child is not None and not isinstance(child, Message):
                child = child.parentWidget()
            if isinstance(child, Message):
                child.scroll_sideways(child.mapFrom(self.viewport(), spot), -sideways)
            return
        super().wheelEvent(event)

    def show_end(self) -> None:
        """Bring the view to the end."""
        self._scrolling.follows_end = True
        self._refresh()

    @Slot()
    def _on_jump_clicked(self) -> None:
        self.show_end()

    @Slot(object)
    def _on_message_made(self, message: Message) -> None:
        self._requests.connect_message(message)
        message.grown.connect(self._refresh)
        message.picture_opened.connect(self.picture_opened)
        message.picture_menu_asked.connect(self.picture_menu_asked)
        message.document_opened.connect(self.document_opened)
        message.call_decided.connect(self.call_decided)
        message.selection_begun.connect(self._on_selection_begun)

    @Slot(object)
    def _on_message_left(self, message: Message) -> None:
        self._selection.forget(message)

    @Slot(object)
    def _on_selection_begun(self, message: Message) -> None:
        self._selection.begin(message)
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    @property
    def is_busy(self) -> bool:
        """Whether something is still on its way to the screen."""
        return self._pace.is_busy
