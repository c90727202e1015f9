"""The arguments of a call as a form, one field for each, made from the tool's schema; and what became of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QRect, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QPlainTextEdit, QWidget

from app.core.tools import Arguments, Schema
from app.core.visible import hidden, visible
from app.ui import fonts
from app.ui.painting import mirrored, words
from app.ui.tips import tip
from app.ui.transcript.buttons import RowButton
from app.ui.transcript.style import Style

LABEL, GAP, ROW = 56, 10, 30
MOST_LINES, LEAST_LINES = 10, 4
LONG = 60  # characters from which a text is written on several lines


class LongField(QPlainTextEdit):
    """Text on 4 to 10 lines; Tab goes on to the next control."""

    def __init__(self, parent: QWidget, style: Style, text: str) -> None:
        super().__init__(parent)
        self.setProperty("field", "true")
        self.setTabChangesFocus(True)
        self.setFont(fonts.mono(12, style.scale))
        self.setPlainText(text)

    def wanted_height(self) -> int:
        """For as many lines as it has, within limits."""
        lines = min(MOST_LINES, max(LEAST_LINES, self.document().lineCount()))
        return lines * self.fontMetrics().lineSpacing() + 18


class ChoiceField(RowButton):
    """One of several values, from a menu."""

    changed = Signal()

    def __init__(self, parent: QWidget, style: Style, values: list[Any], value: object) -> None:
        super().__init__(
            parent, style, "chevron-down", "", visible(_json(value)), kind="plain", size=ROW, icon_last=True
        )
        self._values = values
        self.value = value
        self.clicked.connect(self._on_clicked)

    @Slot()
    def _on_clicked(self) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        for number, value in enumerate(self._values):
            action = menu.addAction(visible(_json(value)).replace("&", "&&"))
            action.setData(number)
        menu.triggered.connect(self._on_chosen)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    @Slot(object)
    def _on_chosen(self, action: Any) -> None:
        self.show_value(self._values[int(action.data())])
        self.changed.emit()

    def show_value(self, value: object) -> None:
        """Have another of its values."""
        self.value = value
        self.setText(visible(_json(value)))


Editor = QLineEdit | LongField | ChoiceField


class ArgumentForm(QWidget):
    """Fields for every argument; `arguments` is what they say now, or raises ValueError with a sentence."""

    sized = Signal()

    def __init__(self, parent: QWidget, style: Style, schema: Schema, arguments: Arguments) -> None:
        super().__init__(parent)
        self._style = style
        self._given = arguments
        self._rows: list[tuple[str, Mapping[str, Any], Editor]] = []
        declared = schema.get("properties")
        properties: dict[str, Any] = dict(declared) if isinstance(declared, Mapping) else {}
        for name in [*properties, *(name for name in arguments if name not in properties)]:
            about = properties.get(name)
            self._add(name, about if isinstance(about, Mapping) else {}, name in arguments)

    def widgets(self) -> list[QWidget]:
        """The fields, from top to bottom."""
        return [editor for _, _, editor in self._rows]

    @property
    def written(self) -> list[object]:
        """What stands in each field, whether it is a value or not."""
        return [editor.value if isinstance(editor, ChoiceField) else _text(editor) for _, _, editor in self._rows]

    def write(self, written: list[object]) -> None:
        """Have this in the fields: what those of a form of the same arguments said."""
        for (_, _, editor), each in zip(self._rows, written, strict=True):
            if isinstance(editor, ChoiceField):
                editor.show_value(each)
            elif isinstance(editor, LongField):
                editor.setPlainText(str(each))
            else:
                editor.setText(str(each))

    def arguments(self) -> Arguments:
        """What the fields say. Raises ValueError with one sentence."""
        found: Arguments = {}
        for name, about, editor in self._rows:
            value = self._value(name, about, editor)
            if value is not _NOTHING:
                found[name] = value
        return found

    def arrange(self, width: int) -> int:
        """Fit into a width; returns the height, 0 without arguments."""
        px = self._style.px
        whole, top = QRect(0, 0, width, 0), 0
        label = self._label_width(width)
        for _, _, editor in self._rows:
            high = editor.wanted_height() if isinstance(editor, LongField) else px(ROW)
            wide = width - label
            if isinstance(editor, ChoiceField):
                wide = min(wide, editor.sizeHint().width())
            editor.setGeometry(mirrored(QRect(label, top, wide, high), whole, self.layoutDirection()))
            top += high + px(8)
        return max(0, top - px(8))

    def paintEvent(self, event: QPaintEvent) -> None:
        style = self._style
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        painter.setFont(style.ui(12, 500))
        label = self._label_width(self.width())
        for name, _, editor in self._rows:
            area = QRect(0, editor.y(), label - GAP, style.px(ROW))
            words(painter, mirrored(area, self.rect(), self.layoutDirection()), _title(name), style.colour("text2"))

    def _label_width(self, width: int) -> int:
        metrics = QFontMetrics(self._style.ui(12, 500))
        longest = max((metrics.horizontalAdvance(_title(name)) for name, _, _ in self._rows), default=0)
        return min(max(self._style.px(LABEL), longest + GAP + 4), width // 3)

    def _add(self, name: str, about: Mapping[str, Any], given: bool) -> None:
        value = self._given.get(name)
        editor = self._made(about, value, given)
        editor.setAccessibleName(_title(name))
        description = about.get("description")
        if isinstance(description, str):
            editor.setToolTip(tip(visible(description)))
            editor.setAccessibleDescription(visible(description))
        self._rows.append((name, about, editor))

    def _made(self, about: Mapping[str, Any], value: object, given: bool) -> Editor:
        choices = about.get("enum")
        if isinstance(choices, list) and choices:
            return (
                ChoiceField(self, self._style, choices, value)
                if given
                else ChoiceField(self, self._style, [_NOTHING, *choices], _NOTHING)
            )
        if isinstance(value, bool) or (about.get("type") == "boolean" and not given):
            either = [True, False]
            return ChoiceField(
                self, self._style, either if given else [_NOTHING, *either], value if given else _NOTHING
            )
        text = "" if not given else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = visible(text)
        if "\n" in shown or len(shown) > LONG:
            field = LongField(self, self._style, shown)
            field.textChanged.connect(self.sized)
            return field
        line = QLineEdit(shown, self)
        line.setFont(fonts.mono(12, self._style.scale))
        line.setCursorPosition(0)
        if not given:
            line.setPlaceholderText("not given")
        return line

    def _value(self, name: str, about: Mapping[str, Any], editor: Editor) -> object:
        given = name in self._given
        if isinstance(editor, ChoiceField):
            return editor.value
        text = hidden(_text(editor))
        if not given and not text:
            return _NOTHING
        before = self._given.get(name)
        if isinstance(before, str) or (not given and "string" in (_types(about) or ("string",))):
            return text
        try:
            return loads(text)
        except ValueError as error:
            raise ValueError(f"“{_title(name)}” is no value of JSON.") from error


def _text(editor: QLineEdit | LongField) -> str:
    return editor.toPlainText() if isinstance(editor, LongField) else editor.text()


def _types(about: Mapping[str, Any]) -> set[str]:
    """The types that a schema names, its alternatives' too; empty where it names none."""
    named = about.get("type")
    found = {named} if isinstance(named, str) else set()
    found |= {one for one in named if isinstance(one, str)} if isinstance(named, list) else set()
    for key in ("anyOf", "oneOf"):
        each = about.get(key)
        for one in each if isinstance(each, list) else ():
            found |= _types(one) if isinstance(one, Mapping) else set()
    return found


class _Nothing:
    """An argument that is left out."""


_NOTHING = _Nothing()


def _title(name: str) -> str:
    """A name as a label: `first_line` becomes `First line`."""
    plain = visible(name).replace("_", " ").strip()
    return plain[:1].upper() + plain[1:] if plain else '""'


def _json(value: object) -> str:
    if value is _NOTHING:
        return "not given"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def loads(text: str) -> Any:
    """A value of JSON. Raises ValueError, for NaN and the like too: no other program takes them."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no value of JSON")

    def finite(digits: str) -> float:
        return value if math.isfinite(value := float(digits)) else refuse(digits)

    try:
        return json.loads(text, parse_constant=refuse, parse_float=finite)
    except RecursionError as error:
        raise ValueError("it is too deep") from error


def pretty(arguments: Arguments) -> str:
    """Arguments as JSON to read."""
    return visible(json.dumps(arguments, ensure_ascii=False, indent=2))


def one_line(arguments: Arguments) -> str:
    """Arguments as the line of a decided call shows them: a single one by its value alone."""
    values = [
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in arguments.values()
    ]
    if len(values) == 1:
        return " ".join(visible(values[0]).split())
    return ", ".join(f"{name}: {' '.join(visible(text).split())}" for name, text in zip(arguments, values, strict=True))
