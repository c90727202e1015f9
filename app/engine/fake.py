"""An engine without a model, for `--sample` and for tests: a message says what the answer is to be.

`/say TEXT` answers with the text, `/tool NAME {…}` calls a tool (and then says what it answered; several lines make
several calls), `/slow` writes on and on until it is stopped, `/crash` ends the process as an abort of llama.cpp does,
`/hang` does nothing and does not hear Stop. All else gets a sentence about what answers here.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import Any

import msgspec

from app.core.errors import EngineError
from app.core.message import FinishReason, Message, Role, SampledTokens, Timings, Usage
from app.core.paths import decode_path, display_name
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
    LookedAhead,
    Measure,
    Measured,
    ModelInfo,
    Prompt,
    PromptPart,
    Reading,
    Render,
    Rendered,
    Text,
)
from app.core.settings import DEFAULT_CONTEXT, Sampling
from app.core.tools import WrittenCall

_RATE = 100  # tokens a second
_TOKENS_EVERY = 1.0  # seconds between events that carry the ids
_DEFAULT = "This is the scripted model: it looks like an answer, and nothing was computed for it."
_ENDLESS = (
    "Words come one after the other, **some of them bold**, until somebody presses Stop.\n\n"
    "- one more line\n- and another\n\n```python\nprint('and some code')\n```\n\n"
)
_PIECES = re.compile(r"\s*\S{1,6}|\s+\Z")
_SHAPE = re.compile(r"gemma-3-(\d+)b-it", re.IGNORECASE)
_QUANTISATION = re.compile(r"(?:I?Q\d[0-9A-Z_]*|F16|BF16)\Z", re.IGNORECASE)
_FINGERPRINT = "scripted"


class ScriptedEngine:
    """Implements app.engine.api.Engine. Any path loads, whether there is a file or not."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._model: ModelInfo | None = None

    @property
    def loaded(self) -> bool:
        """Whether a model was asked for."""
        return self._model is not None

    def begin(self) -> None:
        """Clears the stop flag."""
        self._stop.clear()

    def request_stop(self) -> None:
        """Ends the answer that is being written. Any thread."""
        self._stop.set()

    def load(self, request: Load, progress: Callable[[float], None]) -> ModelInfo:
        """Pretends to load."""
        progress(1.0)
        self._model = _model(request)
        return self._model

    def unload(self) -> None:
        """Forgets the model."""
        self._model = None

    def rest(self) -> None:
        """Nothing is held."""

    def measure(self, request: Measure) -> Measured:
        """A token for every piece; what does not fit is left out, oldest first."""
        model = self._need_model()
        per_message = tuple(len(_pieces(message.text)) + 4 for message in request.prompt.messages)
        system, reserve = len(_pieces(request.prompt.system)) + 3, min(1024, model.context // 4)
        left_out = 0
        while left_out < len(per_message) - 1 and system + sum(per_message[left_out:]) + reserve > model.context:
            left_out += 1
        return Measured(
            measure=request.measure,
            conversation=request.prompt.conversation,
            total=system + sum(per_message),
            system=system,
            per_message=per_message,
            context=model.context,
            reserve=reserve,
            left_out=left_out,
            parts=tuple(len(_pieces(part)) for part in request.parts),
            definitions=tuple(len(str(msgspec.to_builtins(one))) // 4 for one in request.definitions),
        )

    def render(self, request: Render) -> Rendered:
        """The words of every message."""
        self._need_model()
        texts = (request.prompt.system, *(message.text for message in request.prompt.messages))
        return Rendered(request.render, tuple(PromptPart("text", text, len(_pieces(text))) for text in texts if text))

    def generate(self, request: Generate, emit: Callable[[Event], None]) -> Finished:
        """Does what the last message of the person says."""
        self._need_model()
        started = time.perf_counter()
        word, _, rest = _asked(request.prompt).partition(" ")
        if word == "/crash":
            os.abort()
        while word == "/hang":
            time.sleep(60)
        prompt_tokens = sum(len(_pieces(message.text)) + 4 for message in request.prompt.messages)
        emit(Reading(request.turn, prompt_tokens, prompt_tokens, prompt_tokens - 1))
        calls = _calls(_asked(request.prompt)) if request.prompt.tools else ()
        text = "" if calls else {"/say": rest, "/slow": _ENDLESS}.get(word, _DEFAULT)
        if results := request.prompt.messages[-1].results:
            text = "\n\n".join(f"{result.name} answered: {result.text}" for result in results)
        pieces: Iterable[str] = cycle(_pieces(text)) if word == "/slow" else _pieces(text)
        said, reason = self._write(request, pieces, emit)
        seconds = time.perf_counter() - started
        return Finished(
            turn=request.turn,
            reason=reason,
            text="".join(said),
            tokens=_sampled(len(said)),
            usage=Usage(prompt_tokens, prompt_tokens - 1, 1, len(said), restored_from="memory"),
            timings=Timings(first_token_ms=1000 / _RATE, generate_ms=seconds * 1000, tokens_per_second=float(_RATE)),
            calls=calls,
            call_text="".join(msgspec.json.encode(call).decode() for call in calls),
        )

    def _write(
        self, request: Generate, pieces: Iterable[str], emit: Callable[[Event], None]
    ) -> tuple[list[str], FinishReason]:
        """Tells the pieces one by one, at an even pace."""
        began = time.perf_counter()
        next_ids = began + _TOKENS_EVERY
        said: list[str] = []
        for piece in pieces:
            if len(said) == request.sampling.max_tokens:
                return said, FinishReason.LENGTH
            if self._stop.wait(max(0.0, began + len(said) / _RATE - time.perf_counter())):
                return said, FinishReason.CANCELLED
            said.append(piece)
            due = time.perf_counter() >= next_ids
            if due:
                next_ids += _TOKENS_EVERY
            emit(Text(request.turn, piece, len(said), _sampled(len(said)) if due else None))
        return said, FinishReason.STOP

    def look_ahead(self, request: LookAhead, emit: Callable[[Event], None], pause: Callable[[], bool]) -> bool:
        """Sees nothing, at once."""
        pictures = request.prompt.messages[-1].pictures if request.prompt.messages else ()
        emit(LookedAhead(request.ahead, (1.0,) * len(pictures), done=True))
        return True

    def describe(self, request: Describe) -> Described:
        """This process, without a library."""
        modules = tuple(sorted({name.partition(".")[0] for name in sys.modules}))
        versions = {"python": platform.python_version()}
        return Described(request.describe, versions, (), "scripted", modules)

    def bench(self, request: Bench) -> Benched:
        """There is nothing to measure."""
        return Benched(request.bench, 0.0, 0.0, 0.0, 0, error="The scripted model computes nothing.")

    def _need_model(self) -> ModelInfo:
        if self._model is None:
            raise EngineError("No model is loaded. Choose one first.", "no_model")
        return self._model


def _asked(prompt: Prompt) -> str:
    """What the person said last; an answer that goes on is given an ordinary end."""
    last: Message | None = prompt.messages[-1] if prompt.messages else None
    return last.text if last is not None and last.role is Role.USER else ""


def _calls(asked: str) -> tuple[WrittenCall, ...]:
    """The calls that `/tool` lines ask for."""
    found = []
    for line in asked.splitlines():
        word, _, rest = line.partition(" ")
        name, _, arguments = rest.partition(" ")
        if word == "/tool" and name:
            found.append(WrittenCall(name, msgspec.json.decode(arguments or "{}", type=dict[str, Any])))
    return tuple(found)


def _pieces(text: str) -> list[str]:
    """The text in parts as long as tokens are; together they are the text."""
    return list(_parts(text))


def _parts(text: str) -> Iterator[str]:
    end = 0
    for match in _PIECES.finditer(text):
        yield match[0]
        end = match.end()
    if end < len(text):
        yield text[end:]


def _sampled(count: int) -> SampledTokens:
    return SampledTokens(_FINGERPRINT, array("i", range(count)).tobytes())


def _model(request: Load) -> ModelInfo:
    stem = display_name(decode_path(request.path)).removesuffix(".gguf")
    shape, quantisation = _SHAPE.search(stem), _QUANTISATION.search(stem)
    sees = shape is not None and int(shape[1]) >= 4
    return ModelInfo(
        name=f"Gemma 3 {shape[1]}B" if shape else stem,
        path=str(decode_path(request.path)),
        architecture="gemma3",
        family="gemma3",
        quantisation=quantisation[0] if quantisation else "",
        size_bytes=0,
        parameters=int(shape[1]) * 10**9 if shape else 0,
        context=request.options.context or DEFAULT_CONTEXT,
        trained_context=131072,
        gpu_layers=0,
        layers=0,
        vision=sees,
        fingerprint=_FINGERPRINT,
        recommended=Sampling(temperature=1.0, top_k=64, top_p=0.95, min_p=0.0),
        load_ms=1.0,
        image_side=896 if sees else 0,
        image_tokens=256 if sees else 0,
        view_seconds=2.0 if sees else 0.0,
        blind="" if sees else "It reads text only.",
    )
