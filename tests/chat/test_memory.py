"""A model that memory is missing for, and one that gives its memory back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from app.chat.changes import (
    ModelChanged,
    ModelRefused,
    ModelState,
    SmallerOffered,
)
from app.core.errors import UsageError
from app.core.message import Draft
from app.core.paths import decode_path
from app.core.protocol import (
    Failed,
    Generate,
    Load,
    Offer,
    Unload,
)
from app.core.settings import LoadOptions
from app.core.tools import WrittenCall
from tests.chat.driving import MODEL, Bench, calls_of

OTHER = Path("/models/other.gguf")
SMALLER = LoadOptions(context=4096, batch=256, gpu_layers=30, kv_type="q8_0")
OFFER = Offer(SMALLER, "with 30 of 49 layers on the graphics card, a context of 4,096 tokens and a q8_0 cache")


def pill(bench: Bench) -> tuple[ModelState, str]:
    change = bench.last(ModelChanged)
    return change.state, change.name


def loads(bench: Bench) -> list[str]:
    return [decode_path(request.path).name for request in bench.engine.all(Load)]


def test_a_model_without_memory_is_offered_smaller_and_the_choice_is_remembered(
    bench: Bench, new_bench: Callable[[], Bench]
) -> None:
    bench.ready()
    bench.take(bench.session.choose_model(OTHER))
    bench.load_fails("memory", offer=OFFER)
    assert bench.last(ModelRefused).offer == OFFER
    bench.take(bench.session.accept_offer())
    bench.load_fails("cancelled")  # the model before, that was to come back
    assert bench.engine.last(Load).options == SMALLER
    bench.load_ends()
    assert bench.store.settings().model_path == str(OTHER)
    after = new_bench()
    after.start()
    assert after.engine.last(Load).options == SMALLER
    after.load_ends()
    after.take(after.session.choose_model(MODEL))
    assert after.engine.last(Load).options == LoadOptions()


def test_what_a_person_sets_goes_before_what_fitted_once(bench: Bench) -> None:
    bench.ready()
    bench.take(bench.session.choose_model(OTHER))
    bench.load_fails("memory", kept=True, offer=OFFER)
    bench.take(bench.session.accept_offer())
    bench.load_ends()
    larger = msgspec.structs.replace(bench.session.settings, load=LoadOptions(context=16384))
    bench.take(bench.session.change_settings(larger))
    assert bench.engine.last(Load).options == LoadOptions(context=16384)
    assert bench.store.settings().fitted == ()


def test_nothing_is_offered_where_nothing_was_refused(bench: Bench) -> None:
    bench.ready()
    with pytest.raises(UsageError):
        bench.session.accept_offer()
    bench.take(bench.session.choose_model(OTHER))
    bench.load_fails("memory", kept=True, offer=OFFER)
    bench.take(bench.session.choose_model(MODEL))
    with pytest.raises(UsageError):
        bench.session.accept_offer()


def test_an_answer_without_memory_offers_the_model_smaller(bench: Bench) -> None:
    bench.ready()
    bench.say("What is this?")
    offer = Offer(LoadOptions(gpu_layers=3), "with 3 of 8 layers on the graphics card")
    bench.event(Failed(bench.turn, "memory", "There is not enough memory.", offer=offer))
    assert bench.last(SmallerOffered) == SmallerOffered("Gem", offer)
    assert bench.texts == ["What is this?", ""]
    bench.take(bench.session.accept_offer())
    load = bench.engine.last(Load)
    assert (decode_path(load.path).name, load.options.gpu_layers) == ("gem.gguf", 3)


# a model that nobody uses


def resting(bench: Bench, minutes: int = 5) -> None:
    bench.take(bench.session.change_settings(msgspec.structs.replace(bench.session.settings, rest_minutes=minutes)))
    bench.clock.pass_seconds(60.0 * minutes)
    bench.take(bench.session.rest())


def test_an_unused_model_gives_its_memory_back_and_comes_with_the_next_message(bench: Bench) -> None:
    bench.ready()
    resting(bench)
    assert isinstance(bench.engine.sent[-1], Unload)
    assert bench.last(ModelChanged).resting
    assert bench.last(ModelChanged).state is ModelState.READY
    bench.take(bench.session.submit("", Draft("Hello")))
    assert pill(bench) == (ModelState.LOADING, "gem")
    bench.load_ends()
    assert bench.engine.last(Generate).prompt.messages[-1].text == "Hello"
    assert not bench.last(ModelChanged).resting


def test_typing_brings_it_back_too(bench: Bench) -> None:
    bench.ready()
    resting(bench)
    bench.take(bench.session.draft_changed("", Draft("H")))
    assert pill(bench) == (ModelState.LOADING, "gem")


def test_a_model_in_use_does_not_rest(bench: Bench) -> None:
    bench.ready()
    assert bench.session.rests_at is None  # never, unless the person wants it
    bench.take(bench.session.change_settings(msgspec.structs.replace(bench.session.settings, rest_minutes=5)))
    bench.clock.pass_seconds(299.0)
    bench.take(bench.session.rest())
    assert not bench.engine.all(Unload)
    bench.take(bench.session.submit("", Draft("Hello")))
    bench.clock.pass_seconds(900.0)
    assert bench.session.rests_at is None
    bench.take(bench.session.rest())
    assert not bench.engine.all(Unload)


def test_another_model_is_chosen_while_it_rests(bench: Bench) -> None:
    bench.ready()
    resting(bench)
    bench.take(bench.session.choose_model(OTHER))
    assert loads(bench)[-1] == "other.gguf"
    bench.load_ends()
    assert not bench.last(ModelChanged).resting


def test_a_decision_brings_it_back_too(tooled: Bench, tmp_path: Path) -> None:
    tooled.take(tooled.session.tools.grant(tmp_path, write=True))
    tooled.say("Add it")
    tooled.calls(WrittenCall("write_file", {"path": "a.txt", "text": "one\n", "mode": "append"}))
    (call,) = calls_of(tooled)
    resting(tooled)
    assert tooled.last(ModelChanged).resting
    tooled.take(tooled.session.tools.decide(call.id, approve=True))
    tooled.tool_ends()
    assert pill(tooled) == (ModelState.LOADING, "gem")
    tooled.load_ends()
    assert tooled.engine.last(Generate).prompt.messages[-1].results


def test_other_load_options_while_it_rests_load_it_once(bench: Bench) -> None:
    bench.ready()
    resting(bench)
    larger = msgspec.structs.replace(bench.session.settings, load=LoadOptions(context=16384))
    bench.take(bench.session.change_settings(larger))
    bench.load_ends()
    bench.take(bench.session.draft_changed("", Draft("H")))
    assert [load.options.context for load in bench.engine.all(Load)] == [0, 16384]
    assert not bench.last(ModelChanged).resting
