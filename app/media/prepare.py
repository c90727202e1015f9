"""From an upright picture to what the encoder sees: as Google's own code prepares it for Gemma 3, or whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import AttachmentError
from app.media.tiles import Box

if TYPE_CHECKING:
    from PIL.Image import Image


def prepare(png: Path, box: Box | None, side: int) -> bytes:
    """RGB bytes of the picture (or of a part of it) resized to `side` x `side`, row by row.

    A straight bilinear resize with Pillow, which averages over what it makes smaller; the aspect ratio is not kept
    (gemma_pytorch, siglip_vision/preprocessor.py). Raises AttachmentError where the file is gone or no picture.
    """
    from PIL.Image import Resampling

    shown = _opened(png)
    if box is not None:
        shown = shown.crop(box)
    return shown.resize((side, side), Resampling.BILINEAR).tobytes()


def whole(png: Path, size: tuple[int, int]) -> bytes:
    """RGB bytes of the picture as it is, row by row. Raises AttachmentError as `prepare`, and for another size."""
    shown = _opened(png)
    if shown.size != size:
        raise _gone()
    return shown.tobytes()


def _opened(png: Path) -> Image:
    from PIL.Image import open as open_image

    try:
        with open_image(png) as picture:
            picture.load()
            return picture.convert("RGB")
    except (OSError, ValueError) as error:
        raise _gone() from error


def _gone() -> AttachmentError:
    return AttachmentError("A picture of this chat cannot be read. It may have been deleted.", "gone")
