"""Thumbnails: the small files that the media process made, scaled and cut for where they stand. GUI thread."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPixmap

from app.core.message import Picture
from app.core.paths import decode_path
from app.media.tiles import Box


def file_of(picture: Picture) -> Path:
    """The picture in full."""
    return decode_path(picture.path)


def thumbnail(picture: Picture) -> QImage:
    """At most 512 pixels a side; null where the file is gone."""
    path = file_of(picture).with_suffix(".thumb.png")
    try:
        file_of(picture).stat()
        changed = path.stat().st_mtime_ns
    except OSError:
        return QImage()
    return _read(str(path), changed)


@lru_cache(64)
def _read(path: str, _changed: int) -> QImage:
    return QImage(path)


def cover(picture: Picture, size: QSize, ratio: float) -> QPixmap:
    """The middle of the thumbnail, as large as `size` (logical pixels); null where the file is gone."""
    image = thumbnail(picture)
    if image.isNull():
        return QPixmap()
    wanted = size * ratio
    scaled = image.scaled(wanted, Qt.AspectRatioMode.KeepAspectRatioByExpanding, _SMOOTH)
    left, top = (scaled.width() - wanted.width()) // 2, (scaled.height() - wanted.height()) // 2
    return _pixmap(scaled.copy(QRect(left, top, wanted.width(), wanted.height())), ratio)


def part(picture: Picture, box: Box | None, size: QSize, ratio: float) -> QPixmap:
    """The part of the picture in `box` (None: all of it), drawn out to `size`; null where the file is gone."""
    image = thumbnail(picture)
    if image.isNull():
        return QPixmap()
    if box is not None:
        across, down = image.width() / picture.width, image.height() / picture.height
        left, top = round(box[0] * across), round(box[1] * down)
        image = image.copy(left, top, max(1, round(box[2] * across) - left), max(1, round(box[3] * down) - top))
    return _pixmap(image.scaled(size * ratio, Qt.AspectRatioMode.IgnoreAspectRatio, _SMOOTH), ratio)


def draw_rounded(painter: QPainter, area: QRect, drawn: QPixmap, radius: float) -> None:
    """The picture with round corners."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    outline = QPainterPath()
    outline.addRoundedRect(QRectF(area), radius, radius)
    painter.setClipPath(outline)
    painter.drawPixmap(area, drawn)
    painter.restore()


_SMOOTH = Qt.TransformationMode.SmoothTransformation


def _pixmap(image: QImage, ratio: float) -> QPixmap:
    made = QPixmap.fromImage(image)
    made.setDevicePixelRatio(ratio)
    return made
