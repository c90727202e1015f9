"""One answer: what of the prompt is new is read, then token by token is sampled, told and evaluated.

The loop does next to nothing in Python for a token: one batch, one chain and a table of pieces are used again and
again, text leaves in packets, and the abort flag is looked at by the C library's strlen.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from app.core.errors import AttachmentError, EngineError
from app.core.message import FinishReason, Role, SampledTokens, Timings, Usage
from app.core.protocol import Calling, Event, Finished, Generate, Prompt, Reading, Seeing, Text
from app.engine.calls import CallHold
from app.engine.cells import view_of
from app.engine.context import Stopped
from app.engine.governor import BatchPace
from app.engine.llama_sampling import LlamaSampler
from app.engine.model import Model
from app.engine.sampler import build, effective
from app.engine.utf8 import Utf8Stream
from app.models.machine import own_memory

Emit = Callable[[Event], None]

_TEXT_EVERY = 0.03  # seconds between packets of text
_TOKENS_EVERY = 1.0  # seconds between packets that carry the ids for the partial save
_READING_EVERY = 0.1
_CALLING_EVERY = 0.3


@dataclass(slots=True)
class _Answer:
    """What is known of an answer while it is written. Times from perf_counter, in seconds."""

    turn: int
    fingerprint: str
    stream: Utf8Stream
    started: float
    prompt_tokens: int = 0
    reused: int = 0
    evaluated: int = 0
    left_out: int = 0
    images: int = 0
    encoded: int = 0
    encode_seconds: float = 0.0
    read_at: float = 0.0
    first_at: float = 0.0
    ids: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    hold: CallHold | None = None

    def sampled(self) -> SampledTokens:
        return SampledTokens(self.fingerprint, array("i", self.ids).tobytes())

    def usage(self) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens,
            reused_tokens=self.reused,
            evaluated_tokens=self.evaluated,
            generated_tokens=len(self.ids),
            images=self.images,
            images_encoded=self.encoded,
            restored_from="memory" if self.reused else "none",
            memory_bytes=own_memory(),
        )

    def timings(self, load_ms: float, now: float) -> Timings:
        read_at, first_at = self.read_at or now, self.first_at or now
        seconds = now - read_at
        return Timings(
            load_ms=load_ms,
            encode_ms=self.encode_seconds * 1000,
            prompt_ms=(read_at - self.started - self.encode_seconds) * 1000,
            first_token_ms=(first_at - self.started) * 1000 if self.first_at else 0.0,
            generate_ms=seconds * 1000,
            tokens_per_second=len(self.ids) / seconds if self.ids and seconds > 0 else 0.0,
        )


def generate(model: Model, request: Generate, emit: Emit) -> Finished:
    """Answers a prompt. Raises EngineError; a stopped turn ends as cancelled. The ids are those of this turn only."""
    started = perf_counter()
    check_prompt(request.prompt)
    sampling = effective(request.sampling, model.family.recommended)
    answer = _Answer(
        turn=request.turn,
        fingerprint=model.vocabulary.fingerprint,
        stream=Utf8Stream(_said_before(model, request.prompt)),
        started=started,
    )
    chain: LlamaSampler | None = None
    try:
        ids = _read_prompt(model, request.prompt, sampling.max_tokens, answer, emit)
        chain = build(model.llama, sampling, ids)
        if request.prompt.tools:
            told = model.family.tools
            answer.hold = CallHold(request.prompt.tools, told, model.vocabulary, model.llama_context, chain)
        reason = _write(model, chain, answer, sampling.max_tokens, emit)
    except Stopped:
        reason = FinishReason.CANCELLED
    finally:
        if chain is not None:
            chain.free()
        if answer.hold is not None:
            answer.hold.free()
    hold = answer.hold
    called = hold is not None and hold.begun
    if reason is FinishReason.STOP and not called:
        _tell(answer, answer.stream.finish(), emit)
    call_text = hold.call_text if hold is not None else ""
    calls = model.family.tools.calls(call_text) if called and reason is FinishReason.STOP else ()
    return Finished(
        turn=request.turn,
        reason=reason,
        text="".join(answer.text),
        tokens=answer.sampled() if calls or not called else SampledTokens("", b""),
        calls=calls,
        call_text=call_text,
        usage=answer.usage(),
        timings=answer.timings(model.info.load_ms, perf_counter()),
        left_out=answer.left_out,
    )


def _said_before(model: Model, prompt: Prompt) -> bytes:
    """The end of the answer that goes on, where it does: its last character may be half there."""
    last = prompt.messages[-1] if prompt.messages else None
    if last is None or last.role is not Role.ASSISTANT or last.tokens is None:
        return b""
    if last.tokens.fingerprint != model.vocabulary.fingerprint:
        return b""
    return model.vocabulary.text(array("i", last.tokens.ids)[-8:])


def _read_prompt(model: Model, prompt: Prompt, max_tokens: int | None, answer: _Answer, emit: Emit) -> list[int]:
    """Evaluates what fits of a prompt, and returns its ids.

    A picture whose file turns out to be damaged is lost from then on, and the prompt is another one.
    """
    while True:
        ids, left_out = model.prompts.fitted(prompt, model.context.size, max_tokens)
        answer.prompt_tokens, answer.left_out = len(ids), left_out
        try:
            _read(model, ids, answer, emit)
        except AttachmentError:
            continue
        return ids


def _read(model: Model, ids: Sequence[int], answer: _Answer, emit: Emit) -> None:
    """Evaluates what of the prompt the context does not hold, and remembers the start of the answer."""
    context, most = model.context, model.llama_context.batch
    answer.reused = context.reuse(ids)
    answer.images = len({view_of(cell) for cell in ids if cell < 0})
    _see(model, ids[answer.reused :], answer, emit)
    told = perf_counter()
    emit(Reading(turn=answer.turn, done=answer.reused, total=len(ids), reused=answer.reused))
    pace = BatchPace(most, most, on_card=model.info.gpu_layers > 0)

    def step(cells: int) -> int:
        nonlocal told
        now = perf_counter()
        answer.evaluated = cells - answer.reused
        if now - told >= _READING_EVERY and cells < len(ids):
            told = now
            emit(Reading(turn=answer.turn, done=cells, total=len(ids), reused=answer.reused))
        return pace.step()

    model.llama_context.set_threads(model.governor.threads, model.governor.most)
    context.read(ids[answer.reused :], pace.size, step)
    model.llama_context.synchronize()
    answer.read_at = perf_counter()
    context.checkpoint()


def _see(model: Model, cells: Sequence[int], answer: _Answer, emit: Emit) -> None:
    """Has the embeddings of all pictures among the cells made, where they are not there yet."""
    if model.eyes is None:
        return
    began, told = perf_counter(), 0.0

    def progress(done: int, total: int, fraction: float) -> None:
        nonlocal told
        now = perf_counter()
        if now - told >= _READING_EVERY:
            told = now
            emit(Seeing(turn=answer.turn, done=done, total=total, fraction=fraction))

    before = model.eyes.encoded
    try:
        model.eyes.prepare(cells, progress)
    finally:
        encoded = model.eyes.encoded - before
        answer.encoded += encoded
        answer.encode_seconds += perf_counter() - began if encoded else 0.0


def _write(model: Model, chain: LlamaSampler, answer: _Answer, limit: int | None, emit: Emit) -> FinishReason:
    """Samples and evaluates until the answer ends, and says why it did. Raises Stopped, EngineError."""
    context, llama, governor, flag = model.context, model.llama_context, model.governor, model.flag
    stops, feed, ids, hold = model.vocabulary.stops, answer.stream.feed, answer.ids, answer.hold
    piece = model.vocabulary.piece if hold is None else hold.piece
    sample, append, record, clock = llama.sample, context.append, governor.record, perf_counter
    room = context.size - len(context)
    most = room + 1 if limit is None else min(limit, room + 1)  # the last one needs no cell of its own
    threads = governor.threads
    packets = _Packets(answer, emit)
    try:
        while True:
            before = clock()
            token = sample(chain)
            if hold is not None:
                token = hold.checked(token, most - len(ids))
            if token in stops:
                return FinishReason.STOP
            ids.append(token)
            text = feed(piece(token))
            packets.add(text if hold is None else hold.passed(token, text), before)
            if len(ids) >= most:
                return FinishReason.LENGTH
            if flag:
                return FinishReason.CANCELLED
            append(token)
            wanted = record(clock() - before)
            if wanted != threads:
                threads = wanted
                llama.set_threads(threads, governor.most)
    finally:
        packets.end(clock())


class _Packets:
    """Text on its way to the window: the first word at once, then every 30 ms, with the ids about every second."""

    def __init__(self, answer: _Answer, emit: Emit) -> None:
        self._answer = answer
        self._emit = emit
        self._waiting: list[str] = []
        self._next = self._next_calling = 0.0
        self._next_tokens = perf_counter() + _TOKENS_EVERY

    def add(self, text: str, now: float) -> None:
        """Takes in the text of one token."""
        if not self._answer.first_at:
            self._answer.first_at = perf_counter()
        if text:
            self._waiting.append(text)
        hold = self._answer.hold
        if now >= self._next and self._waiting:
            self.flush(now, with_tokens=now >= self._next_tokens and (hold is None or not hold.holds))
        elif hold is not None and hold.begun and now >= self._next_calling:
            self._next_calling = now + _CALLING_EVERY
            self._emit(Calling(self._answer.turn, hold.name, len(self._answer.ids)))

    def end(self, now: float) -> None:
        """The answer has ended: what was held back is said."""
        if self._answer.hold is not None:
            self._waiting.append(self._answer.hold.rest())
        self.flush(now, with_tokens=False)

    def flush(self, now: float, *, with_tokens: bool) -> None:
        """Sends what waits."""
        text = "".join(self._waiting)
        self._waiting.clear()
        self._next = now + _TEXT_EVERY
        if with_tokens:
            self._next_tokens = now + _TOKENS_EVERY
        _tell(self._answer, text, self._emit, with_tokens=with_tokens)


def _tell(answer: _Answer, text: str, emit: Emit, *, with_tokens: bool = False) -> None:
    if not text:
        return
    answer.text.append(text)
    tokens = answer.sampled() if with_tokens else None
    emit(Text(turn=answer.turn, text=text, generated=len(answer.ids), tokens=tokens))


def check_prompt(prompt: Prompt) -> None:
    """A prompt needs something to answer. Raises EngineError."""
    if not prompt.messages:
        raise EngineError("There is no message to answer.", "empty_prompt")
