"""The engine of the worker: Stop in every phase, models in turn, and what it refuses."""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Callable
from mmap import MAP_SHARED, PROT_READ, mmap
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import pytest

from app.core.errors import EngineError, ModelError
from app.core.message import FinishReason, Message, Role
from app.core.paths import encode_path
from app.core.protocol import Bench, Describe, Event, Generate, Load, Measure, Prompt, Reading, Text
from app.core.settings import LoadOptions, Sampling
from app.engine.file_pages import read_ahead
from app.engine.llama import AbortFlag
from app.engine.local import LocalEngine
from app.models.memory import Gpu, Machine
from tests.engine.chats import GREEDY, Chat, loaded, model_of

T = TypeVar("T")
STOP_SECONDS = 1.0  # the promise; these tests allow a busy machine twice as much
LONG = "The ships sail over the sea to the far islands. " * 300


def _stopped_after(engine: LocalEngine, seconds: float, work: Callable[[], T]) -> tuple[T, float]:
    """The result of work that is stopped from another thread, and how long it took from there."""
    asked: list[float] = []

    def stop() -> None:
        time.sleep(seconds)
        asked.append(time.monotonic())
        engine.request_stop()

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        result = work()
        ended = time.monotonic()
    finally:
        thread.join()
    return result, ended - asked[0]


def test_stop_while_it_reads(demo_model: Path) -> None:
    with loaded(demo_model, LoadOptions(context=8192, batch=64)) as engine:
        chat = Chat(engine, Sampling(temperature=0.0, max_tokens=2))
        chat.messages.append(Message(Role.USER, LONG))
        finished, seconds = _stopped_after(engine, 1.5, chat.answer)
        assert seconds < 2 * STOP_SECONDS
        assert (finished.reason, finished.text) == (FinishReason.CANCELLED, "")
        assert 0 < finished.usage.evaluated_tokens < finished.usage.prompt_tokens
        again = chat.answer()
        assert again.usage.reused_tokens >= finished.usage.evaluated_tokens, "what was read stays read"
        assert again.usage.generated_tokens == 2


def test_stop_while_it_writes(micro_model: Path) -> None:
    with loaded(micro_model, LoadOptions(context=8192)) as engine:
        chat = Chat(engine)
        chat.messages.append(Message(Role.USER, "Write a long list."))
        finished, seconds = _stopped_after(engine, 0.3, chat.answer)
        assert seconds < 2 * STOP_SECONDS
        assert finished.reason is FinishReason.CANCELLED
        assert finished.text
        said = "".join(event.text for event in chat.events if isinstance(event, Text))
        assert said == finished.text
        assert len(array("i", finished.tokens.ids)) == finished.usage.generated_tokens


def test_a_load_is_given_up(gemma_270m: Path) -> None:
    engine = LocalEngine()
    engine.begin()
    engine.request_stop()
    with pytest.raises(ModelError) as refusal:
        engine.load(Load(1, encode_path(gemma_270m)), lambda _fraction: None)
    assert refusal.value.code == "cancelled"
    assert not engine.loaded


def test_progress_rises_to_the_end(gemma_270m: Path) -> None:
    engine = LocalEngine()
    engine.begin()
    told: list[float] = []
    engine.load(Load(1, encode_path(gemma_270m)), told.append)
    engine.unload()
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.skipif(not Path("/proc/self/smaps").is_file(), reason="the memory of one mapping is told by Linux only")
def test_a_model_is_not_in_memory_twice(gemma_270m: Path) -> None:
    """What llama.cpp wrote anew for the processor is its own; the file beside it is not held as well."""
    other = Path(np.__file__)
    with other.open("rb") as file, mmap(file.fileno(), 0, MAP_SHARED, PROT_READ) as pages:
        assert len(bytes(pages)) == other.stat().st_size
        with loaded(gemma_270m):
            held, mapped = _held_of(gemma_270m)
            assert mapped, "the file is not mapped at all"
            assert held < 0.1 * gemma_270m.stat().st_size
            assert _held_of(other)[0] >= other.stat().st_size, "what others have mapped is theirs"


def test_what_the_loaded_model_holds_is_what_the_next_can_have(demo_model: Path) -> None:
    engine = LocalEngine()
    engine.begin()
    assert engine.describe(Describe(1)).held == 0
    free = psutil.virtual_memory().available
    engine.load(Load(1, encode_path(demo_model)), lambda _fraction: None)
    taken = free - psutil.virtual_memory().available
    held = engine.describe(Describe(2)).held
    engine.unload()
    assert held > 0.8 * demo_model.stat().st_size, taken
    assert held < 4 * demo_model.stat().st_size
    assert engine.describe(Describe(3)).held == 0


def _held_of(file: Path) -> tuple[int, bool]:
    """Bytes of this file that are in the memory of this process, and whether it is mapped."""
    held, mapped, is_ours = 0, False, False
    for line in Path("/proc/self/smaps").read_text("utf-8", "replace").splitlines():
        words = line.split(maxsplit=5)
        if not words[0].endswith(":"):
            is_ours = words[-1] == str(file.resolve())
            mapped |= is_ours
        elif is_ours and words[0] == "Rss:":
            held += int(words[1]) << 10
    return held, mapped


def test_a_cold_file_is_read_with_progress_and_can_be_given_up(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(64 << 20))
    os.sync()
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    flag, told = AbortFlag(), []

    def progress(fraction: float) -> None:
        told.append(fraction)
        flag.set()

    read_ahead([file], flag, progress)
    assert len(told) <= 1
    flag.clear()
    read_ahead([file], flag, told.append)
    assert told == sorted(told)


def test_reading_is_told_and_words_carry_ids_about_every_second(micro_model: Path) -> None:
    with loaded(micro_model, LoadOptions(context=8192)) as engine:
        chat = Chat(engine, Sampling(temperature=0.0, max_tokens=4000))
        finished = chat.say("Write a long list.")
        reading = [event for event in chat.events if isinstance(event, Reading)]
        words = [event for event in chat.events if isinstance(event, Text)]
        assert reading[0].total == finished.usage.prompt_tokens
        assert "".join(event.text for event in words) == finished.text
        seconds = finished.timings.generate_ms / 1000
        with_ids = [event for event in words if event.tokens is not None]
        assert len(with_ids) >= int(seconds) - 1
        for event in with_ids:
            assert event.tokens is not None
            assert finished.tokens.ids.startswith(event.tokens.ids)
        assert len(words) < 45 * seconds + 10, "packets, not single tokens"


def test_models_in_turn_leave_no_memory_behind(micro_model: Path, demo_model: Path) -> None:
    engine = LocalEngine()
    process = psutil.Process()
    sizes = []
    for _ in range(5):
        for path, words in ((micro_model, "Hello"), (demo_model, "Hello")):
            engine.begin()
            engine.load(Load(1, encode_path(path), LoadOptions(context=1024)), lambda _fraction: None)
            Chat(engine, Sampling(temperature=0.0, max_tokens=4)).say(words)
        engine.unload()
        sizes.append(process.memory_info().rss)
    assert sizes[-1] - sizes[1] < 20e6, sizes


def test_a_model_is_loaded_beside_a_card_that_is_not_wanted(micro_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine((Gpu("Vulkan0", 8 << 30),), 8 << 30)
    monkeypatch.setattr("app.engine.local.machine_of", lambda devices, options: machine)
    engine = LocalEngine()
    request = Load(1, encode_path(micro_model), LoadOptions(gpu_layers=0))
    assert engine.load(request, lambda fraction: None).gpu_layers == 0
    engine.unload()


def test_the_model_stays_when_the_next_one_is_refused(micro_model: Path, tmp_path: Path) -> None:
    with loaded(micro_model) as engine:
        with pytest.raises(ModelError):
            engine.load(Load(2, encode_path(tmp_path / "gone.gguf")), lambda _fraction: None)
        assert engine.loaded
        assert Chat(engine).say("My name is Robin.").text == "Nice to meet you, Robin."


@pytest.mark.parametrize(
    "options",
    [
        LoadOptions(kv_type="q8_0", flash_attention="off"),
        LoadOptions(kv_type="q3"),
        LoadOptions(flash_attention="maybe"),
    ],
)
def test_options_that_do_not_go_together_are_refused(micro_model: Path, options: LoadOptions) -> None:
    with pytest.raises(ModelError), loaded(micro_model, options):
        pass


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
@pytest.mark.parametrize("flash_attention", ["auto", "on"])
def test_cache_types(gemma_270m: Path, kv_type: str, flash_attention: str) -> None:
    options = LoadOptions(context=512, kv_type=kv_type, flash_attention=flash_attention)
    with loaded(gemma_270m, options) as engine:
        assert Chat(engine, Sampling(temperature=0.0, max_tokens=4)).say("Hello").usage.generated_tokens == 4


def test_measured_is_what_is_read(demo_model: Path) -> None:
    messages = (Message(Role.USER, "Hello"), Message(Role.ASSISTANT, "Hi."), Message(Role.USER, "नमस्ते 👋🏽 you"))
    prompt = Prompt("c", messages, "Be brief.")
    with loaded(demo_model) as engine:
        measured = engine.measure(Measure(1, prompt))
        finished = engine.generate(Generate(1, prompt, Sampling(temperature=0.0, max_tokens=1)), lambda _event: None)
    assert measured.total == finished.usage.prompt_tokens
    assert measured.left_out == 0
    assert len(measured.per_message) == 3


def test_questions_without_a_model() -> None:
    engine = LocalEngine()
    prompt = Prompt("c", (Message(Role.USER, "Hello"),))
    with pytest.raises(EngineError):
        engine.measure(Measure(1, prompt))
    with pytest.raises(EngineError):
        engine.generate(Generate(1, prompt), lambda _event: None)
    assert engine.bench(Bench(1)).error
    assert any(device.kind == "cpu" for device in engine.describe(Describe(1)).devices)


def test_a_prompt_without_a_message_is_refused(micro_model: Path) -> None:
    events: list[Event] = []
    with loaded(micro_model) as engine, pytest.raises(EngineError) as refusal:
        engine.generate(Generate(1, Prompt("c", ()), GREEDY), events.append)
    assert refusal.value.code == "empty_prompt"


def test_a_message_longer_than_the_context_is_refused_in_words(micro_model: Path) -> None:
    with loaded(micro_model, LoadOptions(context=256)) as engine:
        with pytest.raises(EngineError) as refusal:
            Chat(engine).say("Repeat: apple pear plum. " * 100)
        assert refusal.value.code == "too_long"
        assert engine.measure(Measure(1, Prompt("c", (Message(Role.USER, "pear " * 500),)))).error


def test_a_full_context_ends_as_length(micro_model: Path) -> None:
    with loaded(micro_model, LoadOptions(context=256)) as engine:
        finished = Chat(engine).say("Write a long list.")
        assert finished.reason is FinishReason.LENGTH
        assert finished.usage.prompt_tokens + finished.usage.generated_tokens == 256 + 1
        assert len(model_of(engine).context) == 256


def test_speeds_are_measured_and_what_was_read_is_forgotten(micro_model: Path) -> None:
    with loaded(micro_model) as engine:
        benched = engine.bench(Bench(1, 64, 8, 1))
        assert benched.prompt_tokens_per_second > 0
        assert benched.generate_tokens_per_second > 0
        assert len(model_of(engine).context) == 0
