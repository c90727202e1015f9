"""A page's content that scrolls where the window is too low or too narrow for it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QScrollArea, QWidget


def scrolling(content: QWidget) -> QScrollArea:
    """The content on the ground of what is below it."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidgetResizable(True)
    area.setWidget(content)
    content.setAutoFillBackground(False)
    area.viewport().setAutoFillBackground(False)
    return area


def fill(
    page: QWidget, column: QLayout, width: int, *, centred: bool = False, around: tuple[int, int] = (28, 24)
) -> None:
    """Put a column of at most this width on a page, at its start or in its middle; `around` are its margins."""
    column.setContentsMargins(0, 0, 0, 0)
    held = QWidget()
    held.setMaximumWidth(width)
    held.setLayout(column)
    row = QHBoxLayout()
    row.setContentsMargins(*around, *around)
    if centred:
        row.addStretch(1)
    row.addWidget(held, 1000)
    row.addStretch(1)
    whole = QWidget()
    whole.setLayout(row)
    outer = QHBoxLayout(page)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(scrolling(whole))
