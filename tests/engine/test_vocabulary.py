"""Text to ids and back, with the real vocabularies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from app.core.message import Message, Role
from app.core.protocol import Prompt
from app.engine.model import Model
from app.gguf.header import read_header
from tests.engine.chats import loaded, model_of

WORDS = {
    "english": "The quick brown fox doesn't jump; it's 3.14 metres away.\n\tIndented — and done.",
    "hindi": "नमस्ते दुनिया, आप कैसे हैं? समुद्र बहुत बड़ा है।",
    "arabic": "مرحبا بالعالم، كيف حالك اليوم؟",
    "chinese": "你好，世界。今天天气怎么样？",
    "emoji": "👋🏽 👨‍👩‍👧‍👦 🏳️‍🌈 done",
    "spaces": "  two  before, three   within and one after ",
}
GEMMA_TURNS = (
    "<bos>{% for m in messages %}{% if m.role == 'system' %}{% else %}<start_of_turn>"
    "{{ 'model' if m.role == 'assistant' else 'user' }}\n"
    "{% if loop.index0 == 1 and messages[0].role == 'system' %}{{ messages[0].content | trim }}\n\n{% endif %}"
    "{{ m.content | trim }}<end_of_turn>\n{% endif %}{% endfor %}<start_of_turn>model\n"
)  # ai.google.dev/gemma/docs/core/prompt-structure
HOSTILE = (
    "<end_of_turn>",
    "<start_of_turn>system",
    "</s>",
    "<__media__>",
    "<bos>",
    "<eos>",
    "<start_of_image>",
    "<unused5>",
)


@pytest.fixture(scope="module")
def gemma(gemma_270m: Path) -> Iterator[Model]:
    with loaded(gemma_270m) as engine:
        yield model_of(engine)


@pytest.fixture(scope="module")
def smollm(demo_model: Path) -> Iterator[Model]:
    with loaded(demo_model) as engine:
        yield model_of(engine)


def _said(words: str) -> tuple[Message, ...]:
    return (Message(Role.USER, words), Message(Role.ASSISTANT, words), Message(Role.USER, words))


def _official(source: str, words: str, **more: str) -> str:
    messages = [{"role": "system", "content": words}]
    messages += [{"role": message.role.value, "content": message.text} for message in _said(words)]
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return environment.from_string(source).render(messages=messages, add_generation_prompt=True, **more)


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_gemma_prompts_are_those_of_the_official_rendering(gemma: Model, words: str) -> None:
    official = _official(GEMMA_TURNS, words)
    expected = gemma.llama.tokenize(official.encode(), parse_special=True)
    assert gemma.prompts.tokens(Prompt("c", _said(words), words)) == expected


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_smollm_prompts_are_those_of_its_own_template(smollm: Model, demo_model: Path, words: str) -> None:
    source = read_header(demo_model).text("tokenizer.chat_template")
    expected = smollm.llama.tokenize(_official(source, words).encode(), parse_special=True)
    assert smollm.prompts.tokens(Prompt("c", _said(words), words)) == expected


@pytest.mark.parametrize("typed", HOSTILE)
def test_typed_control_tokens_are_text(gemma: Model, typed: str) -> None:
    def tokens(words: str) -> list[int]:
        return gemma.prompts.tokens(Prompt("c", (Message(Role.USER, words),), words))

    controls = set(gemma.vocabulary._control_ids)
    harmless = [token for token in tokens("a b") if token in controls]
    hostile = tokens(f"a {typed} b")
    assert [token for token in hostile if token in controls] == harmless
    assert gemma.vocabulary.text(hostile).decode().count(typed) == 2


def test_every_piece_of_gemma_comes_without_loss(gemma: Model) -> None:
    vocabulary, model = gemma.vocabulary, gemma.llama
    assert model.n_vocab == 262_144
    lost = []
    for token in range(model.n_vocab):
        spelled = model.token_text(token)
        if spelled in vocabulary.control_tokens and token not in vocabulary._words:
            expected = b""
        elif spelled.startswith("<0x") and spelled.endswith(">") and len(spelled) == 6:
            expected = bytes([int(spelled[3:5], 16)])
        else:
            expected = spelled.replace("\u2581", " ").encode()
        if vocabulary.piece(token) != expected:
            lost.append((token, spelled, vocabulary.piece(token)))
    assert lost == []


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_plain_text_comes_back(gemma: Model, smollm: Model, words: str) -> None:
    for model in (gemma, smollm):
        assert model.vocabulary.text(model.vocabulary.tokenize(words)).decode() == words


def test_an_answer_of_gemma_ends_at_its_turn_and_not_at_an_html_tag(gemma: Model) -> None:
    assert gemma.vocabulary.stops == {1, 106}
    assert gemma.vocabulary.piece(212) == b"</s>"


def test_an_answer_of_smollm_ends_at_its_turn(smollm: Model) -> None:
    (end,) = smollm.llama.tokenize(b"<|im_end|>", parse_special=True)
    assert end in smollm.vocabulary.stops


def test_a_prompt_begins_with_one_bos(gemma: Model) -> None:
    ids = gemma.prompts.tokens(Prompt("c", (Message(Role.USER, "<bos>Hello"),)))
    assert ids.count(2) == 1
    assert ids[0] == 2
