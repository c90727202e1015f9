"""What is painted in the place where an answer will begin: how far the model has read, or looked at the pictures."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.ui.painting import LEFT_TO_RIGHT, box, words
from app.ui.transcript.entry import Entry
from app.ui.transcript.style import Style
from app.ui.transcript.words import reading_words, seconds_words, seeing_words

HIGH = 62


def paint_progress(painter: QPainter, style: Style, entry: Entry, area: QRectF) -> None:
    """A title, a bar and a line of figures at the top of `area`."""
    seeing, reading = entry.seeing, entry.reading
    if seeing is not None:
        title, part = "Looking at the picture", seeing.fraction
        if seeing.total > 1:
            title = f"Looking at {seeing.total} views of the pictures"
            part = (seeing.done + seeing.fraction) / seeing.total
        said, seconds = seeing_words(seeing.done, seeing.total, seeing.fraction), None
    elif reading is not None:
        title, part = "Reading the conversation", reading.done / reading.total if reading.total else 0.0
        said, seconds = reading_words(reading.done, reading.total), entry.seconds_to_read()
    else:
        return
    px = style.px
    painter.setFont(style.ui(13, 500))
    words(painter, QRectF(area.left(), area.top(), area.width(), px(23)), title, style.colour("text"))
    _paint_bar(painter, style, QRectF(area.left(), area.top() + px(28), area.width(), 4), min(1.0, part))
    painter.setFont(style.figures(12))
    line = QRectF(area.left(), area.top() + px(38), area.width(), px(16))
    words(painter, line, said, style.colour("text3"))
    if seconds is not None:
        words(painter, line, seconds_words(seconds), style.colour("text3"), end=True)


def _paint_bar(painter: QPainter, style: Style, track: QRectF, part: float) -> None:
    if style.theme.contrast:
        box(painter, track.adjusted(0, -1, 0, 1), 3, style.colour("window"), style.colour("border"))
    else:
        box(painter, track, 2, style.colour("border"))
    filled = QRectF(track.left(), track.top(), round(track.width() * part), track.height())
    if painter.layoutDirection() != LEFT_TO_RIGHT:
        filled.moveRight(track.right())
    if part:
        box(painter, filled, 2, style.colour("accent"))
