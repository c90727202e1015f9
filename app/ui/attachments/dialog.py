"""A picture in full, to look at, copy and save; arrow keys go through those of the message."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage, QKeyEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.core.message import Picture
from app.ui.attachments.attachment import size
from app.ui.attachments.thumbs import file_of, thumbnail
from app.ui.controls import Button, ElidedWords, IconButton
from app.ui.layers import EDGE, Dialog
from app.ui.look import Look
from app.ui.painting import LEFT_TO_RIGHT, margins, picture


class PictureDialog(Dialog):
    """Shows the thumbnail at once and the whole picture when it has been read."""

    read_asked = Signal(object)  # Path of the picture that is to be read in full
    told = Signal(str)  # one sentence for the person

    def __init__(self, look: Look, window: QWidget, pictures: Sequence[Picture], place: int) -> None:
        super().__init__(look, window, window.width(), window.height())
        self._pictures = pictures
        self._place = place
        self._canvas = _Canvas(look)
        self._name = ElidedWords(look, 12, token="text2")
        self._left = IconButton(look, "chevron-left", "Previous picture", "Left")
        self._right = IconButton(look, "chevron-right", "Next picture", "Right")
        copy = Button(look, "Copy", icon="copy", small=True)
        save = Button(look, "Save…", icon="download", small=True)
        close = Button(look, "Close", small=True)
        foot = QHBoxLayout()
        foot.setContentsMargins(margins(12, 8, 12, 8))
        foot.setSpacing(8)
        for button in (self._left, self._right):
            button.setVisible(len(pictures) > 1)
            foot.addWidget(button)
        foot.addWidget(self._name, 1)
        for named in (copy, save, close):
            foot.addWidget(named)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._canvas, 1)
        column.addLayout(foot)
        self._left.clicked.connect(lambda: self.step(-1))
        self._right.clicked.connect(lambda: self.step(1))
        copy.clicked.connect(self._on_copy_asked)
        save.clicked.connect(self._on_save_asked)
        close.clicked.connect(self.accept)

    def begin(self) -> None:
        """Show the first picture; its signals are connected by now."""
        self._show()

    @property
    def picture(self) -> Picture:
        """The one that is shown."""
        return self._pictures[self._place]

    def step(self, by: int) -> None:
        """Go to a neighbour."""
        place = self._place + by
        if 0 <= place < len(self._pictures):
            self._place = place
            self._show()

    @Slot(str, QImage)
    def show_full(self, path: str, image: QImage) -> None:
        """The whole picture was read."""
        if path == str(file_of(self.picture)):
            self._canvas.show_image(image, self.picture)

    def wanted(self, room: QRect) -> QRect:
        """Nearly all of the window."""
        edge = 2 * EDGE if room.width() > 900 else EDGE
        return room.adjusted(edge, edge, -edge, -edge)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is not None:
            self.step(step if self.layoutDirection() == LEFT_TO_RIGHT else -step)
        else:
            super().keyPressEvent(event)

    def _show(self) -> None:
        shown = self.picture
        self.setAccessibleName(f"Picture {shown.name or self._place + 1}")
        self._name.set_text(", ".join(filter(None, (shown.name, size(shown)))))
        self._left.setEnabled(self._place > 0)
        self._right.setEnabled(self._place < len(self._pictures) - 1)
        self._canvas.show_image(thumbnail(shown), shown)
        self.read_asked.emit(file_of(shown))

    @Slot()
    def _on_copy_asked(self) -> None:
        if not self._canvas.image.isNull():
            QGuiApplication.clipboard().setImage(self._canvas.image)

    @Slot()
    def _on_save_asked(self) -> None:
        shown = self.picture
        proposed = f"{Path(shown.name).stem or 'picture'}.png"
        dialog = QFileDialog(self, "Save the picture", proposed, "Pictures (*.png)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, target: Path) -> None:
        """Write a copy of the picture that is shown."""
        try:
            shutil.copyfile(file_of(self.picture), target)
        except OSError as error:
            self.told.emit(f"The picture could not be saved: {error.strerror}.")


class _Canvas(QWidget):
    """The picture as large as it fits, never larger than it is."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._drawn = QPixmap()
        self._size = QSize()
        self.image = QImage()

    def show_image(self, image: QImage, shown: Picture) -> None:
        """Show this one (or a smaller copy) as large as `shown` is; a null one says that it is gone."""
        self.image = image
        self._size = QSize(shown.width, shown.height)
        self._drawn = QPixmap.fromImage(image)
        self.setAccessibleName("" if not image.isNull() else "This picture is missing")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        room = QRectF(self.rect()).adjusted(12, 12, -12, -4)
        if self._drawn.isNull():
            look = self._look
            picture(painter, room.center(), look.pixmap("image-off", "text3", 24, self.devicePixelRatioF()))
            painter.setFont(look.font(13))
            painter.setPen(look.colour("text2"))
            below = room.adjusted(0, look.px(60), 0, 0)
            painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), "This picture is missing.")
            return
        scale = min(room.width() / self._size.width(), room.height() / self._size.height(), 1.0)
        area = QRectF(0, 0, self._size.width() * scale, self._size.height() * scale)
        area.moveCenter(room.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(area, self._drawn, QRectF(self._drawn.rect()))
