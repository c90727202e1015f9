"""From an upright picture to what the encoder sees, as Google's own code prepares it."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import AttachmentError
from app.media.tiles import Box


def prepare(png: Path, box: Box | None, side: int) -> bytes:
    """RGB bytes of the picture (or of a part of it) resized to `side` x `side`, row by row.

    A straight bilinear resize with Pillow, which averages over what it makes smaller; the aspect ratio is not kept
    (gemma_pytorch, siglip_vision/preprocessor.py). Raises AttachmentError where the file is gone or no picture.
    """
    from PIL import Image

    try:
        with Image.open(png) as picture:
            picture.load()
            shown = picture.convert("RGB")
    except (OSError, ValueError) as error:
        raise AttachmentError("A picture of this chat cannot be read. It may have been deleted.", "gone") from error
    if box is not None:
        shown = shown.crop(box)
    return shown.resize((side, side), Image.Resampling.BILINEAR).tobytes()
