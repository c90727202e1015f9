"""Our engine as a person gets it: the real client, the real worker process, the real frames between them."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from app.core.message import Message, Role
from app.core.paths import encode_path
from app.core.protocol import (
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    ModelInfo,
    Prompt,
    Ready,
    Text,
    WorkerDied,
    WorkerFault,
)
from app.core.settings import LoadOptions, Sampling
from app.engine.client import EngineClient

_E = TypeVar("_E", bound=Event)
PATIENCE = 180.0  # seconds that any single step may take


class EngineFailed(Exception):
    """Our worker did not do what was asked of it."""


@dataclass(frozen=True)
class Answer:
    """One answer with the client's clock: seconds from sending the request to its first text and to its end."""

    finished: Finished
    first_text: float
    end: float
    generated_at_first: int

    @property
    def decode_rate(self) -> float:
        """Tokens a second, from the first text's arrival to the end, as a person sees them."""
        return (self.finished.usage.generated_tokens - self.generated_at_first) / (self.end - self.first_text)

    @property
    def prefill_rate(self) -> float:
        """Prompt tokens read a second, up to the first text's arrival: rendering and tokenising are in it."""
        usage = self.finished.usage
        return (usage.prompt_tokens - usage.reused_tokens) / self.first_text


class OurEngine:
    """A worker with a model, asked from one thread."""

    def __init__(self, log: Path) -> None:
        self._events: queue.SimpleQueue[tuple[float, Event]] = queue.SimpleQueue()
        self._client = EngineClient(lambda event: self._events.put((time.perf_counter(), event)), log)
        self._turn = 0

    def __enter__(self) -> OurEngine:
        self._client.start()
        self._wait_for(Ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def load(self, model: Path, options: LoadOptions) -> ModelInfo:
        """Loads a model file. Raises EngineFailed."""
        self._turn += 1
        self._client.send(Load(load=self._turn, path=encode_path(model), options=options))
        return self._wait_for(Loaded)[1].model

    def answer(self, messages: Sequence[Message], max_tokens: int, conversation: str = "bench") -> Answer:
        """One greedy answer. Raises EngineFailed."""
        self._turn += 1
        prompt = Prompt(conversation=conversation, messages=tuple(messages))
        sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
        sent = time.perf_counter()
        self._client.send(Generate(turn=self._turn, prompt=prompt, sampling=sampling))
        first, text = self._wait_for(Text)
        end, finished = self._wait_for(Finished)
        return Answer(finished, first - sent, end - sent, text.generated)

    def _wait_for(self, kind: type[_E]) -> tuple[float, _E]:
        while True:
            try:
                arrived, event = self._events.get(timeout=PATIENCE)
            except queue.Empty:
                raise EngineFailed(f"no {kind.__name__} within {PATIENCE:g} s") from None
            if isinstance(event, kind):
                return arrived, event
            if isinstance(event, Failed | LoadFailed | WorkerDied | WorkerFault):
                raise EngineFailed(f"{type(event).__name__}: {event.message}")


def said(role: Role, text: str) -> Message:
    """A message of plain text."""
    return Message(role=role, text=text)
