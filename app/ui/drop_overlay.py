"""Dropping files: what the window says while they are over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.attachments.mime import has_picture, is_words, local_files
from app.ui.look import Look
from app.ui.options import MODEL_SUFFIX
from app.ui.painting import box, picture

INSET = 12


@dataclass(frozen=True, slots=True)
class Offered:
    """What a drop would do: a title, what it is done with, what is worth knowing."""

    title: str
    name: str
    note: str
    icon: str


def offered_by(data: QMimeData) -> Offered | None:
    """What dropping this would do; None where nothing of it can be taken."""
    model = dropped_model(data)
    if model is not None:
        return Offered("Load this model", model.name, "The file stays where it is. Esc cancels.", "download")
    folder = dropped_folder(data)
    if folder is not None:
        return Offered("Ask about this folder", folder.name, "Nothing is read before you allow it.", "folder")
    files = local_files(data)
    if files:
        name = files[0].name if len(files) == 1 else f"{len(files)} files"
        return Offered("Add to this message", name, "Pictures are copied; nothing leaves this computer.", "image")
    if has_picture(data) and not is_words(data):
        return Offered("Add to this message", "A picture", "It is taken as it is, nothing is downloaded.", "image")
    return None


def dropped_model(data: QMimeData) -> Path | None:
    """The model file among what is dragged; None when there is none."""
    for url in data.urls():
        path = Path(url.toLocalFile()) if url.isLocalFile() else None
        if path is not None and path.suffix.lower() == MODEL_SUFFIX:
            return path
    return None


def dropped_folder(data: QMimeData) -> Path | None:
    """The folder that is dragged; None where it is something else, or not alone."""
    files = local_files(data)
    return files[0] if len(files) == 1 and files[0].is_dir() else None


class DropOverlay(QWidget):
    """Covers the window, transparent to the mouse: 12 from all edges, dashed accent on tint."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self._offered = Offered("", "", "", "download")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_for(self, offered: Offered) -> None:
        """Say what a drop would do."""
        self._offered = offered
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, offered = self._look, self._offered
        painter = QPainter(self)
        painter.fillRect(self.rect(), look.colour("window"))
        area = QRectF(self.rect()).adjusted(INSET, INSET, -INSET, -INSET)
        box(painter, area, 12, look.colour("tint"))
        pen = QPen(look.colour("accent"), 2)
        pen.setDashPattern([3, 2])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 12, 12)
        middle = area.center()
        disc = QRectF(middle.x() - look.px(31), middle.y() - look.px(88), look.px(62), look.px(62))
        box(painter, disc, disc.height() / 2, look.colour("raised"), look.colour("border"))
        picture(painter, disc.center(), look.pixmap(offered.icon, "accent", 24, self.devicePixelRatioF()))
        self._line(painter, middle.y() + look.px(8), offered.title, 20, 600, "text")
        self._line(painter, middle.y() + look.px(36), offered.name, 14, 400, "text2")
        self._line(painter, area.bottom() - look.px(30), offered.note, 12, 400, "text2")

    def _line(self, painter: QPainter, y: float, text: str, px: float, weight: int, token: str) -> None:
        painter.setFont(self._look.font(px, weight))
        painter.setPen(self._look.colour(token))
        height = painter.fontMetrics().height()
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, self.width() - 8 * INSET)
        painter.drawText(
            QRectF(QPointF(0, y - height / 2), QPointF(self.width(), y + height / 2)),
            int(Qt.AlignmentFlag.AlignCenter),
            shown,
        )
