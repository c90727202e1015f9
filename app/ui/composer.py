"""Where a message is written: pictures, the field, one hint and Send, which is Stop while an answer is written."""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSpacerItem, QToolButton, QVBoxLayout

from app.ui.attachments.sight_mark import SightMark
from app.ui.calls.tools_mark import ToolsMark
from app.ui.controls import IconButton, Words
from app.ui.keyboard_ring import Ringed
from app.ui.look import Look
from app.ui.message_edit import MessageEdit
from app.ui.painting import box, margins, picture

if TYPE_CHECKING:
    from app.core.message import Draft, Picture
    from app.ui.attachments.sight import Sight
    from app.ui.attachments.strip import Strip
    from app.ui.calls.folder_card import FolderCard

DRAFT_MS = 300


class Activity(Enum):
    """What goes on in the conversation that is shown."""

    IDLE = "idle"
    WAITING = "waiting"  # its last message waits in line
    ANSWERING = "answering"
    DECIDING = "deciding"  # a call waits for the person


HINTS = {
    Activity.IDLE: "Enter sends · Shift+Enter new line",
    Activity.WAITING: "Esc takes the message back",
    Activity.ANSWERING: "Esc stops",
    Activity.DECIDING: "Esc stops the answer",
}


class SendButton(Ringed, QToolButton):
    """32 x 30: Send, empty without words; Stop while there is something to stop."""

    corner = 8

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._stops = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        look.changed.connect(self._on_look_changed)
        self._tell()

    @property
    def stops(self) -> bool:
        """Whether a press stops instead of sending."""
        return self._stops

    def set_stops(self, stops: bool) -> None:
        """Be Stop (or Send again)."""
        if stops != self._stops:
            self._stops = stops
            self._tell()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._look.px(32), self._look.px(30))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        if not self.isEnabled():
            edge = look.colour("border") if look.theme.contrast else None
            box(painter, self.rect(), 8, look.colour("hover"), edge)
            ink = "text2"
        else:
            fill = "accent_pressed" if self.isDown() else "accent_hover" if self.underMouse() else "accent"
            box(painter, self.rect(), 8, look.colour(fill))
            ink = "on_accent"
        drawn = look.pixmap("stop" if self._stops else "send", ink, 18, self.devicePixelRatioF())
        picture(painter, QRectF(self.rect()).center(), drawn)

    def _tell(self) -> None:
        self.setAccessibleName("Stop" if self._stops else "Send")
        self.setToolTip("Stop   Esc" if self._stops else "Send   Enter")

    @Slot()
    def _on_look_changed(self) -> None:
        self.updateGeometry()
        self.update()


class Composer(QFrame):
    """`submitted` carries the draft; it is told some 300 ms after the last key, or at once by `flush`."""

    submitted = Signal(object)  # Draft
    stop_asked = Signal()
    escaped = Signal()
    draft_changed = Signal(object)  # Draft
    emptied = Signal(bool)
    attach_asked = Signal()
    data_pasted = Signal(object)  # QMimeData with files or a picture
    blind_asked = Signal()  # pictures are to be sent to a model that cannot see
    scan_left = Signal(object)  # Attachment: a PDF without words, and what to do with it is not decided
    strip_made = Signal(object)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._activity = Activity.IDLE
        self._hint = ""
        self._narrow = False
        self._had_draft = False
        self._send_waits = False
        self._is_too_long = False
        self._card: FolderCard | None = None
        self._below_card = QSpacerItem(0, 10)
        self._numbers = count(1)
        self.edit = MessageEdit()
        self.attach = IconButton(look, "attach", "Attach", "Ctrl+U")
        self.sight = SightMark(look)
        self.tools = ToolsMark(look)
        self.send = SendButton(look)
        self.hint = Words(look, "", 12, token="text3")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(DRAFT_MS)
        self._lay_out()
        self._connect()
        self._on_look_changed()
        self.set_activity(Activity.IDLE)

    @property
    def activity(self) -> Activity:
        """What goes on in the conversation that is shown."""
        return self._activity

    @cached_property
    def strip(self) -> Strip:
        """The pictures; made with the first one."""
        from app.ui.attachments.strip import Strip

        strip = Strip(self._look)
        strip.show_sight(self.sight.value)
        strip.changed.connect(self._on_pictures_changed)
        strip.settled.connect(self._on_pictures_settled)
        strip.sized.connect(self.updateGeometry)
        self._column.insertWidget(0, strip)
        strip.stand_between(self.edit, self.attach)
        self.strip_made.emit(strip)
        return strip

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that would be sent now."""
        return self.strip.pictures if "strip" in self.__dict__ else ()

    @property
    def draft(self) -> Draft:
        """What is being written."""
        from app.core.message import Draft

        if "strip" not in self.__dict__:
            return Draft(self.edit.text())
        return Draft(self.edit.text(), self.strip.pictures, self.strip.documents, self.strip.scans)

    @property
    def has_draft(self) -> bool:
        """Whether there is anything to send."""
        return not self.edit.document().isEmpty() or self._has_cards

    @property
    def _has_cards(self) -> bool:
        return "strip" in self.__dict__ and bool(self.strip.cards)

    def next_number(self) -> int:
        """A number for the next attachment."""
        return next(self._numbers)

    def show_sight(self, sight: Sight) -> None:
        """What the model sees has changed."""
        self.sight.show_sight(sight)
        if "strip" in self.__dict__:
            self.strip.show_sight(sight)

    def set_activity(self, activity: Activity) -> None:
        """Show Send or Stop, and the hint that goes with it."""
        self._activity = activity
        self.send.set_stops(activity is not Activity.IDLE)
        self.edit.say_when_empty("Waiting for your decision above" if activity is Activity.DECIDING else "Message")
        self._refresh()

    def show_card(self, card: FolderCard) -> None:
        """A question above what is written; it takes the keyboard where nothing is."""
        self.drop_card()
        self._card = card
        self._column.insertWidget(0, card)
        self._column.insertItem(1, self._below_card)
        if not self.has_draft:
            card.not_now.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def drop_card(self) -> None:
        """The question was answered."""
        if self._card is not None:
            self._card.close_now()
            self._column.removeItem(self._below_card)
            self._card.hide()
            self._card.deleteLater()
            self._card = None
            self.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_hint(self, hint: str) -> None:
        """Say something else than the usual while nothing goes on ("" for the usual)."""
        self._hint = hint
        self._refresh()

    def set_too_long(self, too_long: bool) -> None:
        """What is written was measured: whether it fits by no means. It can be sent again once it is something else."""
        self._is_too_long = too_long
        self._refresh()

    def set_narrow(self, narrow: bool) -> None:
        """Leave out the hint in a narrow window."""
        self._narrow = narrow
        self._refresh()

    def set_text(self, text: str) -> None:
        """Put other words into the field without telling them as a draft."""
        self.edit.set_text(text)
        self._pause.stop()

    def set_draft(self, draft: Draft) -> None:
        """Show another draft without telling it."""
        self._send_waits = self._is_too_long = False
        if draft.has_attached or self._has_cards:
            self.strip.show_draft(draft, self.next_number)
        self.set_text(draft.text)
        self._tell_emptied()

    def give_back(self, draft: Draft) -> None:
        """What was taken back stands before what is being written; it is told as a draft like every change."""
        if draft.has_attached:
            self.strip.give_back(draft, self.next_number)
        written = self.edit.text()
        self.set_text(f"{draft.text}\n{written}" if draft.text and written.strip() else draft.text or written)
        self._pause.start()
        self._tell_emptied()

    def flush(self) -> None:
        """Tell a draft that has not been told yet."""
        if self._pause.isActive():
            self._pause.stop()
            self._on_pause_over()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        focus = self.edit.hasFocus()
        width = 2 if focus and look.theme.contrast else 1
        box(painter, self.rect(), 12, look.colour("raised"), look.colour("accent" if focus else "border_strong"), width)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.edit.setFocus(Qt.FocusReason.MouseFocusReason)

    def _lay_out(self) -> None:
        self._row = QHBoxLayout()
        self._row.setSpacing(12)
        self._row.addWidget(self.attach)
        self._row.addWidget(self.sight)
        self._row.addWidget(self.tools)
        self._row.addStretch(1)
        self._row.addWidget(self.hint)
        self._row.addWidget(self.send)
        self._column = QVBoxLayout(self)
        self._column.setSpacing(0)
        self._column.addWidget(self.edit)
        self._column.addLayout(self._row)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        for part in (self.attach, self.sight, self.tools, self.send):
            part.setCursor(Qt.CursorShape.ArrowCursor)

    def _connect(self) -> None:
        self.edit.textChanged.connect(self._on_text_changed)
        self.edit.submitted.connect(self.send_now)
        self.edit.data_pasted.connect(self.data_pasted)
        self.attach.clicked.connect(self.attach_asked)
        self.edit.escaped.connect(self.escaped)
        self.edit.grown.connect(self._fit)
        self.edit.focused.connect(self._on_focus_changed)
        self.send.clicked.connect(self._on_send_clicked)
        self._pause.timeout.connect(self._on_pause_over)
        self._look.changed.connect(self._on_look_changed)

    def _refresh(self) -> None:
        idle = self._activity is Activity.IDLE
        self.send.setEnabled(not idle or (self.has_draft and not self._is_too_long))
        hint = self._hint
        if self._send_waits:
            hint = "Sent when the files are open"
        elif self._is_too_long:
            hint = "Too long to be sent"
        self.hint.setText(hint if hint and idle else HINTS[self._activity])
        self.hint.setVisible(not self._narrow)

    @Slot()
    def _fit(self) -> None:
        height = self.edit.wanted_height()
        if height != self.edit.height():
            self.edit.setFixedHeight(height)

    @Slot()
    def _on_text_changed(self) -> None:
        self._pause.start()
        self._forget_length()
        self._tell_emptied()

    def _tell_emptied(self) -> None:
        if self.has_draft != self._had_draft:
            self._had_draft = self.has_draft
            self._refresh()
            self.emptied.emit(not self._had_draft)

    @Slot()
    def _on_pictures_changed(self) -> None:
        self._forget_length()
        self._pause.stop()
        self._on_pause_over()
        self._tell_emptied()

    def _forget_length(self) -> None:
        if self._is_too_long:
            self.set_too_long(False)

    @Slot()
    def _on_pictures_settled(self) -> None:
        self._tell_emptied()
        if self._send_waits:
            self.send_now()

    @Slot()
    def _on_pause_over(self) -> None:
        self.draft_changed.emit(self.draft)

    @Slot()
    def send_now(self) -> None:
        """Send what is written, if anything is; pictures that are still being opened are waited for."""
        self._send_waits = self._has_cards and self.strip.is_opening
        draft = self.draft
        if self._send_waits or self._is_too_long or not (draft or self._has_cards):
            self._refresh()
        elif self._has_cards and (undecided := self.strip.undecided()) is not None:
            self.scan_left.emit(undecided)
        elif draft.pictures and self.sight.value.sees is False:
            self.blind_asked.emit()
        else:
            self.set_draft(type(draft)())
            self.submitted.emit(draft)

    @Slot()
    def _on_send_clicked(self) -> None:
        if self.send.stops:
            self.stop_asked.emit()
        else:
            self.send_now()
        self.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(bool)
    def _on_focus_changed(self, _focused: bool) -> None:
        self.update()

    @Slot()
    def _on_look_changed(self) -> None:
        look = self._look
        self._column.setContentsMargins(margins(15, look.px(12), 9, look.px(9)))
        self._row.setContentsMargins(0, look.px(7), 0, 0)
        self._fit()
        self.update()
