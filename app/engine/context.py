"""What the model has read: the cells in its memory, how much of a new prompt they save, and how to go back in them.

With a pruned sliding window the local layers hold only the latest cells. llama.cpp removes cells on request and answers
"done" also when the cells that the rest would need are gone; what it computes then is wrong without an error. So every
step back is checked here first (`can_keep`), and where it is not possible a checkpoint of the local layers is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import EngineError
from app.engine.cells import run_length, text_length, whole_views
from app.engine.llama import DECODE_ABORTED, DECODE_NO_SLOT, LlamaContext

CHECKPOINT_BUDGET = 704 << 20  # bytes; two checkpoints of a 12B model at f16
MOST_CHECKPOINTS = 6


class Stopped(Exception):
    """The evaluation was ended by the abort flag; the cells that are there stay right."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The local layers as they were when `cells` cells had been read; `first` is the oldest position they hold."""

    cells: int
    first: int
    state: Any


def can_keep(keep: int, first: int, window: int) -> bool:
    """Whether `keep` cells can be gone on from when the local layers hold the positions from `first` on.

    The next token looks back at `window` positions, its own among them; `window` 0: all layers hold all cells.
    """
    return window == 0 or 0 <= first <= max(0, keep - window + 1)


class Context:
    """The evaluated cells of one conversation. Worker's main thread.

    `guarded=False` trusts llama.cpp's own answer instead of can_keep: the control that a test sees fail.
    """

    def __init__(
        self,
        llama: LlamaContext,
        *,
        embeddings: Callable[[Sequence[int]], tuple[bytes, bool]] | None = None,
        budget: int = CHECKPOINT_BUDGET,
        guarded: bool = True,
    ) -> None:
        """`embeddings` has those of cells of one view (`cells.py`), and tells whether its cells all see each other."""
        self._llama = llama
        self._embeddings = embeddings
        self._window = llama.model.n_swa
        self._recurrent = llama.model.recurrent
        self._budget = budget
        self._guarded = guarded
        self._cells: list[int] = []
        self._checkpoints: list[Checkpoint] = []

    @property
    def size(self) -> int:
        """How many cells there is room for."""
        return self._llama.size

    @property
    def cells(self) -> tuple[int, ...]:
        """The ids that are evaluated."""
        return tuple(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """What can be gone back to, oldest first."""
        return tuple(self._checkpoints)

    def clear(self) -> None:
        """Forgets everything."""
        self._llama.clear()
        self._cells.clear()
        self._checkpoints.clear()

    def reuse(self, prompt: Sequence[int]) -> int:
        """Goes back to the longest beginning of the prompt that can be kept, and says how many cells that is.

        At least the prompt's last token is left to be evaluated: its logits are needed.
        """
        common = whole_views(prompt, min(_common(self._cells, prompt), len(prompt) - 1))
        if common == len(self._cells):
            self.checkpoint()  # something will follow this answer: an edit of it comes back to here
            return common
        keep, checkpoint = self._best(common)
        if checkpoint is not None and not self._llama.restore_partial_state(checkpoint.state):
            keep = 0
        if keep == 0 or not self._llama.cut(keep):
            self.clear()
            return 0
        del self._cells[keep:]
        self._checkpoints = [one for one in self._checkpoints if one.cells <= keep]
        return keep

    def _best(self, common: int) -> tuple[int, Checkpoint | None]:
        """The most cells that can be kept, and the checkpoint that this takes (none: a plain cut)."""
        if not self._guarded or (not self._recurrent and can_keep(common, self._llama.first_position(), self._window)):
            return common, None
        best: tuple[int, Checkpoint | None] = (0, None)
        for checkpoint in self._checkpoints:
            keep = min(checkpoint.cells, common)
            possible = keep == checkpoint.cells if self._recurrent else can_keep(keep, checkpoint.first, self._window)
            if possible and keep > best[0]:
                best = (keep, checkpoint)
        return best

    def checkpoint(self) -> None:
        """Remembers this point, within the memory budget; the oldest points go first."""
        if not self._cells or (self._window == 0 and not self._recurrent):
            return  # a plain cut goes back anywhere
        if any(one.cells == len(self._cells) for one in self._checkpoints):
            return
        state = self._llama.partial_state()
        if not 0 < len(state) <= self._budget:
            return
        self._checkpoints.append(Checkpoint(len(self._cells), self._llama.first_position(), state))
        while len(self._checkpoints) > MOST_CHECKPOINTS or self._held() > self._budget:
            del self._checkpoints[0]

    def _held(self) -> int:
        return sum(len(one.state) for one in self._checkpoints)

    def read(self, tokens: Sequence[int], size: int, step: Callable[[int], int]) -> None:
        """Evaluates tokens in batches of `size`; `step(cells)` is told after each and answers the next batch's size.

        Raises Stopped when the abort flag was set, EngineError when llama.cpp cannot go on.
        """
        done = 0
        while done < len(tokens):
            run = run_length(tokens, done)
            if run:
                done += self._read_view(tokens[done : done + run], min(size, self._llama.batch))
            else:
                batch = tokens[done : done + text_length(tokens, done, min(size, self._llama.batch))]
                self._settle(self._llama.decode(batch), batch)
                done += len(batch)
            size = step(len(self._cells))

    def _read_view(self, cells: Sequence[int], most: int) -> int:
        """Evaluates cells of a view and says how many: those that see each other together or not at all."""
        assert self._embeddings is not None
        embeddings, together = self._embeddings(cells)
        if not together and len(cells) > most:
            embeddings = embeddings[: len(embeddings) // len(cells) * most]
            cells = cells[:most]
        self._settle(self._llama.decode_embeddings(embeddings, together=together), cells)
        return len(cells)

    def append(self, token: int) -> None:
        """Evaluates one more token. Raises as read()."""
        result = self._llama.decode_one(token)
        if result:
            self._settle(result, (token,))
        self._cells.append(token)

    def _settle(self, result: int, batch: Sequence[int]) -> None:
        """Brings the cell list in line with what is in memory after a decode, whatever became of it."""
        if result == 0:
            self._cells.extend(batch)
            return
        if result == DECODE_NO_SLOT:
            raise EngineError("The conversation is longer than the model's context.", "context_full")
        if result != DECODE_ABORTED or self._recurrent:
            self.clear()
        else:
            self._cells = [*self._cells, *batch][: self._llama.last_position() + 1]
        if result == DECODE_ABORTED:
            raise Stopped
        raise EngineError(
            "The model could not go on: there is not enough memory for this conversation. "
            "What was written so far is kept. Close other programs, or load the model smaller.",
            "memory",
        )


def _common(cells: Sequence[int], prompt: Sequence[int]) -> int:
    """How many ids both begin with."""
    length = min(len(cells), len(prompt))
    if list(cells[:length]) == list(prompt[:length]):
        return length
    return next(index for index in range(length) if cells[index] != prompt[index])
