"""Image parts (mmproj): which lie beside a model file, which of them fits, and what a header says of one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import ModelError
from app.core.message import IMAGE_TOKENS
from app.gguf.header import Header, read_header

GEMMA_3 = "gemma3"
_GEMMA_4 = ("gemma4v", "gemma4uv")
_CAUSAL_WIDTHS = (1536, 2560)  # of Gemma 4 E2B and E4B, whose pictures are read like text (mtmd.cpp)
# The most image tokens of one pass where the file does not say so (clip.cpp); a picture's tile or whole elsewhere.
_MOST_TOKENS = {**dict.fromkeys(_GEMMA_4, IMAGE_TOKENS[-1]), "pixtral": 1024, "kimivl": 1024, "lfm2": 256}
# Older files name a width that is not that of the text model: what their last layer has is (clip_n_mmproj_embd).
_LAST_LAYERS = {"mlp": ("mm.2.weight", -1), "resampler": ("resampler.proj.weight", 0)}


@dataclass(frozen=True, slots=True)
class ImagePart:
    """What the header of a mmproj says. `kind` is that of its image encoder, "" where it only hears.

    `width` is that of the text models it fits. `side` (pixels) and `tokens` are those of every view where the encoder
    takes one size only that we prepare ourselves; 0 where libmtmd prepares pictures, and each has its own number.
    `choices` are the numbers of image tokens at most that a person may choose from. So many cells as `together` are
    read in one batch, because they see each other. `weights` and `work` in bytes.
    """

    kind: str
    width: int
    side: int
    tokens: int
    choices: tuple[int, ...]
    together: int
    weights: int
    work: int


def image_part(header: Header) -> ImagePart | None:
    """What a mmproj is; None for another file."""
    if header.architecture != "clip":
        return None
    sees = bool(header.number("clip.has_vision_encoder") or header.number("clip.vision.image_size"))
    named = header.text("clip.projector_type") or header.text("clip.vision.projector_type")
    kind = (named or "unnamed") if sees else ""
    width, of_gemma_4 = _width(header, kind) if sees else 0, kind in _GEMMA_4
    side = tokens = together = 0
    if kind == GEMMA_3:
        side, patch = header.number("clip.vision.image_size"), header.number("clip.vision.patch_size") or 14
        together = tokens = (side // patch // _merge(header, kind)) ** 2
    elif kind == "gemma4uv" or (of_gemma_4 and width not in _CAUSAL_WIDTHS):
        together = IMAGE_TOKENS[-1]
    return ImagePart(
        kind,
        width,
        side,
        tokens,
        IMAGE_TOKENS if of_gemma_4 else (),
        together,
        sum(tensor.size for tensor in header.tensors),
        _work(header, kind),
    )


def beside(model: Path) -> list[Path]:
    """The files beside a model that are called an image part, those of the likeliest name first."""
    return sorted(model.parent.glob("*mmproj*.gguf"), key=lambda path: (_likeness(path, model), path.name))


def fitting(model: Path, header: Header) -> tuple[Path, ImagePart] | None:
    """The first of them that sees and is as wide as the model; None where none is."""
    for path in beside(model):
        try:
            found = image_part(read_header(path))
        except ModelError:
            continue
        if found is not None and found.kind and fits(found, header):
            return path, found
    return None


def part_of(model: Path, header: Header, named: str = "") -> Path | None:
    """The image part of a model: the one that was named for it, while it is there, else one beside it that fits."""
    if named:
        with contextlib.suppress(ModelError):
            if image_part(read_header(Path(named))) is not None:
                return Path(named)
    found = fitting(model, header)
    return found[0] if found is not None else None


def fits(part: ImagePart, model: Header) -> bool:
    """Whether an image part is as wide as a model."""
    return 0 < part.width == model.number(f"{model.architecture}.embedding_length")


def _likeness(path: Path, model: Path) -> int:
    """Smaller where more of the names is the same."""
    return -len(set(path.stem.lower().split("-")) & set(model.stem.lower().split("-")))


def _width(header: Header, kind: str) -> int:
    name, axis = _LAST_LAYERS.get(kind, ("", 0))
    last = next((tensor.shape[axis] for tensor in header.tensors if tensor.name == name and tensor.shape), 0)
    return last or header.number("clip.vision.projection_dim")


def _merge(header: Header, kind: str) -> int:
    """Patches along each side of what becomes one token."""
    said = header.number("clip.vision.projector.scale_factor") or header.number("clip.vision.spatial_merge_size")
    return said or {GEMMA_3: 4, **dict.fromkeys(_GEMMA_4, 3)}.get(kind, 1)


def _work(header: Header, kind: str) -> int:
    """The encoder's buffers: for all patches of a pass the activations of a layer, and pixels twice, as 32-bit floats.

    A bound for encoders whose attention needs no matrix of its own (flash attention); held against llama.cpp's log.
    """
    patch = header.number("clip.vision.patch_size") or 14
    merge = _merge(header, kind)
    pixels = max(
        header.number("clip.vision.image_size") ** 2,
        header.number("clip.vision.image_max_pixels"),
        _MOST_TOKENS.get(kind, 0) * (patch * merge) ** 2,
    )
    gated = any(tensor.name.startswith("v.") and ".ffn_gate" in tensor.name for tensor in header.tensors)
    forward = header.number("clip.vision.feed_forward_length") * (3 if gated else 1)
    hidden = 3 * header.number("clip.vision.embedding_length")
    side = patch * merge if kind == "gemma4uv" else patch
    return pass_bytes(pixels // side**2, side, hidden + forward)


def pass_bytes(patches: int, side: int, values: int = 0) -> int:
    """Buffers of one pass: so many `values` of each patch, and its pixels twice; `side` of a patch in pixels."""
    return patches * 4 * (values + 6 * side**2)
