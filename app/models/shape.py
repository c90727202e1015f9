"""What of a model decides its memory: layers, heads, window and where its weights belong. From the header alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.core.errors import ModelError
from app.gguf.header import Header

_BLOCK = re.compile(r"blk\.(\d+)\.")
# every n-th layer looks at everything, the others at a window; llama.cpp keeps two caches for these
_GLOBAL_EVERY = {"gemma4": 6, "gemma3": 6, "gemma2": 2}


@dataclass(frozen=True, slots=True)
class Shape:
    """A text model. Sizes in bytes, `kv_values` in values of one cell of one layer (keys and values together)."""

    name: str
    quantisation: str
    hidden: int
    feed_forward: int
    queries: int  # heads by their size, in the layer where they are largest
    vocabulary: int
    trained_context: int
    window: int  # 0: all layers look at everything
    kv_values: tuple[int, ...]  # by layer; 0 for one that reads the cache of another
    is_global: tuple[bool, ...]  # by layer
    layer_bytes: tuple[int, ...]
    embedding_bytes: int
    output_bytes: int  # 0 where the embeddings serve as output too
    other_bytes: int

    @property
    def layers(self) -> int:
        """Layers without the output."""
        return len(self.layer_bytes)

    @property
    def weight_bytes(self) -> int:
        """All weights once."""
        return sum(self.layer_bytes) + self.embedding_bytes + self.output_bytes + self.other_bytes


def global_layers(architecture: str, count: int, every: int = 0) -> tuple[bool, ...]:
    """By layer, whether it looks at everything: each `every`-th, or as is usual for the architecture (0)."""
    every = every or _GLOBAL_EVERY[architecture]
    return tuple(layer % every == every - 1 for layer in range(count))


def shape_of(header: Header, name: str) -> Shape:
    """The shape of a text model. Raises ModelError where the header does not say it."""
    found, count = header.architecture, header.number(f"{header.architecture}.block_count")
    hidden = header.number(f"{found}.embedding_length")
    heads = max(header.numbers(f"{found}.attention.head_count"), default=0)
    if not (count and hidden and heads) or count > len(header.tensors):  # each layer has tensors
        raise ModelError(f"“{name}” does not say how large its layers are.", "shape")
    window = header.number(f"{found}.attention.sliding_window") if found in _GLOBAL_EVERY else 0
    is_global = _global_layers(header, count) if window else (True,) * count
    layers, embedding, output, other = [0] * count, 0, 0, 0
    vocabulary = 0
    for tensor in header.tensors:
        block = _BLOCK.match(tensor.name)
        if block is not None and int(block[1]) < count:
            layers[int(block[1])] += tensor.size
        elif tensor.name == "token_embd.weight":
            embedding, vocabulary = tensor.size, tensor.shape[-1]
        elif tensor.name == "output.weight":
            output = tensor.size
        else:
            other += tensor.size
    return Shape(
        name=name,
        quantisation=header.quantisation,
        hidden=hidden,
        feed_forward=max(header.numbers(f"{found}.feed_forward_length"), default=0),
        queries=heads * (header.number(f"{found}.attention.key_length") or hidden // heads),
        vocabulary=vocabulary,
        trained_context=header.number(f"{found}.context_length"),
        window=window,
        kv_values=_kv_values(header, is_global, heads),
        is_global=is_global,
        layer_bytes=tuple(layers),
        embedding_bytes=embedding,
        output_bytes=output,
        other_bytes=other,
    )


def _global_layers(header: Header, count: int) -> tuple[bool, ...]:
    """Where the header lists the layers with a window, or says how many there are, that; else as is usual."""
    listed = header.numbers(f"{header.architecture}.attention.sliding_window_pattern")
    if len(listed) == count:
        return tuple(not local for local in listed)
    return global_layers(header.architecture, count, listed[0] if listed else 0)


def _kv_values(header: Header, is_global: tuple[bool, ...], heads: int) -> tuple[int, ...]:
    """Keys and values of a cell, layer by layer. Heads may differ by layer, and their size by the kind of layer."""
    prefix, count = f"{header.architecture}.attention", len(is_global)
    head = header.number(f"{header.architecture}.embedding_length") // heads
    kv_heads = header.numbers(f"{prefix}.head_count_kv") or (heads,)
    by_layer = kv_heads if len(kv_heads) == count else (kv_heads[0],) * count
    sizes = {part: header.number(f"{prefix}.{part}_length") or head for part in ("key", "value")}
    local = {part: header.number(f"{prefix}.{part}_length_swa") or size for part, size in sizes.items()}
    own = count - header.number(f"{prefix}.shared_kv_layers")
    return tuple(
        kv * sum((sizes if everything else local).values()) if layer < own else 0
        for layer, (kv, everything) in enumerate(zip(by_layer, is_global, strict=True))
    )
