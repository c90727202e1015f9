"""Model files that are all header: made with llama.cpp's own writer, their weights a hole in the file."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from app.models.catalogue import CatalogueModel
from tests.engine.gemma4 import CONTROL, TEMPLATE, VISIBLE, write_vocabulary

_BODY = gguf.GGMLQuantizationType.Q4_0


def write_gemma4_shape(path: Path, model: CatalogueModel, hidden: int, forward: int, words: int = 0) -> Path:
    """A Gemma 4 with the layers, heads and window of `model` and these widths; as converted by llama.cpp.

    With `words` the embeddings have so many rows of Q6_K and no vocabulary comes along; else it is a tiny one that
    llama.cpp can load.
    """
    writer = gguf.GGUFWriter(path, "gemma4")
    writer.add_name(model.name)
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_Q4_0))
    writer.add_chat_template(TEMPLATE)
    count = words or len(write_vocabulary(writer, (*CONTROL, *VISIBLE)))
    local = [layer % 6 != 5 for layer in range(model.layers)]
    writer.add_context_length(model.context)
    writer.add_embedding_length(hidden)
    writer.add_embedding_length_per_layer_input(0)
    writer.add_block_count(model.layers)
    writer.add_feed_forward_length(forward)
    writer.add_head_count(model.heads)
    writer.add_head_count_kv([model.kv_heads if one else model.global_kv_heads for one in local])
    writer.add_shared_kv_layers(0)
    writer.add_key_length(model.global_head)
    writer.add_value_length(model.global_head)
    writer.add_key_length_swa(model.head)
    writer.add_value_length_swa(model.head)
    writer.add_rope_dimension_count(model.global_head)
    writer.add_rope_dimension_count_swa(model.head)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_sliding_window(model.window)
    writer.add_sliding_window_pattern(local)
    embeddings = gguf.GGMLQuantizationType.Q6_K if words else _BODY
    _hole(writer, "token_embd.weight", (count, hidden), embeddings)
    _hole(writer, "output_norm.weight", (hidden,), gguf.GGMLQuantizationType.F32)
    _hole(writer, "rope_freqs.weight", (model.global_head // 2,), gguf.GGMLQuantizationType.F32)
    for number, is_local in enumerate(local):
        head, keys = (model.head, model.kv_heads) if is_local else (model.global_head, model.global_kv_heads)
        for name, shape in _layer(hidden, forward, model.heads * head, keys * head, head, valued=is_local).items():
            kind = _BODY if len(shape) > 1 else gguf.GGMLQuantizationType.F32
            _hole(writer, f"blk.{number}.{name}.weight", shape, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    size = sum(-(-info.nbytes // 32) * 32 for tensors in writer.tensors for info in tensors.values())
    writer.close()
    with path.open("r+b") as file:
        file.truncate(-(-path.stat().st_size // 32) * 32 + size)
    return path


def _hole(writer: gguf.GGUFWriter, name: str, shape: tuple[int, ...], kind: gguf.GGMLQuantizationType) -> None:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    writer.add_tensor_info(name, shape, np.dtype(np.float32), int(np.prod(shape)) // block * size, kind)


def _layer(
    hidden: int, forward: int, queries: int, keys: int, head: int, *, valued: bool
) -> dict[str, tuple[int, ...]]:
    """Rows by length. Where a layer sees everything, its keys serve as values."""
    found: dict[str, tuple[int, ...]] = {
        "attn_norm": (hidden,), "post_attention_norm": (hidden,), "ffn_norm": (hidden,), "post_ffw_norm": (hidden,),
        "attn_q_norm": (head,), "attn_k_norm": (head,), "layer_output_scale": (1,),
        "attn_q": (queries, hidden), "attn_k": (keys, hidden), "attn_output": (hidden, queries),
        "ffn_gate": (forward, hidden), "ffn_up": (forward, hidden), "ffn_down": (hidden, forward),
    }  # fmt: skip
    return found | ({"attn_v": (keys, hidden)} if valued else {})
