"""The ring around the control that the keyboard is on: 2 px accent, 2 px outside it. Only one is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFocusFrame, QProxyStyle, QStyle, QStyleHintReturn, QStyleOption, QWidget

from app.ui.painting import box

if TYPE_CHECKING:
    from app.ui.look import Look

OUTSIDE = 4


class _Margins(QProxyStyle):
    """Tells Qt's focus frame how far outside of its widget to stand."""

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        if metric in (QStyle.PixelMetric.PM_FocusFrameHMargin, QStyle.PixelMetric.PM_FocusFrameVMargin):
            return OUTSIDE
        return super().pixelMetric(metric, option, widget)

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        returned: QStyleHintReturn | None = None,
    ) -> int:
        if hint == QStyle.StyleHint.SH_FocusFrame_Mask:
            return 0  # Qt's mask is a frame with square corners: it would cut a round ring
        return super().styleHint(hint, option, widget, returned)


class FocusRing(QFocusFrame):
    """Follows its widget (Qt's focus frame tracks every parent that moves) and paints the ring outside it."""

    def __init__(self, widget: QWidget, look: Look, radius: float) -> None:
        super().__init__(widget.window())
        self._look = look
        self._radius = radius
        style = _Margins("fusion")
        style.setParent(self)
        self.setStyle(style)
        self.setWidget(widget)

    @classmethod
    def put_on(cls, widget: QWidget, look: Look, radius: float) -> None:
        """Draw the ring around this widget, which has the focus now."""
        cls.take_off(widget)
        cls(widget, look, radius)

    @classmethod
    def take_off(cls, widget: QWidget) -> None:
        """The widget has lost the focus."""
        for ring in widget.window().findChildren(cls):
            if ring.widget() is widget:
                ring.hide()
                ring.deleteLater()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        box(painter, self.rect(), self._radius + OUTSIDE, None, self._look.colour("accent"), 2)
