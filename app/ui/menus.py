"""Menus after the pictures: items 30 high with icon 16 and keys at the end, radius 8."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QAction,
    QFontMetricsF,
    QGuiApplication,
    QKeySequence,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QRegion,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.look import Look
from app.ui.painting import box, mirrored, picture, words

ICON_PROPERTY = "cabochonIcon"
DANGER_PROPERTY = "cabochonDanger"
NOTE_PROPERTY = "cabochonNote"
RADIUS = 8
WIDEST = 460


class Menu(QMenu):
    """A menu that paints its items itself; everything else (keys, screen readers, placing) is Qt's own."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        # Without a compositor a translucent window would be black at its corners: there the corners are cut instead.
        self._cut = QGuiApplication.platformName() == "xcb"
        if not self._cut:
            self.setWindowFlag(Qt.WindowType.NoDropShadowWindowHint)
            self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setFont(look.font(13))
        self.setToolTipsVisible(True)

    def add(
        self,
        text: str,
        chosen: Callable[[], object],
        *,
        icon: str = "",
        key: str = "",
        danger: bool = False,
        note: str = "",
    ) -> QAction:
        """Add an item; `note` stands greyer behind its text, `key` is shown only (the window owns the shortcut)."""
        shown = f"{text} {note}" if note else text
        action = self.addAction(shown.replace("&", "&&") + (f"\t{_native(key)}" if key else ""))
        action.setProperty(ICON_PROPERTY, icon)
        action.setProperty(DANGER_PROPERTY, danger)
        action.setProperty(NOTE_PROPERTY, note)
        if icon:
            action.setIcon(self._look.icon(icon))
        action.triggered.connect(lambda: chosen())
        self._make_room(text, note, _native(key) if key else "")
        return action

    def _make_room(self, text: str, note: str, key: str) -> None:
        """Qt reckons with a start and gaps of its own."""
        look = self._look
        plain, small = QFontMetricsF(look.font(13)), QFontMetricsF(look.font(11))
        needed = 10 + look.px(16) + 10 + plain.horizontalAdvance(text) + 28
        needed += 6 + plain.horizontalAdvance(note) if note else 0
        needed += 24 + small.horizontalAdvance(key) if key else 0
        self.setMinimumWidth(max(self.minimumWidth(), min(round(needed), look.px(WIDEST))))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        box(painter, self.rect(), RADIUS, look.colour("raised"), look.colour("border_strong"))
        for action in self.actions():
            area = self.actionGeometry(action)
            if action.isSeparator():
                painter.fillRect(QRect(5, area.center().y(), self.width() - 10, 1), look.colour("border"))
            elif action.isVisible():
                self._paint_item(painter, action, area)
        self._paint_more(painter)

    def _paint_more(self, painter: QPainter) -> None:
        """Where a long menu goes on above or below what is shown."""
        look, strip = self._look, QRect(1, 1, self.width() - 2, self._look.px(18))
        shown = [self.actionGeometry(action) for action in self.actions() if action.isVisible()]
        places = [("chevron-up", strip)] if shown and shown[0].top() < 0 else []
        if shown and shown[-1].bottom() > self.height():
            places.append(("chevron-down", strip.translated(0, self.height() - strip.height() - 2)))
        for icon, area in places:
            painter.fillRect(area, look.colour("raised"))
            picture(painter, QRectF(area).center(), look.pixmap(icon, "text2", 14, self.devicePixelRatioF()))

    def _paint_item(self, painter: QPainter, action: QAction, area: QRect) -> None:
        look = self._look
        if action is self.activeAction() and action.isEnabled():
            edge = look.colour("border") if look.theme.contrast else None
            box(painter, area, 5, look.colour("hover"), edge)
        ink = "text3" if not action.isEnabled() else "danger" if action.property(DANGER_PROPERTY) else "text"
        icon = "check" if action.isChecked() else str(action.property(ICON_PROPERTY) or "")
        icon_ink = "text2" if ink == "text" else ink
        start = 10
        if icon:
            spot = mirrored(
                QRect(area.left() + 10, area.top(), look.px(16), area.height()), area, self.layoutDirection()
            )
            drawn = look.pixmap(icon, icon_ink, 16, self.devicePixelRatioF())
            picture(painter, QPointF(spot.center().x() + 0.5, spot.center().y() + 0.5), drawn)
        if any(other.property(ICON_PROPERTY) or other.isCheckable() for other in self.actions()):
            start = 10 + look.px(16) + 10
        shown = action.text().replace("&&", "&")
        text, _, key = shown.partition("\t")
        note = str(action.property(NOTE_PROPERTY) or "")
        if note:
            text = text.removesuffix(f" {note}")
        inner = area.adjusted(start, 0, -12, 0)
        painter.setFont(look.font(13))
        used = words(painter, mirrored(inner, area, self.layoutDirection()), text, look.colour(ink))
        if note:
            rest = inner.adjusted(round(used) + 6, 0, 0, 0)
            words(painter, mirrored(rest, area, self.layoutDirection()), note, look.colour("text3"))
        if key:
            painter.setFont(look.font(11))
            words(painter, mirrored(inner, area, self.layoutDirection()), key, look.colour("text3"), end=True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._cut:
            path = QPainterPath()
            path.addRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
            self.setMask(QRegion(path.toFillPolygon().toPolygon()))


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
