"""One attachment of the message that is being written: 66 high, its state, and what is offered for it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from app.core.message import PanAndScan
from app.ui.attachments.attachment import Attachment, document_words, offer, scan_offer, tokens_of
from app.ui.attachments.sight import Sight
from app.ui.attachments.thumbs import cover, draw_rounded
from app.ui.controls import IconButton, PaintedButton
from app.ui.figures import tokens
from app.ui.look import Look
from app.ui.painting import LEFT_TO_RIGHT, box, mirrored, picture, words
from app.ui.tips import tip

HIGH = 66
THUMB = 52
WORDS = 158
NAME = 130


class Offer(PaintedButton):
    """*Look closer* or *As pictures*, in the same card."""

    def __init__(self, look: Look, card: Card) -> None:
        super().__init__(card)
        self._look = look
        self._title = ""
        self._said = ""
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def say(self, title: str, said: str) -> None:
        """What is offered, and what it would take."""
        self._title = f"{title}: "
        self._said = said
        self.setAccessibleName(f"{title}: {said}")
        self.update()

    def wanted_width(self) -> int:
        """Its width in pixels."""
        bold, plain = (QFontMetricsF(self._look.font(12, weight)) for weight in (500, 400))
        return round(self._look.px(42) + bold.horizontalAdvance(self._title) + plain.horizontalAdvance(self._said))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        if self.ring or self.underMouse():
            edge = look.colour("accent") if self.ring else None
            box(painter, self.rect(), 6, look.colour("hover") if self.underMouse() else None, edge, 2)
        rightwards = self.layoutDirection() == LEFT_TO_RIGHT
        spot = look.px(17)
        icon = QRectF(spot if rightwards else self.width() - spot, 0, 0, self.height()).center()
        picture(painter, icon, look.pixmap("seen", "accent", 18, self.devicePixelRatioF()))
        inner = self.rect().adjusted(look.px(34), 0, -6, 0)
        painter.setFont(look.font(12, 500))
        used = words(painter, mirrored(inner, self.rect(), self.layoutDirection()), self._title, look.colour("accent"))
        painter.setFont(look.figures(12))
        rest = inner.adjusted(round(used), 0, 0, 0)
        words(painter, mirrored(rest, self.rect(), self.layoutDirection()), self._said, look.colour("text"))


class Card(PaintedButton):
    """Accessible as *Picture NAME* or *Document NAME*. A press shows what the model sees or reads of it, Delete removes
    it, dragging moves it."""

    removed = Signal(int)
    offer_taken = Signal(int)
    dragged = Signal(int, QPoint)  # number, where the pointer is in the parent
    stepped = Signal(int, int)  # number, places to move

    def __init__(self, look: Look, attachment: Attachment) -> None:
        super().__init__()
        self._look = look
        self._attachment = attachment
        self._sight = Sight()
        self._thumb = QPixmap()
        self._offered = ""
        self._pressed_at = QPoint()
        self._is_dragged = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._offer = Offer(look, self)
        self._offer.clicked.connect(lambda: self.offer_taken.emit(attachment.number))
        self._close = IconButton(look, "close", f"Remove {attachment.name}", "Del", size=26, icon_size=14)
        self._close.setParent(self)
        self._close.setCursor(Qt.CursorShape.ArrowCursor)
        self._close.clicked.connect(lambda: self.removed.emit(attachment.number))
        self.show_state(Sight())

    @property
    def attachment(self) -> Attachment:
        """What it shows."""
        return self._attachment

    def show_state(self, sight: Sight) -> None:
        """The attachment or what the model can see has changed."""
        self._sight = sight
        attachment = self._attachment
        scan = attachment.scan
        if scan is None:
            self._offered = offer(attachment, sight)
        else:
            self._offered = scan_offer(scan, sight) if attachment.is_undecided and not attachment.trouble else ""
        self._offer.say("Look closer" if scan is None else "As pictures", self._offered)
        self._offer.setVisible(bool(self._offered))
        kind = "Picture" if attachment.document is None and scan is None else "Document"
        self.setAccessibleName(f"{kind} {attachment.name}")
        self.setAccessibleDescription(attachment.trouble or self.state_words())
        self.setToolTip(tip(attachment.trouble or attachment.name))
        self._thumb = QPixmap()
        self.updateGeometry()
        self._place()
        self.update()

    def keyboard_order(self) -> tuple[QWidget, ...]:
        """What takes the keyboard, in order."""
        return (self, self._offer, self._close)

    def show_progress(self) -> None:
        """Only how far it has been seen has changed."""
        self.setAccessibleDescription(self.state_words())
        self.update()

    def state_words(self) -> str:
        """How far it is, in words."""
        attachment, sight = self._attachment, self._sight
        if attachment.document is not None:
            return document_words(attachment.document, attachment.tokens)
        if attachment.trouble:
            return "Cannot be opened"
        if attachment.is_undecided:
            return "Scanned: no words in it"
        if attachment.drawing:
            return "Making pictures…"
        if attachment.picture is None:
            return "Opening…"
        if sight.sees is None:
            return "Waits for the model"
        if not sight.sees:
            return "Not seen by this model"
        if attachment.seen >= 1:
            return ", ".join(filter(None, ("Ready", self._tokens())))
        return f"Reading the image… {attachment.seen:.0%}" if attachment.seen else "Waits to be read"

    def _tokens(self) -> str:
        assert self._attachment.picture is not None
        found = tokens_of(self._attachment.picture, self._sight, self._attachment.sighting)
        return f"{tokens(found)} tokens" if found else ""

    def sizeHint(self) -> QSize:
        px = self._look.px
        width = px(7 + THUMB + 10) + px(WORDS) + px(34)
        if self._offered:
            width += px(17) + self._offer.wanted_width()
        return QSize(width, px(HIGH))

    def resizeEvent(self, event: object) -> None:
        self._place()

    def _place(self) -> None:
        px = self._look.px
        side = self._close.sizeHint().width()
        close = QRect(self.width() - side - px(5), (self.height() - side) // 2, side, side)
        start = px(7 + THUMB + 10) + px(WORDS) + px(12)
        offer_area = QRect(start, px(15), close.left() - start, self.height() - 2 * px(15))
        for child, area in ((self._close, close), (self._offer, offer_area)):
            child.setGeometry(mirrored(area, self.rect(), self.layoutDirection()))

    # -- keys and mouse

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(self._attachment.number)
        elif event.key() in moves and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = moves[Qt.Key(event.key())]
            self.stepped.emit(self._attachment.number, step if self.layoutDirection() == LEFT_TO_RIGHT else -step)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position().toPoint()
        self._is_dragged = False
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position().toPoint()
        if (spot - self._pressed_at).manhattanLength() >= QApplication.startDragDistance():
            self._is_dragged = True
        if self._is_dragged:
            self.dragged.emit(self._attachment.number, self.mapToParent(spot))
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._is_dragged:
            self.setDown(False)
        else:
            super().mouseReleaseEvent(event)

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look
        px = look.px
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        edge, width = ("accent", 2) if self.ring else ("border", 1)
        box(painter, self.rect(), 8, look.colour("sunken"), look.colour(edge), width)
        self._paint_thumb(painter)
        start = px(7 + THUMB + 10)
        line = QRect(start, px(12), px(WORDS), px(18))
        painter.setFont(look.font(12, 500))
        words(painter, self._spot(line), self._attachment.name, look.colour("text"))
        self._paint_state(painter, QRect(start, px(32), px(WORDS), px(22)))
        if self._offered:
            hairline = QRect(start + px(WORDS) + px(2), px(15), 1, self.height() - 2 * px(15))
            painter.fillRect(self._spot(hairline), look.colour("border_strong"))

    def _paint_thumb(self, painter: QPainter) -> None:
        look = self._look
        side = look.px(THUMB)
        area = self._spot(QRect(look.px(7), (self.height() - side) // 2, side, side))
        shown = self._attachment.picture
        if shown is not None and self._thumb.isNull():
            self._thumb = cover(shown, QSize(side, side), self.devicePixelRatioF())
        if self._thumb.isNull():
            box(painter, area, 6, look.colour("hover"))
            icon = "image-off" if shown is not None else "document" if self._attachment.is_open else "image"
            picture(painter, QRectF(area).center(), look.pixmap(icon, "text3", 20, self.devicePixelRatioF()))
        else:
            draw_rounded(painter, area, self._thumb, 6)

    def _paint_state(self, painter: QPainter, area: QRect) -> None:
        look = self._look
        px = look.px
        attachment, sight = self._attachment, self._sight
        painter.setFont(look.figures(12))
        if attachment.picture is not None and sight.sees and attachment.seen >= 1:
            self._paint_ready(painter, area)
            return
        said = QRect(area.left(), area.top() - px(3), area.width(), px(16))
        blind = sight.sees is False and attachment.picture is not None
        ink = "warn" if blind or attachment.is_undecided else "text2"
        words(painter, self._spot(said), self.state_words(), look.colour(ink))
        if not 0 < attachment.seen < 1 or not sight.sees:
            return
        track = QRect(area.left(), area.top() + px(17), area.width(), 4)
        box(painter, self._spot(track), 2, look.colour("border_strong" if look.theme.contrast else "border"))
        done = QRect(track.left(), track.top(), round(track.width() * attachment.seen), 4)
        box(painter, self._spot(done), 2, look.colour("accent"))

    def _paint_ready(self, painter: QPainter, area: QRect) -> None:
        look = self._look
        px = look.px
        painter.setFont(look.font(11, 500))
        wide = round(painter.fontMetrics().horizontalAdvance("Ready")) + px(32)
        chip = QRect(area.left(), area.top() - px(1), wide, px(20))
        edge = look.colour("border") if look.theme.contrast else None
        box(painter, self._spot(chip), chip.height() / 2, look.colour("ok_tint"), edge)
        tick = self._spot(QRect(chip.left() + px(8), chip.top(), px(13), chip.height()))
        picture(painter, QRectF(tick).center(), look.pixmap("check", "ok", 13, self.devicePixelRatioF()))
        inner = QRect(chip.left() + px(24), chip.top(), chip.width() - px(26), chip.height())
        words(painter, self._spot(inner), "Ready", look.colour("ok"))
        painter.setFont(look.figures(12))
        chosen = self._attachment.picture
        choice = chosen.pan_and_scan if chosen is not None and self._sight.side else PanAndScan.AUTO
        closely = choice in (PanAndScan.CLOSER, PanAndScan.FINER)
        said = self._tokens() if not closely else self._tokens().removesuffix(" tokens") + ", closely"
        rest = QRect(chip.right() + px(8), chip.top(), area.right() - chip.right() - px(8), chip.height())
        words(painter, self._spot(rest), said, look.colour("text2"))

    def _spot(self, area: QRect) -> QRect:
        return mirrored(area, self.rect(), self.layoutDirection())
