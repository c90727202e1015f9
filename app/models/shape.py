"""What of a model decides its memory: layers, heads, window and where its weights belong. From the header alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.core.errors import ModelError
from app.gguf.header import Header

_BLOCK = re.compile(r"blk\.(\d+)\.")
_GLOBAL_EVERY = {"gemma3": 6, "gemma2": 2}  # every n-th layer looks at everything, the others at a window


@dataclass(frozen=True, slots=True)
class Shape:
    """A text model. Sizes in bytes, `kv_values` in values of one cell of one layer (keys and values together)."""

    name: str
    quantisation: str
    hidden: int
    feed_forward: int
    queries: int  # heads by their size
    vocabulary: int
    trained_context: int
    window: int  # 0: all layers look at everything
    kv_values: tuple[int, ...]  # by layer
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


def global_layers(architecture: str, count: int) -> tuple[bool, ...]:
    """By layer, whether it looks at everything: all do where the architecture has no window."""
    every = _GLOBAL_EVERY.get(architecture, 1)
    return tuple(layer % every == every - 1 for layer in range(count))


def shape_of(header: Header, name: str) -> Shape:
    """The shape of a text model. Raises ModelError where the header does not say it."""
    found, count = header.architecture, header.number(f"{header.architecture}.block_count")
    hidden = header.number(f"{found}.embedding_length")
    heads = header.number(f"{found}.attention.head_count")
    if not (count and hidden and heads):
        raise ModelError(f"“{name}” does not say how large its layers are.", "shape")
    kv_heads = header.number(f"{found}.attention.head_count_kv") or heads
    head = hidden // heads
    values = kv_heads * (header.number(f"{found}.attention.key_length") or head) + kv_heads * (
        header.number(f"{found}.attention.value_length") or head
    )
    window = header.number(f"{found}.attention.sliding_window")
    has_window = bool(window) and found in _GLOBAL_EVERY
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
        feed_forward=header.number(f"{found}.feed_forward_length"),
        queries=heads * (header.number(f"{found}.attention.key_length") or head),
        vocabulary=vocabulary,
        trained_context=header.number(f"{found}.context_length"),
        window=window if has_window else 0,
        kv_values=(values,) * count,
        is_global=global_layers(found if has_window else "", count),
        layer_bytes=tuple(layers),
        embedding_bytes=embedding,
        output_bytes=output,
        other_bytes=other,
    )
