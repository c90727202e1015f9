"""One message on the screen: bubble or column, row of actions, and the states between."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.calls.stack import CallStack
from app.ui.painting import LEFT_TO_RIGHT, box, mirrored
from app.ui.transcript.attached import GAP, AttachedRow
from app.ui.transcript.body import Body
from app.ui.transcript.code_piece import CodePiece
from app.ui.transcript.editor import Editor
from app.ui.transcript.entry import Entry
from app.ui.transcript.foot import OVERHANG, Foot, Row
from app.ui.transcript.frame_tools import FrameTools
from app.ui.transcript.marks import GEM, paint_day, paint_gem
from app.ui.transcript.progress import HIGH, paint_progress
from app.ui.transcript.row import row_of
from app.ui.transcript.spacing import below
from app.ui.transcript.style import Style
from app.ui.transcript.table_piece import TablePiece

ABOVE_BUBBLE = 12
ABOVE_PART = 10  # between the parts of one answer
ABOVE_ANSWER = 20
BUBBLE_SIDE, BUBBLE_ABOVE, BUBBLE_BELOW = 14, 9, 10
BUBBLE, BUBBLE_PART = 560, 0.86
DAY = 36
NATURAL_LETTERS = 4_000


@dataclass(frozen=True, slots=True)
class Frame:
    """What all messages on the screen share: where the column is, and what goes on."""

    width: int
    column: int
    margin: int
    narrow: bool
    current_model: str = ""
    seconds_left: float | None = None


class Message(QWidget):
    """Shows one entry at a time; used again for others as the view scrolls. GUI thread."""

    asked = Signal(str, str)  # which action, which message
    edit_taken = Signal(str, str)
    edit_cancelled = Signal(str)
    grown = Signal()
    link_clicked = Signal(str)
    selection_begun = Signal(object)
    dragged_to = Signal(QPoint)
    menu_asked = Signal(str, QPoint)
    copied = Signal(str)
    picture_opened = Signal(str, int)  # which message, which of its pictures
    picture_menu_asked = Signal(str, int, QPoint)
    document_opened = Signal(str, int)
    call_decided = Signal(str, bool, object, str)  # which call, approve, Arguments | None, reach

    def __init__(self, parent: QWidget, style: Style) -> None:
        super().__init__(parent)
        self._style = style
        self._frame = Frame(0, 0, 0, False)
        self.entry: Entry | None = None
        self.slot_height = 0
        self._tools: dict[int, FrameTools] = {}
        self._editor: Editor | None = None
        self._latest = False
        self._bubble = QRect()
        self._content_top = 0
        self.body = Body(self, style)
        self.body.link_clicked.connect(self.link_clicked)
        self.body.selection_begun.connect(self._on_selection_begun)
        self.body.dragged_to.connect(self.dragged_to)
        self.attached = AttachedRow(self)
        self.attached.opened.connect(self.picture_opened)
        self.attached.document_opened.connect(self.document_opened)
        self.attached.menu_asked.connect(self.picture_menu_asked)
        self.calls = CallStack(self)
        self.calls.decided.connect(self.call_decided)
        self.calls.sized.connect(self._on_part_sized)
        self.calls.picture_opened.connect(self._on_result_opened)
        self.foot = Foot(self, style)
        self.foot.asked.connect(self._on_asked)

    # -- what is shown

    def show_entry(self, entry: Entry, style: Style, frame: Frame, *, latest: bool) -> None:
        """Show this message in this frame."""
        if entry is not self.entry or style is not self._style:
            self._drop_tools()
            self._drop_editor()
            if entry is not self.entry:
                self.calls.clear()
            self._style = style
            self.foot.set_style(style)
            self.body.begin(style)
            self.entry = entry
            document = entry.words()
            document.work(2)
            self.body.show_blocks(document.blocks, 0)
            self.attached.show_attached(None if entry.is_answer else entry.message, style)
            self.setAccessibleDescription(entry.message.model if entry.is_answer else "You")
        self._frame = frame
        self._latest = latest
        self.refresh()

    def refresh(self) -> None:
        """The entry has another state, width or neighbours: fit everything again."""
        entry = self.entry
        if entry is None:
            return
        if entry.editing and self._editor is None:
            self._begin_editing(entry)
        elif not entry.editing:
            self._drop_editor()
        self.calls.show_calls(entry.message.calls, entry.message.pictures, self._style)
        self.foot.show_row(self._row(entry))
        self.foot.set_awake(self._latest or self.underMouse())
        self.body.has_caret = entry.is_streaming and not entry.is_read
        self._fit(entry)
        self.update()

    def refresh_words(self, steps: int) -> None:
        """More words came, or more of them are to be parsed: only what is new is laid out."""
        entry = self.entry
        if entry is None:
            return
        unchanged = entry.words().work(steps)
        self.body.show_blocks(entry.words().blocks, unchanged)
        self.refresh()

    def refresh_row(self) -> None:
        """Only the row's words have changed."""
        if self.entry is not None:
            self.foot.show_row(self._row(self.entry))
            self.foot.arrange(self._frame.column)

    def colour_some(self) -> bool:
        """Give some code its colours; True when there is more to do."""
        piece = next(self.body.stack.pending(), None)
        if piece is None:
            return False
        piece.step()
        self.body.update()
        return True

    @property
    def has_words_to_parse(self) -> bool:
        """Whether some of the words are not blocks yet."""
        return self.entry is not None and not self.entry.editing and self.entry.words().has_work

    @property
    def has_code_to_colour(self) -> bool:
        """Whether some finished code has no colours yet."""
        return any(piece.block.closed for piece in self.body.stack.pending())

    def put_away(self) -> None:
        """Forget the entry: it is out of sight."""
        self._drop_tools()
        self._drop_editor()
        self.entry = None
        self.body.begin(self._style)
        self.attached.show_attached(None, self._style)
        self.calls.clear()

    def see(self, top: int, bottom: int) -> int:
        """The part between `top` and `bottom` is seen: lay it out; returns how much grew above `top`."""
        stack = self.body.stack
        if self._editor is not None or not stack.blocks:
            self._drop_tools()
            return 0
        before = stack.height
        grown = stack.ensure(top - self.body.y(), bottom - self.body.y())
        if stack.height != before and self.entry is not None:
            self._fit(self.entry)
        self._place_tools(top, bottom)
        return grown

    def keyboard_order(self) -> list[QWidget]:
        """Everything that takes the keyboard, from top to bottom."""
        if self._editor is not None:
            return self._editor.widgets()
        tools = [widget for at in sorted(self._tools) for widget in self._tools[at].widgets()]
        return [*self.attached.widgets(), *tools, *self.calls.widgets(), *self.foot.widgets()]

    def scroll_sideways(self, spot: QPoint, by: int) -> bool:
        """Scroll the frame under the spot; False where there is none that scrolls."""
        y = spot.y() - self.body.y()
        if not self.body.stack.blocks or not 0 <= y < self.body.height():
            return False
        tool = self._tools.get(self.body.stack.index_at(y))
        return tool is not None and tool.scroll(by)

    def focus_editor(self) -> None:
        """Give the keyboard to the field."""
        if self._editor is not None:
            self._editor.field.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- layout

    def _row(self, entry: Entry) -> Row:
        rightwards = self.layoutDirection() == LEFT_TO_RIGHT
        return row_of(entry, self._frame, latest=self._latest, rightwards=rightwards)

    def _fit(self, entry: Entry) -> None:
        px = self._style.px
        top = px(DAY) if entry.day else 0
        top += px(ABOVE_PART if entry.follows else ABOVE_ANSWER if entry.is_answer else ABOVE_BUBBLE)
        if self._editor is None and not entry.is_answer:
            top += self._place_attached(top)
        self._content_top = top
        if self._editor is not None:
            bottom = self._fit_editor(top)
            self.slot_height = bottom + px(8)
        elif entry.is_answer:
            bottom = self._fit_answer(entry, top)
            self.slot_height = bottom
        else:
            self.slot_height, bottom = self._fit_bubble(top)
        self.resize(self._frame.width, bottom)
        entry.height = self.slot_height
        entry.exact = True

    def _place_attached(self, top: int) -> int:
        """Put the attachments above the words; returns the room they take."""
        frame = self._frame
        high = self.attached.lay_out(frame.column, self._style, narrow=frame.narrow)
        self.attached.setGeometry(frame.margin, top, frame.column, high)
        return high + GAP if high else 0

    def _fit_editor(self, top: int) -> int:
        assert self._editor is not None
        self.body.hide()
        self.foot.hide()
        top += self._place_attached(top)
        high = self._editor.arrange(self._frame.column)
        self._editor.setGeometry(self._frame.margin, top, self._frame.column, high)
        self._editor.show()
        return top + high

    def _fit_answer(self, entry: Entry, top: int) -> int:
        frame = self._frame
        px = self._style.px
        stack = self.body.stack
        if entry.is_read and not stack.blocks:
            self.body.hide()
            self.foot.hide()
            return top + px(HIGH)
        stack.lay_out(frame.column)
        called = bool(entry.message.calls)
        high = max(stack.height, 0 if stack.blocks or called else px(23))
        waiting = entry.words().waiting
        if waiting:
            high += waiting * px(23) // 88
        self.body.setGeometry(frame.margin, top, frame.column, high)
        self.body.setVisible(high > 0)
        room = px(below(stack.blocks[-1])) if stack.blocks else px(4)
        bottom = top + high + room
        if called:
            bottom = top + high + (px(ABOVE_PART) if high else 0)
            calls = self.calls.lay_out(frame.column)
            self.calls.setGeometry(frame.margin, bottom, frame.column, calls)
            bottom += calls
            if entry.goes_on:
                self.foot.hide()
                return bottom
            bottom += px(4)
        return self._place_foot(bottom)

    def _place_foot(self, top: int) -> int:
        frame = self._frame
        high = self.foot.height_for(frame.column)
        self.foot.setGeometry(frame.margin - OVERHANG, top, frame.column + 2 * OVERHANG, high)
        self.foot.arrange(frame.column)
        self.foot.show()
        return top + high

    def _fit_bubble(self, top: int) -> tuple[int, int]:
        """The slot's height and the widget's: the row lies in the room before the answer where it may."""
        frame = self._frame
        px = self._style.px
        stack = self.body.stack
        widest = min(px(BUBBLE), round(frame.column * BUBBLE_PART)) - 2 * BUBBLE_SIDE
        width = widest
        if (
            sum(len(getattr(block, "text", "")) for block in stack.blocks[:8]) < NATURAL_LETTERS
            and len(stack.blocks) < 8
        ):
            width = max(px(12), min(widest, stack.natural_width()))
        stack.lay_out(width)
        if not stack.blocks and self.attached.widgets():  # attachments without a word
            self._bubble = QRect()
            self.body.hide()
            return self._place_bubble_foot(top - GAP)
        high = max(stack.height, px(23))
        waiting = self.entry.words().waiting if self.entry is not None else 0
        high += waiting * px(23) // 66
        whole = QRect(0, 0, frame.width, 0)
        bubble = QRect(
            frame.margin + frame.column - width - 2 * BUBBLE_SIDE,
            top,
            width + 2 * BUBBLE_SIDE,
            high + BUBBLE_ABOVE + BUBBLE_BELOW,
        )
        self._bubble = mirrored(bubble, whole, self.layoutDirection())
        self.body.setGeometry(self._bubble.adjusted(BUBBLE_SIDE, BUBBLE_ABOVE, -BUBBLE_SIDE, -BUBBLE_BELOW))
        self.body.show()
        return self._place_bubble_foot(top + bubble.height())

    def _place_bubble_foot(self, bottom: int) -> tuple[int, int]:
        row = self.foot.row
        reserved = row.note is not None or row.version is not None
        foot_bottom = self._place_foot(bottom + (2 if reserved else 0))
        return (foot_bottom if reserved else bottom), foot_bottom

    def _place_tools(self, top: int, bottom: int) -> None:
        stack = self.body.stack
        corner = self.body.pos()
        seen: set[int] = set()
        for at, piece_top, piece in stack.between(top - corner.y(), bottom - corner.y()):
            if not isinstance(piece, CodePiece | TablePiece):
                continue
            if isinstance(piece, TablePiece) and not piece.overflow:
                continue
            seen.add(at)
            tool = self._tools.get(at)
            if tool is None:
                tool = self._tools[at] = FrameTools(self, at, self._style)
                tool.wrap_toggled.connect(self._on_wrap_toggled)
                tool.shifted.connect(self._on_shifted)
                tool.copied.connect(self.copied)
            tool.place(piece, piece.frame().toRect().translated(corner.x(), corner.y() + piece_top))
        for at in [at for at in self._tools if at not in seen]:
            self._tools.pop(at).remove()

    def _drop_tools(self) -> None:
        for tool in self._tools.values():
            tool.remove()
        self._tools.clear()

    # -- editing

    def _begin_editing(self, entry: Entry) -> None:
        take = "Save" if entry.is_answer else "Send again"
        self._editor = Editor(self, self._style, entry.text_to_edit(), take)
        self._editor.taken.connect(self._on_edit_taken)
        self._editor.cancelled.connect(self._on_edit_cancelled)
        self._editor.grown.connect(self._on_part_sized)
        self._editor.written.connect(self._on_edit_written)
        self._drop_tools()

    def _drop_editor(self) -> None:
        if self._editor is not None:
            self._editor.hide()
            self._editor.deleteLater()
            self._editor = None

    @Slot(str)
    def _on_edit_written(self, text: str) -> None:
        if self.entry is not None:
            self.entry.edited = text

    @Slot(str)
    def _on_edit_taken(self, text: str) -> None:
        if self.entry is not None:
            self.edit_taken.emit(self.entry.message.id, text)

    @Slot()
    def _on_edit_cancelled(self) -> None:
        if self.entry is not None:
            self.edit_cancelled.emit(self.entry.message.id)

    # -- events

    def paintEvent(self, event: QPaintEvent) -> None:
        entry = self.entry
        if entry is None:
            return
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        style = self._style
        if entry.day:
            paint_day(painter, style, entry.day, self.width())
        if self._editor is not None:
            return
        if not entry.is_answer:
            border = style.colour("border") if style.theme.contrast else None
            if not self._bubble.isNull():
                box(painter, self._bubble, 12, style.colour("bubble"), border)
            return
        blocks = self.body.stack.blocks
        if self._frame.margin >= GEM + 4 and not entry.follows:
            column = QRect(self._frame.margin, self._content_top, self._frame.column, 1)
            paint_gem(painter, style, blocks[0] if blocks else None, column, self.devicePixelRatioF())
        if entry.is_read and not blocks:
            area = QRectF(self._frame.margin, self._content_top, self._frame.column, style.px(HIGH))
            paint_progress(painter, style, entry, area)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.foot.set_awake(True)

    def leaveEvent(self, event: QEvent) -> None:
        self.foot.set_awake(self._latest)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.entry is not None and self._editor is None:
            self.menu_asked.emit(self.entry.message.id, event.globalPos())

    @Slot()
    def _on_part_sized(self) -> None:
        if self.entry is not None:
            self.entry.exact = False
            self.grown.emit()

    @Slot(str)
    def _on_result_opened(self, sha256: str) -> None:
        if self.entry is not None:
            known = [one.sha256 for one in self.entry.message.pictures]
            if sha256 in known:
                self.picture_opened.emit(self.entry.message.id, known.index(sha256))

    @Slot(str)
    def _on_asked(self, action: str) -> None:
        if self.entry is not None:
            self.asked.emit(action, self.entry.message.id)

    @Slot()
    def _on_selection_begun(self) -> None:
        self.selection_begun.emit(self)

    @Slot(int)
    def _on_wrap_toggled(self, at: int) -> None:
        piece = self.body.stack.piece(at)
        if isinstance(piece, CodePiece):
            piece.set_wraps(not piece.wraps)
            self.body.stack.relay(at)
            self.grown.emit()

    @Slot(int)
    def _on_shifted(self, at: int) -> None:
        self.body.update()
