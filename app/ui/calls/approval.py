"""The card of a call that waits for the person: which tool, with what, what it would do; Deny is the default."""

from __future__ import annotations

import json
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget

from app.core.tools import Arguments, Call, Effect
from app.core.visible import at_home, hidden, visible
from app.ui.calls.form import ArgumentForm, LongField, loads, pretty
from app.ui.painting import box, mirrored, picture, words
from app.ui.transcript.buttons import RowButton
from app.ui.transcript.style import Style

SIDE, HEAD, FOOT = 14, 62, 46
_EFFECTS = {
    Effect.READ: "It would read and change nothing",
    Effect.WRITE: "It would change a file",
    Effect.RUN: "Its program runs with your rights",
    Effect.NETWORK: "It would leave this computer",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What a person wrote into a card: what its form was made of, what the fields say, and the JSON, if any."""

    shown: Arguments
    fields: list[object]
    raw: str | None


class ApprovalCard(QWidget):
    """`decided` carries approve, the arguments as edited (None: unchanged) and how far it reaches.

    Enter denies (Deny has the focus), Ctrl+Enter approves once.
    """

    decided = Signal(bool, object, str)  # approve, Arguments | None, "once" | "here" | "always"
    sized = Signal()

    def __init__(self, parent: QWidget, style: Style, call: Call) -> None:
        super().__init__(parent)
        self._style = style
        self._call = call
        self._error = ""
        asked = call.asked
        self._shown = call.arguments
        self._form = self._made_form()
        self._raw: LongField | None = None
        self._json = RowButton(self, style, "code", "Raw JSON", "Raw JSON")
        self._always = RowButton(self, style, "", "Always allow", "Always allow", size=30)
        self._here = RowButton(self, style, "", "Allow in this chat", "Allow in this chat", size=30)
        self._once = RowButton(self, style, "", "Approve", "Approve once", kind="plain", size=30, inset=12)
        self.deny = RowButton(self, style, "", "Deny", "Deny", kind="plain", size=30, inset=14)
        self._always.setVisible(bool(asked and asked.may_always))
        self._here.setVisible(bool(asked and asked.may_allow_here))
        self._once.setEnabled(asked is not None)
        self._once.setToolTip(QKeySequence("Ctrl+Return").toString(QKeySequence.SequenceFormat.NativeText))
        self.setAccessibleName(f"{self._title()}. {self._about()}")
        self._json.clicked.connect(self._on_json_clicked)
        self._always.clicked.connect(self._on_always)
        self._here.clicked.connect(self._on_here)
        self._once.clicked.connect(self._on_once)
        self.deny.clicked.connect(self._on_deny)

    @property
    def call(self) -> Call:
        """What it asks about."""
        return self._call

    @property
    def written(self) -> Written:
        """What the person wrote so far."""
        return Written(self._shown, self._form.written, None if self._raw is None else self._raw.toPlainText())

    def write(self, written: Written) -> None:
        """Go on with what was written into another card of the same call."""
        self._show_form(written.shown)
        self._form.write(written.fields)
        if written.raw is not None:
            self._show_raw(written.raw)

    def widgets(self) -> list[QWidget]:
        """What takes the keyboard, in order; Deny is last."""
        fields = [self._raw] if self._raw is not None else self._form.widgets()
        buttons = [self._json, self._always, self._here, self._once, self.deny]
        return [*fields, *(button for button in buttons if not button.isHidden())]

    def arrange(self, width: int) -> int:
        """Fit into a width; returns the height."""
        px = self._style.px
        whole = QRect(0, 0, width, 0)
        inner = width - 2 * SIDE
        top = px(HEAD)
        if self._raw is not None:
            high = self._raw.wanted_height()
            self._raw.setGeometry(SIDE, top, inner, high)
            self._form.hide()
        else:
            high = self._form.arrange(inner)
            self._form.setGeometry(SIDE, top, inner, high)
            self._form.show()
        top += high + px(12) if high else 0
        if self._error:
            top += px(20)
        size = self._json.sizeHint()
        foot = QRect(SIDE - 6, top + px(FOOT - 26) // 2, size.width(), size.height())
        self._json.setGeometry(mirrored(foot, whole, self.layoutDirection()))
        return top + self._place_buttons(width, top)

    def _place_buttons(self, width: int, top: int) -> int:
        """From the end; in two lines where one is too narrow. Returns the height of the foot."""
        px = self._style.px
        whole, end, row = QRect(0, 0, width, 0), width - SIDE, 0
        room = SIDE + self._json.sizeHint().width()
        for button in (self.deny, self._once, self._here, self._always):
            if button.isHidden():
                continue
            size = button.sizeHint()
            if end - size.width() < (room if row == 0 else SIDE):
                row, end = row + 1, width - SIDE
            spot = QRect(end - size.width(), top + px(8) + row * px(36), size.width(), size.height())
            button.setGeometry(mirrored(spot, whole, self.layoutDirection()))
            end -= size.width() + px(10)
        return px(FOOT) + row * px(36)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._on_once()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        style = self._style
        px = style.px
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        box(painter, self.rect(), 10, style.colour("raised"), style.colour("warn"))
        foot = self._json.y() - px(FOOT - 26) // 2
        painter.fillRect(QRect(1, foot, self.width() - 2, 1), style.colour("border"))
        icon = mirrored(QRect(SIDE, px(14), px(18), px(18)), self.rect(), self.layoutDirection())
        picture(painter, QRectF(icon).center(), style.pixmap("tools", "warn", 18, self.devicePixelRatioF()))
        chip = self._paint_chip(painter)
        start = SIDE + px(28)
        painter.setFont(style.ui(14, 600))
        area = QRect(start, px(12), self.width() - start - chip - 2 * SIDE, px(20))
        words(painter, mirrored(area, self.rect(), self.layoutDirection()), self._title(), style.colour("text"))
        painter.setFont(style.ui(12))
        below = QRect(start, px(32), self.width() - start - SIDE, px(18))
        words(painter, mirrored(below, self.rect(), self.layoutDirection()), self._about(), style.colour("text2"))
        if self._error:
            area = QRect(SIDE, foot - px(24), self.width() - 2 * SIDE, px(18))
            words(painter, mirrored(area, self.rect(), self.layoutDirection()), self._error, style.colour("danger"))

    def _paint_chip(self, painter: QPainter) -> int:
        style = self._style
        px = style.px
        painter.setFont(style.ui(11, 500))
        text = "Waits for you"
        wide = QFontMetrics(painter.font()).horizontalAdvance(text) + px(9 + 13 + 5 + 9)
        area = QRect(self.width() - SIDE - wide, px(11), wide, px(22))
        area = mirrored(area, self.rect(), self.layoutDirection())
        edge = style.colour("border") if style.theme.contrast else None
        box(painter, area, px(11), style.colour("warn_tint"), edge)
        rightwards = self.layoutDirection() == Qt.LayoutDirection.LeftToRight
        centre = area.left() + px(15) if rightwards else area.right() - px(15)
        drawn = style.pixmap("clock", "warn", 13, self.devicePixelRatioF())
        picture(painter, QPointF(centre, area.center().y() + 0.5), drawn)
        inner = area.adjusted(px(27), 0, -px(8), 0) if rightwards else area.adjusted(px(8), 0, -px(27), 0)
        words(painter, inner, text, style.colour("warn"))
        return wide

    def _title(self) -> str:
        return f"The model asks to use {visible(self._call.name)}"

    def _about(self) -> str:
        call = self._call
        where = f"From the server {visible(call.origin)}" if call.origin else "Built in"
        if call.asked is None:
            return f"{where}. It is not there now: start its server, or deny."
        effect = _EFFECTS[call.asked.effect]
        if call.asked.effect is Effect.WRITE and call.asked.place:
            effect = f"It would change {visible(at_home(call.asked.place))}"
        return f"{where}. {effect}."

    def _edited(self) -> Arguments | None:
        """What the person made of the arguments. Raises ValueError with a sentence."""
        if self._raw is None:
            found = self._form.arguments()
        else:
            try:
                found = loads(hidden(self._raw.toPlainText()))
            except ValueError as error:
                raise ValueError(f"This is no JSON: {error}.") from error
            if not isinstance(found, dict):
                raise ValueError("The arguments are one JSON object: {…}.")
        same = json.dumps(found, sort_keys=True) == json.dumps(self._call.arguments, sort_keys=True)
        return None if same else found

    def _tell(self, reach: str) -> None:
        try:
            edited = self._edited()
        except ValueError as error:
            self._say(str(error))
            return
        self.decided.emit(True, edited, reach)

    def _say(self, error: str) -> None:
        self._error = error
        self.setAccessibleDescription(error)
        if error:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, error))
        self.sized.emit()

    def _made_form(self) -> ArgumentForm:
        asked = self._call.asked
        form = ArgumentForm(self, self._style, asked.parameters if asked else {}, self._shown)
        form.sized.connect(self.sized)
        return form

    def _show_form(self, arguments: Arguments) -> None:
        """Fields for these arguments, in place of what is there."""
        for before in (self._form, self._raw):
            if before is not None:
                before.hide()
                before.deleteLater()
        self._raw = None
        self._shown = arguments
        self._form = self._made_form()
        self._json.set_face("code", "Raw JSON")

    def _show_raw(self, text: str) -> LongField:
        """The arguments as JSON, in place of the fields."""
        self._raw = raw = LongField(self, self._style, text)
        raw.setAccessibleName("Arguments as JSON")
        raw.show()
        self._form.hide()
        self._json.set_face("log", "Form")
        return raw

    @Slot()
    def _on_json_clicked(self) -> None:
        try:
            edited = self._edited()
        except ValueError as error:
            self._say(str(error))
            return
        arguments = self._call.arguments if edited is None else edited
        if self._raw is None:
            self._show_raw(pretty(arguments)).setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._show_form(arguments)
        self._say("")

    @Slot()
    def _on_always(self) -> None:
        self._tell("always")

    @Slot()
    def _on_here(self) -> None:
        self._tell("here")

    @Slot()
    def _on_once(self) -> None:
        if self._once.isEnabled():
            self._tell("once")

    @Slot()
    def _on_deny(self) -> None:
        self.decided.emit(False, None, "once")
