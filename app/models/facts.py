"""What is known of a model, row by row, each with its source: the catalogue, a file's header, or what was reckoned."""

from __future__ import annotations

from dataclasses import dataclass

from app.models.catalogue import CatalogueModel

PUBLISHED, RECKONED = "published", "reckoned from the shape"
_FAMILY = (
    ("Activation", "GELU (tanh) in a gated feed-forward"),
    ("Normalisation", "RMSNorm before and after each part, and on queries and keys"),
)
_UNKNOWN = "not established"


@dataclass(frozen=True, slots=True)
class Fact:
    """One row. `source` says where the value is from."""

    label: str
    value: str
    source: str


def facts(model: CatalogueModel) -> tuple[Fact, ...]:
    """Every row that the catalogue can answer; what is not established says so."""
    globals_ = model.layers // 6 if model.window else model.layers
    local = model.layers - globals_
    sees = model.projector_bytes > 0
    heads = f"{model.heads} of {model.head} values, {model.kv_heads} for keys and values"
    attention = f"{local} layers look back over {model.window:,} tokens, {globals_} at everything (five to one)"
    vision = "SigLIP, 896 x 896 pixels, 27 layers; 256 tokens a picture" if sees else "none"
    return (
        Fact("Parameters", f"{parameters(model) / 1e9:.2f} billion, without the image encoder", RECKONED),
        Fact("Context", f"{model.context:,} tokens", PUBLISHED),
        Fact("Modality", "text and images in, text out" if sees else "text in, text out", PUBLISHED),
        Fact("Architecture", "Gemma 3, a decoder-only transformer", PUBLISHED),
        Fact("Image encoder", vision, PUBLISHED),
        Fact("Licence", f"{model.licence}, {model.licence_url}", PUBLISHED),
        _published("Release date", model.released),
        _published("Knowledge cutoff", model.knowledge_cutoff),
        Fact("Attention", attention, PUBLISHED),
        Fact("Hidden size", f"{model.hidden:,}", PUBLISHED),
        Fact("Layers", str(model.layers), PUBLISHED),
        Fact("Heads", heads, PUBLISHED),
        Fact("Feed-forward", f"{model.feed_forward:,}", PUBLISHED),
        Fact("Vocabulary", f"{model.vocabulary:,} tokens", PUBLISHED),
        *(Fact(label, value, PUBLISHED) for label, value in _FAMILY),
        Fact("Position embedding", "RoPE, base 1,000,000 where a layer sees everything, else 10,000", PUBLISHED),
        _published("Languages", model.languages),
        *(Fact(one.name, f"{one.value:g}", one.published) for one in model.evaluations),
    )


def _published(label: str, value: str) -> Fact:
    return Fact(label, value, PUBLISHED) if value else Fact(label, _UNKNOWN, "")


def parameters(model: CatalogueModel) -> int:
    """Weights of the text model: matrices and norms, the embeddings once."""
    queries, keys = model.heads * model.head, model.kv_heads * model.head
    attention = model.hidden * (2 * queries + 2 * keys)
    norms = 4 * model.hidden + 2 * model.head
    layer = attention + 3 * model.hidden * model.feed_forward + norms
    return model.vocabulary * model.hidden + model.layers * layer + model.hidden
