"""*What fills the context*: each part of it with its tokens, exact."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.protocol import Measured
from app.ui.controls import Button, IconButton, Line, Words
from app.ui.figures import context_short, count, tokens, turns
from app.ui.look import Look
from app.ui.painting import box, margins

WIDTH = 392
WORDS_PER_TOKEN = 0.72


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the context. `token` names its colour; "" is an outline, `hatched` is what falls out."""

    name: str
    note: str
    tokens: int
    token: str = ""
    hatched: bool = False


def parts(measured: Measured, *, has_draft: bool, has_system: bool, tools: int) -> list[Part]:
    """What the figures of a measurement mean, from the first cell to the last; what falls out comes at the end."""
    per_message = measured.per_message
    out = per_message[: measured.left_out]
    kept = per_message[measured.left_out :]
    draft = kept[-1] if has_draft and kept else 0
    past = kept[:-1] if has_draft else kept
    system = "your system prompt" if has_system else "no system prompt"
    name, note = ("System and tools", f"{system}, {count(tools, 'tool', 'tools')}") if tools else ("System", system)
    found = [Part(name, note, measured.system, "part_system")]
    said = turns(len(past))
    note = f"the last {said}" if out else count(said, "turn", "turns")
    found.append(Part("Turns", note, sum(past), "part_turns"))
    if has_draft:
        found.append(Part("This message", "not sent yet", draft, "part_message"))
    about = max(100, round(measured.reserve * WORDS_PER_TOKEN, -2))
    found.append(Part("Kept for the answer", f"some {about:,.0f} words", measured.reserve))
    if out:
        found.append(Part("Oldest turns", f"{turns(len(out))}, will not be read", sum(out), "warn", hatched=True))
    return found


class ContextPopover(QWidget):
    """The card's content; the popover paints its frame."""

    closed = Signal()
    change_asked = Signal()

    def __init__(self, look: Look, measured: Measured, *, has_draft: bool, has_system: bool, tools: int) -> None:
        super().__init__()
        self._look = look
        self.setAccessibleName("What fills the context")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        listed = parts(measured, has_draft=has_draft, has_system=has_system, tools=tools)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addWidget(Line(look))
        column.addLayout(self._body(measured, listed))
        column.addWidget(Line(look))
        column.addLayout(self._foot(measured))

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return QSize(self._look.px(WIDTH), layout.sizeHint().height() if layout else 0)

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(margins(14, 4, 6, 3))
        row.addWidget(Words(self._look, "What fills the context", 13, 600), 1)
        close = IconButton(self._look, "close", "Close", "Esc", icon_size=14)
        close.clicked.connect(self.closed)
        row.addWidget(close)
        return row

    def _body(self, measured: Measured, listed: list[Part]) -> QVBoxLayout:
        look = self._look
        column = QVBoxLayout()
        column.setContentsMargins(14, 12, 14, 10)
        column.setSpacing(0)
        above = QHBoxLayout()
        above.setContentsMargins(0, 0, 0, 6)
        above.addWidget(Words(look, f"Room for {tokens(measured.context)}", 11, 500, "text2", figures=True), 1)
        over = sum(part.tokens for part in listed if part.hatched)
        if over:
            above.addWidget(Words(look, f"{tokens(over)} too many", 11, 500, "warn", figures=True))
        column.addLayout(above)
        column.addWidget(_StackedBar(look, listed, measured.context))
        column.addSpacing(look.px(10))
        for part in listed:
            if part.hatched:
                column.addSpacing(4)
                column.addWidget(Line(look))
                column.addSpacing(4)
            column.addWidget(_PartRow(look, part))
        return column

    def _foot(self, measured: Measured) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(margins(14, 6, 8, 6))
        row.addWidget(Words(self._look, f"Context {context_short(measured.context)}", 12, token="text2"), 1)
        change = Button(self._look, "Change the context…", "link", small=True)
        change.clicked.connect(self.change_asked)
        row.addWidget(change)
        return row


def _swatch(painter: QPainter, area: QRectF, look: Look, part: Part, radius: float) -> None:
    if part.hatched:
        box(painter, area, radius, look.colour("raised"))
        painter.setBrush(QBrush(look.colour(part.token), Qt.BrushStyle.BDiagPattern))
        painter.setPen(look.colour(part.token))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    elif part.token:
        box(painter, area, radius, look.colour(part.token))
    else:
        box(painter, area, radius, look.colour("raised"), look.colour("control"))


class _PartRow(QWidget):
    def __init__(self, look: Look, part: Part) -> None:
        super().__init__()
        self._look = look
        self._part = part
        self.setFixedHeight(look.px(26))
        self.setAccessibleName(f"{part.name}, {part.note}: {tokens(part.tokens)} tokens")
        row = QHBoxLayout(self)
        row.setContentsMargins(margins(19, 0, 0, 0))
        row.setSpacing(8)
        ink = "warn" if part.hatched else "text"
        row.addWidget(Words(look, part.name, 12, 500, ink))
        row.addWidget(Words(look, part.note, 12, token="text3"), 1)
        row.addWidget(Words(look, tokens(part.tokens), 12, 400, ink, figures=True))

    def paintEvent(self, event: QPaintEvent) -> None:
        side = 10
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        left = 0 if rightwards else self.width() - side
        _swatch(QPainter(self), QRectF(left, (self.height() - side) / 2, side, side), self._look, self._part, 2)


class _StackedBar(QWidget):
    def __init__(self, look: Look, listed: list[Part], context: int) -> None:
        super().__init__()
        self._look = look
        self._parts = listed
        self._context = max(1, context)
        self.setFixedHeight(18)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            painter.translate(self.width(), 0)
            painter.scale(-1, 1)
        over = sum(part.tokens for part in self._parts if part.hatched)
        gap = 6 if over else 0
        unit = (self.width() - gap) / (max(self._context, self._sum()) + over)
        place = 0.0
        room = QRectF(0, 0, max(self._context, self._sum()) * unit, self.height())
        box(painter, room, 4, self._look.colour("sunken"), self._look.colour("border_strong"))
        for part in self._parts:
            if part.hatched:
                place = room.width() + gap
            width = part.tokens * unit
            if width >= 1:
                _swatch(painter, QRectF(place, 0, max(2.0, width - 1), self.height()), self._look, part, 2)
            place += width

    def _sum(self) -> int:
        return sum(part.tokens for part in self._parts if not part.hatched)
