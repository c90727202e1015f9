"""An engine that writes Markdown at an even pace, in the place of the client and its worker."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from app.chat import sample
from app.core.message import FinishReason, SampledTokens, Timings, Usage
from app.core.protocol import (
    Event,
    Finished,
    Generate,
    Load,
    Loaded,
    Measure,
    Measured,
    ModelInfo,
    Ready,
    Request,
    Stop,
    Text,
    Unload,
    Unloaded,
)
from app.core.settings import Sampling

RATE = 100  # tokens a second
MARKDOWN = "\n\n".join((sample.LOAN_ANSWER, sample.GHENT_ANSWER, sample.REGEX_ANSWER)) + "\n\n"
PIECES = re.findall(r"\s*\S{1,5}", MARKDOWN)  # as long as tokens are
_CONTEXT = 131072


class SteadyEngine:
    """What the session needs of the engine's client (app/chat/link.py). A message that is a number of seconds is
    answered for so long.

    Its events come from a thread of this process, as they come from the client's reader thread.
    """

    def __init__(
        self, on_event: Callable[[Event], None], _log: Path, *, scripted: bool = False, addons: Path | None = None
    ) -> None:
        self._on_event = on_event
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None

    def start(self) -> None:
        """Be ready."""
        self._on_event(Ready(protocol=1, pid=0))

    def send(self, request: Request) -> None:
        """Answer at once, or write from another thread."""
        if isinstance(request, Load):
            self._on_event(Loaded(request.load, _model(request.path)))
        elif isinstance(request, Unload):
            self._on_event(Unloaded())
        elif isinstance(request, Measure):
            counts = tuple(len(message.text) // 4 for message in request.prompt.messages)
            conversation = request.prompt.conversation
            self._on_event(Measured(request.measure, conversation, sum(counts), 0, counts, _CONTEXT, 1024, 0))
        elif isinstance(request, Generate):
            self._stop.clear()
            self._writer = threading.Thread(target=self._write, args=(request,), daemon=True)
            self._writer.start()
        elif isinstance(request, Stop):
            self._stop.set()

    def kill(self) -> None:
        """Nothing can hang here."""

    def close(self) -> None:
        """End what is being written."""
        self._stop.set()
        if self._writer is not None:
            self._writer.join()

    def _write(self, request: Generate) -> None:
        count = round(float(request.prompt.messages[-1].text) * RATE)
        began = time.perf_counter()
        said: list[str] = []
        for number, piece in enumerate(islice(cycle(PIECES), count), start=1):
            if self._stop.wait(max(0.0, began + number / RATE - time.perf_counter())):
                break
            said.append(piece)
            sampled = SampledTokens("steady", bytes(4 * number)) if number % RATE == 0 else None
            self._on_event(Text(request.turn, piece, number, sampled))
        reason = FinishReason.CANCELLED if self._stop.is_set() else FinishReason.STOP
        usage = Usage(generated_tokens=len(said))
        sampled = SampledTokens("steady", bytes(4 * len(said)))
        self._on_event(Finished(request.turn, reason, "".join(said), sampled, usage, Timings(tokens_per_second=RATE)))


def _model(path: str) -> ModelInfo:
    return ModelInfo(
        name=sample.MODEL,
        path=path,
        architecture="gemma3",
        family="gemma3",
        quantisation="Q4_0",
        size_bytes=8_000_000_000,
        parameters=12_000_000_000,
        context=_CONTEXT,
        trained_context=_CONTEXT,
        gpu_layers=0,
        layers=48,
        vision=False,
        fingerprint="steady",
        recommended=Sampling(),
        load_ms=0.0,
    )
