"""What the image encoder of a model needs of memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.message import IMAGE_TOKENS
from app.gguf.header import Header, read_header
from app.gguf.projector import GEMMA_3, ImagePart, image_part, part_of

ENCODER_WORK = 140 << 20  # bytes; Gemma 3's SigLIP at 896 pixels with flash attention, on a card
_GEMMA_3_CELLS = 256
_GEMMA_3_FLOP = 5.46e12  # of its encoder, whatever the text model


@dataclass(frozen=True, slots=True)
class ImageEncoder:
    """Bytes of its weights (0: there is none) and of its work, and the cells that it needs in one batch.

    `flop` is what a picture costs; that of Gemma 3's where it is not known.
    """

    weights: int = 0
    work: int = ENCODER_WORK
    together: int = _GEMMA_3_CELLS
    flop: float = _GEMMA_3_FLOP

    def __bool__(self) -> bool:
        return self.weights > 0

    @property
    def size(self) -> int:
        """Everything together."""
        return self.weights + self.work if self.weights else 0


NO_ENCODER = ImageEncoder(together=0)


def encoder_of(part: ImagePart | None) -> ImageEncoder:
    """That of an image part."""
    if part is None or not part.kind:
        return NO_ENCODER
    if part.kind == "gemma4uv":
        return encoder_of_patches(part.weights, part.work)
    return ImageEncoder(part.weights, ENCODER_WORK if part.kind == GEMMA_3 else part.work, part.together)


def encoder_of_patches(weights: int, work: int) -> ImageEncoder:
    """That of a Gemma 4 without image layers: each of its 16-bit weights is used once for each patch."""
    together = IMAGE_TOKENS[-1]
    return ImageEncoder(weights, work, together, float(weights * together))


def encoder_beside(model: Path, header: Header, named: str = "") -> ImageEncoder:
    """That of the image part which was named for a model, or that lies beside it and fits it."""
    found = part_of(model, header, named)
    return encoder_of(image_part(read_header(found))) if found is not None else NO_ENCODER
