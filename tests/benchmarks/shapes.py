"""Model files of Gemma 3's shapes with random weights: what they say is nonsense, what they cost is true.

The vocabulary and template come from gemma-3-270m, which has those of the whole family.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.peers import ROOT
from tests.benchmarks.report import say

_Q4_0_BLOCK, _Q4_0_BYTES = 32, 18
_SHAPES = ROOT / ".cache" / "shapes"
_VOCABULARY = ROOT / ".cache" / "models" / "gemma-3-270m-q4_k_m.gguf"
_SKIPPED = ("GGUF.", "general.architecture", "gemma3.", "general.file_type", "general.name")


@dataclass(frozen=True)
class Shape:
    """A text model of the Gemma 3 family."""

    name: str
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    head: int = 256
    window: int = 1024
    context: int = 131072
    sees: bool = True


GEMMA_12B = Shape("gemma-3-12b-shaped", 48, 3840, 15360, 16, 8)
GEMMA_4B = Shape("gemma-3-4b-shaped", 34, 2560, 10240, 8, 4)
GEMMA_270M = Shape("gemma-3-270m-shaped", 18, 640, 2048, 4, 1, window=512, context=32768, sees=False)


def made(shape: Shape) -> Path:
    """The text model of this shape, its image part beside it; written once, below `.cache`."""
    place = _SHAPES / shape.name
    model, projector = place / f"{shape.name}-Q4_0.gguf", place / f"mmproj-{shape.name}-f16.gguf"
    if not model.is_file():
        place.mkdir(parents=True, exist_ok=True)
        say(f"writing {shape.name} …")
        part = place / "part"
        if shape.sees:
            write_projector(part, shape.hidden)
            part.replace(projector)
        write_text_model(part, shape, _VOCABULARY)
        part.replace(model)
    return model


def hollow(shape: Shape, folder: Path) -> tuple[Path, Path]:
    """A text model of this shape and its image part, with headers only: what they need is true, no byte is written."""
    model, projector = folder / f"{shape.name}.gguf", folder / f"mmproj-{shape.name}.gguf"
    write_text_model(model, shape, _VOCABULARY, hollow=True)
    write_projector(projector, shape.hidden, hollow=True)
    return model, projector


def write_text_model(path: Path, shape: Shape, vocabulary: Path, *, hollow: bool = False) -> None:
    """Writes a Q4_0 file of this shape; `vocabulary` is a Gemma 3 GGUF."""
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_name(shape.name)
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_Q4_0))
    count = _copy_vocabulary(writer, vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_sliding_window(shape.window)
    writer.add_rope_freq_base(1e6)
    _write(writer, list(_text_tensors(shape, count)), hollow=hollow)


def write_projector(path: Path, width: int, *, hollow: bool = False) -> None:
    """Writes the image part: SigLIP-so400m at 896 pixels, 256 tokens of `width`, in f16."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_F16))
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "gemma3")
    for key, value in {
        "projection_dim": width,
        "image_size": 896,
        "patch_size": 14,
        "embedding_length": 1152,
        "feed_forward_length": 4304,
        "block_count": 27,
        "attention.head_count": 16,
        "projector.scale_factor": 4,
    }.items():
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    writer.add_bool("clip.use_gelu", True)
    _write(writer, list(_vision_tensors(width)), hollow=hollow)


_Tensor = tuple[str, tuple[int, ...], str]  # name, shape as numpy has it, f32 | ones | f16 | q4_0


def _text_tensors(shape: Shape, vocabulary: int) -> Iterator[_Tensor]:
    hidden, head = shape.hidden, shape.head
    yield "token_embd.weight", (vocabulary, hidden), "q4_0"
    yield "output_norm.weight", (hidden,), "ones"
    for number in range(shape.layers):
        block = f"blk.{number}"
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            yield f"{block}.{name}.weight", (hidden,), "ones"
        for name in ("attn_q_norm", "attn_k_norm"):
            yield f"{block}.{name}.weight", (head,), "ones"
        yield f"{block}.attn_q.weight", (shape.heads * head, hidden), "q4_0"
        yield f"{block}.attn_k.weight", (shape.kv_heads * head, hidden), "q4_0"
        yield f"{block}.attn_v.weight", (shape.kv_heads * head, hidden), "q4_0"
        yield f"{block}.attn_output.weight", (hidden, shape.heads * head), "q4_0"
        yield f"{block}.ffn_gate.weight", (shape.feed_forward, hidden), "q4_0"
        yield f"{block}.ffn_up.weight", (shape.feed_forward, hidden), "q4_0"
        yield f"{block}.ffn_down.weight", (hidden, shape.feed_forward), "q4_0"


def _vision_tensors(width: int) -> Iterator[_Tensor]:
    size, forward = 1152, 4304
    yield "mm.input_projection.weight", (size, width), "f16"
    yield "mm.soft_emb_norm.weight", (size,), "ones"
    yield "v.patch_embd.weight", (size, 3, 14, 14), "f32"
    yield "v.patch_embd.bias", (size,), "f32"
    yield "v.position_embd.weight", (4096, size), "f32"
    yield "v.post_ln.weight", (size,), "ones"
    yield "v.post_ln.bias", (size,), "f32"
    for number in range(27):
        block = f"v.blk.{number}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield f"{block}.{name}.weight", (size, size), "f16"
            yield f"{block}.{name}.bias", (size,), "f32"
        yield f"{block}.ffn_up.weight", (forward, size), "f16"
        yield f"{block}.ffn_up.bias", (forward,), "f32"
        yield f"{block}.ffn_down.weight", (size, forward), "f16"
        yield f"{block}.ffn_down.bias", (size,), "f32"
        for name in ("ln1", "ln2"):
            yield f"{block}.{name}.weight", (size,), "ones"
            yield f"{block}.{name}.bias", (size,), "f32"


def _copy_vocabulary(writer: gguf.GGUFWriter, source: Path) -> int:
    reader = gguf.GGUFReader(source)
    for name, field in reader.fields.items():
        if name.startswith(_SKIPPED):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, inner)
    return len(reader.fields["tokenizer.ggml.tokens"].contents())


def _write(writer: gguf.GGUFWriter, tensors: list[_Tensor], *, hollow: bool = False) -> None:
    """Header first, then tensor by tensor, so that no more than one is in memory; a `hollow` file has a hole there."""
    random, size = np.random.default_rng(7), 0
    for name, shape, kind in tensors:
        if kind == "q4_0":
            raw = (*shape[:-1], shape[-1] // _Q4_0_BLOCK * _Q4_0_BYTES)
            length = int(np.prod(raw))
            writer.add_tensor_info(name, raw, np.dtype(np.uint8), length, gguf.GGMLQuantizationType.Q4_0)
        else:
            dtype = np.dtype(np.float16 if kind == "f16" else np.float32)
            length = int(np.prod(shape)) * dtype.itemsize
            writer.add_tensor_info(name, shape, dtype, length)
        size += gguf.GGUFWriter.ggml_pad(length, writer.data_alignment)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    if hollow:
        assert writer.fout is not None
        file = writer.fout[0]
        file.truncate(gguf.GGUFWriter.ggml_pad(file.tell(), writer.data_alignment) + size)
    else:
        for _, shape, kind in tensors:
            writer.write_tensor_data(_data(shape, kind, random))
    writer.close()


def _data(shape: tuple[int, ...], kind: str, random: np.random.Generator) -> NDArray[Any]:
    if kind == "ones":
        return np.ones(shape, np.float32)
    if kind == "f32":
        return (random.standard_normal(shape, np.float32) * 0.02).astype(np.float32)
    if kind == "f16":
        return (random.standard_normal(shape, np.float32) * 0.02).astype(np.float16)
    blocks = int(np.prod(shape)) // _Q4_0_BLOCK
    data = np.empty((blocks, _Q4_0_BYTES), np.uint8)
    data[:, :2] = np.frombuffer(np.float16(0.004).tobytes(), np.uint8)
    data[:, 2:] = random.integers(0, 256, (blocks, _Q4_0_BYTES - 2), np.uint8)
    return data.reshape(*shape[:-1], -1)
