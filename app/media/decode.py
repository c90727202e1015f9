"""A foreign picture as an upright RGB PNG. Runs in the media process only: these bytes may be hostile.

EXIF orientation is applied, transparency is laid on white, colours are brought to sRGB, of an animation the first
frame stays. What is larger than anyone looks at is made smaller; what would not fit the memory is not decoded at all.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import msgspec

from app.core.errors import AttachmentError
from app.media.png import mended

MOST_PIXELS = 120_000_000  # a decoded picture takes 4 bytes for each at most
LONGEST_SIDE = 6144  # pixels of what is kept: more than the finest grid of tiles shows
THUMBNAIL_SIDE = 512
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "PPM", "ICO", "MPO")


class Decoded(msgspec.Struct, frozen=True):
    """A picture in the attachment folder: `<sha256>.png` and `<sha256>.thumb.png`. Sizes in pixels.

    `given` is the size it had in its file, `format` what that file was.
    """

    sha256: str
    width: int
    height: int
    given: tuple[int, int]
    format: str


def decode(data: bytes, name: str, folder: Path) -> Decoded:
    """Decodes a picture into the folder. Raises AttachmentError with words for a person."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not data:
        raise AttachmentError(f"“{name}” is empty.", "empty")
    formats = _formats()
    Image.MAX_IMAGE_PIXELS = None  # the size is checked here, before anything is decoded
    try:
        picture: Any = Image.open(io.BytesIO(mended(data)), formats=formats)
        given = picture.size
        _check_size(name, given)
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        picture.load()
        kind = str(picture.format)
        upright = _rgb(ImageOps.exif_transpose(picture))
    except UnidentifiedImageError as error:
        raise AttachmentError(f"“{name}” is no picture that can be read here{_guess(data)}.", "no_image") from error
    except AttachmentError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, ArithmeticError, LookupError) as error:
        raise AttachmentError(f"“{name}” is damaged: it cannot be read to its end.", "damaged") from error
    if max(upright.size) > LONGEST_SIDE:
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return keep_picture(upright, given, kind, folder)


def _formats() -> list[str]:
    """What is read here, of what Pillow can read as it was built."""
    from pi_heif import register_heif_opener  # type: ignore[import-untyped]
    from PIL import Image

    Image.init()
    register_heif_opener()
    return [name for name in _FORMATS if name in Image.OPEN]


def _check_size(name: str, size: tuple[int, int]) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise AttachmentError(f"“{name}” is damaged: it has no size.", "damaged")
    if width * height > MOST_PIXELS:
        said = f"{width:,} x {height:,} pixels"
        raise AttachmentError(f"“{name}” is too large: {said}. Make it smaller first.", "too_large")


def _rgb(picture: Any) -> Any:
    """The picture in 8-bit sRGB on white."""
    from PIL import Image

    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        picture = _eight_bit(picture)
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
        return picture.convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        converted = _to_srgb(picture, profile)
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _eight_bit(picture: Any) -> Any:
    """Grey of 16 bits and more, scaled; 32-bit and float pictures from their darkest to their brightest value."""
    from PIL import Image

    values = picture.convert("F")
    low, high = (0.0, 65535.0) if picture.mode.startswith("I;16") else values.getextrema()
    if picture.mode == "I" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scale = 255.0 / (high - low) if high > low else 0.0
    return Image.merge("RGB", [values.point(lambda value: value * scale - low * scale).convert("L")] * 3)


def _to_srgb(picture: Any, profile: bytes) -> Any:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):  # a profile that fits no picture
        return None


def _guess(data: bytes) -> str:
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return " (it is a web page)"
    if b"<svg" in head:
        return " (SVG drawings cannot be shown to the model yet)"
    if head.startswith(b"%pdf"):
        return " (it is a PDF)"
    return ""


def keep_picture(picture: Any, given: tuple[int, int], kind: str, folder: Path) -> Decoded:
    """Writes picture and thumbnail under the name of their content, whole or not at all."""
    from PIL import Image

    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=3)
    content = data.getvalue()
    sha256 = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{sha256}.png", content)
    small = picture.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, "PNG")
    write_whole(folder / f"{sha256}.thumb.png", data.getvalue())
    width, height = picture.size
    return Decoded(sha256, width, height, given, kind)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that is there whole or not at all; what is there already is the same."""
    if path.exists():
        return
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
