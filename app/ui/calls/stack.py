"""The calls of one answer below its words: lines for those that are decided, a card for each that waits."""

from __future__ import annotations

from PySide6.QtCore import QRect, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.core.message import Picture
from app.core.tools import Call, CallState
from app.ui.calls.approval import ApprovalCard
from app.ui.calls.call_line import HIGH, CallDetail, CallLine
from app.ui.transcript.style import Style

GAP = 10


class CallStack(QWidget):
    """Shows the calls of one message at a time. GUI thread; decides nothing."""

    decided = Signal(str, bool, object, str)  # call, approve, Arguments | None, reach
    sized = Signal()
    picture_opened = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._style: Style | None = None
        self._lines: dict[str, CallLine] = {}
        self._details: dict[str, CallDetail] = {}
        self._cards: dict[str, ApprovalCard] = {}
        self._calls: tuple[Call, ...] = ()
        self._pictures: tuple[Picture, ...] = ()
        self.hide()

    def show_calls(self, calls: tuple[Call, ...], pictures: tuple[Picture, ...], style: Style) -> None:
        """Show these; what the person has opened or edited of calls that are the same stays."""
        if style is not self._style:
            self._begin_again(style)
        if calls == self._calls and pictures == self._pictures:
            return
        before = {call.id: call for call in self._calls}
        self._calls, self._pictures = calls, pictures
        for gone in before.keys() - {call.id for call in calls}:
            self._drop(gone)
        for call in calls:
            if before.get(call.id) != call:
                self._show(call, before.get(call.id))
        self.setVisible(bool(calls))

    def clear(self) -> None:
        """Forget everything: the message is out of sight."""
        for call in self._calls:
            self._drop(call.id)
        self._calls, self._pictures = (), ()
        self.hide()

    @property
    def waiting(self) -> ApprovalCard | None:
        """The first card that waits."""
        return next((self._cards[call.id] for call in self._calls if call.id in self._cards), None)

    def widgets(self) -> list[QWidget]:
        """What takes the keyboard, from top to bottom."""
        found: list[QWidget] = []
        for call in self._calls:
            if call.id in self._cards:
                found += self._cards[call.id].widgets()
            elif call.id in self._lines:
                found.append(self._lines[call.id])
                if call.id in self._details:
                    found += self._details[call.id].widgets()
        return found

    def lay_out(self, width: int) -> int:
        """Fit into a width; returns the height, 0 without calls."""
        if not self._calls or self._style is None:
            return 0
        px, top = self._style.px, 0
        for call in self._calls:
            if (card := self._cards.get(call.id)) is not None:
                high = card.arrange(width)
                card.setGeometry(QRect(0, top, width, high))
                card.show()
                top += high + px(GAP)
                continue
            self._lines[call.id].setGeometry(0, top, width, px(HIGH))
            self._lines[call.id].show()
            top += px(HIGH) + px(GAP)
            if (detail := self._details.get(call.id)) is not None:
                high = detail.arrange(width)
                detail.setGeometry(0, top - px(4), width, high)
                detail.show()
                top += high + px(GAP)
        return top - px(GAP)

    def _begin_again(self, style: Style) -> None:
        """Another look: everything is made anew, and what the person opened and wrote is there again."""
        written = {call: card.written for call, card in self._cards.items()}
        opened, calls = list(self._details), self._calls
        for call in calls:
            self._drop(call.id)
        self._style = style
        for call in calls:
            self._show(call, None)
        for call_id in opened:
            self._lines[call_id].opened = True
            self._open(call_id)
        for call_id, each in written.items():
            self._cards[call_id].write(each)

    def _show(self, call: Call, before: Call | None) -> None:
        assert self._style is not None
        if call.state is CallState.WAITING:
            if before is not None and before.state is CallState.WAITING and call.id in self._cards:
                if before.asked == call.asked:
                    return
                self._drop(call.id)
            card = ApprovalCard(self, self._style, call)
            card.decided.connect(self._on_decided)
            card.sized.connect(self.sized)
            self._cards[call.id] = card
            return
        if call.id in self._cards:
            self._drop(call.id)
        line = self._lines.get(call.id)
        if line is None:
            line = self._lines[call.id] = CallLine(self, self._style, call)
            line.clicked.connect(self._on_line_clicked)
            line.setProperty("call", call.id)
        else:
            line.show_call(call)
        if call.id in self._details:
            self._open(call.id)

    def _drop(self, call: str) -> None:
        for part in (self._lines.pop(call, None), self._details.pop(call, None), self._cards.pop(call, None)):
            if part is not None:
                part.hide()
                part.deleteLater()

    def _open(self, call_id: str) -> None:
        assert self._style is not None
        call = next(call for call in self._calls if call.id == call_id)
        before = self._details.pop(call_id, None)
        if before is not None:
            before.deleteLater()
        pictures = tuple(one for one in self._pictures if one.sha256 in call.pictures)
        detail = CallDetail(self, self._style, call, pictures)
        detail.picture_opened.connect(self.picture_opened)
        self._details[call_id] = detail

    @Slot()
    def _on_line_clicked(self) -> None:
        line = self.sender()
        assert isinstance(line, CallLine)
        call = str(line.property("call"))
        line.opened = call not in self._details
        if line.opened:
            self._open(call)
        else:
            self._details.pop(call).deleteLater()
        self.sized.emit()

    @Slot(bool, object, str)
    def _on_decided(self, approve: bool, arguments: object, reach: str) -> None:
        card = self.sender()
        assert isinstance(card, ApprovalCard)
        self.decided.emit(card.call.id, approve, arguments, reach)
