"""What of a drop or of the clipboard is a picture. Bytes are passed on as they are: they are decoded elsewhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMimeData
from PySide6.QtGui import QImage

_KINDS = ("image/png", "image/webp", "image/avif", "image/jpeg", "image/gif", "image/tiff", "image/bmp")


def local_files(data: QMimeData) -> list[Path]:
    """The files on this computer that are dragged or copied."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def has_picture(data: QMimeData) -> bool:
    """Whether the picture itself comes along, as from a browser."""
    return data.hasImage() or any(data.hasFormat(kind) for kind in _KINDS)


def picture_bytes(data: QMimeData) -> bytes:
    """The picture itself, as a file of its kind; empty where there is none."""
    for kind in _KINDS:
        found = bytes(data.data(kind).data()) if data.hasFormat(kind) else b""
        if found:
            return found
    image = data.imageData()
    return _png(image) if isinstance(image, QImage) and not image.isNull() else b""


def is_words(data: QMimeData) -> bool:
    """Whether it is words that also come as a picture of them, as from a spreadsheet."""
    return data.hasText() and bool(data.text().strip()) and not data.hasUrls()


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())
