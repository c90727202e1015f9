"""What the worker's loop asks of a model: the one seam between the loop and what computes (or pretends to)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from app.core.errors import ModelError, UserError
from app.core.protocol import (
    Bench,
    Benched,
    Describe,
    Described,
    Event,
    Finished,
    Generate,
    Load,
    LookAhead,
    Measure,
    Measured,
    ModelInfo,
    Offer,
    Render,
    Rendered,
)


class OutOfMemory(ModelError):
    """A model, or what it works on, does not fit; `offer` is the next smaller way to load it, where there is one."""

    def __init__(self, error: UserError, offer: Offer | None) -> None:
        super().__init__(error.message, error.code)
        self.offer = offer


class Engine(Protocol):
    """The model inside the worker. All methods on the worker's main thread, except request_stop."""

    @property
    def loaded(self) -> bool:
        """Whether there is a model to ask."""
        ...

    def load(self, request: Load, progress: Callable[[float], None]) -> ModelInfo:
        """Loads a model; progress runs from 0.0 to 1.0.

        Raises ModelError (given up: "cancelled"; OutOfMemory) or EngineError.
        """
        ...

    def unload(self) -> None:
        """Frees the model and its memory."""
        ...

    def measure(self, request: Measure) -> Measured:
        """How many tokens a prompt takes and what of it would be left out. Raises EngineError."""
        ...

    def render(self, request: Render) -> Rendered:
        """A prompt as the model reads it, whole. Raises EngineError."""
        ...

    def generate(self, request: Generate, emit: Callable[[Event], None]) -> Finished:
        """Answers a prompt, emitting Reading and Text events. A stopped turn returns cancelled.

        Raises EngineError or OutOfMemory.
        """
        ...

    def look_ahead(self, request: LookAhead, emit: Callable[[Event], None], pause: Callable[[], bool]) -> bool:
        """Sees pictures and reads what stands before the text to come; False where it was ended by pause or stop.

        `pause` is asked between its steps whether other work waits; what was done by then stays done.
        Raises EngineError.
        """
        ...

    def describe(self, request: Describe) -> Described:
        """What this worker is made of."""
        ...

    def bench(self, request: Bench) -> Benched:
        """Speeds of the loaded model."""
        ...

    def rest(self) -> None:
        """Nothing was asked for a while: frees what is quickly there again."""
        ...

    def begin(self) -> None:
        """Clears the stop flag; called by the loop before each job."""
        ...

    def request_stop(self) -> None:
        """Ends what runs within a second: load, prefill or decode. Any thread."""
        ...
