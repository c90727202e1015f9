"""What is known of a family of models and stands in no file: sampler values, and a template where a file has none."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.settings import Sampling
from app.prompt.dialect import Dialect
from app.prompt.tool_tokens import CallFormat, TokenFormat
from app.prompt.tools import GEMMA_JSON, TAGGED_JSON

# The turns of Gemma 1 to 3 (ai.google.dev/gemma/docs/core/prompt-structure): the system text stands in the first one.
_GEMMA_TEMPLATE = """\
{{ bos_token }}
{%- set system = '' -%}
{%- if messages[0]['role'] == 'system' -%}
    {%- set system = messages[0]['content'] | trim + '\\n\\n' -%}
    {%- set messages = messages[1:] -%}
{%- endif -%}
{%- for message in messages -%}
    {{- '<start_of_turn>' + ('model' if message['role'] == 'assistant' else 'user') + '\\n' -}}
    {{- (system if loop.first else '') + message['content'] | trim + '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<start_of_turn>model\\n' -}}
{%- endif -%}
"""


@dataclass(frozen=True, slots=True)
class Family:
    """A family by the name it is told by. `template` serves its files that have none, None where there is none.

    `control_tokens` are no words of an answer, whatever a file calls them.
    """

    name: str
    recommended: Sampling
    template: str | None = None
    tools: CallFormat = TAGGED_JSON
    control_tokens: tuple[str, ...] = ()


_GEMMA = Sampling(temperature=1.0, top_k=64, top_p=0.95, min_p=0.0, repeat_penalty=1.0)

# Each family's values are those of its makers' model cards; where a card names no top_k, that of transformers (50), by
# which its makers ran it. A choice among few tokens also costs a tenth of one among all.
GEMMA = Family("gemma", _GEMMA, _GEMMA_TEMPLATE, GEMMA_JSON)
_GEMMA_4_TOOLS = TokenFormat("<|tool_call>", "<tool_call|>", Dialect('<|"|>'), GEMMA_JSON)
GEMMA_4 = Family(
    "gemma4",
    _GEMMA,
    tools=_GEMMA_4_TOOLS,
    # llama.cpp's converter (conversion/gemma.py) calls these words, so that its own server can read them
    control_tokens=(*_GEMMA_4_TOOLS.marks, "<|tool_response>", "<tool_response|>", "<|channel>", "<channel|>"),
)
_NAMED = (
    # and a penalty, without which the smallest of them says the same sentence again until it is stopped
    ("smollm", Family("smollm", Sampling(temperature=0.2, top_k=50, top_p=0.9, min_p=0.0, repeat_penalty=1.1))),
    ("qwen", Family("qwen", Sampling(temperature=0.7, top_k=20, top_p=0.8, min_p=0.0, repeat_penalty=1.0))),
    ("llama-3", Family("llama3", Sampling(temperature=0.6, top_k=50, top_p=0.9, min_p=0.0, repeat_penalty=1.0))),
)
# llama.cpp's own defaults, for everything else.
OTHER = Family("other", Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, repeat_penalty=1.0))


def family_of(architecture: str, template: str, name: str) -> Family:
    """The family of a file, from its architecture, chat template and name."""
    if architecture.startswith("gemma4") or "<|turn>model" in template:
        return GEMMA_4
    if architecture.startswith("gemma") or "<start_of_turn>" in template:
        return GEMMA
    told = f"{architecture} {name}".lower().replace(" ", "-")
    return next((family for word, family in _NAMED if word in told), OTHER)
