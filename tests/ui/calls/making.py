"""What the tests of calls share: calls, rows of the panel, and how words are found in widgets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from PySide6.QtCore import QEvent, SignalInstance
from PySide6.QtGui import Qt, QTextDocument
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QPlainTextEdit, QWidget

from app.chat.changes import ServerRow, ToolRow, ToolsListed
from app.core.tools import (
    Arguments,
    Asked,
    Call,
    CallDecision,
    CallState,
    Effect,
    Grant,
    Schema,
    ServerConfig,
    ServerTool,
    Verdict,
)

ODD = "in\u202evoice\u200b\u2066.\ue000txt\x07"  # what moves or hides letters
HIDDEN = "\u202e\u200b\u2066\ue000\x07"
MEMORY = ServerConfig("memory", ("npx", "-y", "@scope/server-memory"))
ECHO = ServerTool("echo", "Says it again.", {"type": "object"}, reads_only=True)
FORGET = ServerTool("forget", "Forgets all.", {"type": "object"})

Kind = TypeVar("Kind", bound=QWidget)


def schema(**properties: Any) -> Schema:
    """An object of these properties."""
    return {"type": "object", "properties": properties}


def call(state: CallState = CallState.DONE, arguments: Arguments | None = None, key: str = "c1", **rest: Any) -> Call:
    """A call of the calculator."""
    values = {"name": "calculator", "origin": "", **rest}
    return Call(id=key, arguments={"expression": "12 * 7"} if arguments is None else arguments, state=state, **values)


def waits(arguments: Arguments | None = None, parameters: Schema | None = None, key: str = "w1", **asked: Any) -> Call:
    """A call of write_file that waits for the person."""
    given = {"path": "a.txt", "text": "one"} if arguments is None else arguments
    about = schema(path={"type": "string"}, text={"type": "string"}) if parameters is None else parameters
    told: dict[str, Any] = {"description": "Writes.", "effect": Effect.WRITE, "place": "/srv/a.txt", **asked}
    return Call(key, "write_file", "", given, CallState.WAITING, asked=Asked(parameters=about, **told))


def decided(before: Call, state: CallState = CallState.DENIED, result: str = "") -> Call:
    """The call after the person's word."""
    decision = CallDecision.DENIED if state is CallState.DENIED else CallDecision.APPROVED
    return Call(before.id, before.name, before.origin, before.arguments, state, decision, result=result)


def row(name: str, **rest: Any) -> ToolRow:
    """A tool in the panel, of 40 tokens."""
    values: dict[str, Any] = {
        "origin": "", "description": "", "effect": Effect.READ, "on": True, "verdict": Verdict.ASK,
        "may_always": True, "tokens": 40, "unseen": False, **rest,
    }  # fmt: skip
    return ToolRow(key=f"{values['origin']}/{name}", name=name, **values)


def server(state: str = "running", **rest: Any) -> ServerRow:
    """A server in the panel."""
    values: dict[str, Any] = {
        "config": MEMORY, "enabled": True, "count": 2, "tokens": 80, "message": "", "detail": "",
        "unseen": (), "tools": (ECHO, FORGET), **rest,
    }  # fmt: skip
    return ServerRow(state=state, **values)


def listed(**rest: Any) -> ToolsListed:
    """Two built in tools of which one is on, a server with one, a folder."""
    values: dict[str, Any] = {
        "conversation": "a", "on": True, "too_small": False,
        "tools": (row("calculator"), row("current_time", on=False), row("echo", origin="memory", tokens=1200)),
        "servers": (server(),), "grants": (Grant("/srv/data"),), **rest,
    }  # fmt: skip
    return ToolsListed(**values)


class Heard:
    """What a signal told."""

    def __init__(self, signal: SignalInstance) -> None:
        self.told: list[tuple[Any, ...]] = []
        signal.connect(self._hear)

    def _hear(self, *values: Any) -> None:
        self.told.append(values)


def flush() -> None:
    """Do what waits for the event loop: new rows are shown, old ones deleted."""
    QApplication.sendPostedEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def only(parent: QWidget, kind: type[Kind], name: str) -> Kind:
    """The one widget in sight with this accessible name, or these words on it."""
    found = [
        each
        for each in parent.findChildren(kind)
        if each.isVisible()
        and name in (each.accessibleName(), each.text() if isinstance(each, QAbstractButton) else "")
    ]
    assert len(found) == 1, f"{len(found)} × {name!r}"
    return found[0]


def button(parent: QWidget, name: str) -> QAbstractButton:
    """The one button in sight of this name."""
    return only(parent, QAbstractButton, name)


def is_there(parent: QWidget, name: str) -> bool:
    """Whether a button of this name is in sight."""
    return any(
        name in (each.accessibleName(), each.text()) and each.isVisible()
        for each in parent.findChildren(QAbstractButton)
    )


def texts(parent: QWidget) -> list[str]:
    """The words in sight: labels, and what screen readers find."""
    return [words for each in _all(parent) if each.isVisible() for words in _of(each) if words]


def everything(parent: QWidget) -> str:
    """All that a widget and those in it say, tips and descriptions included."""
    return "\n".join(
        "\n".join([*_of(each), each.accessibleDescription(), read(each.toolTip())]) for each in _all(parent)
    )


def read(tip: str) -> str:
    """A tool tip as Qt shows it: what looks like HTML is taken for HTML."""
    if not Qt.mightBeRichText(tip):
        return tip
    document = QTextDocument()
    document.setHtml(tip)
    return document.toPlainText()


def _all(parent: QWidget) -> Iterator[QWidget]:
    yield parent
    yield from parent.findChildren(QWidget)


def _of(each: QWidget) -> list[str]:
    said = [each.accessibleName()]
    if isinstance(each, QPlainTextEdit):
        said.append(each.toPlainText())
    elif isinstance(each, QLabel | QLineEdit | QAbstractButton):
        said.append(each.text())
    return said
