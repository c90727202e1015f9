"""What is known of a model, row by row, each with its source: where it was published, a file's header, or reckoned."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import prod
from pathlib import Path

from app.core.errors import ModelError
from app.core.message import MeasuredHere
from app.gguf.header import Header, in_words, read_header
from app.gguf.naming import name_of
from app.gguf.projector import part_of
from app.models.catalogue import CatalogueModel, catalogue, catalogue_shape
from app.models.memory import in_gib, kv_bytes
from app.models.self_checked import SelfChecked
from app.models.shape import Shape, shape_of

HEADER, RECKONED = "the file’s header", "reckoned from the shape"
_UNKNOWN = "not established"
_ARCHITECTURES = {
    "gemma3": "Gemma 3, a decoder-only transformer",
    "gemma4": "Gemma 4, a decoder-only transformer",
}
_ACTIVATION = "GELU (tanh) in a gated feed-forward"
_NORMS = "RMSNorm before and after each part, and on queries and keys"
_GEMMA = re.compile(r"gemma[\s_-]?(?:3|4)[\s_-](?:12b|270m|27b|4b|1b)", re.IGNORECASE)
_QUANTISED = re.compile(r"\b(?:b?f16|i?q[1-8](?:_[0-9a-z]+)*)\b", re.IGNORECASE)
_PLAIN = frozenset(("it", "qat", "instruct", "google"))  # what a name may say beside the model's own
_COMPARED = 32768  # tokens of the example
_LITTLE = 107 << 20  # bytes; less is no tenth of a GiB


@dataclass(frozen=True, slots=True)
class Fact:
    """One row. `source` says where the value is from."""

    label: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """All rows of a model, its published evaluations, and why other calculators give more memory for it."""

    name: str
    rows: tuple[Fact, ...]
    evaluations: tuple[Fact, ...]
    why: str


def facts(model: CatalogueModel) -> ModelFacts:
    """What the catalogue can answer; what is not established says so."""
    shape = catalogue_shape(model, model.quantisations[0])
    code, told = _source(model, "shape"), _source(model, "")
    rows = (
        Fact("Parameters", _counted(parameters(model), sees=bool(model.encoder)), RECKONED),
        Fact("Context", f"{model.context:,} tokens", _source(model, "context")),
        Fact("Modality", model.modality, told),
        Fact("Architecture", _ARCHITECTURES[model.architecture], told),
        Fact("Image part", model.image_part or "none", _source(model, "image_part")),
        Fact("Licence", f"{model.licence}, {model.licence_url}", _source(model, "licence")),
        *_published(model),
        *_shaped(shape, code),
        Fact("Heads", _heads(model), code),
        Fact("Vocabulary", f"{model.vocabulary:,} tokens", code),
        Fact("Activation", _ACTIVATION, code),
        Fact("Normalisation", _NORMS, code),
        Fact("Position embedding", "RoPE, base 1,000,000 where a layer sees everything, else 10,000", code),
        _dated("Languages", model.languages, model, "languages"),
    )
    return ModelFacts(model.name, rows, _evaluations(model), why_more(shape))


def file_facts(header: Header, name: str, image_part: Header | None = None) -> ModelFacts:
    """What a file's header says; release and evaluations from the catalogue where the file is one of its models."""
    known = catalogue_of(header, name)
    try:
        shape: Shape | None = shape_of(header, name)
    except ModelError:  # its kind tells its sizes in another way
        shape = None
    context = header.number(f"{header.architecture}.context_length")
    sees = f"{'text and images' if image_part is not None else 'text'} in, text out"
    weights = sum(prod(tensor.shape) for tensor in header.tensors)
    rows = (
        Fact("Parameters", _counted(weights, sees=image_part is not None), "the file’s tensors"),
        Fact("Quantisation", f"{header.quantisation or 'of its own kind'}, {in_words(header.file_size)}", HEADER),
        Fact("Context", f"{context:,} tokens" if context else _UNKNOWN, HEADER if context else ""),
        Fact("Modality", sees, "the files"),
        Fact("Architecture", header.architecture or _UNKNOWN, HEADER if header.architecture else ""),
        _image_part(image_part),
        _licence(header, known),
        *_published(known),
        *(_shaped(shape, HEADER) if shape is not None else ()),
        Fact("Heads", _heads_of(header), HEADER),
        *_inner(header, known),
        _dated("Languages", known.languages if known else "", known, "languages"),
    )
    evaluations = _evaluations(known) if known is not None else ()
    return ModelFacts(name, rows, evaluations, why_more(shape) if shape is not None else "")


def read_facts(path: Path, named: str = "") -> ModelFacts:
    """What the header of this file says; `named` is the image part that was named for it. Raises ModelError."""
    header = read_header(path)
    part = part_of(path, header, named)
    return file_facts(header, name_of(header, path), read_header(part) if part is not None else None)


def measured_facts(measured: MeasuredHere) -> tuple[Fact, ...]:
    """What was measured on this machine; nothing where the model has answered nothing yet."""
    if not measured.answers:
        return ()
    answers = "one answer" if measured.answers == 1 else f"{measured.answers} answers"
    source = f"measured here, {answers}, {date.fromtimestamp(measured.when).isoformat()}"
    found = (
        ("Answers written at", measured.tokens_per_second, f"{measured.tokens_per_second:.1f} tokens a second"),
        ("Prompts read at", measured.prompt_per_second, f"{measured.prompt_per_second:.0f} tokens a second"),
        ("An image takes", measured.image_seconds, f"{measured.image_seconds:.1f} seconds"),
        ("Memory in use", measured.memory_bytes, f"{_memory(measured.memory_bytes)} of the computer’s"),
    )
    return tuple(Fact(label, value, source) for label, number, value in found if number)


def self_check_fact(checked: SelfChecked) -> tuple[Fact, ...]:
    """How the last self-check of this machine came out; nothing where there was none."""
    if not checked.count:
        return ()
    value = f"{checked.right} of {checked.count} answers right"
    return (Fact("Self-check", value, f"measured here on {checked.day}"),)


def catalogue_of(header: Header, name: str) -> CatalogueModel | None:
    """The model of the catalogue that a file is of: by its shape and its name, which a fine-tuned one does not bear."""
    found, called = header.architecture, header.text("general.name") or name
    words = re.split(r"[\s_-]+", _QUANTISED.sub("", _GEMMA.sub("", called)).lower())
    if not _GEMMA.search(called) or not _PLAIN.issuperset(filter(None, words)):
        return None
    sizes = (header.number(f"{found}.embedding_length"), header.number(f"{found}.block_count"))
    same = (model for model in catalogue() if (model.architecture, model.hidden, model.layers) == (found, *sizes))
    return next(same, None)


def why_more(shape: Shape) -> str:
    """Why other calculators give more memory, in the figures of this model."""
    context = min(_COMPARED, shape.trained_context or _COMPARED)
    ours, other = sum(kv_bytes(shape, context, "f16")), 2 * context * sum(shape.kv_values)
    if not shape.window:
        return f"Every layer keeps the whole conversation: {_memory(ours)} for {context:,} tokens at 16 bits."
    whole = sum(shape.is_global)
    keep = "keeps" if whole == 1 else "keep"
    return (
        f"Other calculators count a whole cache for every layer: {_memory(other)} for {context:,} tokens at 16 bits. "
        f"Here only {whole} of {shape.layers} layers {keep} the whole conversation and the others the last "
        f"{shape.window:,} tokens, so that it is {_memory(ours)}."
    )


def parameters(model: CatalogueModel) -> int:
    """Weights of the text model: matrices and norms, the embeddings once."""
    shape = catalogue_shape(model, "F16")
    norms = shape.other_bytes // 4 + sum(model.norms_of(layer) for layer in range(model.layers))
    matrices = sum(shape.layer_bytes) - 4 * (norms - shape.other_bytes // 4) + shape.embedding_bytes
    return matrices // 2 + norms


def _counted(count: int, *, sees: bool) -> str:
    number = f"{count / 1e9:.2f} billion" if count >= 1e9 else f"{count / 1e6:.1f} million"
    return f"{number}, without the image part" if sees else number


def _memory(size: int) -> str:
    return in_gib(size) if size >= _LITTLE else f"{size / (1 << 20):.0f} MiB"


def _source(model: CatalogueModel, about: str) -> str:
    return model.sources.get(about) or model.sources[""]


def _dated(label: str, value: str, model: CatalogueModel | None, about: str) -> Fact:
    return Fact(label, value, _source(model, about)) if value and model is not None else Fact(label, _UNKNOWN, "")


def _published(model: CatalogueModel | None) -> Iterable[Fact]:
    yield _dated("Release date", model.released if model else "", model, "released")
    yield _dated("Knowledge cutoff", model.knowledge_cutoff if model else "", model, "knowledge_cutoff")


def _evaluations(model: CatalogueModel) -> tuple[Fact, ...]:
    return tuple(Fact(one.name, f"{one.value:g}", one.published) for one in model.evaluations)


def _shaped(shape: Shape, source: str) -> Iterable[Fact]:
    whole = sum(shape.is_global)
    attention = "all layers look at everything"
    if shape.window:
        local = shape.layers - whole
        attention = f"{local} layers look back over {shape.window:,} tokens, {whole} at everything"
    yield Fact("Attention", attention, source)
    yield Fact("Hidden size", f"{shape.hidden:,}", source)
    yield Fact("Layers", str(shape.layers), source)
    if shape.feed_forward:
        yield Fact("Feed-forward", f"{shape.feed_forward:,}", source)


def _heads(model: CatalogueModel) -> str:
    said = f"{model.heads} of {model.head} values, {model.kv_heads} for keys and values"
    if model.global_head:
        said += f"; {model.heads} of {model.global_head} and {model.global_kv_heads} where a layer sees everything"
    return said


def _heads_of(header: Header) -> str:
    prefix = f"{header.architecture}.attention"
    heads, keys = header.numbers(f"{prefix}.head_count"), header.numbers(f"{prefix}.head_count_kv")
    size = header.number(f"{prefix}.key_length")
    if not heads:
        return _UNKNOWN
    said = f"{_range(heads)}{f' of {size} values' if size else ''}, {_range(keys or heads)} for keys and values"
    local = header.number(f"{prefix}.key_length_swa")
    return f"{said}; of {local} values in a layer with a window" if local not in (0, size) else said


def _range(numbers: tuple[int, ...]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _image_part(header: Header | None) -> Fact:
    if header is None:
        return Fact("Image part", "none", "the files")
    kind, layers = header.text("clip.projector_type"), header.number("clip.vision.block_count")
    side = header.number("clip.vision.image_size")
    size = in_words(header.file_size)
    said = f"{kind or 'unnamed'}{f', {side} x {side} pixels' if side else ''}{f', {layers} layers' if layers else ''}"
    return Fact("Image part", f"{said}, {size}", "the image part’s header")


def _licence(header: Header, known: CatalogueModel | None) -> Fact:
    said = ", ".join(filter(None, (header.text("general.license"), header.text("general.license.link"))))
    if said:
        return Fact("Licence", said, HEADER)
    return _dated("Licence", f"{known.licence}, {known.licence_url}" if known else "", known, "licence")


def _inner(header: Header, known: CatalogueModel | None) -> Iterable[Fact]:
    """Vocabulary, activation, norms and positions. No header tells the activation: the architecture's maker does."""
    prefix = header.architecture
    vocabulary = next((tensor.shape[-1] for tensor in header.tensors if tensor.name == "token_embd.weight"), 0)
    yield Fact("Vocabulary", f"{vocabulary:,} tokens" if vocabulary else _UNKNOWN, HEADER if vocabulary else "")
    yield _dated("Activation", _ACTIVATION if known else "", known, "shape")
    if known is not None:
        yield Fact("Normalisation", _NORMS, _source(known, "shape"))
    elif f"{prefix}.attention.layer_norm_rms_epsilon" in header.metadata:
        yield Fact("Normalisation", "RMSNorm", HEADER)
    elif f"{prefix}.attention.layer_norm_epsilon" in header.metadata:
        yield Fact("Normalisation", "LayerNorm", HEADER)
    else:
        yield Fact("Normalisation", _UNKNOWN, "")
    base = header.metadata.get(f"{prefix}.rope.freq_base")
    positions = f"RoPE, base {base:,.0f}" if isinstance(base, float | int) else ""
    yield Fact("Position embedding", positions or _UNKNOWN, HEADER if positions else "")
