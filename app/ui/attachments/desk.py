"""Attachments in the window: from drop, clipboard and dialog into the composer, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.message import Document, Draft, PanAndScan, Picture, Scan
from app.core.paths import DataPaths, decode_path, display_name, encode_path
from app.ui.attachments.attachment import Attachment, fitting_pages, undecided_words
from app.ui.attachments.mime import local_files, picture_bytes
from app.ui.attachments.opener import Opener
from app.ui.attachments.refusals import Refusals
from app.ui.attachments.sent import SentAttachments
from app.ui.attachments.sight import Sight, sight_of
from app.ui.chat_pane import ChatPane
from app.ui.layers import Dialog, Popover
from app.ui.look import Look

if TYPE_CHECKING:
    from app.chat.changes import ModelChanged, PicturesSeen
    from app.core.protocol import Measured, Sighting
    from app.ui.attachments.card import Card
    from app.ui.attachments.seen_card import SeenCard
    from app.ui.attachments.strip import Strip

MOST = 32  # attachments of one message
NARROW = 620  # pixels of a window, from which on everything under what the model sees stands in one row


@dataclass(slots=True)
class Given:
    """A file that is being opened: for which chat, and whether that is shown no more.

    `scan` is the one whose pages are made pictures of, `wanted` the picture of a message that the file is said to be.
    """

    home: str
    path: Path | None = None
    scan: Scan | None = None
    wanted: Picture | None = None
    is_away: bool = False


class AttachmentDesk(QObject):
    """GUI thread. Files are opened elsewhere (see Opener); `refused` carries one sentence about one that was not."""

    refused = Signal(str)
    prompt_asked = Signal(str)  # the message up to which the full prompt is wanted, "" for what is being written
    opened_away = Signal(str, object, object)  # a chat that is not shown, Draft of what was opened for it, its Scan

    def __init__(
        self,
        look: Look,
        window: QWidget,
        chat: ChatPane,
        paths: DataPaths,
        show_dialog: Callable[[Dialog], None],
        conversation: Callable[[], str],
    ) -> None:
        super().__init__(window)
        self._look = look
        self._window = window
        self._chat = chat
        self._paths = paths
        self._show_dialog = show_dialog
        self._conversation = conversation
        self._given: dict[int, Given] = {}
        self._sight = Sight()
        self._model_path = ""
        self._sightings: dict[tuple[str, int], Sighting] = {}
        self._room: int | None = None  # tokens that the chat and the draft leave in the context
        self._lost: frozenset[str] = frozenset()  # pictures that the model cannot see any more, by their hashes
        self._refusals = Refusals()
        self._popover: Popover | None = None
        composer = chat.composer
        composer.strip_made.connect(self._on_strip_made)
        composer.attach_asked.connect(self.browse)
        composer.data_pasted.connect(self.take)
        composer.blind_asked.connect(self.tell_blind)
        composer.scan_left.connect(self._on_scan_left)
        sent = SentAttachments(look, window, chat.transcript, show_dialog, self)
        sent.enlarge_asked.connect(self._enlarge)
        sent.seen_asked.connect(self._on_sent_seen_asked)
        sent.attach_asked.connect(self._attach_again)
        sent.found.connect(self.bring_back)

    @cached_property
    def opener(self) -> Opener:
        """Made with the first picture."""
        opener = Opener(self._paths.attachments, self)
        opener.opened.connect(self._on_opened)
        opener.scanned.connect(self._on_scanned)
        opener.drawn.connect(self._on_drawn)
        opener.refused.connect(self._on_refused)
        return opener

    def close(self) -> None:
        """End what is still being opened."""
        if "opener" in self.__dict__:
            self.opener.close()

    # -- into the composer

    def take(self, data: QMimeData) -> bool:
        """Attach what is dropped or pasted; False where nothing of it can be attached."""
        files = local_files(data)
        if files:
            self.attach(files)
            return True
        found = picture_bytes(data)
        if found:
            self._refusals.begin()
            number, name = self._chat.composer.next_number(), "Pasted picture"
            self._given[number] = Given(self._conversation())
            self._chat.composer.strip.add_opening(number, name)
            self.opener.open_bytes(number, found, name)
            self._focus_composer()
        return bool(found)

    def attach(self, files: Sequence[Path]) -> None:
        """Attach these files, in their order."""
        room = max(0, MOST - len(self._chat.composer.strip.cards))
        self._refusals.begin()
        if len(files) > room:
            self._refusals.begin(f"At most {MOST} files go in one message; {len(files) - room} were left out.")
            self.refused.emit(self._refusals.text)
        for path in files[:room]:
            number, name = self._chat.composer.next_number(), display_name(path)
            self._chat.composer.strip.add_opening(number, name)
            self._open_file(number, path.absolute(), name)
        self._focus_composer()

    def _open_file(self, number: int, path: Path, name: str) -> None:
        self._given[number] = Given(self._conversation(), path)
        self.opener.open_file(number, path, name)

    @Slot()
    def browse(self) -> None:
        """Ask for files to attach."""
        dialog = QFileDialog(self._window, "Attach files", "", "All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self.attach([Path(name) for name in names]))
        dialog.open()

    # -- what the session tells

    def show_model(self, change: ModelChanged) -> None:
        """Another model, or none: what it sees."""
        info = change.model
        if info is None or info.path != self._model_path:
            self._model_path = info.path if info is not None else ""
            self._sight = sight_of(info)
            self._sightings.clear()
            self._chat.composer.show_sight(self._sight)
            if self._sight.sees is not False:
                self._chat.silence("blind")
            elif self._chat.composer.pictures:
                self.tell_blind()

    def show_seen(self, change: PicturesSeen) -> None:
        """How far the pictures of the draft have been seen."""
        if change.view_seconds and change.view_seconds != self._sight.seconds:
            self._sight = replace(self._sight, seconds=change.view_seconds)
            self._chat.composer.show_sight(self._sight)
        self._chat.composer.strip.show_seen(change.seen)
        if change.error:
            self.refused.emit(change.error)

    @Slot(object)
    def show_counted(self, counts: Sequence[int]) -> None:
        """What each document of the draft takes, in tokens."""
        if counts:
            self._chat.composer.strip.show_counted(counts)

    @Slot(object)
    def show_measured(self, measured: Measured) -> None:
        """How pictures of the chat and the draft are seen, where each has a size of its own."""
        self._lost = frozenset(measured.lost)
        self._room = measured.context - measured.reserve - measured.total
        if measured.sightings:
            self._sightings.update({(one.sha256, one.image_tokens): one for one in measured.sightings})
            self._chat.composer.strip.show_sightings(self._sightings)

    @Slot()
    def tell_blind(self) -> None:
        """Say why the model does not see the pictures, and what can be done."""
        name = self._sight.model or "This model"
        rest = "Choose a Gemma 3 of 4B or larger with its mmproj file beside it, or send the words alone."
        self._chat.blind.sentence.say(f"{name} cannot see pictures.", f"{self._sight.blind} {rest}".strip())
        self._chat.blind.show()

    # -- cards

    @Slot(object)
    def _on_strip_made(self, strip: Strip) -> None:
        strip.shown.connect(self._on_card_pressed)
        strip.dropped.connect(self._on_dropped)
        strip.left.connect(self._on_left)
        strip.scan_shown.connect(self._on_scan_shown)
        strip.scan_chosen.connect(self._on_scan_chosen)
        strip.changed.connect(self._on_pictures_changed)

    @Slot()
    def _on_pictures_changed(self) -> None:
        if not self._chat.composer.pictures:
            self._chat.silence("blind")
        elif self._sight.sees is False:
            self.tell_blind()

    @Slot(object)
    def _on_card_pressed(self, card: Card) -> None:
        picture, number = card.attachment.picture, card.attachment.number
        if card.attachment.trouble:
            self._read_again(card.attachment)
        elif card.attachment.scan is not None and card.attachment.is_undecided:
            self._show_scan(card, card.attachment.scan)
        if card.attachment.document is not None:
            self._show_document(card, card.attachment.document)
        if picture is None:
            return
        shown = self._show_seen(card, picture, sent=False)
        shown.chosen.connect(partial(self._on_chosen, number))
        shown.opened.connect(lambda: self._enlarge((picture,), 0))

    def _on_chosen(self, number: int, choice: PanAndScan | int) -> None:
        self._close_popover()
        self._chat.composer.strip.choose(number, choice)

    def _show_seen(self, anchor: QWidget, picture: Picture, *, sent: bool) -> SeenCard:
        from app.ui.attachments.seen_card import SeenCard

        sighting = self._sightings.get((picture.sha256, picture.image_tokens))
        narrow = self._window.width() < NARROW
        lost = picture.sha256 in self._lost
        card = SeenCard(self._look, picture, self._sight, sighting, sent=sent, narrow=narrow, lost=lost)
        card.prompt_asked.connect(self._on_prompt_asked)
        card.closed.connect(self._close_popover)
        self._pop_up(anchor, card)
        return card

    @Slot()
    def _on_prompt_asked(self) -> None:
        self._close_popover()
        self.prompt_asked.emit("")

    def _show_document(self, card: Card, document: Document) -> None:
        from app.ui.attachments.document_card import DocumentCard

        shown = DocumentCard(self._look, document, card.attachment.tokens)
        shown.closed.connect(self._close_popover)
        shown.chosen.connect(partial(self._on_pages_chosen, card.attachment.number))
        self._pop_up(card, shown)

    def _on_pages_chosen(self, number: int, first: int, last: int) -> None:
        self._close_popover()
        self._chat.composer.strip.choose_pages(number, first, last)

    def _pop_up(self, anchor: QWidget, card: QWidget) -> None:
        self._close_popover()
        self._popover = Popover(self._look, anchor, card, at_start=True)
        self._popover.closed.connect(self._on_popover_closed)

    @Slot()
    def _close_popover(self) -> None:
        if self._popover is not None:
            self._popover.close_now()

    @Slot()
    def _on_popover_closed(self) -> None:
        self._popover = None

    @Slot(int, object)
    def _on_opened(self, number: int, found: Picture | Document) -> None:
        given = self._given.pop(number, None)
        if given is None:
            return  # it was removed
        if given.wanted is not None:
            self._show_found(given.wanted, found.sha256, found.name)
        elif given.is_away:
            alone = Draft(pictures=(found,)) if isinstance(found, Picture) else Draft(documents=(found,))
            self.opened_away.emit(given.home, alone, None)
        else:
            self._chat.composer.strip.show_opened(number, found)

    def _show_found(self, wanted: Picture, sha256: str, name: str) -> None:
        if sha256 == wanted.sha256:
            self._chat.composer.draft_changed.emit(self._chat.composer.draft)  # what is read of the chat is another now
            self._chat.transcript.show_again()
        else:
            self.refused.emit(f"“{name}” is another picture than the one that is missing.")

    @Slot(int, int)
    def _on_scanned(self, number: int, pages: int) -> None:
        given = self._given.pop(number, None)
        if given is None or given.path is None:
            return
        name = display_name(given.path)
        scan = Scan(encode_path(given.path), name, pages)
        if given.wanted is not None:
            self._show_found(given.wanted, "", name)
        elif given.is_away:
            self.opened_away.emit(given.home, Draft(scans=(scan,)), None)
        else:
            self._chat.composer.strip.show_scanned(number, scan)

    @Slot(object)
    def _on_scan_left(self, undecided: Attachment) -> None:
        if undecided.trouble:
            self._read_again(undecided)
        else:
            self.refused.emit(undecided_words(undecided))

    @Slot(object)
    def _on_scan_shown(self, attachment: Attachment) -> None:
        assert attachment.scan is not None
        self._open_file(attachment.number, decode_path(attachment.scan.path), attachment.name)

    def _read_again(self, attachment: Attachment) -> None:
        """The person wants to know whether the file of a scan can be opened now."""
        self._chat.silence("notice")
        self._chat.composer.strip.read_again(attachment.number)
        self._given[attachment.number].scan = attachment.scan

    @Slot(object)
    def _on_scan_chosen(self, card: Card) -> None:
        scan = card.attachment.scan
        assert scan is not None
        if fitting_pages(scan, self._sight, self._room) == scan.pages:
            self._draw(card.attachment.number, scan, 1, scan.pages)
        else:
            self._show_scan(card, scan)

    def _show_scan(self, card: Card, scan: Scan) -> None:
        from app.ui.attachments.scan_card import ScanCard

        shown = ScanCard(self._look, scan, self._sight, fitting_pages(scan, self._sight, self._room))
        shown.closed.connect(self._close_popover)
        shown.chosen.connect(partial(self._draw, card.attachment.number, scan))
        self._pop_up(card, shown)

    def _draw(self, number: int, scan: Scan, first: int, last: int) -> None:
        self._close_popover()
        path = decode_path(scan.path)
        self._given[number] = Given(self._conversation(), path, scan)
        self._chat.silence("notice")
        self._chat.composer.strip.show_drawing(number)
        self.opener.draw_pages(number, path, scan.name, (first, last))

    @Slot(int, object)
    def _on_drawn(self, number: int, pages: tuple[Picture, ...]) -> None:
        given, strip = self._given.pop(number, None), self._chat.composer.strip
        if given is None or given.scan is None:
            return
        if given.is_away:
            shown = strip.number_of(given.scan) if given.home == self._conversation() else None
            if shown is None:
                self.opened_away.emit(given.home, Draft(pictures=pages), given.scan)
                return
            number = shown
        strip.show_drawn(number, pages, self._chat.composer.next_number)

    @Slot(int, str)
    def _on_refused(self, number: int, sentence: str) -> None:
        given, strip = self._given.pop(number, None), self._chat.composer.strip
        if given is None:
            return  # it was removed, which ended it
        if given.wanted is None and not given.is_away:
            shown = strip.show_trouble(number, sentence)
            if shown is not None:
                if given.scan is not None:  # the person asked for it; else its card says so
                    self.refused.emit(undecided_words(shown) if shown.trouble else sentence)
                return
            strip.remove(number)
        self._refusals.add(sentence)
        self.refused.emit(self._refusals.text)

    @Slot(int)
    def _on_left(self, number: int) -> None:
        if number in self._given:
            self._given[number].is_away = True

    @Slot(int)
    def _on_dropped(self, number: int) -> None:
        self._close_popover()
        self._chat.silence("notice")  # it may have been about this file
        self._given.pop(number, None)
        self.opener.cancel(number)

    # -- pictures of messages

    @Slot(object, object)
    def _on_sent_seen_asked(self, picture: Picture, anchor: QWidget) -> None:
        card = self._show_seen(anchor, picture, sent=True)
        card.opened.connect(lambda: self._enlarge((picture,), 0))

    @Slot(object)
    def _attach_again(self, picture: Picture) -> None:
        number = self._chat.composer.next_number()
        self._chat.composer.strip.add_opening(number, picture.name)
        self._chat.composer.strip.show_opened(number, _anew(picture))
        self._focus_composer()

    @Slot(object, int)
    def _enlarge(self, pictures: Sequence[Picture], place: int) -> None:
        from app.ui.attachments.dialog import PictureDialog

        self._close_popover()
        dialog = PictureDialog(self._look, self._window, pictures, place)
        dialog.read_asked.connect(self.opener.read_picture)
        dialog.told.connect(self.refused)
        self.opener.read.connect(dialog.show_full)
        dialog.begin()
        self._show_dialog(dialog)

    @Slot(object, object)
    def bring_back(self, picture: Picture, path: Path) -> None:
        """This file is said to be the picture that is missing."""
        number = self._chat.composer.next_number()
        self._given[number] = Given(self._conversation(), path, wanted=picture)
        self.opener.open_file(number, path, display_name(path))

    def _focus_composer(self) -> None:
        self._chat.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)


def _anew(picture: Picture) -> Picture:
    """The picture as it is attached anew: how closely it is looked at is open again."""
    return Picture(picture.sha256, picture.width, picture.height, picture.path, name=picture.name)
