"""Tiny image parts (mmproj) with random weights, of kinds that libmtmd prepares pictures for, and a text model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.engine.gemma4 import write_vocabulary

WIDTH = 256  # of the text models
IDEFICS_TOKENS = (
    "<fake_token_around_image>", "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 4) for column in range(1, 4)),
)  # fmt: skip
_EMBEDDING, _HEADS, _FORWARD, _LAYERS = 32, 2, 48, 2
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_gemma4v(path: Path, *, width: int = WIDTH, layers: int = _LAYERS, kind: str = "gemma4v") -> Path:
    """Gemma 4's encoder: patches of 16 pixels, nine of them are a token."""
    random = np.random.default_rng(9)
    writer = _begun(path, {"clip.vision.projector_type": kind}, width, image_size=224, layers=layers)
    tensors = {
        "v.patch_embd.weight": _random(random, _EMBEDDING, 3, 16, 16),
        "v.position_embd.weight": _random(random, 2, 4200, _EMBEDDING),
        "mm.input_projection.weight": _random(random, width, _EMBEDDING),
    }
    for number in range(layers):
        tensors |= _block(random, number, ("attn_post_norm", "ffn_post_norm"), gated=True)
    return _written(writer, tensors)


def write_gemma4uv(path: Path) -> Path:
    """Gemma 4 12B's: no layers, patches of 48 pixels are tokens at once."""
    random = np.random.default_rng(10)
    writer = _begun(path, {"clip.vision.projector_type": "gemma4uv"}, WIDTH, image_size=224, layers=0)
    patch = 48 * 48 * 3
    tensors = {
        "v.patch_embd.weight": _random(random, _EMBEDDING, patch),
        "v.patch_embd.bias": _random(random, _EMBEDDING),
        "v.position_embd.weight": _random(random, 2, 1400, _EMBEDDING),
        "mm.input_projection.weight": _random(random, WIDTH, _EMBEDDING),
    }
    for number, size in ((1, patch), (2, _EMBEDDING), (3, _EMBEDDING)):
        tensors |= {
            f"v.patch_norm.{number}.weight": np.ones(size, np.float32),
            f"v.patch_norm.{number}.bias": np.zeros(size, np.float32),
        }
    return _written(writer, tensors)


def write_idefics3(path: Path) -> Path:
    """SmolVLM's encoder: a picture in tiles of 64 pixels, each four tokens long, and the whole of it."""
    random = np.random.default_rng(11)
    writer = _begun(path, {"clip.projector_type": "idefics3"}, WIDTH, image_size=64, layers=_LAYERS)
    writer.add_uint32("clip.vision.projector.scale_factor", 2)
    writer.add_uint32("clip.vision.preproc_image_size", 192)
    tensors = {
        "v.patch_embd.weight": _random(random, _EMBEDDING, 3, 16, 16),
        "v.patch_embd.bias": _random(random, _EMBEDDING),
        "v.position_embd.weight": _random(random, 16, _EMBEDDING),
        "v.post_ln.weight": np.ones(_EMBEDDING, np.float32),
        "v.post_ln.bias": np.zeros(_EMBEDDING, np.float32),
        "mm.model.fc.weight": _random(random, WIDTH, 4 * _EMBEDDING),
    }
    for number in range(_LAYERS):
        tensors |= _block(random, number)
    return _written(writer, tensors)


def write_mlp(path: Path) -> Path:
    """LLaVA's encoder: one size, 256 tokens that are read like text; its header has another width than its layers."""
    random = np.random.default_rng(13)
    writer = _begun(path, {"clip.projector_type": "mlp"}, 48, image_size=256, layers=_LAYERS)
    tensors = {
        "v.class_embd": _random(random, _EMBEDDING),
        "v.patch_embd.weight": _random(random, _EMBEDDING, 3, 16, 16),
        "v.position_embd.weight": _random(random, 257, _EMBEDDING),
        "v.pre_ln.weight": np.ones(_EMBEDDING, np.float32),
        "v.pre_ln.bias": np.zeros(_EMBEDDING, np.float32),
        "mm.0.weight": _random(random, _FORWARD, _EMBEDDING),
        "mm.0.bias": np.zeros(_FORWARD, np.float32),
        "mm.2.weight": _random(random, WIDTH, _FORWARD),
        "mm.2.bias": np.zeros(WIDTH, np.float32),
    }
    for number in range(_LAYERS):
        tensors |= _block(random, number)
    return _written(writer, tensors)


def write_audio(path: Path) -> Path:
    """An image part that hears and does not see; its weights are of no use."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_bool("clip.has_audio_encoder", True)
    writer.add_string("clip.projector_type", "ultravox")
    return _written(writer, {"mm.a.mlp.0.weight": np.ones((WIDTH, 8), np.float32)})


def write_llama(path: Path, tokens: tuple[str, ...] = IDEFICS_TOKENS, *, architecture: str = "llama") -> Path:
    """A text model whose next token depends on all that it reads, with these control tokens."""
    random = np.random.default_rng(12)
    head, forward, layers = 32, 96, 2
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"tiny-{architecture}")
    writer.add_file_type(int(gguf.LlamaFileType.ALL_F32))
    added = (*tokens, "<|im_start|>", "<|im_end|>")
    words = write_vocabulary(writer, added, added)
    writer.add_chat_template(_CHATML)
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(forward)
    writer.add_head_count(WIDTH // head)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(head)
    if architecture == "qwen2vl":
        writer.add_rope_dimension_sections([4, 6, 6, 0])
    tensors: dict[str, NDArray[Any]] = {
        "token_embd.weight": _random(random, len(words), WIDTH),
        "output_norm.weight": np.ones(WIDTH, np.float32),
        "output.weight": _random(random, len(words), WIDTH),
    }
    for number in range(layers):
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH), ("attn_k", 2 * head, WIDTH), ("attn_v", 2 * head, WIDTH),
            ("attn_output", WIDTH, WIDTH), ("ffn_gate", forward, WIDTH), ("ffn_up", forward, WIDTH),
            ("ffn_down", WIDTH, forward),
        ):  # fmt: skip
            tensors[f"blk.{number}.{name}.weight"] = _random(random, rows, columns)
            if architecture == "qwen2vl" and name in ("attn_q", "attn_k", "attn_v"):
                tensors[f"blk.{number}.{name}.bias"] = np.zeros(rows, np.float32)
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{number}.{name}.weight"] = np.ones(WIDTH, np.float32)
    return _written(writer, tensors)


def _begun(path: Path, kind: Mapping[str, str], width: int, *, image_size: int, layers: int) -> gguf.GGUFWriter:
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_bool("clip.has_vision_encoder", True)
    for key, value in kind.items():
        writer.add_string(key, value)
    numbers = {
        "image_size": image_size, "patch_size": 16, "embedding_length": _EMBEDDING, "feed_forward_length": _FORWARD,
        "projection_dim": width, "block_count": layers, "attention.head_count": _HEADS,
    }  # fmt: skip
    for key, number in numbers.items():
        writer.add_uint32(f"clip.vision.{key}", number)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    writer.add_bool("clip.use_gelu", True)
    return writer


def _block(
    random: np.random.Generator, number: int, norms: tuple[str, ...] = (), *, gated: bool = False
) -> dict[str, NDArray[Any]]:
    """One layer of an encoder."""
    found = {name: _random(random, _EMBEDDING, _EMBEDDING) for name in ("attn_q", "attn_k", "attn_v", "attn_out")}
    found |= {name: np.ones(_EMBEDDING, np.float32) for name in ("ln1", "ln2", *norms)}
    found |= {name: _random(random, _FORWARD, _EMBEDDING) for name in ("ffn_up", *(("ffn_gate",) if gated else ()))}
    found["ffn_down"] = _random(random, _EMBEDDING, _FORWARD)
    return {f"v.blk.{number}.{name}.weight": weights for name, weights in found.items()}


def _written(writer: gguf.GGUFWriter, tensors: Mapping[str, NDArray[Any]]) -> Path:
    for name, weights in tensors.items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (path,) = [Path(str(writer.path))]
    return path


def _random(random: np.random.Generator, *shape: int) -> NDArray[Any]:
    columns = int(np.prod(shape[1:])) or 1
    found: NDArray[Any] = random.standard_normal(shape, np.float32) * np.float32(columns**-0.5)
    return found
