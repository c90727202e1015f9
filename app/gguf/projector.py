"""The image part (mmproj) that lies beside a model file."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import ModelError
from app.gguf.header import Header, read_header


def beside(model: Path) -> list[Path]:
    """The files beside a model that are called an image part, those of the likeliest name first."""
    return sorted(model.parent.glob("*mmproj*.gguf"), key=lambda path: (_likeness(path, model), path.name))


def fitting(model: Path, header: Header, kind: str) -> tuple[Path, Header] | None:
    """The first of them that is of this kind and as wide as the model; None where none is."""
    width = header.number(f"{header.architecture}.embedding_length")
    for path in beside(model):
        try:
            found = read_header(path)
        except ModelError:
            continue
        if found.number("clip.vision.projection_dim") == width and found.text("clip.projector_type") == kind:
            return path, found
    return None


def _likeness(path: Path, model: Path) -> int:
    """Smaller where more of the names is the same."""
    return -len(set(path.stem.lower().split("-")) & set(model.stem.lower().split("-")))
