"""The card of a model that can be fetched: what it is, how it would run here, its terms, how far its download is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.core.errors import UserError
from app.models.advice import LEAST_SPEED, Advice, advice
from app.models.catalogue import CatalogueModel, catalogue_shape
from app.models.downloads import Wish, wish
from app.models.memory import Machine, Plan, in_gib
from app.models.speed import Speed, seconds_in_words, tokens_in_words
from app.models.table import CHIPS, Asked, kind, planned
from app.ui.card import Card
from app.ui.controls import Button, CheckBox, Line, Words
from app.ui.figures import context_short
from app.ui.look import Look
from app.ui.model_files import size_text
from app.ui.models.chip import Chip
from app.ui.models.downloader import Downloader
from app.ui.models.sure import Sure
from app.ui.painting import box, mirrored
from app.ui.sentence import Sentence

SMALL, CONTEXT = 640, 8192
_FOUR = 520  # the width from which four figures stand in a line
_READING = 5.0  # tokens a second that most people read


class ModelCard(Card):
    """A model to fetch. `accepted` tells its licence's address, `used` the file that is here already.

    `failed` says in a sentence why what has come could not be deleted.
    """

    accepted = Signal(str)
    used = Signal(object)
    failed = Signal(str)

    def __init__(self, look: Look, model: CatalogueModel, downloader: Downloader) -> None:
        super().__init__(look, "border_strong")
        self._downloader = downloader
        self._sure = Sure(self)  # that what has come is to be deleted
        self._wish: Wish = wish(model)
        self._endpoint = ""
        self.model = model
        sees = ", sees images" if self._wish.projector is not None else ""
        self._title = Words(look, f"{model.name}{sees}", 16, 600)
        self.fit, self.advised = Chip(look), Chip(look)
        self._size = Words(look, self._size_words(), 14, 600, figures=True)
        self._reason = Sentence(look)
        self._figures = Figures(look)
        self._bar = _Bar(look)
        self._told = Words(look, "", 12, 500, figures=True)
        self._why = Sentence(look, 12, 16, bold_token="danger")  # nothing comes
        self.get = Button(look, "Download", name=f"Download {model.name}")
        self.pause = Button(look, "Pause", small=True, name=f"Pause {model.name}")
        self.cancel = Button(look, "Cancel", "quiet", small=True, name=f"Cancel {model.name}")
        self.agree = CheckBox(look, "I accept the terms")
        self.agree.setAccessibleName(f"Accept the terms of {model.name}")
        self._terms = Words(look, _under(model.licence), 12, token="text2")
        self._link = Button(look, _short(model.licence_url), "link", small=True)
        self._link.setToolTip(model.licence_url)
        self._head, self._foot = (QBoxLayout(QBoxLayout.Direction.LeftToRight) for _ in range(2))
        self._lay_out()
        self._connect()

    def show_model(self, model: CatalogueModel) -> None:
        """Its files are these now."""
        self.model, self._wish = model, wish(model)
        self._size.setText(self._size_words())

    def show_terms(self, *, accepted: bool, endpoint: str) -> None:
        """Whether the licence was accepted before."""
        self._endpoint = endpoint
        self.agree.setChecked(accepted or self.agree.isChecked())
        self.agree.setEnabled(not accepted)
        self.refresh()

    def show_fit(self, machine: Machine, speed: Speed | None, *, is_best: bool) -> None:
        """How it would run here."""
        shape = catalogue_shape(self.model, self._wish.file.quantisation)
        made = planned(shape, CONTEXT, machine, Asked(), self.model.encoder)
        what = kind(made)
        self.fit.tell(CHIPS[what], what)
        found = advice(self.model, machine, speed) if speed is not None else None
        said = {
            "all": f"All of it and a context of {made.context:,} tokens fit on the card.",
            "most": f"{made.gpu_layers} of {made.layers} layers fit on the card, the rest is in memory.",
            "memory": f"The processor does the work.{_pace(found)}",
            "no": f"It needs {in_gib(made.total)} of memory, {in_gib(machine.ram)} are free.",
        }[what]
        self._figures.setVisible(what != "no")
        self._figures.tell(figures(made, machine, found, sees=bool(self.model.projector_bytes)))
        self.advised.setVisible(is_best)
        self.advised.tell("Recommended", "all")
        trained = " Quantised by Google while training, which keeps most of the full quality."
        self._reason.say("", said + (trained if "+" in self._wish.file.quantisation else ""))

    @Slot()
    def refresh(self) -> None:
        """Show how far its download is, or what has come of it before."""
        loader, order = self._downloader, self._downloader.order
        mine = order is not None and order.model == self.model.id
        brought = loader.brought(self._wish)
        begun = not mine and brought.path is None and brought.size > 0
        self._bar.setVisible(mine)
        self._told.setVisible(mine or begun)
        waits = f"{loader.waits} Trying again…" if loader.running and loader.waits else ""
        self._why.setVisible(mine and bool(loader.error or waits))
        self._why.say(loader.error, waits)
        self.pause.setVisible(mine)
        self.cancel.setVisible(mine or begun)
        self.get.setVisible(not mine)
        _say(self.get, "Use" if brought.path is not None else "Go on" if begun else "Download", self.model.name)
        self.get.setEnabled(brought.path is not None or (self.agree.isChecked() and not loader.running))
        self.get.setToolTip("" if self.get.isEnabled() else self._why_not())
        _say(self.cancel, "Cancel" if mine else "Really delete it?" if self._sure.asks else "Discard", self.model.name)
        if mine:
            self._bar.show_part(loader.done / loader.total if loader.total else 0.0)
            _say(self.pause, "Pause" if loader.running else "Go on", self.model.name)
            self._told.setText(_progress(loader))
        elif begun:
            self._told.setText(f"{size_text(brought.size)} of it have come before")

    def resizeEvent(self, event: QResizeEvent) -> None:
        roomy = self.width() >= self._look.px(SMALL)
        self._terms.setVisible(roomy)
        self.fit.setVisible(roomy)
        aside = self.width() >= self._look.px(_FOUR)
        for row in (self._head, self._foot):
            row.setDirection(QBoxLayout.Direction.LeftToRight if aside else QBoxLayout.Direction.TopToBottom)

    def _lay_out(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(10)
        for part in (self._title, self.advised, self.fit):
            title.addWidget(part)
        title.addStretch(1)
        self._head.setSpacing(4)
        self._head.addLayout(title, 1)
        self._head.addWidget(self._size)
        state = QHBoxLayout()
        state.setSpacing(8)
        state.addWidget(self._told, 1)
        state.addWidget(self.pause)
        state.addWidget(self.cancel)
        upper = QVBoxLayout()
        upper.setContentsMargins(18, 16, 18, 12)
        upper.setSpacing(8)
        upper.addLayout(self._head)
        upper.addWidget(self._reason)
        upper.addWidget(self._figures)
        upper.addWidget(self._bar)
        upper.addLayout(state)
        upper.addWidget(self._why)
        terms = QHBoxLayout()
        terms.setSpacing(10)
        terms.addWidget(self._terms)
        terms.addWidget(self._link)
        terms.addStretch(1)
        ask = QHBoxLayout()
        ask.setSpacing(10)
        ask.addWidget(self.agree)
        ask.addStretch(1)
        ask.addWidget(self.get)
        self._foot.setContentsMargins(18, 8, 12, 10)
        self._foot.setSpacing(6)
        self._foot.addLayout(terms, 1)
        self._foot.addLayout(ask)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(upper)
        column.addWidget(Line(self._look))
        column.addLayout(self._foot)

    def _connect(self) -> None:
        self.get.clicked.connect(self._on_get_clicked)
        self.pause.clicked.connect(self._on_pause_clicked)
        self.cancel.clicked.connect(self._on_cancel_clicked)
        self._sure.changed.connect(self.refresh)
        self.agree.toggled.connect(self.refresh)
        self._link.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(self.model.licence_url)))

    def _why_not(self) -> str:
        if self._downloader.running:
            return "Another model is being fetched"
        return "Accept the terms first"

    def _size_words(self) -> str:
        files = "two files" if self._wish.projector else "one file"
        return f"{'' if self._wish.file.bytes else 'about '}{size_text(self._wish.size)}, {files}"

    @Slot()
    def _on_get_clicked(self) -> None:
        path = self._downloader.brought(self._wish).path
        if path is not None:
            self.used.emit(path)
            return
        if not self.agree.isChecked():  # what was here is gone
            self.refresh()
            return
        if self.agree.isEnabled():
            self.accepted.emit(self.model.licence_url)
        self._begin()

    @Slot()
    def _on_pause_clicked(self) -> None:
        if self._downloader.running:
            self._downloader.pause()
        else:
            self._begin()

    def _begin(self) -> None:
        self._downloader.begin(self.model.id, "", vision=True, endpoint=self._endpoint)

    @Slot()
    def _on_cancel_clicked(self) -> None:
        """What has come stays when a download is given up; to delete it is asked once more."""
        order = self._downloader.order
        if order is not None and order.model == self.model.id:
            self._downloader.forget()
        elif self._sure.clicked():
            try:
                self._downloader.discard(self._wish)
            except UserError as error:
                self.failed.emit(error.message)


def _say(button: Button, text: str, model: str) -> None:
    button.setText(text)
    button.setAccessibleName(f"{text} {model}")
    button.updateGeometry()


class _Bar(QWidget):
    """How far a download is: 6 high."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._part = 0.0
        self.setFixedHeight(6)
        self.setAccessibleName("Download")

    def show_part(self, part: float) -> None:
        """Show this part of the whole."""
        self._part = part
        self.setAccessibleDescription(f"{part:.0%}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        box(painter, self.rect(), 3, look.colour("pressed"))
        done = self.rect()
        done.setWidth(max(6, round(self.width() * self._part)))
        box(painter, mirrored(done, self.rect(), self.layoutDirection()), 3, look.colour("accent"))


class Figures(QWidget):
    """Four figures in columns that are the same on every card; two lines of two where there is little room."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._cells = [(Words(look, "", 11, 500, "text2"), Words(look, "", 14, 600, figures=True)) for _ in range(4)]
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 2, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(1)
        for _, value in self._cells:
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._columns = 0
        self._arrange(4)

    def tell(self, told: Sequence[tuple[str, str]]) -> None:
        """Show these: a name and a value each."""
        for (name, value), (title, said) in zip(self._cells, told, strict=True):
            name.setText(title)
            value.setText(said)
            value.setAccessibleName(f"{title}: {said}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange(4 if self.width() >= self._look.px(_FOUR) else 2)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for place, (name, value) in enumerate(self._cells):
            row, column = divmod(place, columns)
            self._grid.addWidget(name, 3 * row, column)
            self._grid.addWidget(value, 3 * row + 1, column)
        self._grid.setRowMinimumHeight(2, 6 if columns == 2 else 0)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)


def figures(made: Plan, machine: Machine, found: Advice | None, *, sees: bool) -> list[tuple[str, str]]:
    """What a person asks first: speed, seconds for a picture, memory, context. `found` is None until it was measured.

    How fast a card is cannot be told before a model is on it.
    """
    on_card = bool(made.gpu_layers)
    measured = "being measured" if found is None else tokens_in_words(found.tokens)
    speed = "known once it runs" if on_card else measured
    if not sees:
        picture = "it reads text only"
    elif found is None:
        picture = "being measured"
    else:
        picture = f"about {seconds_in_words(found.picture)}, once"
    held, free = (made.gpu, sum(card.free for card in machine.cards)) if on_card else (made.ram, machine.ram)
    where = "On the card" if on_card else "Memory"
    return [
        ("Speed, estimated", speed),
        ("To look at an image", picture),
        (where, f"{held / (1 << 30):.1f} of {in_gib(free)}"),
        ("Context", f"{context_short(made.context)} tokens"),
    ]


def _under(licence: str) -> str:
    """Before the address of a licence. Google's terms want their own words."""
    return f"Under and subject to the {licence}:" if "Terms" in licence else f"Under the {licence}:"


def _short(address: str) -> str:
    """An address that has room beside the terms: `ai.google.dev/…/gemma_4_license`."""
    host, *way = address.removeprefix("https://").split("/")
    return "/".join((host, "…", way[-1]) if len(way) > 2 else (host, *way))


def _pace(found: Advice | None) -> str:
    if found is None:
        return ""
    if found.tokens >= LEAST_SPEED:
        return " It answers faster than most people read."
    if found.tokens >= _READING:
        return " It answers about as fast as most people read."
    return " It answers slowly here: for questions that you can leave and come back to."


def _progress(loader: Downloader) -> str:
    """`3.41 of 7.98 GB   24.6 MB/s · 3 min 6 s left`."""
    state = "" if loader.running else "stopped" if loader.error else "paused"
    if not loader.total:
        return state.capitalize() or "Looking for the files…"
    done = f"{loader.done / 1e9:.2f} of {loader.total / 1e9:.2f} GB"
    if state:
        return f"{done}, {state}"
    if loader.checks:
        return f"{done}. Reading what has come before…"
    if not loader.speed:
        return done
    return f"{done}   {loader.speed / 1e6:.1f} MB/s · {_time((loader.total - loader.done) / loader.speed)} left"


def _time(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
