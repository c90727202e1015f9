"""*Get more*: a card for each model that can be fetched, with what it needs here and how far its download is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from app.core.settings import Settings
from app.models.advice import Advice, Speed, advice, recommended
from app.models.catalogue import CatalogueModel, catalogue, catalogue_shape
from app.models.downloads import Wish, wish
from app.models.memory import Machine, in_gib
from app.models.table import Asked, kind, planned
from app.ui.card import Card
from app.ui.controls import Button, Line, Words
from app.ui.look import Look
from app.ui.model_files import size_text
from app.ui.models.downloader import Downloader
from app.ui.models.fit_side import Chip
from app.ui.painting import box, mirrored
from app.ui.scrolling import fill
from app.ui.sentence import Sentence

COLUMN, SMALL, CONTEXT = 760, 640, 8192
_SAYS = {
    "all": "Fits your card",
    "most": "Fits in part",
    "memory": "Runs in memory",
    "no": "Too large for this computer",
}


class GetPage(QWidget):
    """`accepted` tells the address of a licence that the person accepted."""

    accepted = Signal(str)
    used = Signal(object)  # Path

    def __init__(self, look: Look, downloader: Downloader, here: Callable[[CatalogueModel], object]) -> None:
        """`here` answers with the path of a model that is there already, or None."""
        super().__init__()
        self._downloader = downloader
        offered = [model for model in catalogue() if any(file.kind == "model" for file in model.files)]
        self.cards = [_ModelCard(look, model, downloader, here) for model in offered]
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        for card in self.cards:
            card.accepted.connect(self.accepted)
            card.used.connect(self.used)
            column.addWidget(card)
        foot = Sentence(look, 12, 16)
        foot.say("", "Nothing is on the network but a download while it runs, to the address that the settings name.")
        column.addWidget(foot)
        column.addStretch(1)
        fill(self, column, COLUMN, centred=True)
        downloader.changed.connect(self.refresh)
        self.refresh()

    def show_settings(self, settings: Settings) -> None:
        """Which licences are accepted, and where files come from."""
        accepted = {address for address, _ in settings.licences}
        for card in self.cards:
            card.show_terms(accepted=card.model.licence_url in accepted, endpoint=settings.mirror)

    def show_machine(self, machine: Machine, speed: Speed | None) -> None:
        """What fits this machine, and once its speed was measured, what it runs well."""
        best = recommended(machine, speed) if speed is not None else ""
        for card in self.cards:
            card.show_fit(machine, speed, is_best=card.model.id == best)

    @Slot()
    def refresh(self) -> None:
        """Show what is there and what is coming."""
        for card in self.cards:
            card.refresh()


class _ModelCard(Card):
    accepted = Signal(str)
    used = Signal(object)

    def __init__(
        self, look: Look, model: CatalogueModel, downloader: Downloader, here: Callable[[CatalogueModel], object]
    ) -> None:
        super().__init__(look, "border_strong")
        self._downloader = downloader
        self._here = here
        self._wish: Wish = wish(model)
        self._endpoint = ""
        self.model = model
        sees = ", sees images" if self._wish.projector is not None else ""
        self._title = Words(look, f"{model.name}{sees}", 16, 600)
        self.fit, self.advised = Chip(look), Chip(look)
        self._size = Words(look, self._size_words(), 14, 600, figures=True)
        self._reason = Sentence(look)
        self._bar = _Bar(look)
        self._told = Words(look, "", 12, 500, figures=True)
        self.get = Button(look, "Download", name=f"Download {model.name}")
        self.pause = Button(look, "Pause", small=True, name=f"Pause {model.name}")
        self.cancel = Button(look, "Cancel", "quiet", small=True, name=f"Cancel {model.name}")
        self.agree = QCheckBox("I accept the terms")
        self.agree.setAccessibleName(f"Accept the terms of {model.name}")
        self._terms = Words(look, f"Under and subject to the {model.licence}:", 12, token="text2")
        self._link = Button(look, model.licence_url.removeprefix("https://"), "link", small=True)
        self._lay_out()
        self._connect()

    def show_terms(self, *, accepted: bool, endpoint: str) -> None:
        """Whether the licence was accepted before."""
        self._endpoint = endpoint
        self.agree.setChecked(accepted or self.agree.isChecked())
        self.agree.setEnabled(not accepted)
        self.refresh()

    def show_fit(self, machine: Machine, speed: Speed | None, *, is_best: bool) -> None:
        """How it would run here."""
        shape = catalogue_shape(self.model, self._wish.file.quantisation)
        made = planned(shape, CONTEXT, machine, Asked(), self.model.projector_bytes)
        what = kind(made)
        self.fit.tell(_SAYS[what], what)
        said = {
            "all": f"All of it and a context of {made.context:,} tokens fit on the card.",
            "most": f"{made.gpu_layers} of {made.layers} layers fit on the card, the rest is in memory.",
            "memory": f"It is computed by the processor and takes {in_gib(made.ram)} of memory.",
            "no": f"It needs {in_gib(made.total)} of memory, {in_gib(machine.ram)} are free.",
        }[what]
        if speed is not None and what != "no":
            said += _quickness(advice(self.model, machine, speed))
        self.advised.setVisible(is_best)
        self.advised.tell("Recommended", "all")
        trained = " Quantised by Google while training, which keeps most of the full quality."
        self._reason.say("", said + (trained if "+" in self._wish.file.quantisation else ""))

    def refresh(self) -> None:
        """Show how far its download is."""
        loader, order = self._downloader, self._downloader.order
        mine = order is not None and order.model == self.model.id
        path = self._here(self.model)
        self._bar.setVisible(mine)
        self._told.setVisible(mine)
        self.pause.setVisible(mine)
        self.cancel.setVisible(mine)
        self.get.setVisible(not mine)
        self.get.setText("Use" if path is not None else "Download")
        self.get.setAccessibleName(f"{self.get.text()} {self.model.name}")
        self.get.setEnabled(path is not None or (self.agree.isChecked() and loader.order is None))
        self.get.setToolTip("" if self.get.isEnabled() else self._why_not())
        self.get.updateGeometry()
        if mine:
            self._bar.show_part(loader.done / loader.total if loader.total else 0.0)
            self.pause.setText("Pause" if loader.running else "Go on")
            self.pause.updateGeometry()
            self._told.setText(loader.error or _progress(loader))
            self._told.set_token("danger" if loader.error else "text")

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._terms.setVisible(self.width() >= self._look.px(SMALL))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._size)
        chips = QHBoxLayout()
        chips.setSpacing(8)
        chips.addWidget(self.advised)
        chips.addWidget(self.fit)
        chips.addStretch(1)
        state = QHBoxLayout()
        state.setSpacing(8)
        state.addWidget(self._told, 1)
        state.addWidget(self.pause)
        state.addWidget(self.cancel)
        upper = QVBoxLayout()
        upper.setContentsMargins(18, 16, 18, 12)
        upper.setSpacing(8)
        upper.addLayout(head)
        upper.addLayout(chips)
        upper.addWidget(self._reason)
        upper.addWidget(self._bar)
        upper.addLayout(state)
        foot = QHBoxLayout()
        foot.setContentsMargins(18, 8, 12, 10)
        foot.setSpacing(10)
        foot.addWidget(self._terms)
        foot.addWidget(self._link)
        foot.addStretch(1)
        foot.addWidget(self.agree)
        foot.addWidget(self.get)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(upper)
        column.addWidget(Line(self._look))
        column.addLayout(foot)

    def _connect(self) -> None:
        self.get.clicked.connect(self._on_get_clicked)
        self.pause.clicked.connect(self._on_pause_clicked)
        self.cancel.clicked.connect(self._downloader.forget)
        self.agree.toggled.connect(self.refresh)
        self._link.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(self.model.licence_url)))

    def _why_not(self) -> str:
        if self._downloader.order is not None:
            return "Another model is being fetched"
        return "Accept the terms first"

    def _size_words(self) -> str:
        shape = catalogue_shape(self.model, self._wish.file.quantisation)
        size = (self._wish.file.bytes or shape.weight_bytes) + (
            self.model.projector_bytes if self._wish.projector else 0
        )
        files = "two files" if self._wish.projector else "one file"
        return f"{'' if self._wish.file.bytes else 'about '}{size_text(size)}, {files}"

    @Slot()
    def _on_get_clicked(self) -> None:
        path = self._here(self.model)
        if path is not None:
            self.used.emit(path)
            return
        if self.agree.isEnabled():
            self.accepted.emit(self.model.licence_url)
        self._downloader.begin(self.model.id, "", vision=True, endpoint=self._endpoint)

    @Slot()
    def _on_pause_clicked(self) -> None:
        if self._downloader.running:
            self._downloader.pause()
        else:
            self._downloader.go_on()


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


def _quickness(found: Advice) -> str:
    """What to expect, where it can be told: cards differ too much to be reckoned."""
    if found.plan.gpu_layers:
        return ""
    tokens = f"{found.tokens:.0f}" if found.tokens >= 2 else f"{found.tokens:.1f}"
    picture = f", a picture some {_time(found.picture)}" if found.picture else ""
    return f" Expect about {tokens} tokens a second{picture}."


def _progress(loader: Downloader) -> str:
    """`3.41 of 7.98 GB   24.6 MB/s · 3 min 6 s left`, or why nothing comes."""
    done = f"{loader.done / 1e9:.2f} of {loader.total / 1e9:.2f} GB" if loader.total else "Looking for the files…"
    if not loader.running:
        return f"{done}, paused"
    if loader.waits:
        return f"{done}. {loader.waits} Trying again…"
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
