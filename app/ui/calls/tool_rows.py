"""The rows of the tools panel: a tool, a server, a folder."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPointF, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.chat.changes import ServerRow, ToolRow
from app.core.tools import Effect, Grant, Verdict
from app.core.visible import at_home, visible
from app.ui.banners import Picture
from app.ui.controls import Button, ElidedWords, IconButton, Switch, Words
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.painting import box, margins
from app.ui.tips import tip

VERDICTS = {Verdict.ALLOW: "Allow", Verdict.ASK: "Ask", Verdict.DENY: "Deny"}
DOTS = {"running": "ok", "starting": "warn", "failed": "danger", "stopped": "text3"}


class VerdictButton(Button):
    """*Allow*, *Ask* or *Deny*, from a menu."""

    chosen = Signal(object)

    def __init__(self, look: Look, row: ToolRow) -> None:
        super().__init__(
            look,
            VERDICTS[row.verdict],
            "quiet",
            small=True,
            icon="chevron-down",
            icon_last=True,
            name=f"{visible(row.name)}: {VERDICTS[row.verdict]}",
        )
        self._menu_look = look
        self._row = row
        self.setFixedWidth(look.px(74))
        self.clicked.connect(self._on_clicked)

    @Slot()
    def _on_clicked(self) -> None:
        row = self._row
        menu = Menu(self._menu_look, self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        allow = "Allow" if row.may_always else "Allow in this chat"
        for verdict, text in ((Verdict.ALLOW, allow), (Verdict.ASK, "Ask every time"), (Verdict.DENY, "Deny")):
            if verdict is Verdict.ALLOW and row.effect is Effect.NETWORK:
                continue
            action = menu.add(text, partial(self.chosen.emit, verdict))
            action.setCheckable(True)
            action.setChecked(verdict is row.verdict)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))


class ToolRowView(QWidget):
    """36 high: name, tokens of its definition, policy, switch."""

    switched = Signal(str, bool)
    verdict_chosen = Signal(str, object)

    def __init__(self, look: Look, row: ToolRow, *, enabled: bool) -> None:
        super().__init__()
        self.setFixedHeight(look.px(36))
        self._key = row.key
        name = ElidedWords(look, 13, 500, "text" if row.on and enabled else "text2")
        name.set_text(visible(row.name))
        name.setToolTip(tip(visible(row.description)[:600]))
        line = QHBoxLayout(self)
        line.setContentsMargins(margins(16, 0, 16, 0))
        line.setSpacing(8)
        line.addWidget(name, 1)
        if row.effect is Effect.NETWORK:
            network = Picture(look, "globe", "text3", 14)
            network.setToolTip("It needs the network")
            network.setAccessibleName("Needs the network")
            line.addWidget(network)
        line.addWidget(_tokens(look, row.tokens))
        verdict = VerdictButton(look, row)
        verdict.setObjectName(f"verdict {row.key}")
        verdict.chosen.connect(self._on_verdict_chosen)
        line.addWidget(verdict)
        switch = Switch(look, f"{visible(row.name)} in this chat")
        switch.setObjectName(f"switch {row.key}")
        switch.setChecked(row.on)
        switch.setEnabled(enabled and not row.unseen)
        switch.toggled.connect(self._on_toggled)
        line.addWidget(switch)

    @Slot(bool)
    def _on_toggled(self, on: bool) -> None:
        self.switched.emit(self._key, on)

    @Slot(object)
    def _on_verdict_chosen(self, verdict: Verdict) -> None:
        self.verdict_chosen.emit(self._key, verdict)


class ServerRowView(QWidget):
    """44 high: a dot and the name, what it does now, tokens, and a switch, or *Review* where something changed."""

    asked = Signal(str, str)  # what is asked, which server

    def __init__(self, look: Look, row: ServerRow) -> None:
        super().__init__()
        self._look = look
        self._name = row.config.name
        self._dot = "warn" if row.unseen else DOTS.get(row.state, "text3")
        self.setFixedHeight(look.px(44))
        title, second = ElidedWords(look, 13, 500), ElidedWords(look, 11, 400, self._tone(row))
        title.set_text(visible(row.config.name))
        second.set_text(server_words(row))
        second.setToolTip(tip(visible(row.detail)[-600:]))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(title)
        words.addWidget(second)
        words.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(margins(look.px(29), 0, 16, 0))
        line.setSpacing(8)
        line.addLayout(words, 1)
        if row.unseen and row.state == "running":
            review = Button(look, "Review", small=True, name=f"Review {visible(row.config.name)}")
            review.clicked.connect(self._on_review)
            line.addWidget(review)
        elif row.state == "running":
            line.addWidget(_tokens(look, row.tokens))
        more = IconButton(look, "more", f"More about {visible(row.config.name)}", size=26, icon_size=16)
        more.clicked.connect(self._on_more)
        line.addWidget(more)
        switch = Switch(look, f"Server {visible(row.config.name)}")
        switch.setObjectName(f"server {row.config.name}")
        switch.setChecked(row.enabled)
        switch.toggled.connect(self._on_toggled)
        line.addWidget(switch)
        self._more = more

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        side = look.px(6)
        x = look.px(19) if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else self.width() - look.px(19)
        spot = QPointF(x, self.height() / 2 - look.px(7))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour(self._dot))
        painter.drawEllipse(spot, side / 2, side / 2)

    def _tone(self, row: ServerRow) -> str:
        return "warn" if row.unseen and row.state == "running" else "danger" if row.state == "failed" else "text3"

    @Slot()
    def _on_review(self) -> None:
        self.asked.emit("review", self._name)

    @Slot(bool)
    def _on_toggled(self, on: bool) -> None:
        self.asked.emit("enable" if on else "disable", self._name)

    @Slot()
    def _on_more(self) -> None:
        menu = Menu(self._look, self._more)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.add("Start again", lambda: self.asked.emit("restart", self._name), icon="regenerate")
        menu.add("Show its log", lambda: self.asked.emit("log", self._name), icon="log")
        menu.addSeparator()
        menu.add("Remove", lambda: self.asked.emit("remove", self._name), icon="trash", danger=True)
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))


class FolderRowView(QWidget):
    """44 high: a folder that is open to this chat, and *Take back*."""

    taken_back = Signal(str)
    writing_asked = Signal(str)

    def __init__(self, look: Look, grant: Grant) -> None:
        super().__init__()
        self._folder = grant.folder
        self.setFixedHeight(look.px(44))
        title, second = ElidedWords(look, 13, 500), ElidedWords(look, 11, 400, "text3")
        shown = visible(at_home(grant.folder))
        title.set_text(shown)
        second.set_text("Read, search; writing asks" if grant.write else "Read, search")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(title)
        words.addWidget(second)
        words.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(margins(16, 0, 10, 0))
        line.setSpacing(9)
        line.addWidget(Picture(look, "folder", "text2", 16))
        line.addLayout(words, 1)
        if not grant.write:
            write = Button(look, "Let it write", "quiet", small=True, name=f"Let it write in {shown}")
            write.clicked.connect(self._on_writing_asked)
            line.addWidget(write)
        back = Button(look, "Take back", "quiet", small=True, name=f"Take back {shown}")
        back.clicked.connect(self._on_taken_back)
        line.addWidget(back)

    @Slot()
    def _on_taken_back(self) -> None:
        self.taken_back.emit(self._folder)

    @Slot()
    def _on_writing_asked(self) -> None:
        self.writing_asked.emit(self._folder)


class WaitingRow(QWidget):
    """*NAME waits for you* and *Show*."""

    asked = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._words = Words(look, "", 13, 500)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        show = Button(look, "Show", "quiet", small=True, name="Show what waits")
        show.clicked.connect(self.asked)
        line = QHBoxLayout(self)
        line.setContentsMargins(margins(10, 4, 4, 4))
        line.setSpacing(9)
        line.addWidget(Picture(look, "clock", "warn", 16))
        line.addWidget(self._words, 1)
        line.addWidget(show)
        self.hide()

    def show_name(self, name: str) -> None:
        """Which tool waits; "" for none."""
        self._words.setText(f"{visible(name)} waits for you")
        self.setVisible(bool(name))

    def paintEvent(self, event: QPaintEvent) -> None:
        edge = self._look.colour("border") if self._look.theme.contrast else None
        box(QPainter(self), self.rect(), 8, self._look.colour("warn_tint"), edge)


def server_words(row: ServerRow) -> str:
    """What a server does now, in one line."""
    if row.state == "failed":
        return visible(row.message)
    if row.state == "starting":
        return "starts…"
    if row.state != "running":
        return "off" if not row.enabled else "starts with the first use"
    if row.unseen:
        some = f"{len(row.unseen)} tools are" if len(row.unseen) > 1 else "A tool is"
        return f"{some} new or changed, so off"
    return f"{row.count} tools, running" if row.count != 1 else "1 tool, running"


def _tokens(look: Look, tokens: int | None) -> Words:
    words = Words(look, "" if tokens is None else f"{tokens:,}", 12, token="text3", figures=True)
    words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    words.setFixedWidth(look.px(40))
    if tokens is not None:
        words.setToolTip(f"Its definition takes {tokens:,} tokens of the context")
    return words
