"""A tiny Gemma 4 with random weights whose vocabulary has its tokens for tools, and that can be told what to say.

Its layers add nothing, so that the next token depends on the last one alone: `script` says after which token which
other one comes. Everything else is chance. Words are those of the micro model; the template is Google's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.conftest import ROOT

TEMPLATES = ROOT / "tests" / "prompt" / "templates"
TEMPLATE = (TEMPLATES / "gemma-4-31B-it.jinja").read_text(encoding="utf-8")
OLDER_TEMPLATE = (TEMPLATES / "gemma-4-31B-it-interleaved.jinja").read_text(encoding="utf-8")
# as llama.cpp's converter (conversion/gemma.py) types them
CONTROL = ("<|turn>", "<turn|>", "<|tool>", "<tool|>", "<|think|>", "<|image>", "<image|>", "<|image|>")
VISIBLE = (
    "<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>',
)  # fmt: skip
_WIDTH, _HEAD, _FORWARD, _LAYERS, _WINDOW = 256, 32, 64, 2, 128
_LIKING = 8.0  # how much more likely than chance the script is
_WORDS = ROOT / "resources" / "self-check" / "micro-gemma3.gguf"


def write_gemma4(
    path: Path,
    script: Mapping[str, str] | None = None,
    *,
    template: str = TEMPLATE,
    tokens: tuple[str, ...] = (*CONTROL, *VISIBLE),
    is_alive: bool = False,
    width: int = _WIDTH,
) -> Path:
    """Writes the model. `script` names tokens by their literals; the layers of one that is alive add something."""
    writer = gguf.GGUFWriter(path, "gemma4")
    writer.add_name("tiny-gemma4")
    writer.add_file_type(int(gguf.LlamaFileType.ALL_F32))
    words = write_vocabulary(writer, tokens)
    writer.add_chat_template(template)
    _write_shape(writer, width)
    random = np.random.default_rng(4)
    embedding = _random(random, len(words), width)
    output = _random(random, len(words), width)
    for before, after in (script or {}).items():
        direction = embedding[words.index(before)]
        output[words.index(after)] += direction / np.linalg.norm(direction) * _LIKING
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.add_tensor("rope_freqs.weight", np.ones(_HEAD // 2, np.float32))
    for number in range(_LAYERS):
        for name, weights in _layer(random, width, is_alive=is_alive).items():
            writer.add_tensor(f"blk.{number}.{name}.weight", weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_shape(writer: gguf.GGUFWriter, width: int) -> None:
    writer.add_context_length(8192)
    writer.add_embedding_length(width)
    writer.add_embedding_length_per_layer_input(0)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FORWARD)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_key_length(_HEAD)
    writer.add_value_length(_HEAD)
    writer.add_key_length_swa(_HEAD)
    writer.add_value_length_swa(_HEAD)
    writer.add_rope_dimension_count(_HEAD)
    writer.add_rope_dimension_count_swa(_HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_sliding_window(_WINDOW)
    writer.add_sliding_window_pattern([True, False])
    writer.add_rope_freq_base(1e6)


def write_vocabulary(writer: gguf.GGUFWriter, added: tuple[str, ...], control: tuple[str, ...] = CONTROL) -> list[str]:
    """The words of the micro model and these; those in `control` are control tokens. Returns all of them."""
    reader = gguf.GGUFReader(_WORDS)
    fields = {name: field.contents() for name, field in reader.fields.items() if name.startswith("tokenizer.ggml.")}
    words, types = list(fields["tokenizer.ggml.tokens"]), list(fields["tokenizer.ggml.token_type"])
    scores = list(fields["tokenizer.ggml.scores"])
    for token in added:
        words.append(token)
        scores.append(0.0)
        types.append(gguf.TokenType.CONTROL if token in control else gguf.TokenType.USER_DEFINED)
    writer.add_tokenizer_model(fields["tokenizer.ggml.model"])
    writer.add_tokenizer_pre("default")
    writer.add_token_list(words)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(words.index("<bos>"))
    writer.add_eos_token_id(words.index("<eos>"))
    writer.add_unk_token_id(words.index("<unk>"))
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    return words


def _layer(random: np.random.Generator, width: int, *, is_alive: bool) -> dict[str, NDArray[Any]]:
    """One layer; its two ways into the stream are shut where it is not alive."""
    ones, head = np.ones(width, np.float32), np.ones(_HEAD, np.float32)
    return {
        "attn_norm": ones, "post_attention_norm": ones, "ffn_norm": ones, "post_ffw_norm": ones,
        "attn_q_norm": head, "attn_k_norm": head,
        "attn_q": _random(random, 2 * _HEAD, width),
        "attn_k": _random(random, _HEAD, width),
        "attn_v": _random(random, _HEAD, width),
        "attn_output": _random(random, width, 2 * _HEAD) * np.float32(is_alive),
        "ffn_gate": _random(random, _FORWARD, width),
        "ffn_up": _random(random, _FORWARD, width),
        "ffn_down": _random(random, width, _FORWARD) * np.float32(is_alive),
    }  # fmt: skip


def _random(random: np.random.Generator, rows: int, columns: int) -> NDArray[Any]:
    found: NDArray[Any] = random.standard_normal((rows, columns), np.float32) * np.float32(columns**-0.5)
    return found
