"""The models that Cabochon knows without a file: their shapes, where they can be had, and what each tensor takes.

The data stands in `resources/catalogue.json`; 0 and "" there mean that it is not established. Tensor types follow what
llama.cpp's quantiser does with each whole-file quantisation of a Gemma 3 (llama-quant.cpp), so that the sizes are those
of the real files: rows that K-quants cannot divide take the type that stands in for it, and the embeddings, which are
the output too, are kept at 6 bits or more.
"""

from __future__ import annotations

from functools import cache

import msgspec

from app.core.paths import resources
from app.gguf.tensor_types import BLOCKS
from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.shape import Shape, global_layers

_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14}
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

    The encoder is one for all sizes: only the matrix from its 1,152 values to the model's width differs.
    """

    id: str
    name: str
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
    released: str = ""  # ISO day
    knowledge_cutoff: str = ""
    languages: str = ""
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def encoder(self) -> ImageEncoder:
        """What its image part needs of memory."""
        return ImageEncoder(self.projector_bytes) if self.projector_bytes else NO_ENCODER


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
    queries, values = model.heads * model.head, model.kv_heads * model.head
    norms = 4 * (4 * model.hidden + 2 * model.head)
    matrices = {
        "attn_q": (model.hidden, queries),
        "attn_k": (model.hidden, values),
        "attn_v": (model.hidden, values),
        "attn_output": (queries, model.hidden),
        "ffn_gate": (model.hidden, model.feed_forward),
        "ffn_up": (model.hidden, model.feed_forward),
        "ffn_down": (model.feed_forward, model.hidden),
    }
    layers = tuple(
        norms
        + sum(_size(_type_of(name, body, layer, model.layers), row, rows) for name, (row, rows) in matrices.items())
        for layer in range(model.layers)
    )
    embeddings = named or (body if body in ("F16", "Q8_0") else "Q6_K")
    return Shape(
        name=model.name,
        quantisation=quantisation,
        hidden=model.hidden,
        feed_forward=model.feed_forward,
        queries=queries,
        vocabulary=model.vocabulary,
        trained_context=model.context,
        window=model.window,
        kv_values=(2 * values,) * model.layers,
        is_global=global_layers("gemma3", model.layers),
        layer_bytes=layers,
        embedding_bytes=_size(embeddings, model.hidden, model.vocabulary),
        output_bytes=0,
        other_bytes=4 * model.hidden,
    )


def _type_of(tensor: str, quantisation: str, layer: int, layers: int) -> str:
    usual = _MOST_TENSORS.get(quantisation, quantisation)
    if quantisation in ("Q4_K_M", "Q5_K_M") and tensor in ("attn_v", "ffn_down"):
        return "Q6_K" if _has_more_bits(layer, layers) else usual
    is_early = (tensor == "attn_v" and layer < 4) or (tensor == "ffn_down" and layer < layers // 8)
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
