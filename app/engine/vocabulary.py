"""A model's vocabulary: text to ids and back, which ids end an answer, and which literals are control tokens."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.engine.llama import ATTRIBUTE_CONTROL, ATTRIBUTE_UNKNOWN, LlamaModel
from app.gguf.header import Header
from app.prompt.template import PICTURE_FRAME

TOKEN_TYPES_KEY = "tokenizer.ggml.token_type"  # read with the header
TEMPLATE_KEY = "tokenizer.chat_template"
_CONTROL_TYPE = 3  # llama_token_type in the file
_BYTE_TYPE = 6
_NO_UTF8 = frozenset(f"<0x{byte:02X}>" for byte in (0xC0, 0xC1, *range(0xF5, 0x100)))  # but llama.cpp decodes them
_REMEMBERED_TEXTS = 8192
_REMEMBERED_WORDS = 4
_LITERAL = re.compile(r"<[^<>\s]{1,64}>")


class Vocabulary:
    """Worker's main thread. `fingerprint` names it: ids of one mean nothing to another."""

    def __init__(self, model: LlamaModel, header: Header, family_controls: Collection[str] = ()) -> None:
        """`family_controls` are literals of control tokens, also where the file calls them words."""
        self._model = model
        self.fingerprint = header.vocabulary_digest[:32]
        declared = header.metadata.get(TOKEN_TYPES_KEY)
        types: Sequence[object] = declared if isinstance(declared, tuple) else ()
        hidden = ATTRIBUTE_CONTROL | ATTRIBUTE_UNKNOWN
        controls = [token for token in range(model.n_vocab) if model.attributes(token) & hidden]
        ends = {model.eos, model.eot}
        # llama.cpp makes control tokens of ordinary words that look like one: Gemma's </s> is an HTML end tag.
        self._words = frozenset(
            token for token in controls if token < len(types) and types[token] not in (_CONTROL_TYPE, 2)
        ).difference(ends, (token for token in controls if model.token_text(token) in family_controls))
        self.stops = frozenset(
            token for token in {*controls, *ends} - self._words if token >= 0 and model.ends_generation(token)
        )
        self._literals = {model.token_text(token): token for token in controls}
        self._literals.update(self._soft_controls(header.text(TEMPLATE_KEY), family_controls))
        self._control_ids = frozenset(self._literals.values())
        silent = (*PICTURE_FRAME, *family_controls)
        self._silent = frozenset(self._literals[word] for word in silent if word in self._literals)
        ending = {token for token in self._words if model.ends_generation(token)}
        bytes_of_none = {
            token
            for token, kind in enumerate(types[: model.n_vocab])
            if kind == _BYTE_TYPE and model.token_text(token) in _NO_UTF8
        }
        self._no_words = (self._control_ids | ending | bytes_of_none) - self.stops
        self._pieces: list[bytes | None] = [None] * model.n_vocab
        self._remembered = lru_cache(_REMEMBERED_TEXTS)(self._tokenize)
        self.no_words_but = lru_cache(_REMEMBERED_WORDS)(self._no_words_but)

    def _soft_controls(self, template: str, family_controls: Collection[str]) -> dict[str, int]:
        """Single tokens that are written like control tokens although the file calls them words.

        Those of the template and the family, and those around a picture, which many files of Gemma 3 call words of the
        user's.
        """
        found = {}
        for literal in {*_LITERAL.findall(template), *PICTURE_FRAME, *family_controls} - self._literals.keys():
            ids = self._model.tokenize(literal.encode(), parse_special=True)
            if len(ids) == 1:
                found[literal] = ids[0]
        return found

    @property
    def control_tokens(self) -> frozenset[str]:
        """The literals that a template's control tokens are written as."""
        return frozenset(self._literals)

    @property
    def bos_text(self) -> str:
        """The literal of the token a prompt begins with, "" where the model has none."""
        return self._model.token_text(self._model.bos) if self._model.bos >= 0 else ""

    @property
    def eos_text(self) -> str:
        """The literal of the end-of-sequence token, "" where the model has none."""
        return self._model.token_text(self._model.eos) if self._model.eos >= 0 else ""

    @property
    def opening(self) -> tuple[int, ...]:
        """What every prompt begins with: BOS where the model wants one."""
        return (self._model.bos,) if self._model.add_bos and self._model.bos >= 0 else ()

    def _no_words_but(self, literals: tuple[str, ...]) -> tuple[NDArray[np.int32], frozenset[int]]:
        """What must not stand in a call: llama.cpp's grammar reads control tokens as the text they are written as."""
        found = self._no_words.difference(map(self.control, literals))
        return np.array(sorted(found), np.int32), found

    def control(self, literal: str) -> int:
        """The id of a control token. Raises KeyError."""
        return self._literals[literal]

    def tokenize(self, text: str) -> tuple[int, ...]:
        """Ids of plain text, never a control token among them. Long histories are remembered."""
        return self._remembered(text)

    def _tokenize(self, text: str) -> tuple[int, ...]:
        ids = self._model.tokenize(text.encode("utf-8", "replace"))
        if self._control_ids.isdisjoint(ids):
            return tuple(ids)
        cut = re.compile("|".join(f"(?<={re.escape(word[0])})(?={re.escape(word[1:])})" for word in self._soft_words()))
        return tuple(
            token for part in cut.split(text) for token in self._model.tokenize(part.encode("utf-8", "replace"))
        )

    def _soft_words(self) -> Iterable[str]:
        hidden = ATTRIBUTE_CONTROL | ATTRIBUTE_UNKNOWN
        return (word for word, token in self._literals.items() if not self._model.attributes(token) & hidden)

    def piece(self, token: int) -> bytes:
        """The bytes that a sampled token adds to an answer: none for a control token."""
        known = self._pieces[token]
        if known is None:
            known = b"" if token in self._silent else self._model.piece(token, special=token in self._words)
            self._pieces[token] = known
        return known

    def spelled(self, ids: Iterable[int]) -> str:
        """The text of an answer's ids to look at: its control tokens by their literals."""
        names = {token: word.encode() for word, token in self._literals.items()}
        return b"".join(names.get(token) or self.piece(token) for token in ids).decode("utf-8", "replace")

    def text(self, ids: Iterable[int]) -> bytes:
        """The bytes of an answer's ids."""
        return b"".join(map(self.piece, ids))
