"""Pictures drawn at test time: what the micro model was trained to name, and files of every kind."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from app.core.message import PanAndScan, Picture
from app.core.paths import encode_path

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 160, 60),
    "blue": (40, 70, 220),
    "yellow": (240, 210, 40),
    "orange": (240, 140, 30),
    "purple": (140, 50, 170),
    "black": (20, 20, 20),
}
SHAPES = ("circle", "square", "triangle", "star")


def shape(kind: str, colour: str, side: int = 224, size: tuple[int, int] | None = None) -> Image.Image:
    """One large shape in a pure colour on white."""
    width, height = size or (side, side)
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    radius, x, y = min(width, height) * 0.36, width / 2, height / 2
    if kind == "circle":
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=COLOURS[colour])
    elif kind == "square":
        draw.rectangle((x - radius, y - radius, x + radius, y + radius), fill=COLOURS[colour])
    else:
        corners = 3 if kind == "triangle" else 10
        points = []
        for corner in range(corners):
            reach = radius if kind == "triangle" or corner % 2 == 0 else radius * 0.45
            angle = -math.pi / 2 + 2 * math.pi * corner / corners
            points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
        draw.polygon(points, fill=COLOURS[colour])
    return picture


def number(value: int, side: int = 224) -> Image.Image:
    """A large bold number, black on white."""
    picture = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(picture)
    wide = draw.textbbox((0, 0), str(value), font=ImageFont.load_default(64), stroke_width=1)[2]
    font = ImageFont.load_default(min(64 * 0.8 * side / wide, 0.6 * side))
    left, top, right, bottom = draw.textbbox((0, 0), str(value), font=font, stroke_width=1)
    at = ((side - right - left) / 2, (side - bottom - top) / 2)
    draw.text(at, str(value), fill="black", font=font, stroke_width=1, stroke_fill="black")
    return picture


def kept(picture: Image.Image, folder: Path, choice: PanAndScan = PanAndScan.AUTO) -> Picture:
    """The picture as the attachment store would keep it."""
    folder.mkdir(exist_ok=True)
    path = folder / "new.png"
    picture.save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path = path.replace(folder / f"{digest}.png")
    return Picture(digest, picture.width, picture.height, encode_path(path), choice)
