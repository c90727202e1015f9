"""The row under a message: what has to be said, what can be done, versions, figures."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.painting import mirrored, picture, words
from app.ui.transcript.buttons import RowButton
from app.ui.transcript.style import Style
from app.ui.transcript.words import Note

HIGH = 28
OVERHANG = 6  # the icon of the first button lines up with the words: its ground reaches beyond them
ACTIONS = {
    "copy": ("copy", "Copy", ""),
    "regenerate": ("regenerate", "Regenerate", ""),
    "edit": ("edit", "Edit", ""),
    "seen": ("seen", "What the model saw", ""),
    "more": ("more", "More", ""),
    "before": ("chevron-left", "Previous version", ""),
    "after": ("chevron-right", "Next version", ""),
    "continue": ("arrow-right", "Continue", "Continue"),
    "again": ("regenerate", "Start again", "Start again"),
    "withdraw": ("undo", "Withdraw", "Withdraw"),
}
SLEEPERS = ("copy", "regenerate", "edit", "seen", "more")


@dataclass(frozen=True, slots=True)
class Row:
    """What a row shows. `end` puts everything to the end side, under a bubble."""

    note: Note | None = None
    actions: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    version: tuple[int, int] | None = None
    stats: str = ""
    end: bool = False


class Foot(QWidget):
    """Paints words and places buttons. Icons show when it is awake: on the latest answer, pointer, keyboard."""

    asked = Signal(str)

    def __init__(self, parent: QWidget, style: Style) -> None:
        super().__init__(parent)
        self._style = style
        self._row = Row()
        self._buttons: dict[str, RowButton] = {}
        self._awake = False
        self._note_area = QRect()
        self._version_area = QRect()
        self._stats_area = QRect()

    @property
    def row(self) -> Row:
        """What is shown."""
        return self._row

    def set_style(self, style: Style) -> None:
        """Take another theme or text size."""
        self._style = style
        for button in self._buttons.values():
            button.set_style(style)

    def show_row(self, row: Row) -> None:
        """Show this; `arrange` is to follow."""
        self._row = row
        wanted = [*row.actions, *row.asks, *(("before", "after") if row.version else ())]
        for name in wanted:
            if name not in self._buttons:
                self._buttons[name] = self._made(name)
        for name, button in self._buttons.items():
            button.setVisible(name in wanted)
            button.set_asleep(name in SLEEPERS and not self._awake)
        if row.version:
            self._buttons["before"].setEnabled(row.version[0] > 1)
            self._buttons["after"].setEnabled(row.version[0] < row.version[1])
        said = [
            row.note.words if row.note else "",
            f"{row.version[0]}/{row.version[1]}" if row.version else "",
            row.stats,
        ]
        self.setAccessibleName(" · ".join(filter(None, said)))
        self.update()

    def set_awake(self, awake: bool) -> None:
        """Show the icons, or let them sleep."""
        awake = awake or any(button.hasFocus() for button in self._buttons.values())
        self._awake = awake
        for name in SLEEPERS:
            if name in self._buttons:
                self._buttons[name].set_asleep(not awake)

    def widgets(self) -> list[QWidget]:
        """The buttons in the order of the keyboard."""
        return [self._buttons[name] for name in ACTIONS if name in self._buttons and name in self._shown()]

    def height_for(self, width: int) -> int:
        """One row, or more where a sentence needs them."""
        row = self._row
        if row.note is None:
            return self._style.px(HIGH)
        room = self._note_room(width)
        lines = self._lines(row.note.words, room)
        return self._style.px(HIGH) + (lines - 1) * self._style.px(16)

    def arrange(self, width: int) -> None:
        """Place everything in this width; the widget is OVERHANG wider at both sides."""
        if self._row.end:
            self._arrange_at_end(width)
        else:
            self._arrange_from_start(width)
        self.update()

    def _shown(self) -> tuple[str, ...]:
        row = self._row
        return (*row.actions, *row.asks, *(("before", "after") if row.version else ()))

    def _made(self, name: str) -> RowButton:
        icon, label, text = ACTIONS[name]
        kind = "plain" if name == "continue" else "quiet"
        button = RowButton(self, self._style, icon, label, text, kind=kind)
        button.setObjectName(name)
        button.clicked.connect(self._on_clicked)
        button.focus_changed.connect(self._on_focus_changed)
        return button

    def _note_room(self, width: int) -> int:
        px = self._style.px
        asks = sum(self._buttons[name].sizeHint().width() + px(8) for name in self._row.asks)
        return max(px(80), width - asks - self._icons_width() - px(30))

    def _icons_width(self) -> int:
        return len(self._row.actions) * self._style.px(28)

    def _lines(self, text: str, room: int) -> int:
        metrics = QFontMetrics(self._style.ui(12, 500))
        box = metrics.boundingRect(QRect(0, 0, room, 10_000), int(Qt.TextFlag.TextWordWrap), text)
        return max(1, round(box.height() / metrics.lineSpacing()))

    def _arrange_from_start(self, width: int) -> None:
        px = self._style.px
        row = self._row
        end = width
        for name in reversed(row.asks):
            button = self._buttons[name]
            size = button.sizeHint()
            end -= size.width()
            self._put(button, end, width)
            end -= px(8)
        start = 0
        if row.note is not None:
            start = self._place_note(row.note, width) + px(12)
        start -= px(6) if start == 0 and row.actions else 0
        for name in row.actions:
            self._put(self._buttons[name], start, width)
            start += px(28)
        start = self._place_version(start + px(4), width)
        self._stats_area = self._spot(QRect(start + px(8), 0, max(0, end - start - px(8)), px(HIGH)), width)

    def _arrange_at_end(self, width: int) -> None:
        """From the end side: buttons, versions, the note before them."""
        px = self._style.px
        row = self._row
        end = width + (px(6) if row.actions or row.asks else 0)
        for name in reversed((*row.actions, *row.asks)):
            button = self._buttons[name]
            end -= button.sizeHint().width()
            self._put(button, end, width)
            end -= px(2)
        if row.version:
            room = px(26 + 26) + self._version_width()
            end -= room + px(4)
            self._place_version(end, width)
        self._note_area = QRect()
        self._stats_area = QRect()
        if row.note is not None:
            taken = px(22) + QFontMetrics(self._style.ui(12, 500)).horizontalAdvance(row.note.words) + 2
            start = max(0, end - px(6) - taken)
            self._note_area = self._spot(QRect(start, 0, min(taken, end - px(6)), px(HIGH)), width)

    def _place_note(self, note: Note, width: int) -> int:
        """The note at the start; returns where it ends."""
        px = self._style.px
        icon = px(22) if note.icon else 0
        weight = 500 if note.icon else 400
        metrics = QFontMetrics(self._style.figures(12, weight))
        room = self._note_room(width)
        taken = icon + min(metrics.horizontalAdvance(note.words) + 2, room)
        self._note_area = self._spot(QRect(0, 0, taken, self.height_for(width)), width)
        return taken

    def _version_width(self) -> int:
        if self._row.version is None:
            return 0
        return QFontMetrics(self._style.figures(12, 500)).horizontalAdvance("{}/{}".format(*self._row.version))

    def _place_version(self, start: int, width: int) -> int:
        px = self._style.px
        if self._row.version is None:
            self._version_area = QRect()
            return start
        self._put(self._buttons["before"], start, width)
        text = self._version_width()
        area = QRect(start + px(26), 0, text, px(HIGH))
        self._version_area = self._spot(area, width)
        self._put(self._buttons["after"], start + px(26) + text, width)
        return start + px(52) + text

    def _put(self, button: RowButton, x: int, width: int) -> None:
        size = button.sizeHint()
        spot = QRect(x, (self._style.px(HIGH) - size.height()) // 2, size.width(), size.height())
        button.setGeometry(self._spot(spot, width))

    def _spot(self, area: QRect, width: int) -> QRect:
        """A place counted from the start side of the words, in this widget's pixels."""
        return mirrored(area, QRect(0, 0, width, 1), self.layoutDirection()).translated(OVERHANG, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        style = self._style
        row = self._row
        if row.note is not None:
            self._paint_note(painter, row.note)
        if row.version is not None:
            painter.setFont(style.figures(12, 500))
            painter.setPen(style.colour("text2"))
            painter.drawText(self._version_area, int(Qt.AlignmentFlag.AlignCenter), "{}/{}".format(*row.version))
        if row.stats:
            painter.setFont(style.figures(12))
            words(painter, self._stats_area, row.stats, style.colour("text3"), end=True)

    def _paint_note(self, painter: QPainter, note: Note) -> None:
        style = self._style
        px = style.px
        area = QRectF(self._note_area)
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        if note.icon:
            middle = area.left() + px(7.5) if rightwards else area.right() - px(7.5)
            drawn = style.pixmap(note.icon, note.tone, 15, self.devicePixelRatioF())
            picture(painter, QPointF(middle, px(HIGH) / 2), drawn)
            area = area.adjusted(px(22), 0, 0, 0) if rightwards else area.adjusted(0, 0, -px(22), 0)
        painter.setFont(style.figures(12, 500 if note.icon else 400))
        painter.setPen(style.colour(note.tone))
        if area.height() > px(HIGH) + 1:
            inner = area.adjusted(0, px(6), 0, -px(6))
            painter.drawText(inner, int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop), note.words)
        else:
            words(painter, area.adjusted(0, 0, 2, 0), note.words, style.colour(note.tone))

    @Slot()
    def _on_clicked(self) -> None:
        self.asked.emit(self.sender().objectName())

    @Slot()
    def _on_focus_changed(self) -> None:
        self.set_awake(self._awake or any(button.hasFocus() for button in self._buttons.values()))
