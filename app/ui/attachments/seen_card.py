"""*What the model sees*: the whole picture and each part of it, with their tokens, and how closely it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import msgspec
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core.message import USUAL_IMAGE_TOKENS, PanAndScan, Picture
from app.core.protocol import Sighting
from app.media.tiles import Box, Views, can_look_closer, views
from app.ui.attachments.attachment import CHOICES, parts, size, tokens_of, views_of
from app.ui.attachments.card_head import card_head
from app.ui.attachments.sight import Sight
from app.ui.attachments.thumbs import draw_rounded, part
from app.ui.controls import Button, Line, Words
from app.ui.figures import tokens
from app.ui.look import Look
from app.ui.menus import Menu
from app.ui.painting import box, margins, mirrored, words

ROW_HIGH = 84
GRID_HIGH = 300
NARROW_GRID_HIGH, NARROW_WHOLE = 250, 180
GAP = 12
CAPTION = 22
WIDEST = 460
NARROWEST = 400
_NOTES = {USUAL_IMAGE_TOKENS: "usual", 70: "quickest", 1120: "finest"}  # of most image tokens


@dataclass(frozen=True, slots=True)
class _Cell:
    """One view: the part of the picture, what it is called, where it stands."""

    box: Box | None
    name: str
    area: QRect


class SeenCard(QWidget):
    """The card's content; the popover paints its frame."""

    closed = Signal()
    chosen = Signal(object)  # PanAndScan, or the most image tokens
    opened = Signal()  # the picture in full is asked for
    prompt_asked = Signal()

    def __init__(
        self,
        look: Look,
        picture: Picture,
        sight: Sight,
        sighting: Sighting | None,
        *,
        sent: bool,
        narrow: bool = False,
        lost: bool = False,
    ) -> None:
        """`sent` pictures are only shown; before that how closely they are looked at can be chosen.

        `sighting` is how the picture is seen where each has a size of its own. A `narrow` card has two rows below. A
        `lost` picture is not seen any more.
        """
        super().__init__()
        self._look = look
        self._picture = picture
        self._sight = sight
        self._sighting = sighting
        self._in_tiles = not sight.sees or sight.side > 0
        self._offers = (
            self._in_tiles and not (sent or lost) and picture.pan_and_scan is PanAndScan.AUTO and _closer(picture)
        )
        title = "What the model saw" if sent else "What the model sees"
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._views = None if lost else _Views(look, picture, sight, sighting, preview=self._offers, narrow=narrow)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        of = ", ".join(filter(None, (picture.name, size(picture))))
        column.addLayout(card_head(look, title, of, self.closed))
        column.addWidget(Line(look))
        if self._views is not None:
            column.addWidget(self._views)
        self._sentence = self._sum()
        column.addLayout(self._sentence)
        column.addWidget(Line(look))
        self._below = self._foot(sent, narrow, lost)
        column.addLayout(self._below)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        wide = max(
            shown.sizeHint().width() for shown in (self._views, self._sentence, self._below) if shown is not None
        )
        return QSize(max(wide, self._look.px(NARROWEST)), layout.sizeHint().height() if layout else 0)

    def _sum(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(margins(14, 0 if self._views is not None else 12, 14, 12))
        row.setSpacing(12)
        if self._views is None:
            row.addWidget(Words(self._look, "The picture is missing. The model reads a short note in its place.", 12))
            return row
        sight, picture = self._sight, self._picture
        found = tokens_of(picture, sight, self._sighting)
        said = parts(picture, sight, self._sighting)
        row.addWidget(Words(self._look, f"{said}, {tokens(found)} tokens" if found else said, 12, 500))
        row.addWidget(Words(self._look, self._seen_size(), 12, token="text2", figures=True), 1)
        return row

    def _seen_size(self) -> str:
        """`seen at 912 × 672, 1.8 times smaller`, "" where that is not known."""
        sight, sighting, picture = self._sight, self._sighting, self._picture
        wide = high = sight.side
        views = views_of(picture, sight).count
        if sighting is not None and not sight.side:
            wide, high, views = sighting.width, sighting.height, sighting.parts
        if not wide:
            return ""
        smaller = max(picture.width, picture.height) / max(wide, high)
        much = f", {smaller:.1f} times smaller" if smaller >= 1.2 and views == 1 else ""
        each = "each " if sight.side or views > 1 else ""
        return f"{each}seen at {wide} × {high}{much}"

    def _foot(self, sent: bool, narrow: bool, lost: bool) -> QBoxLayout:
        foot = QVBoxLayout() if narrow else QHBoxLayout()
        foot.setContentsMargins(margins(14, 6, 8, 6))
        foot.setSpacing(8)
        row, links = QHBoxLayout(), QHBoxLayout()
        for part_of_it in (row, links):
            part_of_it.setSpacing(8)
            foot.addLayout(part_of_it)
        if self._in_tiles and not lost:
            row.addWidget(Words(self._look, "Pan and scan", 12, token="text2"))
            self._add_choice(row, "Pan and scan", CHOICES[self._picture.pan_and_scan], sent=sent)
        elif self._sight.choices and not lost:
            self._add_choice(row, "Image tokens", f"Up to {tokens(self._most_tokens)} tokens", sent=sent)
        row.addStretch(1)
        links.addStretch(1)
        prompt = Button(self._look, "Show the full prompt", "link", small=True)
        prompt.clicked.connect(self.prompt_asked)
        links.addWidget(prompt)
        if not lost:
            full = Button(self._look, "Open the picture", "link", small=True)
            full.clicked.connect(self.opened)
            links.addWidget(full)
        if self._offers:
            closer = Button(self._look, "Look closer", small=True, icon="seen")
            closer.clicked.connect(lambda: self.chosen.emit(PanAndScan.CLOSER))
            (row if narrow else links).addWidget(closer)
        return foot

    @property
    def _most_tokens(self) -> int:
        return self._picture.image_tokens or USUAL_IMAGE_TOKENS

    def _add_choice(self, row: QHBoxLayout, name: str, choice: str, *, sent: bool) -> None:
        if sent:
            row.addWidget(Words(self._look, choice, 12, 500))
            return
        self._menu = Button(self._look, choice, icon="chevron-down", icon_last=True, small=True, name=name)
        self._menu.clicked.connect(self._on_menu_asked)
        row.addWidget(self._menu)

    @Slot()
    def _on_menu_asked(self) -> None:
        menu = Menu(self._look, self._menu)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picture = self._picture
        if self._in_tiles:
            for choice, name in CHOICES.items():
                count = views(picture.width, picture.height, choice).count
                note = f"{tokens(count * self._sight.tokens)} tokens"
                self._add_item(menu, name, choice, note, is_chosen=choice is picture.pan_and_scan)
        else:
            for most in self._sight.choices:
                note = _NOTES.get(most, "")
                self._add_item(menu, f"Up to {tokens(most)}", most, note, is_chosen=most == self._most_tokens)
        menu.popup(self._menu.mapToGlobal(self._menu.rect().topLeft()) - menu.rect().bottomLeft())

    def _add_item(self, menu: Menu, name: str, choice: PanAndScan | int, note: str, *, is_chosen: bool) -> None:
        item = menu.add(name, partial(self.chosen.emit, choice), note=note)
        item.setCheckable(True)
        item.setChecked(is_chosen)


def _closer(picture: Picture) -> bool:
    return can_look_closer(picture.width, picture.height)


class _Views(QWidget):
    """The views as they stand: crops in a row, tiles beside the whole picture with its cuts."""

    def __init__(
        self, look: Look, picture: Picture, sight: Sight, sighting: Sighting | None, *, preview: bool, narrow: bool
    ) -> None:
        """`preview` shows the tiles that looking closer would add."""
        super().__init__()
        self._look = look
        self._narrow = narrow
        self._picture = picture
        self._tokens = sight.tokens or tokens_of(picture, sight, sighting)
        closer = msgspec.structs.replace(picture, pan_and_scan=PanAndScan.CLOSER)
        self._shown: Views = views_of(closer if preview else picture, sight)
        self._drawn: dict[Box | None, QPixmap] = {}
        self._cells, self._size = self._laid_out()
        self.setFixedSize(self._size)
        said = "; ".join(f"{cell.name}, {self._tokens} tokens" for cell in self._cells)
        self.setAccessibleName(said)

    def sizeHint(self) -> QSize:
        return self._size

    def _laid_out(self) -> tuple[list[_Cell], QSize]:
        if self._shown.kind == "grid":
            return self._grid()
        px = self._look.px
        boxes: list[Box | None] = [None, *self._shown.boxes]
        high = px(GRID_HIGH if len(boxes) == 1 else ROW_HIGH)
        ratio = self._picture.width / self._picture.height
        high = min(high, round(px(WIDEST) / max(ratio, 0.05)))
        x, cells = 14, []
        for place, cut in enumerate(boxes):
            wide = self._wide(cut, high)
            name = "All" if place == 0 else f"Crop {place}"
            cells.append(_Cell(cut, name, QRect(x, 14, wide, high)))
            x += wide + px(GAP)
        return cells, QSize(max(x - px(GAP) + 14, px(NARROWEST)), 14 + high + px(CAPTION) + 8)

    def _wide(self, cut: Box | None, high: int) -> int:
        left, top, right, bottom = cut or (0, 0, self._picture.width, self._picture.height)
        wide = round(high * (right - left) / max(1, bottom - top))
        return max(self._look.px(56), min(wide, self._look.px(WIDEST)))

    def _grid(self) -> tuple[list[_Cell], QSize]:
        """The whole at the left, the tiles beside it, together as high as it."""
        px = self._look.px
        high = px(NARROW_GRID_HIGH if self._narrow else GRID_HIGH)
        widest = px(NARROW_WHOLE if self._narrow else WIDEST // 2)
        whole = QRect(14, 14, min(self._wide(None, high), widest), high)
        columns = len({cut[0] for cut in self._shown.boxes})
        rows = len(self._shown.boxes) // columns
        caption = px(CAPTION)
        tile_high = (high - (rows - 1) * (caption + 6)) // rows
        tile_wide = max(px(64), round(whole.width() * tile_high * rows / high / columns))
        cells = [_Cell(None, "Whole image", whole)]
        for place, cut in enumerate(self._shown.boxes):
            column, row = place % columns, place // columns
            x = whole.right() + px(24) + column * (tile_wide + px(GAP))
            y = 14 + row * (tile_high + caption + 6)
            cells.append(_Cell(cut, f"Tile {place + 1}", QRect(x, y, tile_wide, tile_high)))
        right = max(cell.area.right() for cell in cells)
        return cells, QSize(right + 15, 14 + high + caption + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setLayoutDirection(self.layoutDirection())
        for cell in self._cells:
            self._paint_cell(painter, cell)

    def _paint_cell(self, painter: QPainter, cell: _Cell) -> None:
        look = self._look
        area = mirrored(cell.area, self.rect(), self.layoutDirection())
        drawn = self._drawn.get(cell.box)
        if drawn is None:
            drawn = self._drawn[cell.box] = part(self._picture, cell.box, area.size(), self.devicePixelRatioF())
        if drawn.isNull():
            box(painter, area, 6, look.colour("sunken"))
        else:
            draw_rounded(painter, area, drawn, 6)
        box(painter, area, 6, None, look.colour("border"))
        if cell.box is None and self._shown.kind == "grid":
            self._paint_cuts(painter, area)
        line = QRectF(area.left(), area.bottom() + look.px(4), area.width(), look.px(16))
        painter.setFont(look.figures(11))
        if self._tokens:
            used = words(painter, line, str(self._tokens), look.colour("text3"), end=True)
            line.setWidth(line.width() - used - 4)
        words(painter, line, cell.name, look.colour("text2"))

    def _paint_cuts(self, painter: QPainter, area: QRect) -> None:
        painter.setPen(QPen(self._look.colour("accent"), 1))
        across, down = area.width() / self._picture.width, area.height() / self._picture.height
        for x in {cut[0] for cut in self._shown.boxes} - {0}:
            painter.drawLine(
                round(area.left() + x * across), area.top(), round(area.left() + x * across), area.bottom()
            )
        for y in {cut[1] for cut in self._shown.boxes} - {0}:
            painter.drawLine(area.left(), round(area.top() + y * down), area.right(), round(area.top() + y * down))
