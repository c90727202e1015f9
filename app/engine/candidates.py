"""The few tokens that a sampler chain can choose from, found among the logits of the whole vocabulary.

llama.cpp's own way writes 12 bytes for each of Gemma's 262,144 tokens before the first sampler sees one: 0.35 ms, some
3% of a small model's token. A chain that keeps the best k of them needs no more than those that reach the k-th.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOKEN_DATA = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])  # llama_token_data
_MOST = 4096
_TRIES = 6
_FIRST_SPAN = 8.0  # logits below the best one that are looked at first


class Candidates:
    """Room for the tokens of one choice. What is learned of a model's logits is kept for the next choice."""

    def __init__(self) -> None:
        self._data: NDArray[Any] = np.zeros(_MOST, _TOKEN_DATA)
        self._span = _FIRST_SPAN

    @property
    def address(self) -> int:
        """Of an array of llama_token_data."""
        return int(self._data.ctypes.data)

    def find(self, logits: NDArray[np.float32], count: int) -> int:
        """Writes the best `count` tokens, and some more, in the order of their ids; returns how many.

        0 when they are not found quickly: nearly all logits alike, or no numbers.
        """
        best = float(logits.max())
        if not np.isfinite(best):
            return 0
        for _ in range(_TRIES):
            ids = np.flatnonzero(logits >= best - self._span)
            if len(ids) > _MOST:
                self._span *= 0.6
            elif len(ids) < count:
                self._span *= 1.5
            else:
                if len(ids) > 8 * count:
                    self._span *= 0.9
                self._data["id"][: len(ids)] = ids
                self._data["logit"][: len(ids)] = logits[ids]
                self._data["p"][: len(ids)] = 0.0
                return len(ids)
        return 0


def among_best(
    logits: NDArray[np.float32], most: int, never: NDArray[np.int32], mark: Callable[[int, int], None]
) -> NDArray[Any]:
    """The best `most` tokens without those in `never` and those whose logit `mark(address, count)` made endless."""
    ids = np.argpartition(logits, -most)[-most:] if most < len(logits) else np.arange(len(logits))
    ids = ids[~np.isin(ids, never)]
    data: NDArray[Any] = np.zeros(len(ids), _TOKEN_DATA)
    data["id"], data["logit"] = ids, logits[ids]
    mark(int(data.ctypes.data), len(data))
    kept: NDArray[Any] = data[np.isfinite(data["logit"])]
    return kept


def view(address: int, count: int) -> NDArray[np.float32]:
    """`count` floats at an address of the C library's, without a copy."""
    return np.ctypeslib.as_array((ctypes.c_float * count).from_address(address))
