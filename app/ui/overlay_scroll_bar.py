"""A thin scroll bar that lies over its view instead of taking room from it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Slot
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar

from app.ui.painting import mirrored

WIDTH = 12


class OverlayScrollBar(QScrollBar):
    """Mirrors the view's own vertical bar, which stays hidden. The style sheet draws it 6 wide, 3 from the edge."""

    def __init__(self, view: QAbstractScrollArea) -> None:
        super().__init__(Qt.Orientation.Vertical, view)
        self._view = view
        self._bar = view.verticalScrollBar()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.installEventFilter(self)
        self._bar.rangeChanged.connect(self._on_range_changed)
        self._bar.valueChanged.connect(self.setValue)
        self.valueChanged.connect(self._bar.setValue)
        self._on_range_changed(self._bar.minimum(), self._bar.maximum())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._view and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        whole = self._view.rect()
        self.setGeometry(
            mirrored(QRect(whole.width() - WIDTH, 0, WIDTH, whole.height()), whole, self._view.layoutDirection())
        )

    @Slot(int, int)
    def _on_range_changed(self, low: int, high: int) -> None:
        self.setPageStep(self._bar.pageStep())
        self.setSingleStep(self._bar.singleStep())
        self.setRange(low, high)
        self.setValue(self._bar.value())
        self.setVisible(high > low)
        self._place()
