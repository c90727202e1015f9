"""The models that Cabochon knows without a file: their shapes, where they can be had, and what each tensor takes.

The data stands in `resources/catalogue.json`; 0 and "" there mean that it is not established, and every figure has
where it was published. Tensor types follow what llama.cpp's quantiser does with each whole-file quantisation of a Gemma
(llama-quant.cpp), so that the sizes are those of the real files: rows that K-quants cannot divide take the type that
stands in for it, and the embeddings, which are the output too, are kept at 6 bits or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec

from app.core.message import IMAGE_TOKENS
from app.core.paths import resources
from app.gguf.projector import pass_bytes
from app.gguf.tensor_types import BLOCKS
from app.models.encoder import NO_ENCODER, ImageEncoder, encoder_of_patches
from app.models.shape import Shape, global_layers

_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14}
_PATCH = 48  # pixels a side of what becomes one token of a Gemma 4 that has no image encoder
_STANDS_IN = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
_MOST_TENSORS = {"Q4_K_S": "Q4_K", "Q4_K_M": "Q4_K", "Q5_K_S": "Q5_K", "Q5_K_M": "Q5_K"}


class CatalogueFile(msgspec.Struct, frozen=True):
    """A file of a repository on Hugging Face. `bytes` 0 and `sha256` "" where they are not established."""

    repository: str
    file: str
    quantisation: str
    bytes: int
    sha256: str
    kind: str  # model or projector


class Evaluation(msgspec.Struct, frozen=True):
    """A published figure, and where it was published."""

    name: str
    value: float
    published: str


class CatalogueModel(msgspec.Struct, frozen=True):
    """A model by its published shape. `projector_bytes` is the size of its image part, 0 where it has none.

    Of a Gemma 4, the layers that look at everything have other heads than the local ones: `global_kv_heads` of
    `global_head` values, whose keys serve as values too. `sources` says where its facts were published, by what they
    are about; those that stand nowhere else are from the one called "".
    """

    id: str
    name: str
    architecture: str
    licence: str
    licence_url: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    feed_forward: int
    vocabulary: int
    window: int
    context: int
    quantisations: tuple[str, ...]
    projector_bytes: int
    files: tuple[CatalogueFile, ...]
    sources: dict[str, str]
    global_kv_heads: int = 0
    global_head: int = 0
    released: str = ""  # ISO day
    knowledge_cutoff: str = ""
    languages: str = ""
    modality: str = ""
    image_part: str = ""  # how it sees, in words
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def encoder(self) -> ImageEncoder:
        """What its image part needs of memory."""
        if not self.projector_bytes:
            return NO_ENCODER
        if not self.is_gemma4:
            return ImageEncoder(self.projector_bytes)
        return encoder_of_patches(self.projector_bytes, pass_bytes(IMAGE_TOKENS[-1], _PATCH, 3 * self.hidden))

    @property
    def is_gemma4(self) -> bool:
        """Whether its layers are those of a Gemma 4."""
        return self.architecture == "gemma4"

    @property
    def is_global(self) -> tuple[bool, ...]:
        """By layer, whether it looks at everything."""
        return global_layers(self.architecture, self.layers)

    def heads_of(self, layer: int) -> tuple[int, int]:
        """Heads for keys and values, and the size of a head."""
        if self.global_head and self.is_global[layer]:
            return self.global_kv_heads, self.global_head
        return self.kv_heads, self.head

    def norms_of(self, layer: int) -> int:
        """Values of a layer's norms, and the scale that a Gemma 4 has behind each layer."""
        return 4 * self.hidden + 2 * self.heads_of(layer)[1] + (1 if self.is_gemma4 else 0)


class Card(msgspec.Struct, frozen=True):
    """A graphics card that many people have."""

    name: str
    gib: int

    @property
    def free(self) -> int:
        """Bytes that a model may have: half a GiB is left to the desktop and the driver (an estimate)."""
        return (self.gib << 30) - (1 << 29)


class _Catalogue(msgspec.Struct):
    form: int
    models: tuple[CatalogueModel, ...]
    cards: tuple[Card, ...]


USUAL = "Q4_K_M"  # quantisation of a model that is named without one


def catalogue() -> tuple[CatalogueModel, ...]:
    """All models, the recommended one first."""
    return _read().models


def cards() -> tuple[Card, ...]:
    """Common graphics cards, the smallest first."""
    return _read().cards


@cache
def _read() -> _Catalogue:
    return msgspec.json.decode((resources() / "catalogue.json").read_bytes(), type=_Catalogue)


def known_model(name: str) -> tuple[CatalogueModel, str] | None:
    """A model and a quantisation by `id` or `id:quantisation`; "" where none was named. None for no such model."""
    wanted, _, quantisation = name.partition(":")
    for model in catalogue():
        if model.id == wanted.lower():
            found = [one for one in model.quantisations if one.lower() == quantisation.lower()]
            if found or not quantisation:
                return model, found[0] if found else ""
    return None


def catalogue_shape(model: CatalogueModel, quantisation: str) -> Shape:
    """The shape of a file of this quantisation, as the header of one would give it.

    `Q4_0+Q8_0` is Q4_0 with embeddings of Q8_0, as the files trained for it are made.
    """
    body, _, named = quantisation.partition("+")
    tensors = [_matrices(model, layer) for layer in range(model.layers)]
    valued = [layer for layer, found in enumerate(tensors) if "attn_v" in found]
    layers = tuple(
        4 * model.norms_of(layer)
        + sum(
            _size(_type_of(tensor, body, (valued if tensor == "attn_v" else range(model.layers)), layer), row, rows)
            for tensor, (row, rows) in found.items()
        )
        for layer, found in enumerate(tensors)
    )
    embeddings = named or (body if body in ("F16", "Q8_0") else "Q6_K")
    largest = max(model.head, model.global_head)
    return Shape(
        name=model.name,
        quantisation=quantisation,
        hidden=model.hidden,
        feed_forward=model.feed_forward,
        queries=model.heads * largest,
        vocabulary=model.vocabulary,
        trained_context=model.context,
        window=model.window,
        kv_values=tuple(2 * kv * head for kv, head in map(model.heads_of, range(model.layers))),
        is_global=model.is_global,
        layer_bytes=layers,
        embedding_bytes=_size(embeddings, model.hidden, model.vocabulary),
        output_bytes=0,
        other_bytes=4 * (model.hidden + model.global_head // 2),  # the last norm, and how a Gemma 4 turns positions
    )


def _matrices(model: CatalogueModel, layer: int) -> dict[str, tuple[int, int]]:
    """The matrices of a layer: length and number of rows."""
    kv_heads, head = model.heads_of(layer)
    queries, values = model.heads * head, kv_heads * head
    found = {
        "attn_q": (model.hidden, queries),
        "attn_k": (model.hidden, values),
        "attn_v": (model.hidden, values),
        "attn_output": (queries, model.hidden),
        "ffn_gate": (model.hidden, model.feed_forward),
        "ffn_up": (model.hidden, model.feed_forward),
        "ffn_down": (model.feed_forward, model.hidden),
    }
    if model.is_gemma4 and model.is_global[layer]:
        del found["attn_v"]
    return found


def _type_of(tensor: str, quantisation: str, having: Sequence[int], layer: int) -> str:
    """The type of a layer's tensor; what counts is its place among those `having` one."""
    usual, place, count = _MOST_TENSORS.get(quantisation, quantisation), having.index(layer), len(having)
    if quantisation in ("Q4_K_M", "Q5_K_M") and tensor in ("attn_v", "ffn_down"):
        return "Q6_K" if _has_more_bits(place, count) else usual
    is_early = (tensor == "attn_v" and place < 4) or (tensor == "ffn_down" and place < count // 8)
    return "Q5_K" if quantisation == "Q4_K_S" and is_early else usual


def _has_more_bits(layer: int, layers: int) -> bool:
    """The first and the last eighth of the layers, and each third one between them."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _size(kind: str, row: int, rows: int) -> int:
    """Bytes of a matrix."""
    if row % BLOCKS[_TYPES[kind]][0]:
        kind = _STANDS_IN[kind]
    block, size = BLOCKS[_TYPES[kind]]
    return row // block * size * rows
