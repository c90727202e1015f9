"""A call that was decided, in one line of 34: mark, name, arguments, result, time; opened, all of it."""

from __future__ import annotations

import json
from time import monotonic

from PySide6.QtCore import QPoint, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.core.message import Picture
from app.core.tools import Call, CallDecision, CallState
from app.core.visible import visible
from app.ui import fonts
from app.ui.calls.form import one_line, pretty
from app.ui.controls import PaintedButton
from app.ui.painting import box, mirrored, picture, words
from app.ui.tips import tip
from app.ui.transcript.attached import Thumb
from app.ui.transcript.style import Style

HIGH = 34
MOST_LINES = 14
PICTURE_HIGH = 148
MARKS = {
    CallState.RUNNING: ("play", "accent"),
    CallState.DONE: ("success", "ok"),
    CallState.FAILED: ("warning", "warn"),
    CallState.DENIED: ("deny", "danger"),
}


def time_words(milliseconds: float) -> str:
    """`4 ms`, `0.2 s`, `12 s`."""
    if milliseconds < 100:
        return f"{max(1, round(milliseconds))} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if round(seconds, 1) < 10 else f"{seconds:.0f} s"


def result_words(call: Call, seconds: float = 0.0) -> str:
    """What came out, in a few words; of a call that runs since some seconds, that it does."""
    if call.state is CallState.RUNNING:
        return f"runs, {seconds:.0f} s" if seconds >= 1 else "runs…"
    if call.state is CallState.DENIED:
        return "denied"
    if call.state is CallState.FAILED:
        return "failed"
    lines = len(call.result.strip().splitlines())
    if call.pictures:
        return "1 picture" if len(call.pictures) == 1 else f"{len(call.pictures)} pictures"
    if not lines:
        return ""
    return " ".join(visible(call.result).split()) if lines == 1 else f"{lines} lines"


class CallLine(PaintedButton):
    """Accessible as *NAME, RESULT*. `toggled_open` asks to open or close it."""

    def __init__(self, parent: QWidget, style: Style, call: Call) -> None:
        super().__init__(parent)
        self._style = style
        self._call = call
        self.opened = False
        self._since = monotonic()
        self._ticking = QTimer(self)
        self._ticking.setInterval(1000)
        self._ticking.timeout.connect(self.update)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_call(call)

    def show_call(self, call: Call) -> None:
        """How the call is now."""
        self._call = call
        if call.state is CallState.RUNNING:
            self._ticking.start()
        else:
            self._ticking.stop()
        decided = {CallDecision.EDITED: "with your changes", CallDecision.APPROVED: "approved"}
        told = [visible(call.name), result_words(call), decided.get(call.decision, "")]
        self.setAccessibleName(", ".join(filter(None, told))[:300])
        self.setAccessibleDescription(one_line(call.given)[:1000])
        self.setToolTip(tip(visible(call.why)[:300]))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        style, call = self._style, self._call
        px = style.px
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        edge, width = ("accent", 2) if self.ring else ("border", 1)
        fill = style.colour("hover") if self.underMouse() else None
        box(painter, self.rect(), 8, fill, style.colour(edge), width)
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight

        def at(x: float) -> QPointF:
            return QPointF(x if rightwards else self.width() - x, self.height() / 2)

        icon, token = MARKS.get(call.state, ("clock", "warn"))
        ratio = self.devicePixelRatioF()
        picture(painter, at(px(21)), style.pixmap(icon, token, 16, ratio))
        picture(painter, at(self.width() - px(20)), style.pixmap(self._chevron(rightwards), "text3", 14, ratio))
        end = self.width() - px(36)
        if call.settled and call.milliseconds:
            end -= self._piece(painter, time_words(call.milliseconds), end, style.figures(12), "text3") + px(8)
        result = result_words(call, monotonic() - self._since)
        token = "text2" if call.state is CallState.DENIED else "text"
        most = (self.width() - px(36)) // 3
        end -= self._piece(painter, result, end, fonts.mono(12, style.scale), token, most) + px(12)
        painter.setFont(style.ui(13, 500))
        name = visible(call.name)
        wide = min(QFontMetrics(painter.font()).horizontalAdvance(name) + 2, max(px(40), end - px(37)))
        area = QRect(px(37), 0, wide, self.height())
        words(painter, mirrored(area, self.rect(), self.layoutDirection()), name, style.colour("text"))
        rest = QRect(px(37) + wide + px(8), 0, end - px(45) - wide, self.height())
        if rest.width() > px(24):
            painter.setFont(fonts.mono(12, style.scale))
            shown = one_line(call.given)
            words(painter, mirrored(rest, self.rect(), self.layoutDirection()), shown, style.colour("text3"))

    def _chevron(self, rightwards: bool) -> str:
        if self.opened:
            return "chevron-down"
        return "chevron-right" if rightwards else "chevron-left"

    def _piece(self, painter: QPainter, text: str, end: int, font: QFont, token: str, most: int = 10_000) -> int:
        painter.setFont(font)
        wide = min(QFontMetrics(painter.font()).horizontalAdvance(text) + 2, most)
        area = QRect(end - wide, 0, wide, self.height())
        words(painter, mirrored(area, self.rect(), self.layoutDirection()), text, self._style.colour(token), end=True)
        return wide


class CallDetail(QWidget):
    """What a call ran with and what came back, to read and to copy; pictures of the result below."""

    picture_opened = Signal(str)  # SHA-256
    menu_asked = Signal(str, QPoint)

    def __init__(self, parent: QWidget, style: Style, call: Call, pictures: tuple[Picture, ...]) -> None:
        super().__init__(parent)
        self._style = style
        self._text = QPlainTextEdit(self)
        self._text.setReadOnly(True)
        self._text.setProperty("field", "true")
        self._text.setTabChangesFocus(True)
        self._text.setFont(fonts.mono(12, style.scale))
        self._text.setAccessibleName(f"Call of {visible(call.name)}")
        self._text.setPlainText(_told(call))
        self._thumbs = []
        for one in pictures:
            thumb = Thumb(self, style, one)
            thumb.clicked.connect(lambda _checked=False, sha=one.sha256: self.picture_opened.emit(sha))
            self._thumbs.append(thumb)

    def widgets(self) -> list[QWidget]:
        """What takes the keyboard."""
        return [self._text, *self._thumbs]

    def arrange(self, width: int) -> int:
        """Fit into a width; returns the height."""
        px = self._style.px
        metrics = self._text.fontMetrics()
        columns = max(8, (width - 24) // max(1, metrics.horizontalAdvance("0")))
        lines = sum(1 + len(line) // columns for line in self._text.toPlainText().split("\n"))
        high = min(MOST_LINES, lines) * metrics.lineSpacing() + 20
        self._text.setGeometry(0, 0, width, high)
        whole, left, top = QRect(0, 0, width, 0), 0, high
        if self._thumbs:
            top += px(8)
        for thumb in self._thumbs:
            size = thumb.wanted(px(PICTURE_HIGH))
            spot = QRect(QPoint(left, top), size)
            thumb.setGeometry(mirrored(spot, whole, self.layoutDirection()))
            left += size.width() + px(8)
        return top + (px(PICTURE_HIGH) if self._thumbs else 0)


def _told(call: Call) -> str:
    parts = [pretty(call.given)]
    if call.used is not None:
        parts.insert(0, f"The model wrote: {visible(json.dumps(call.arguments, ensure_ascii=False))}\nIt ran with:")
    if call.why:
        parts.append(visible(call.why))
    if call.settled and call.result != call.why:
        parts.append(visible(call.result))
    return "\n\n".join(parts)
