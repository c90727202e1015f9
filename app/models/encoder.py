"""What the image encoder of a model needs of memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.gguf.header import Header
from app.gguf.projector import GEMMA_3, ImagePart, fitting

ENCODER_WORK = 140 << 20  # bytes; Gemma 3's SigLIP at 896 pixels with flash attention, on a card
_GEMMA_3_CELLS = 256


@dataclass(frozen=True, slots=True)
class ImageEncoder:
    """Bytes of its weights (0: there is none) and of its work, and the cells that it needs in one batch."""

    weights: int = 0
    work: int = ENCODER_WORK
    together: int = _GEMMA_3_CELLS

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
    return ImageEncoder(part.weights, ENCODER_WORK if part.kind == GEMMA_3 else part.work, part.together)


def encoder_beside(model: Path, header: Header) -> ImageEncoder:
    """That of the image part that lies beside a model and fits it."""
    found = fitting(model, header)
    return encoder_of(found[1]) if found is not None else NO_ENCODER
