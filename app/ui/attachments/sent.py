"""Pictures and documents of messages in the transcript: pressed, with a menu, asked about, missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.message import Picture
from app.ui.attachments.thumbs import file_of, thumbnail
from app.ui.layers import Dialog
from app.ui.look import Look
from app.ui.menus import Menu

if TYPE_CHECKING:
    from app.ui.transcript.view import TranscriptView

_FILES = "Pictures (*.png *.jpg *.jpeg *.webp *.gif *.bmp *.tif *.tiff *.avif *.heic *.heif);;All files (*)"


class SentAttachments(QObject):
    """GUI thread. What needs the composer, the opener or the popover is asked of the desk by signals."""

    enlarge_asked = Signal(object, int)  # the pictures of a message, which of them
    seen_asked = Signal(object, object)  # Picture, the widget that is pointed at
    attach_asked = Signal(object)  # Picture
    found = Signal(object, object)  # Picture that is missing, Path of the file that is said to be it

    def __init__(
        self,
        look: Look,
        window: QWidget,
        transcript: TranscriptView,
        show_dialog: Callable[[Dialog], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._look = look
        self._window = window
        self._transcript = transcript
        self._show_dialog = show_dialog
        transcript.picture_opened.connect(self._on_picture_opened)
        transcript.picture_menu_asked.connect(self._on_picture_menu_asked)
        transcript.seen_asked.connect(self._on_seen_asked)
        transcript.document_opened.connect(self._on_document_opened)

    @Slot(str, int)
    def _on_picture_opened(self, message: str, place: int) -> None:
        pictures = self._pictures(message)
        if place >= len(pictures):
            return
        if thumbnail(pictures[place]).isNull():
            self._find(pictures[place])
        else:
            self.enlarge_asked.emit(pictures, place)

    @Slot(str, int)
    def _on_document_opened(self, message: str, place: int) -> None:
        from app.chat.documents import chosen
        from app.ui.report_dialog import ReportDialog

        entry = self._transcript.entry(message)
        documents = entry.message.documents if entry is not None else ()
        if place < len(documents):
            shown = documents[place]
            words = chosen(shown)
            said = "What the model read of it." if words is not None else "The text of this document is missing."
            self._show_dialog(ReportDialog(self._look, self._window, shown.name, said, words or ""))

    @Slot(str, int, QPoint)
    def _on_picture_menu_asked(self, message: str, place: int, spot: QPoint) -> None:
        pictures = self._pictures(message)
        if place >= len(pictures):
            return
        shown = pictures[place]
        menu = self._menu()
        if thumbnail(shown).isNull():
            menu.add("Find…", lambda: self._find(shown), icon="search")
        else:
            menu.add("Open", lambda: self.enlarge_asked.emit(pictures, place), icon="expand")
            menu.add("Copy picture", lambda: _copy(shown), icon="copy")
            menu.add("Attach again", lambda: self.attach_asked.emit(shown), icon="attach")
            menu.add("What the model saw", lambda: self._show_seen(shown, spot), icon="seen")
        menu.popup(spot)

    @Slot(str, QPoint)
    def _on_seen_asked(self, message: str, spot: QPoint) -> None:
        pictures = self._pictures(message)
        if len(pictures) == 1:
            self._show_seen(pictures[0], spot)
        elif pictures:
            menu = self._menu()
            for number, one in enumerate(pictures, 1):
                menu.add(one.name or f"Picture {number}", partial(self._show_seen, one, spot), icon="image")
            menu.popup(spot)

    def _menu(self) -> Menu:
        menu = Menu(self._look, self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _show_seen(self, picture: Picture, spot: QPoint) -> None:
        anchor = self._window.childAt(self._window.mapFromGlobal(spot)) or self._transcript
        self.seen_asked.emit(picture, anchor)

    def _find(self, picture: Picture) -> None:
        dialog = QFileDialog(self._window, f"Find {picture.name or 'the picture'}", "", _FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.found.emit(picture, Path(name)))
        dialog.open()

    def _pictures(self, message: str) -> tuple[Picture, ...]:
        entry = self._transcript.entry(message)
        return entry.message.pictures if entry is not None else ()


def _copy(picture: Picture) -> None:
    QGuiApplication.clipboard().setImage(QImage(str(file_of(picture))))
