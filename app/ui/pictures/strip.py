"""The pictures of the message that is being written, above its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app.core.message import PanAndScan, Picture
from app.media.tiles import closer_by_itself
from app.ui.look import Look
from app.ui.overlay_scroll_bar import OverlayScrollBar
from app.ui.painting import mirrored
from app.ui.pictures.attachment import Attachment
from app.ui.pictures.card import HIGH, Card
from app.ui.pictures.sight import Sight

GAP = 10
ROWS = 2


class Strip(QScrollArea):
    """Accessible as *Attachments*. Holds the attachments in their order; GUI thread."""

    changed = Signal()  # the pictures of the draft are others
    settled = Signal()  # nothing is being opened any more
    sized = Signal()
    shown = Signal(object)  # Card: what the model sees of it is asked for
    dropped = Signal(int)  # number: what was opened under it is not wanted any more

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._sight = Sight()
        self._cards: list[Card] = []
        self._inner = QWidget()
        self._bar = OverlayScrollBar(self)
        self.setAccessibleName("Attachments")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.setWidget(self._inner)
        self._inner.setAutoFillBackground(False)
        self.hide()
        look.changed.connect(self._on_look_changed)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What would be sent now."""
        return tuple(card.attachment.picture for card in self._cards if card.attachment.picture is not None)

    @property
    def cards(self) -> Sequence[Card]:
        """The cards in their order."""
        return tuple(self._cards)

    @property
    def is_opening(self) -> bool:
        """Whether a file is still being opened."""
        return any(card.attachment.picture is None for card in self._cards)

    @property
    def sight(self) -> Sight:
        """What the model sees."""
        return self._sight

    # -- what is shown

    def show_pictures(self, pictures: Sequence[Picture], number: Callable[[], int]) -> None:
        """Show the pictures of another draft; `number` gives each a number of its own."""
        if self.pictures == tuple(pictures) and not self.is_opening:
            return
        for card in list(self._cards):
            self._drop(card)
        for picture in pictures:
            self._add(Attachment(number(), picture.name, picture, settled=picture.pan_and_scan is not PanAndScan.AUTO))
        self._arrange()

    def add_opening(self, number: int, name: str) -> None:
        """A file is being opened."""
        self._add(Attachment(number, name))
        self._arrange()
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def add_pictures(self, pictures: Sequence[Picture], number: Callable[[], int]) -> None:
        """These come back from a message that was taken back: they stand first."""
        made = [Attachment(number(), picture.name, picture) for picture in pictures]
        for place, attachment in enumerate(made):
            self._add(attachment, place)
        self._arrange()

    def show_opened(self, number: int, picture: Picture) -> None:
        """A file was opened."""
        card = self._card(number)
        if card is not None:
            card.attachment.picture = closer_by_itself(picture, self._sight.seconds if self._sight.sees else 0.0)
            card.show_state(self._sight)
            self._arrange()
            self.changed.emit()
            self._tell_settled()

    def remove(self, number: int) -> None:
        """Take a card away."""
        card = self._card(number)
        if card is None:
            return
        had_picture, place = card.attachment.picture is not None, self._cards.index(card)
        had_focus = card.hasFocus() or card.isAncestorOf(self.focusWidget() or self)
        self._drop(card)
        self._arrange()
        if had_focus and self._cards:
            self._cards[min(place, len(self._cards) - 1)].setFocus(Qt.FocusReason.TabFocusReason)
        if had_picture:
            self.changed.emit()
        self._tell_settled()

    def show_sight(self, sight: Sight) -> None:
        """Another model, or what a view takes was measured: what costs little is looked at closely by itself."""
        if sight == self._sight:
            return
        if sight.model != self._sight.model:
            for card in self._cards:
                card.attachment.seen = 0.0
        self._sight = sight
        changed = False
        for card in self._cards:
            attachment = card.attachment
            if attachment.picture is not None and not attachment.settled and sight.sees:
                closer = closer_by_itself(attachment.picture, sight.seconds)
                changed = changed or closer != attachment.picture
                attachment.picture = closer
            card.show_state(sight)
        self._arrange()
        if changed:
            self.changed.emit()

    def show_seen(self, seen: dict[str, float]) -> None:
        """How far the pictures have been seen."""
        for card in self._cards:
            picture = card.attachment.picture
            if picture is not None and picture.sha256 in seen:
                card.attachment.seen = seen[picture.sha256]
                card.show_progress()

    def choose(self, number: int, choice: PanAndScan) -> None:
        """Look at a picture so closely."""
        card = self._card(number)
        if card is None or card.attachment.picture is None:
            return
        card.attachment.settled = True
        if card.attachment.picture.pan_and_scan is not choice:
            card.attachment.picture = msgspec.structs.replace(card.attachment.picture, pan_and_scan=choice)
            card.attachment.seen = 0.0
        card.show_state(self._sight)
        self._arrange()
        self.changed.emit()

    # -- layout

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def _arrange(self) -> None:
        gap, high = self._look.px(GAP), self._look.px(HIGH)
        width = self.viewport().width()
        x = y = 0
        spots: list[QRect] = []
        for card in self._cards:
            wanted = min(card.sizeHint().width(), width)
            if x and x + wanted > width:
                x, y = 0, y + high + gap
            spots.append(QRect(x, y, wanted, high))
            x += wanted + gap
        self._inner.resize(width, y + high)
        for card, spot in zip(self._cards, spots, strict=True):
            card.setGeometry(mirrored(spot, QRect(0, 0, width, y + high), self.layoutDirection()))
            card.show()
        rows = min(ROWS, 1 + y // (high + gap))
        wanted_height = rows * (high + gap) if self._cards else 0
        if self.isHidden() == bool(self._cards) or self.height() != wanted_height:
            self.setVisible(bool(self._cards))
            self.setFixedHeight(wanted_height)
            self.sized.emit()

    def _add(self, attachment: Attachment, place: int | None = None) -> None:
        card = Card(self._look, attachment)
        card.setParent(self._inner)
        card.removed.connect(self.remove)
        card.looked_closer.connect(self._on_looked_closer)
        card.dragged.connect(self._on_dragged)
        card.stepped.connect(self._on_stepped)
        card.clicked.connect(lambda: self.shown.emit(card))
        card.show_state(self._sight)
        self._cards.insert(len(self._cards) if place is None else place, card)

    def _drop(self, card: Card) -> None:
        self._cards.remove(card)
        card.hide()
        card.deleteLater()
        self.dropped.emit(card.attachment.number)

    def _card(self, number: int) -> Card | None:
        return next((card for card in self._cards if card.attachment.number == number), None)

    def _move(self, card: Card, place: int) -> None:
        place = max(0, min(place, len(self._cards) - 1))
        if self._cards.index(card) != place:
            self._cards.remove(card)
            self._cards.insert(place, card)
            self._arrange()
            self.changed.emit()

    def _tell_settled(self) -> None:
        if not self.is_opening:
            self.settled.emit()

    @Slot(int)
    def _on_looked_closer(self, number: int) -> None:
        self.choose(number, PanAndScan.CLOSER)

    @Slot(int, QPoint)
    def _on_dragged(self, number: int, spot: QPoint) -> None:
        card = self._card(number)
        over = next((other for other in self._cards if other.geometry().contains(spot)), None)
        if card is not None and over is not None and over is not card:
            self._move(card, self._cards.index(over))

    @Slot(int, int)
    def _on_stepped(self, number: int, step: int) -> None:
        card = self._card(number)
        if card is not None:
            self._move(card, self._cards.index(card) + step)
            card.setFocus(Qt.FocusReason.TabFocusReason)

    @Slot()
    def _on_look_changed(self) -> None:
        for card in self._cards:
            card.show_state(self._sight)
        self._arrange()
