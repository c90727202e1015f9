"""The frames between the window (or command line) and the worker: msgspec structs, sent as JSON over a Pipe.

Every turn ends with exactly one terminal event: Finished or Failed (or, made by the client, WorkerDied). Every load
ends with Loaded or LoadFailed. Paths travel as base64 of os.fsencode (`core.paths.encode_path`).
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from app.core.message import FinishReason, Message, SampledTokens, Timings, Usage
from app.core.settings import LoadOptions, Sampling
from app.core.tools import ToolDefinition, WrittenCall

PROTOCOL_VERSION = 1


class Request(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of what the window sends."""


class Load(Request, frozen=True, tag="load"):
    """Load a model in place of the one that is loaded (which stays until the new file's header has been checked)."""

    load: int
    path: str
    options: LoadOptions = LoadOptions()
    mmproj: str = ""  # "": one beside the model that fits it, if there is one
    embeddings: str = ""  # the folder that keeps what the encoder made of pictures; "": memory only


class CancelLoad(Request, frozen=True, tag="cancel_load"):
    """Give up a load; taken by the worker's reader thread."""

    load: int


class Unload(Request, frozen=True, tag="unload"):
    """Free the model."""


class Prompt(msgspec.Struct, frozen=True):
    """What is to be read: the messages from the first to the last, system text and the tools it tells of apart.

    When the last message is the assistant's, the answer goes on from it (Continue) instead of a new turn being opened.
    """

    conversation: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolDefinition, ...] = ()


class Measure(Request, frozen=True, tag="measure"):
    """How many tokens would this prompt take, and what would be left out? Answered by Measured.

    `parts` are texts (of documents) and `definitions` tools that are also counted each by itself.
    """

    measure: int
    prompt: Prompt
    max_tokens: int | None = None
    parts: tuple[str, ...] = ()
    definitions: tuple[ToolDefinition, ...] = ()


class Render(Request, frozen=True, tag="render"):
    """How does the model read this prompt? Answered by Rendered."""

    render: int
    prompt: Prompt


class Generate(Request, frozen=True, tag="generate"):
    """Answer the prompt. Events: Reading and Seeing in turn, Text* and Calling*, then Finished or Failed."""

    turn: int
    prompt: Prompt
    sampling: Sampling = Sampling()


class LookAhead(Request, frozen=True, tag="look_ahead"):
    """See the pictures of the last message and read all before its text while nothing else is asked.

    Without messages it only ends the one before. Events: LookedAhead, until it is `done` or another request ends it.
    """

    ahead: int
    prompt: Prompt


class Stop(Request, frozen=True, tag="stop"):
    """End the turn where it is; taken by the worker's reader thread, so it also reaches a busy worker."""

    turn: int


class Describe(Request, frozen=True, tag="describe"):
    """What is this worker? Answered by Described (for `doctor`)."""

    describe: int


class Bench(Request, frozen=True, tag="bench"):
    """Measure prompt and generation speed of the loaded model. Answered by Benched."""

    bench: int
    prompt_tokens: int = 512
    generate_tokens: int = 64
    repeat: int = 3


class Event(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of what the worker sends."""


class Ready(Event, frozen=True, tag="ready"):
    """The worker is up and listens."""

    protocol: int
    pid: int


class Loading(Event, frozen=True, tag="loading"):
    """Progress of a load, 0.0 to 1.0."""

    load: int
    fraction: float


class ModelInfo(msgspec.Struct, frozen=True):
    """What was loaded. `context` is n_ctx in tokens as made, `trained_context` what the file names.

    With vision, every view of a picture is `image_side` pixels wide and high and `image_tokens` long, and takes some
    `view_seconds` to be seen (0: not measured yet). Where both are 0 each picture has a size of its own (Sighting), and
    `image_choices` are the most tokens that may be chosen for it. Without vision `blind` says why in one sentence.
    `gpu_layers` counts the output as one, `placed` says in one sentence where the layers are. `trouble` has one
    sentence for each graphics backend that is there and cannot be used.
    """

    name: str
    path: str
    architecture: str
    family: str
    quantisation: str
    size_bytes: int
    parameters: int
    context: int
    trained_context: int
    gpu_layers: int
    layers: int
    vision: bool
    fingerprint: str
    recommended: Sampling
    load_ms: float
    image_side: int = 0
    image_tokens: int = 0
    image_choices: tuple[int, ...] = ()
    view_seconds: float = 0.0
    blind: str = ""
    kv_type: str = "f16"
    encoder_on_card: bool = False
    placed: str = ""
    trouble: tuple[str, ...] = ()


class Offer(msgspec.Struct, frozen=True):
    """The next smaller way to load a model that ran out of memory, and it in words: "with 30 of 49 layers on …"."""

    options: LoadOptions
    words: str


class Loaded(Event, frozen=True, tag="loaded"):
    """Ends a load: the model is ready."""

    load: int
    model: ModelInfo


class LoadFailed(Event, frozen=True, tag="load_failed"):
    """Ends a load: one sentence for the person; `code` as UserError.code, "cancelled" when it was given up.

    `model_kept` tells that the model loaded before is still there.
    """

    load: int
    code: str
    message: str
    model_kept: bool = False
    offer: Offer | None = None


class Unloaded(Event, frozen=True, tag="unloaded"):
    """The model is gone and its memory is free."""


class Sighting(msgspec.Struct, frozen=True):
    """How a picture is seen: named by `sha256` and the `image_tokens` that were chosen, it takes `tokens` in so many
    `parts`, the largest of them of this size in pixels (0: not known)."""

    sha256: str
    image_tokens: int
    tokens: int
    parts: int
    width: int
    height: int


class Measured(Event, frozen=True, tag="measured"):
    """Answers Measure. `per_message` are tokens with turn markers, in the order of the prompt's messages.

    `left_out` counts the oldest messages that would not be read; `reserve` is the room kept for the answer.
    `error` is one sentence when the prompt cannot be read at all (a last message longer than the context). `parts` are
    the tokens of each text that was asked about. `sightings` are those of the prompt's pictures where each has its own,
    `lost` the hashes of those that cannot be seen any more: the model reads a note in their place.
    """

    measure: int
    conversation: str
    total: int
    system: int
    per_message: tuple[int, ...]
    context: int
    reserve: int
    left_out: int
    error: str = ""
    parts: tuple[int, ...] = ()
    definitions: tuple[int, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    lost: tuple[str, ...] = ()


class PromptPart(msgspec.Struct, frozen=True):
    """A piece of a prompt as the model reads it; `kind` is control (a token of the template's), text, answer (by the
    ids it was sampled as) or picture."""

    kind: str
    text: str
    tokens: int


class Rendered(Event, frozen=True, tag="rendered"):
    """Answers Render. `error` is one sentence where the prompt cannot be read."""

    render: int
    parts: tuple[PromptPart, ...]
    error: str = ""


class Reading(Event, frozen=True, tag="reading"):
    """Prefill progress: `done` of `total` cells of this prompt are evaluated; sent at most some 10 times a second."""

    turn: int
    done: int
    total: int
    reused: int


class Seeing(Event, frozen=True, tag="seeing"):
    """Pictures are encoded: view `done` (from 0) of `total` that are new is at `fraction`; some 10 times a second."""

    turn: int
    done: int
    total: int
    fraction: float


class LookedAhead(Event, frozen=True, tag="looked_ahead"):
    """How far each picture of a LookAhead has been seen (0.0 to 1.0), and whether all before the text is `done`.

    `view_seconds` is what a view takes here, 0 where no one was measured yet; `error` is one sentence.
    """

    ahead: int
    seen: tuple[float, ...]
    view_seconds: float = 0.0
    done: bool = False
    error: str = ""


class Text(Event, frozen=True, tag="text"):
    """More of the answer; `generated` counts its tokens so far, `tokens` is what was sampled so far (every second or
    so, for the partial save), else None."""

    turn: int
    text: str
    generated: int
    tokens: SampledTokens | None = None


class Calling(Event, frozen=True, tag="calling"):
    """The answer has begun to call tools and is writing that; `name` is the tool, "" as long as it is not known."""

    turn: int
    name: str
    generated: int


class Finished(Event, frozen=True, tag="finished"):
    """Ends a turn. `text` is the whole answer (what the Text events added up to), `left_out` the messages not read.

    `calls` are the tools that it calls, `call_text` how it wrote that after `text`: what was sampled is both.
    `call_text` without calls is a call that was broken off.
    """

    turn: int
    reason: FinishReason
    text: str
    tokens: SampledTokens
    usage: Usage
    timings: Timings
    left_out: int = 0
    calls: tuple[WrittenCall, ...] = ()
    call_text: str = ""


class Failed(Event, frozen=True, tag="failed"):
    """Ends a turn that could not go on; the Text events so far stay valid.

    `offer` is a smaller way to load the model, where memory was missing and there is one.
    """

    turn: int
    code: str
    message: str
    usage: Usage = Usage()
    timings: Timings = Timings()
    offer: Offer | None = None


class Device(msgspec.Struct, frozen=True):
    """One compute device as ggml lists it; memory in bytes, 0 where unknown."""

    name: str
    description: str
    kind: str  # cpu | gpu | igpu | accel
    memory_free: int
    memory_total: int


class Described(Event, frozen=True, tag="described"):
    """Answers Describe. `modules` are the worker's loaded top-level modules (a test asks for them).

    `held` is what the loaded model takes of the computer's memory, in bytes; what it has on cards counts as free there.
    `trouble` is as in ModelInfo; `error` is one sentence where the engine does not run here at all.
    """

    describe: int
    versions: dict[str, str]
    devices: tuple[Device, ...]
    system_info: str
    modules: tuple[str, ...]
    trouble: tuple[str, ...] = ()
    error: str = ""
    held: int = 0


class Benched(Event, frozen=True, tag="benched"):
    """Answers Bench; tokens a second, medians. `error` is one sentence when there is nothing to measure."""

    bench: int
    prompt_tokens_per_second: float
    generate_tokens_per_second: float
    first_token_ms: float
    threads: int
    error: str = ""


class WorkerFault(Event, frozen=True, tag="worker_fault"):
    """A bug in the worker outside any turn: shown once, with the traceback for the log."""

    message: str
    traceback: str


class WorkerDied(Event, frozen=True, tag="worker_died"):
    """Made by the client when the process is gone: `exit_code` as subprocess gives it (negative: the signal)."""

    exit_code: int
    message: str


AnyRequest = Load | CancelLoad | Unload | Measure | Render | Generate | LookAhead | Stop | Describe | Bench
AnyEvent = (
    Ready | Loading | Loaded | LoadFailed | Unloaded | Measured | Rendered | Reading | Seeing | LookedAhead | Text
    | Calling | Finished | Failed | Described | Benched | WorkerFault | WorkerDied
)  # fmt: skip

_Frame = TypeVar("_Frame", AnyRequest, AnyEvent)

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(frame: Request | Event) -> bytes:
    """A frame as the bytes that go through the Pipe."""
    try:
        return _encoder.encode(frame)
    except UnicodeEncodeError:  # half a character, from a path that is no UTF-8: it goes as an escape
        return json.dumps(msgspec.to_builtins(frame)).encode("ascii")


def decode_request(data: bytes) -> AnyRequest:
    """What the window sent. Raises msgspec.ValidationError on a frame of another protocol."""
    return _decode(_requests, data)


def decode_event(data: bytes) -> AnyEvent:
    """What the worker sent. Raises msgspec.ValidationError on a frame of another protocol."""
    return _decode(_events, data)


def _decode(decoder: msgspec.json.Decoder[_Frame], data: bytes) -> _Frame:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):  # no JSON, or JSON with the escape of half a character
        try:
            return msgspec.convert(json.loads(data), decoder.type)
        except ValueError as error:
            raise msgspec.ValidationError(str(error)) from error
