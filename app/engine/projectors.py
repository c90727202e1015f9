"""Which image part a model sees with, and why it sees nothing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import ModelError
from app.core.paths import display_name
from app.engine.llama import Llama, LlamaModel
from app.engine.mtmd import refusal
from app.gguf.header import Header, read_header
from app.gguf.projector import GEMMA_3, ImagePart, beside, fits, fitting, image_part

_SEEING_WIDTHS = (2560, 3840, 5376)  # of Gemma 3 4B, 12B and 27B
_FINGERPRINTED = 1 << 20  # bytes of a mmproj's beginning and end
_ROWS = "Its image part places pictures in rows and columns, which is not possible here."
_PLACES = "What it sees depends on where a picture stands in the text, which is not possible here."
_PLACED = {
    "deepseek4v": _PLACES,
    "hunyuanvl": _PLACES,
}  # a view of theirs cannot be kept by its pixels alone (mtmd.cpp)


@dataclass(frozen=True, slots=True)
class Projector:
    """A mmproj file that fits a text model."""

    path: Path
    part: ImagePart
    fingerprint: str

    @property
    def is_ours(self) -> bool:
        """Whether we prepare its pictures as Google's code does; libmtmd does for all others."""
        return self.part.kind == GEMMA_3


def find_projector(model: Path, header: Header, named: Path | None) -> Projector | None:
    """The mmproj that was named, or one beside the model that fits it. Raises ModelError for one that does not."""
    if named is not None:
        name, part = display_name(named), image_part(read_header(named))
        if part is None:
            raise ModelError(f"“{name}” is not the image part of a model (mmproj).", "mmproj")
        if part.kind and not fits(part, header):
            raise ModelError(f"“{name}” is the image part of another model: the sizes do not fit.", "mmproj")
        return Projector(named, part, _fingerprint(named))
    found = fitting(model, header)
    return Projector(*found, _fingerprint(found[0])) if found is not None else None


def why_blind(model: Path, header: Header, library: Llama, llama: LlamaModel, projector: Projector | None) -> str:
    """Why a model sees nothing with this image part, in one sentence; "" where the image part is all that it takes."""
    if projector is not None:
        return _refused(library, llama, projector)
    if found := beside(model):
        return _unfit(found[0])
    of_gemma_3 = header.architecture == "gemma3" and header.number("gemma3.embedding_length") in _SEEING_WIDTHS
    if of_gemma_3 or header.architecture == "gemma4":
        return "Its image part (mmproj) is not in the same folder."
    return "It reads text only."


def _unfit(path: Path) -> str:
    name = display_name(path)
    try:
        part = image_part(read_header(path))
    except ModelError as error:
        return error.message
    if part is not None and not part.kind:
        return f"“{name}” beside it is for sound only."
    return f"“{name}” beside it is no image part that fits it."


def _refused(library: Llama, llama: LlamaModel, projector: Projector) -> str:
    name, kind = display_name(projector.path), projector.part.kind
    if projector.is_ours:
        return ""
    if not kind:
        return f"“{name}” is for sound only."
    if llama.mrope or kind in _PLACED:
        return _PLACED.get(kind, _ROWS)
    reason = refusal(library, llama, projector.path)
    if "unknown projector type" in reason:
        return f"“{name}” is an image part of a kind that this version does not know ({kind[:60]})."
    return f"“{name}” cannot be used: it is damaged or of an unknown kind ({reason[:200]})." if reason else ""


def _fingerprint(path: Path) -> str:
    """Of a mmproj: its size, beginning and end; what lies between are its weights."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(_FINGERPRINTED)
        file.seek(max(0, size - _FINGERPRINTED))
        return hashlib.sha256(b"%d" % size + begin + file.read()).hexdigest()
