"""Every frame goes through the pipe and comes out as it was; a frame of another protocol is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import protocol
from app.core.message import FinishReason, Message, PanAndScan, Picture, Role, SampledTokens, Timings, Usage
from app.core.protocol import Event, Request
from app.core.settings import LoadOptions, Sampling
from app.core.tools import ToolDefinition, ToolResult, WrittenCall

TOKENS = SampledTokens("fingerprint", b"\x01\x00\x00\x00\xff\xff\x03\x00")
USAGE = Usage(9, 4, 5, 3, 1, 1, "memory", 1 << 30)
TIMINGS = Timings(1.5, 2.5, 3.5, 4.5, 5.5, 61.25)
PICTURE = Picture("5f", 640, 480, "L2E=", PanAndScan.FINER, "Grüße.png", 280)
SIGHTING = protocol.Sighting("5f", 280, 266, 1, 912, 672)
TOOL = ToolDefinition("add", "Adds.", {"type": "object", "properties": {"a": {"type": "number"}}})
RESULT = ToolResult("add", "3\n4", True)
PROMPT = protocol.Prompt(
    "id",
    (
        Message(Role.USER, "Grüße <end_of_turn> \x00 🙂", pictures=(PICTURE,), results=(RESULT,)),
        Message(Role.ASSISTANT, "Hi", TOKENS),
    ),
    "Be brief.",
    (TOOL,),
)
OPTIONS = LoadOptions(4096, 256, 3, 12, "q8_0", "on", "Vulkan0", ("A card",), ("Another",), "memory")
SAMPLING = Sampling(0.0, 40, 0.9, 0.1, 1.1, 7, 99)
INFO = protocol.ModelInfo(
    name="Gem",
    path="/models/gem.gguf",
    architecture="gemma3",
    family="gemma3",
    quantisation="Q4_0",
    size_bytes=8_000_000_000,
    parameters=12_000_000_000,
    context=8192,
    trained_context=131_072,
    gpu_layers=3,
    layers=48,
    vision=False,
    fingerprint="abc",
    recommended=SAMPLING,
    load_ms=12.5,
    image_side=896,
    image_tokens=256,
    image_choices=(280,),
    view_seconds=1.5,
    blind="It reads text only.",
    kv_type="q8_0",
    encoder_on_card=True,
    placed="All layers fit on the graphics card.",
    trouble=("Vulkan is broken.",),
)
REQUESTS: list[Request] = [
    protocol.Load(1, "L2E=", OPTIONS, "L2I=", "L2M="),
    protocol.CancelLoad(1),
    protocol.Unload(),
    protocol.Measure(2, PROMPT, 64, ("A text.",), (TOOL,)),
    protocol.Render(7, PROMPT),
    protocol.Generate(3, PROMPT, SAMPLING),
    protocol.LookAhead(6, PROMPT),
    protocol.Stop(3),
    protocol.Describe(4),
    protocol.Bench(5, 128, 16, 2),
]
EVENTS: list[Event] = [
    protocol.Ready(1, 4242),
    protocol.Loading(1, 0.5),
    protocol.Loaded(1, INFO),
    protocol.LoadFailed(1, "cut", "“gem.gguf” is cut.", True, protocol.Offer(OPTIONS, "with 30 of 49 layers")),
    protocol.Unloaded(),
    protocol.Measured(2, "id", 30, 4, (12, 14), 8192, 1024, 1, "too long", (3,), (21,), (SIGHTING,), ("5f",)),
    protocol.Rendered(7, (protocol.PromptPart("control", "<start_of_turn>", 1),), "It is too long."),
    protocol.Reading(3, 256, 512, 128),
    protocol.Seeing(3, 1, 4, 0.5),
    protocol.LookedAhead(6, (1.0, 0.25), 1.5, True, "The picture is gone."),
    protocol.Text(3, "wörds\n", 4, TOKENS),
    protocol.Calling(3, "add", 12),
    protocol.Finished(
        3, FinishReason.LENGTH, "All of it.", TOKENS, USAGE, TIMINGS, 2, (WrittenCall("add", {"a": 1.5}),), '{"name"'
    ),
    protocol.Failed(
        3, "memory", "There is not enough memory.", USAGE, TIMINGS, protocol.Offer(OPTIONS, "with a q8_0 cache")
    ),
    protocol.Described(
        4,
        {"ggml": "0.25"},
        (protocol.Device("CPU", "Ours", "cpu", 1, 2),),
        "AVX2 = 1",
        ("app",),
        ("Broken.",),
        "No.",
        3,
    ),
    protocol.Benched(5, 200.5, 60.25, 12.0, 2, "stopped"),
    protocol.WorkerFault("KeyError: 3", "Traceback …"),
    protocol.WorkerDied(-9, "The engine stopped."),
]


def test_no_frame_is_forgotten() -> None:
    for base, union, samples in (
        (Request, protocol.AnyRequest, REQUESTS),
        (Event, protocol.AnyEvent, EVENTS),
    ):
        kinds = set(base.__subclasses__())
        assert kinds == set(get_args(union))
        assert kinds == {type(sample) for sample in samples}


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda frame: type(frame).__name__)
def test_requests_come_out_as_they_were(request_: Request) -> None:
    assert protocol.decode_request(protocol.encode(request_)) == request_


@pytest.mark.parametrize("event", EVENTS, ids=lambda frame: type(frame).__name__)
def test_events_come_out_as_they_were(event: Event) -> None:
    assert protocol.decode_event(protocol.encode(event)) == event


def test_the_samples_leave_no_field_at_its_default() -> None:
    """Or a field that is lost on the way would not be missed."""
    for sample in (*REQUESTS, *EVENTS, INFO, PROMPT, PICTURE, SIGHTING, TOKENS, USAGE, TIMINGS, OPTIONS, SAMPLING):
        for field in msgspec.structs.fields(sample):
            assert getattr(sample, field.name) != field.default, (type(sample).__name__, field.name)


@pytest.mark.parametrize("frame", [*REQUESTS, *EVENTS], ids=lambda frame: type(frame).__name__)
def test_a_frame_of_the_other_direction_is_refused(frame: Request | Event) -> None:
    other: Callable[[bytes], object] = protocol.decode_event if isinstance(frame, Request) else protocol.decode_request
    with pytest.raises(msgspec.ValidationError):
        other(protocol.encode(frame))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"type": "no_such_frame"}',
        b'{"type": 3}',
        b'{"type": "stop"}',
        b'{"type": "stop", "turn": "3"}',
        b'{"type": "stop", "turn": 3',
        b'{"type": "text", "turn": 3, "text": "\xff", "generated": 1}',
        b'{"type": "generate", "turn": 1, "prompt": {"conversation": "", "messages": [{"role": "tool", "text": ""}]}}',
    ],
)
def test_a_frame_of_another_protocol_is_refused(data: bytes) -> None:
    for decode in (protocol.decode_request, protocol.decode_event):
        with pytest.raises(msgspec.ValidationError):
            decode(data)


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=40))
def test_any_text_comes_out_as_it_was(text: str) -> None:
    """Halves of surrogate pairs too: a path of odd bytes has them."""
    event = protocol.Text(1, text, 1)
    assert protocol.decode_event(protocol.encode(event)) == event
    request = protocol.Load(1, "", LoadOptions(kv_type=text))
    assert protocol.decode_request(protocol.encode(request)) == request


def test_a_model_whose_path_is_no_utf8() -> None:
    path = "/models/mod\udce8le.gguf"
    event = protocol.Loaded(1, msgspec.structs.replace(INFO, path=path))
    assert protocol.decode_event(protocol.encode(event)) == event


def test_half_characters_bear_no_other_protocol() -> None:
    for data in (b'{"type": "stop", "turn": "\\udce8"}', b'{"type": "no_such_frame", "text": "\\udce8"}', b'"\\udce8"'):
        for decode in (protocol.decode_request, protocol.decode_event):
            with pytest.raises(msgspec.ValidationError):
                decode(data)
