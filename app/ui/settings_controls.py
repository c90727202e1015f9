"""The controls of the settings: number fields, a choice from a menu, segments, cards of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePath

from PySide6.QtCore import QLocale, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QDoubleValidator, QFontMetricsF, QIntValidator, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.ui.controls import Button, PaintedButton, Words
from app.ui.keyboard_ring import Ringed
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.painting import box, mirrored, picture, reading_direction, words
from app.ui.sentence import Sentence
from app.ui.tips import tip

FIELD, WIDEST = 156, 280


class NumberField(QLineEdit):
    """A number, or nothing for what is recommended; `settled` tells the number (None for nothing) when it is final."""

    settled = Signal(object)

    def __init__(
        self, look: Look, name: str, *, low: float, high: float, decimals: int = 0, width: int = FIELD
    ) -> None:
        super().__init__()
        self._decimals = decimals
        self._width = width
        self._told: float | None = None
        self.setAccessibleName(name)
        self._look = look
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()
        plain = QLocale(QLocale.Language.C)
        plain.setNumberOptions(QLocale.NumberOption.RejectGroupSeparator)
        if decimals:
            checks = QDoubleValidator(low, high, decimals, self)
            checks.setNotation(QDoubleValidator.Notation.StandardNotation)
            checks.setLocale(plain)
            self.setValidator(checks)
        else:
            whole = QIntValidator(int(low), int(high), self)
            whole.setLocale(plain)
            self.setValidator(whole)
        self.textEdited.connect(self._on_edited)
        self.editingFinished.connect(self._on_finished)

    def show_number(self, number: float | None, recommended: str) -> None:
        """Show this number; `recommended` stands greyer in the empty field."""
        self.setPlaceholderText(recommended)
        if not self.hasFocus():
            self._told = number
            self.setText(
                "" if number is None else f"{number:.{self._decimals}f}" if self._decimals else str(int(number))
            )

    @Slot()
    def _on_look_changed(self) -> None:
        self.setFont(self._look.figures(13))
        self.setFixedWidth(self._look.px(self._width))

    @Slot()
    def _on_edited(self) -> None:
        if not self.text():
            self._on_finished()

    @Slot()
    def _on_finished(self) -> None:
        text = self.text()
        number = None if not text else float(text) if self._decimals else int(text)
        if number != self._told and (not text or self.hasAcceptableInput()):
            self._told = number
            self.settled.emit(number)


class AddressField(QLineEdit):
    """A web address, or nothing; `settled` tells it when it is final."""

    settled = Signal(str)

    def __init__(self, look: Look, name: str, usual: str) -> None:
        super().__init__()
        self._look = look
        self._told = ""
        self.setAccessibleName(name)
        self.setPlaceholderText(usual)
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()
        self.editingFinished.connect(self._on_finished)

    def show_address(self, address: str) -> None:
        """Show this address."""
        if not self.hasFocus():
            self._told = address
            self.setText(address)

    @Slot()
    def _on_look_changed(self) -> None:
        self.setFont(self._look.font(13))
        self.setFixedWidth(self._look.px(2 * FIELD))

    @Slot()
    def _on_finished(self) -> None:
        address = self.text().strip().rstrip("/")
        if address and "://" not in address:
            address = f"https://{address}"
        self.setText(address)
        if address != self._told:
            self._told = address
            self.settled.emit(address)


class FolderButton(QWidget):
    """A folder, chosen in the system's dialog, or the usual one."""

    settled = Signal(str)

    def __init__(self, look: Look, name: str, usual: str) -> None:
        super().__init__()
        self._look = look
        self._usual = usual
        self.choose = Button(look, usual, name=name)
        self.reset = Button(look, "Reset", "quiet", name=f"{name}: the usual one")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.reset)
        row.addWidget(self.choose)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.reset.clicked.connect(lambda: self.settled.emit(""))

    def show_folder(self, folder: str) -> None:
        """Show this folder; "" is the usual one."""
        self.choose.setText(f"…/{PurePath(folder).name}" if folder else self._usual)
        self.choose.setToolTip(tip(folder))
        self.choose.setAccessibleDescription(folder or self._usual)
        self.choose.updateGeometry()
        self.reset.setVisible(bool(folder))

    @Slot()
    def _on_choose_clicked(self) -> None:
        dialog = QFileDialog(self, "Choose a folder for models")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.settled)
        dialog.open()


class MenuButton(Ringed, QPushButton):
    """One of a few values, chosen from a menu. A combo box would not tell screen readers its name."""

    chosen = Signal(object)

    def __init__(self, look: Look, name: str, values: Sequence[tuple[object, str]]) -> None:
        super().__init__()
        self._look = look
        self._values = list(values)
        self._more: tuple[str, list[tuple[object, str, str]]] = ("", [])
        self._value: object = None
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._on_clicked)
        look.changed.connect(self.updateGeometry)

    def show_values(self, values: Sequence[tuple[object, str]]) -> None:
        """These can be chosen from now on."""
        self._values = list(values)
        self.updateGeometry()

    def show_value(self, value: object) -> None:
        """Show this value as chosen."""
        self._value = value
        known = [*self._values, *((each, text) for each, text, _ in self._more[1])]
        said = next((text for each, text in known if each == value), str(value))
        self.setText(said)
        self.setToolTip(tip(said) if self._natural(said) > self.sizeHint().width() else "")
        self.setAccessibleDescription(said)
        self.updateGeometry()
        self.update()

    def show_more(self, title: str, values: Sequence[tuple[object, str, str]]) -> None:
        """More values below a title of their own, with a note each."""
        self._more = (title, list(values))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As wide as the widest of its own values; of the others, the chosen one may make it wider, and is cut."""
        own = max((self._natural(text) for _, text in self._values), default=0)
        least = max(self._look.px(FIELD), own)
        return QSize(max(least, min(self._natural(self.text()), self._look.px(WIDEST))), self._look.px(30))

    def _natural(self, text: str) -> int:
        return round(QFontMetricsF(self._look.font(13)).horizontalAdvance(text)) + 48

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        fill = "pressed" if self.isDown() else "hover" if self.underMouse() else "raised"
        box(painter, self.rect(), 6, look.colour(fill), look.colour("border_strong"))
        painter.setFont(look.font(13))
        inner = self.rect().adjusted(11, 0, -28, 0)
        words(painter, mirrored(inner, self.rect(), self.layoutDirection()), self.text(), look.colour("text"))
        end = self.rect().adjusted(self.width() - 28, 0, 0, 0)
        drawn = look.pixmap("chevron-down", "text2", 14, self.devicePixelRatioF())
        picture(painter, QRectF(mirrored(end, self.rect(), self.layoutDirection())).center(), drawn)

    @Slot()
    def _on_clicked(self) -> None:
        menu = Menu(self._look, self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title, more = self._more
        for value, text, note in [*((value, text, "") for value, text in self._values), *more]:
            if more and value == more[0][0]:
                menu.addSeparator()
                menu.add(title, lambda: None).setEnabled(False)
            elided = QFontMetricsF(self._look.font(13)).elidedText(
                text, Qt.TextElideMode.ElideMiddle, self._look.px(WIDEST)
            )
            action = menu.add(elided, partial(self._choose, value), note=note)
            action.setCheckable(True)
            action.setChecked(value == self._value)
        menu.setMinimumWidth(max(self.width(), menu.minimumWidth()))
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _choose(self, value: object) -> None:
        if value != self._value:
            self.show_value(value)
            self.chosen.emit(value)


class _Segment(PaintedButton):
    """One piece of the segments."""

    def __init__(self, look: Look, text: str) -> None:
        super().__init__()
        self._look = look
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)

    def sizeHint(self) -> QSize:
        width = QFontMetricsF(self._look.font(13, 500)).horizontalAdvance(self.text())
        return QSize(round(width) + 26, self._look.px(30))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        on = self.isChecked()
        area = self.rect().adjusted(1, 1, -1, -1)
        fill = "" if not self.isEnabled() else "tint" if on else "hover" if self.underMouse() else ""
        framed = self.ring or (on and look.theme.contrast)
        if fill or framed:
            edge = look.colour("accent") if framed else None
            box(painter, area, 5, look.colour(fill) if fill else None, edge, 2)
        painter.setFont(look.font(13, 500))
        painter.setPen(look.colour("text3" if not self.isEnabled() else "accent" if on else "text2"))
        painter.setLayoutDirection(reading_direction(self.text(), self.layoutDirection()))
        painter.drawText(QRectF(self.rect()), int(Qt.AlignmentFlag.AlignCenter), self.text())


class Segments(QWidget):
    """A few values side by side, one chosen."""

    chosen = Signal(object)

    def __init__(self, look: Look, name: str, values: Sequence[tuple[object, str]]) -> None:
        super().__init__()
        self._look = look
        self._values = [value for value, _ in values]
        self._group = QButtonGroup(self)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for number, (_, text) in enumerate(values):
            piece = _Segment(look, text)
            self._group.addButton(piece, number)
            row.addWidget(piece)
        self._group.idClicked.connect(self._on_clicked)

    def show_value(self, value: object) -> None:
        """Show this value as chosen."""
        if value in self._values:
            self._group.button(self._values.index(value)).setChecked(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        box(QPainter(self), self.rect(), 6, look.colour("raised"), look.colour("border_strong"))

    @Slot(int)
    def _on_clicked(self, number: int) -> None:
        self.chosen.emit(self._values[number])


class SettingsRow(QWidget):
    """Label 13 500 over a note 12, the control at the end; a control as wide as the card stands below."""

    def __init__(self, look: Look, label: str, note: str, control: QWidget, *, below: bool = False) -> None:
        super().__init__()
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(Words(look, label, 13, 500))
        said = Sentence(look, 12, 16)
        said.say("", note)
        texts.addWidget(said)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addLayout(texts, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 11)
        column.setSpacing(8)
        column.addLayout(row)
        if below:
            column.addWidget(control)
        else:
            row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setMinimumHeight(look.px(58))


class SettingsCard(QFrame):
    """Rows with hairlines between them in one frame."""

    def __init__(self, look: Look, rows: Sequence[QWidget]) -> None:
        super().__init__()
        self._look = look
        self._rows = list(rows)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        for row in rows:
            column.addWidget(row)
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        box(painter, self.rect(), 10, look.colour("raised"), look.colour("border"))
        for row in self._rows[1:]:
            painter.fillRect(1, row.y(), self.width() - 2, 1, look.colour("border"))
