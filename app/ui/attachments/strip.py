"""The pictures and documents of the message that is being written, above its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from PySide6.QtCore import QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app.core.message import Document, Draft, PanAndScan, Picture, Scan
from app.core.protocol import Sighting
from app.media.tiles import closer_by_itself
from app.ui.attachments.attachment import Attachment
from app.ui.attachments.card import HIGH, Card
from app.ui.attachments.sight import Sight
from app.ui.look import Look
from app.ui.overlay_scroll_bar import OverlayScrollBar
from app.ui.painting import mirrored

GAP = 10
ROWS = 2


class Strip(QScrollArea):
    """Accessible as *Attachments*. Holds the attachments in their order; GUI thread."""

    changed = Signal()  # the attachments of the draft are others
    scan_shown = Signal(object)  # Attachment: a scan came with a draft, its file is to be opened again
    scan_chosen = Signal(object)  # Card: the pages of this scan as pictures
    settled = Signal()  # nothing is being opened any more
    sized = Signal()
    shown = Signal(object)  # Card: what the model sees of it is asked for
    dropped = Signal(int)  # number: what was opened under it is not wanted any more
    left = Signal(int)  # number: it is still being opened, and its chat is shown no more

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._sight = Sight()
        self._cards: list[Card] = []
        self._neighbours: tuple[QWidget, QWidget] | None = None
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
    def documents(self) -> tuple[Document, ...]:
        """The documents that would be sent now."""
        return tuple(card.attachment.document for card in self._cards if card.attachment.document is not None)

    @property
    def cards(self) -> Sequence[Card]:
        """The cards in their order."""
        return tuple(self._cards)

    @property
    def is_opening(self) -> bool:
        """Whether a file is still being opened."""
        return any(not card.attachment.is_open for card in self._cards)

    @property
    def scans(self) -> tuple[Scan, ...]:
        """The PDFs without words that nothing was decided about yet, or whose pages are not pictures yet."""
        return tuple(card.attachment.scan for card in self._cards if card.attachment.scan is not None)

    def stand_between(self, before: QWidget, after: QWidget) -> None:
        """The keyboard comes to the cards from `before` and goes on to `after`."""
        self._neighbours = (before, after)

    @property
    def sight(self) -> Sight:
        """What the model sees."""
        return self._sight

    # -- what is shown

    def show_draft(self, draft: Draft, number: Callable[[], int]) -> None:
        """Show what goes with another draft; `number` gives each a number of its own."""
        shown = (self.pictures, self.documents, self.scans)
        if shown == (draft.pictures, draft.documents, draft.scans) and not self.is_opening:
            return
        for card in list(self._cards):
            self._take_away(card)
            attachment = card.attachment
            is_over = attachment.is_open or attachment.reading  # a scan is read again with its draft
            (self.dropped if is_over else self.left).emit(attachment.number)
        self._add_all(draft, number)

    def add_opening(self, number: int, name: str) -> None:
        """A file is being opened."""
        self._add(Attachment(number, name))
        self._arrange()
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def give_back(self, draft: Draft, number: Callable[[], int]) -> None:
        """This comes back with a message that was taken back: it stands first."""
        self._add_all(draft, number)

    def _add_all(self, draft: Draft, number: Callable[[], int]) -> None:
        """What goes with a draft, before all that is there."""
        made = _made(draft, number)
        for place, attachment in enumerate(made):
            self._add(attachment, place)
        self._arrange()
        for attachment in made:
            if attachment.reading:
                self.scan_shown.emit(attachment)

    def show_opened(self, number: int, found: Picture | Document) -> None:
        """A file was opened."""
        card = self._card(number)
        if card is None:
            return
        card.attachment.scan, card.attachment.reading = None, False
        if isinstance(found, Document):
            card.attachment.document = found
        else:
            card.attachment.picture = closer_by_itself(found, self._sight.tile_seconds)
        self._show_changed(card)
        self._tell_settled()

    def show_scanned(self, number: int, scan: Scan) -> None:
        """A PDF was opened that has no words."""
        card = self._card(number)
        if card is not None:
            before, card.attachment.scan = card.attachment.scan, scan
            self._show_undecided(card, "")
            if scan != before:
                self.changed.emit()
            self._tell_settled()

    def show_trouble(self, number: int, sentence: str) -> Attachment | None:
        """A scan cannot be opened, or not made pictures of: it stays and is returned. None for what is no scan."""
        card = self._card(number)
        if card is None or card.attachment.scan is None:
            return None
        self._show_undecided(card, sentence if card.attachment.reading else "")
        self._tell_settled()
        return card.attachment

    def read_again(self, number: int) -> None:
        """Have the file of a scan opened once more."""
        card = self._card(number)
        if card is not None:
            card.attachment.trouble, card.attachment.reading = "", True
            card.show_state(self._sight)
            self._arrange()
            self.scan_shown.emit(card.attachment)

    def _show_undecided(self, card: Card, trouble: str) -> None:
        attachment = card.attachment
        attachment.reading, attachment.drawing, attachment.trouble = False, False, trouble
        card.show_state(self._sight)
        self._arrange()

    def show_drawing(self, number: int) -> None:
        """Pictures are being made of the pages of a scan."""
        card = self._card(number)
        if card is not None:
            card.attachment.drawing = True
            card.show_state(self._sight)
            self._arrange()

    def number_of(self, scan: Scan) -> int | None:
        """The card of this scan, None where there is none."""
        return next((card.attachment.number for card in self._cards if card.attachment.scan == scan), None)

    def undecided(self) -> Attachment | None:
        """The first scan of which nothing was decided yet; it is scrolled to."""
        card = next((card for card in self._cards if card.attachment.is_undecided), None)
        if card is None:
            return None
        self.ensureWidgetVisible(card)
        return card.attachment

    def show_drawn(self, number: int, pages: Sequence[Picture], another: Callable[[], int]) -> None:
        """The pages stand in the place of their PDF."""
        card = self._card(number)
        if card is None:
            return
        place = self._cards.index(card)
        self._drop(card)
        for offset, page in enumerate(pages):
            self._add(Attachment(another(), page.name, page), place + offset)
        self._arrange()
        self.changed.emit()
        self._tell_settled()

    def choose_pages(self, number: int, first: int, last: int) -> None:
        """Read these pages of a document."""
        card = self._card(number)
        if card is not None and card.attachment.document is not None:
            document = card.attachment.document
            first, last = max(1, min(first, document.pages)), max(1, min(last, document.pages))
            card.attachment.document = msgspec.structs.replace(document, first=min(first, last), last=max(first, last))
            card.attachment.tokens = None
            self._show_changed(card)

    def show_counted(self, counts: Sequence[int]) -> None:
        """What the documents take, in their order."""
        cards = [card for card in self._cards if card.attachment.document is not None]
        if len(cards) == len(counts):
            for card, count in zip(cards, counts, strict=True):
                card.attachment.tokens = count
                card.show_progress()

    def _show_changed(self, card: Card) -> None:
        card.show_state(self._sight)
        self._arrange()
        self.changed.emit()

    def remove(self, number: int) -> None:
        """Take a card away."""
        card = self._card(number)
        if card is None:
            return
        was_kept = card.attachment.is_open or card.attachment.scan is not None
        place = self._cards.index(card)
        had_focus = card.hasFocus() or card.isAncestorOf(self.focusWidget() or self)
        self._drop(card)
        self._arrange()
        if had_focus and self._cards:
            self._cards[min(place, len(self._cards) - 1)].setFocus(Qt.FocusReason.TabFocusReason)
        if was_kept:
            self.changed.emit()
        self._tell_settled()

    def show_sight(self, sight: Sight) -> None:
        """Another model, or what a view takes was measured: what costs little is looked at closely by itself."""
        if sight == self._sight:
            return
        if sight.model != self._sight.model:
            for card in self._cards:
                card.attachment.seen, card.attachment.sighting = 0.0, None
        self._sight = sight
        changed = False
        for card in self._cards:
            attachment = card.attachment
            if attachment.picture is not None and not attachment.settled and sight.sees:
                closer = closer_by_itself(attachment.picture, sight.tile_seconds)
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

    def show_sightings(self, sightings: Mapping[tuple[str, int], Sighting]) -> None:
        """How pictures are seen, by their names and the image tokens that were chosen."""
        changed = False
        for card in self._cards:
            picture = card.attachment.picture
            found = sightings.get((picture.sha256, picture.image_tokens)) if picture is not None else None
            if found != card.attachment.sighting:
                card.attachment.sighting, changed = found, True
                card.show_state(self._sight)
        if changed:
            self._arrange()

    def choose(self, number: int, choice: PanAndScan | int) -> None:
        """Look at a picture so closely, or for so many image tokens at most."""
        card = self._card(number)
        if card is None or card.attachment.picture is None:
            return
        card.attachment.settled = True
        picture = card.attachment.picture
        if isinstance(choice, PanAndScan):
            chosen = msgspec.structs.replace(picture, pan_and_scan=choice)
        else:
            chosen = msgspec.structs.replace(picture, image_tokens=choice)
        if chosen != picture:
            card.attachment.picture, card.attachment.seen, card.attachment.sighting = chosen, 0.0, None
        self._show_changed(card)

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
        self._inner.resize(width, y + high + gap)
        for card, spot in zip(self._cards, spots, strict=True):
            card.setGeometry(mirrored(spot, QRect(0, 0, width, y + high + gap), self.layoutDirection()))
            card.show()
        self._order_tabs()
        rows = min(ROWS, 1 + y // (high + gap))
        wanted_height = rows * (high + gap) if self._cards else 0
        if self.isHidden() == bool(self._cards) or self.height() != wanted_height:
            self.setVisible(bool(self._cards))
            self.setFixedHeight(wanted_height)
            self.sized.emit()

    def _order_tabs(self) -> None:
        if self._neighbours is None:
            return
        step, after = self._neighbours
        for card in self._cards:
            for widget in card.keyboard_order():
                QWidget.setTabOrder(step, widget)
                step = widget
        QWidget.setTabOrder(step, after)

    def _add(self, attachment: Attachment, place: int | None = None) -> None:
        card = Card(self._look, attachment)
        card.setParent(self._inner)
        card.removed.connect(self.remove)
        card.offer_taken.connect(self._on_offer_taken)
        card.dragged.connect(self._on_dragged)
        card.stepped.connect(self._on_stepped)
        card.clicked.connect(lambda: self.shown.emit(card))
        card.show_state(self._sight)
        self._cards.insert(len(self._cards) if place is None else place, card)

    def _drop(self, card: Card) -> None:
        self._take_away(card)
        self.dropped.emit(card.attachment.number)

    def _take_away(self, card: Card) -> None:
        self._cards.remove(card)
        card.hide()
        card.deleteLater()

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
    def _on_offer_taken(self, number: int) -> None:
        card = self._card(number)
        if card is not None and card.attachment.is_undecided:
            self.scan_chosen.emit(card)
        else:
            self.choose(number, self._sight.choices[-1] if self._sight.choices else PanAndScan.CLOSER)

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


def _made(draft: Draft, number: Callable[[], int]) -> list[Attachment]:
    pictures = [Attachment(number(), picture.name, picture, settled=_is_settled(picture)) for picture in draft.pictures]
    documents = [Attachment(number(), document.name, document=document) for document in draft.documents]
    return pictures + documents + [Attachment(number(), scan.name, scan=scan, reading=True) for scan in draft.scans]


def _is_settled(picture: Picture) -> bool:
    return picture.pan_and_scan is not PanAndScan.AUTO or picture.image_tokens > 0
