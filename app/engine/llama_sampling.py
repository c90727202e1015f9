"""What of llama.cpp chooses a token: the chain of samplers, and a grammar that says what may be written.

The bindings are handed over by `llama.py`, the only file that imports them.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any


class LlamaSampler:
    """A chain of C samplers, applied in the order they were added."""

    def __init__(self, c: Any) -> None:
        self._c = c
        self.handle: int = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        self.best = 0  # how many of the best tokens decide what is chosen; 0: all of them, 1: without the chain

    def add(self, name: str, *arguments: float) -> None:
        """Adds `llama_sampler_init_<name>(*arguments)`; the chain owns it."""
        self._c.llama_sampler_chain_add(self.handle, getattr(self._c, f"llama_sampler_init_{name}")(*arguments))

    def accept(self, token: int) -> None:
        """Tells the chain of a token that it did not sample (a penalty counts it)."""
        self._c.llama_sampler_accept(self.handle, token)

    def free(self) -> None:
        """Gives the memory back. Twice does no harm."""
        if self.handle:
            self._c.llama_sampler_free(self.handle)
            self.handle = 0


class LlamaGrammar:
    """A grammar and how far what was accepted has come in it.

    A token is accepted only after `allows` (or `mark`) let it through: llama.cpp ends the process over any other.
    """

    def __init__(self, c: Any, vocabulary: int, text: str) -> None:
        """Raises ValueError for a grammar that llama.cpp does not understand."""
        self._c = c
        self._handle: int = c.llama_sampler_init_grammar(vocabulary, text.encode(), b"root") or 0
        if not self._handle:
            raise ValueError("the grammar cannot be read")
        self._one = (c.llama_token_data * 1)()
        self._among_one = c.llama_token_data_array(data=self._one, size=1, selected=-1, sorted=False)

    def allows(self, token: int) -> bool:
        """Whether this token may come next."""
        self._one[0].id, self._one[0].logit = token, 0.0
        self._c.llama_sampler_apply(self._handle, ctypes.byref(self._among_one))
        return bool(self._one[0].logit != -math.inf)

    def mark(self, address: int, count: int) -> None:
        """Sets the logits of those tokens to -inf that may not come next; an array of llama_token_data."""
        data = ctypes.cast(address, self._c.llama_token_data_p)
        among = self._c.llama_token_data_array(data=data, size=count, selected=-1, sorted=False)
        self._c.llama_sampler_apply(self._handle, ctypes.byref(among))

    def accept(self, token: int) -> None:
        """This token comes next."""
        self._c.llama_sampler_accept(self._handle, token)

    def free(self) -> None:
        """Gives the memory back. Twice does no harm."""
        if self._handle:
            self._c.llama_sampler_free(self._handle)
            self._handle = 0
