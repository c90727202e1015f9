"""The model: chosen, loaded, refused, given up, unloaded; and the worker that dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from app.chat.changes import (
    ModelChanged,
    ModelRefused,
    ModelState,
    SettingsChanged,
    TurnEnded,
    WorkerBenched,
    WorkerDescribed,
    WorkerRestarted,
)
from app.chat.model_keeper import DEMO_MODEL
from app.core.errors import UsageError
from app.core.message import FinishReason, MessageState
from app.core.paths import decode_path
from app.core.protocol import Bench as BenchRequest
from app.core.protocol import (
    Benched,
    CancelLoad,
    Describe,
    Described,
    Generate,
    Load,
    Loading,
    Stop,
    Unload,
)
from app.core.settings import LoadOptions, Settings
from tests.chat.driving import MODEL, Bench

OTHER = Path("/models/other.gguf")


def pill(bench: Bench) -> tuple[ModelState, str]:
    change = bench.last(ModelChanged)
    return change.state, change.name


def loads(bench: Bench) -> list[str]:
    return [decode_path(request.path).name for request in bench.engine.all(Load)]


def test_a_given_model_is_loaded_and_remembered(bench: Bench, new_bench: Callable[[], Bench]) -> None:
    bench.start(MODEL)
    assert pill(bench) == (ModelState.LOADING, "gem")
    assert bench.store.settings().model_path == ""
    bench.load_ends()
    assert pill(bench) == (ModelState.READY, "Gem")
    assert bench.last(SettingsChanged).settings.model_path == str(MODEL)
    after = new_bench()
    after.start()
    assert loads(after) == ["gem.gguf"]


def test_a_named_image_part_is_remembered_for_its_model(
    bench: Bench, new_bench: Callable[[], Bench], tmp_path: Path
) -> None:
    part, other = tmp_path / "part.gguf", tmp_path / "other.gguf"
    part.touch()
    bench.start()
    bench.take(bench.session.choose_model(MODEL, mmproj=part))
    assert _image_part(bench) == part
    bench.load_ends()
    assert bench.store.settings().image_parts == ((str(MODEL), str(part)),)
    bench.take(bench.session.choose_model(OTHER))
    assert _image_part(bench) is None
    bench.load_ends()
    bench.take(bench.session.choose_model(MODEL))
    assert _image_part(bench) == part
    bench.load_ends()
    after = new_bench()
    after.start()
    assert _image_part(after) == part
    after.load_ends()
    part.rename(other)
    after.take(after.session.choose_model(MODEL))
    assert _image_part(after) is None, "one that is gone is not asked for"


def test_a_wrong_image_part_changes_nothing_and_one_that_broke_is_forgotten(bench: Bench, tmp_path: Path) -> None:
    part, wrong = tmp_path / "part.gguf", tmp_path / "wrong.gguf"
    part.touch()
    bench.start()
    bench.take(bench.session.choose_model(MODEL, mmproj=part))
    bench.load_ends()
    bench.take(bench.session.choose_model(MODEL, mmproj=wrong))
    bench.load_fails("mmproj", kept=True)
    assert bench.last(ModelRefused).code == "mmproj"
    assert pill(bench) == (ModelState.READY, "Gem")
    assert bench.store.settings().image_parts == ((str(MODEL), str(part)),)
    bench.take(bench.session.choose_model(MODEL))
    bench.load_fails("damaged", kept=True)
    assert bench.store.settings().image_parts == ()


def _image_part(bench: Bench) -> Path | None:
    named = bench.engine.all(Load)[-1].mmproj
    return decode_path(named) if named else None


def test_a_refused_model_is_not_remembered(bench: Bench) -> None:
    bench.ready()
    bench.take(bench.session.choose_model(OTHER))
    bench.load_fails(kept=True)
    assert bench.last(ModelRefused) == ModelRefused(str(OTHER), "The file is cut short.", "cut", kept="Gem")
    assert pill(bench) == (ModelState.READY, "Gem")
    assert bench.store.settings().model_path == str(MODEL)


def test_a_model_that_was_given_up_for_a_bad_one_is_loaded_again(bench: Bench) -> None:
    bench.ready()
    bench.take(bench.session.choose_model(OTHER))
    bench.load_fails(kept=False)
    assert bench.last(ModelRefused).kept == ""
    assert pill(bench) == (ModelState.LOADING, "gem")
    bench.load_ends()
    assert pill(bench) == (ModelState.READY, "Gem")
    assert loads(bench) == ["gem.gguf", "other.gguf", "gem.gguf"]


def test_a_missing_remembered_model_is_told_and_the_chats_are_there(
    bench: Bench, new_bench: Callable[[], Bench]
) -> None:
    bench.ready()
    bench.answer("One", "1")
    bench.close()
    after = new_bench()
    after.start()
    after.load_fails("missing")
    assert after.last(ModelRefused).code == "missing"
    assert pill(after) == (ModelState.NONE, "")
    assert after.texts == ["One", "1"]


def test_without_any_model_there_is_none(bench: Bench) -> None:
    bench.start()
    assert pill(bench) == (ModelState.NONE, "")
    assert bench.engine.starts == 0
    assert not bench.session.under_way


def test_the_demo_model_is_loaded_when_nothing_was_chosen(tmp_path: Path) -> None:
    place = tmp_path / "models"
    place.mkdir()
    (place / DEMO_MODEL).touch()
    bench = Bench(tmp_path / "data", demo_places=(tmp_path / "nowhere", place))
    bench.start()
    bench.load_ends()
    assert bench.last(ModelChanged).demo
    assert bench.store.settings().model_path == ""
    bench.take(bench.session.choose_model(MODEL))
    bench.load_ends()
    assert not bench.last(ModelChanged).demo
    bench.store.close()


def test_the_time_left_is_estimated_from_the_progress(bench: Bench) -> None:
    bench.start(MODEL)
    load = bench.engine.last(Load).load
    bench.clock.pass_seconds(0.1)
    bench.event(Loading(load=load, fraction=0.2))
    assert bench.last(ModelChanged).seconds_left is None
    bench.clock.pass_seconds(2.9)
    bench.event(Loading(load=load, fraction=0.6))
    change = bench.last(ModelChanged)
    assert change.fraction == 0.6
    assert change.seconds_left == pytest.approx(2.0)


def test_events_of_another_load_are_dropped(bench: Bench) -> None:
    bench.start(MODEL)
    bench.forget()
    bench.event(Loading(load=99, fraction=0.5))
    assert bench.changes == []


def test_choosing_another_while_one_loads_gives_that_up(bench: Bench) -> None:
    bench.start(MODEL)
    first = bench.engine.last(Load).load
    bench.take(bench.session.choose_model(OTHER))
    assert bench.engine.all(CancelLoad) == [CancelLoad(first)]
    assert loads(bench) == ["gem.gguf"]
    bench.event(Loading(load=first, fraction=0.9))
    assert pill(bench) == (ModelState.LOADING, "other")
    bench.load_fails("cancelled")
    assert bench.all(ModelRefused) == []
    assert loads(bench) == ["gem.gguf", "other.gguf"]
    bench.load_ends()
    assert pill(bench) == (ModelState.READY, "Other")
    assert bench.store.settings().model_path == str(OTHER)


def test_a_load_that_is_given_up_goes_back_to_the_model_before(bench: Bench) -> None:
    bench.ready()
    bench.take(bench.session.choose_model(OTHER))
    bench.take(bench.session.cancel_load())
    bench.load_fails("cancelled", kept=True)
    assert pill(bench) == (ModelState.READY, "Gem")
    assert bench.last(ModelRefused).code == "cancelled"
    bench.say("Hello")
    assert bench.engine.last(Generate)


def test_stop_gives_a_load_up_and_the_second_kills_the_worker(bench: Bench) -> None:
    bench.start(MODEL)
    bench.take(bench.session.stop())
    assert len(bench.engine.all(CancelLoad)) == 1
    assert bench.engine.kills == 0
    bench.take(bench.session.stop())
    assert bench.engine.kills == 1
    bench.dies()
    assert pill(bench) == (ModelState.NONE, "")
    assert bench.last(ModelRefused).code == "cancelled"
    assert bench.all(WorkerRestarted) == []


def test_a_load_that_does_not_end_within_a_second_is_killed(bench: Bench) -> None:
    bench.ready()
    bench.take(bench.session.choose_model(OTHER))
    bench.take(bench.session.cancel_load())
    bench.clock.pass_seconds(0.9)
    bench.take(bench.session.tick())
    assert bench.engine.kills == 0
    bench.clock.pass_seconds(0.2)
    bench.take(bench.session.tick())
    bench.take(bench.session.tick())
    assert bench.engine.kills == 1
    bench.dies()
    assert bench.engine.starts == 2
    assert loads(bench) == ["gem.gguf", "other.gguf", "gem.gguf"]
    bench.load_ends()
    assert pill(bench) == (ModelState.READY, "Gem")


def test_a_load_that_was_quicker_than_its_end_goes_back_too(bench: Bench) -> None:
    bench.ready()
    bench.take(bench.session.choose_model(OTHER))
    bench.take(bench.session.cancel_load())
    bench.load_ends()
    assert loads(bench)[-1] == "gem.gguf"
    bench.load_ends()
    assert pill(bench) == (ModelState.READY, "Gem")
    assert bench.store.settings().model_path == str(MODEL)


def test_unload(bench: Bench) -> None:
    bench.ready()
    bench.take(bench.session.unload_model())
    assert len(bench.engine.all(Unload)) == 1
    assert pill(bench) == (ModelState.NONE, "")
    bench.say("Hello")
    assert bench.states == ["queued"]
    assert bench.store.settings().model_path == str(MODEL)


def test_choosing_a_model_ends_the_answer_first(ready: Bench) -> None:
    ready.say("Hello")
    ready.words("Hi")
    ready.take(ready.session.choose_model(OTHER))
    assert ready.engine.all(Stop) == [Stop(ready.turn)]
    assert loads(ready) == ["gem.gguf"]
    ready.ends("Hi", FinishReason.CANCELLED)
    assert loads(ready) == ["gem.gguf", "other.gguf"]
    assert ready.states == ["complete", "interrupted"]


def test_other_load_options_load_the_model_again_after_the_answer(ready: Bench) -> None:
    ready.say("Hello")
    larger = msgspec.structs.replace(ready.session.settings, load=LoadOptions(context=8192))
    ready.take(ready.session.change_settings(larger))
    assert len(loads(ready)) == 1
    ready.ends("Hi")
    assert ready.engine.last(Load).options.context == 8192
    assert ready.states == ["complete", "complete"]
    ready.load_ends()
    ready.take(ready.session.change_settings(msgspec.structs.replace(larger, theme="dark")))
    assert len(loads(ready)) == 2


def test_settings_of_one_call_are_not_stored(ready: Bench) -> None:
    ready.take(ready.session.change_settings(Settings(system_prompt="Hi"), remember=False))
    assert ready.session.settings.system_prompt == "Hi"
    ready.take(ready.session.choose_model(OTHER, remember=False))
    ready.load_ends()
    stored = ready.store.settings()
    assert (stored.system_prompt, stored.model_path) == ("", str(MODEL))


def test_the_worker_dies_while_it_writes(ready: Bench) -> None:
    ready.say("Hello")
    ready.words("Hi th", generated=2)
    ready.say("And more")
    ready.forget()
    ready.dies()
    view = ready.shown[ready.ids[1]]
    assert (view.text, view.state, view.finish_reason) == ("Hi th", MessageState.INTERRUPTED, FinishReason.ERROR)
    assert view.error
    assert ready.last(TurnEnded).reason is FinishReason.ERROR
    assert ready.last(WorkerRestarted) == WorkerRestarted("The worker was killed (SIGKILL).", again=True)
    assert pill(ready) == (ModelState.LOADING, "gem")
    assert ready.engine.starts == 2
    assert ready.states[-1] == "queued"
    ready.load_ends()
    assert ready.states == ["complete", "interrupted", "complete", "streaming"]


def test_a_worker_that_dies_again_stays_down_until_a_model_is_chosen(ready: Bench) -> None:
    ready.say("Hello")
    ready.dies()
    ready.load_ends()
    ready.take(ready.session.continue_answer(ready.ids[-1]))
    ready.forget()
    ready.dies()
    assert ready.last(WorkerRestarted).again is False
    assert pill(ready) == (ModelState.NONE, "")
    assert ready.engine.starts == 2
    ready.say("Still there?")
    assert ready.states[-1] == "queued"
    ready.take(ready.session.choose_model(MODEL))
    assert ready.engine.starts == 3
    ready.load_ends()
    assert ready.states[-1] == "streaming"


def test_an_answer_between_two_deaths_makes_the_second_the_first(ready: Bench) -> None:
    for _ in range(3):
        ready.say("Hello")
        ready.dies()
        ready.load_ends()
        ready.answer("Hello", "Hi")
    assert [change.again for change in ready.all(WorkerRestarted)] == [True] * 3


def test_a_worker_that_dies_while_it_comes_back_stays_down(ready: Bench) -> None:
    ready.say("Hello")
    ready.dies()
    ready.dies()
    assert [change.again for change in ready.all(WorkerRestarted)] == [True, False]
    assert ready.engine.starts == 2
    assert pill(ready) == (ModelState.NONE, "")
    assert not ready.session.under_way


def test_a_file_that_kills_the_worker_is_refused_without_a_loop(bench: Bench) -> None:
    bench.start(MODEL)
    bench.dies(-6)
    refused = bench.last(ModelRefused)
    assert (refused.path, refused.code) == (str(MODEL), "crashed")
    assert bench.engine.starts == 1
    assert pill(bench) == (ModelState.NONE, "")
    assert bench.store.settings().model_path == ""


def test_a_file_that_kills_the_worker_leaves_the_model_before(ready: Bench) -> None:
    ready.take(ready.session.choose_model(OTHER))
    ready.dies(-6)
    assert ready.last(ModelRefused).path == str(OTHER)
    assert loads(ready) == ["gem.gguf", "other.gguf", "gem.gguf"]
    ready.load_ends()
    assert pill(ready) == (ModelState.READY, "Gem")


def test_an_idle_worker_that_dies_comes_back(ready: Bench) -> None:
    ready.dies()
    assert ready.last(WorkerRestarted).again is True
    ready.load_ends()
    ready.answer("Hello", "Hi")


def test_the_second_stop_kills_and_is_no_crash(ready: Bench) -> None:
    ready.say("Hello")
    ready.words("Hi")
    ready.session.stop()
    ready.session.stop()
    assert ready.engine.kills == 1
    ready.dies()
    view = ready.shown[ready.ids[-1]]
    assert (view.text, view.finish_reason, view.error) == ("Hi", FinishReason.CANCELLED, "")
    assert ready.all(WorkerRestarted) == []
    assert pill(ready) == (ModelState.LOADING, "gem")
    ready.load_ends()
    ready.answer("Again", "Yes")


def test_describe_starts_a_worker_and_loads_nothing(bench: Bench) -> None:
    bench.take(bench.session.begin())
    bench.take(bench.session.describe())
    assert bench.engine.starts == 1
    request = bench.engine.last(Describe)
    described = Described(request.describe, {"llama.cpp": "1"}, (), "", ())
    bench.event(described)
    assert bench.last(WorkerDescribed).described == described
    assert bench.engine.all(Load) == []


def test_a_worker_that_dies_over_a_description_says_so(bench: Bench) -> None:
    bench.take(bench.session.begin())
    bench.take(bench.session.describe())
    bench.dies(1)
    assert bench.last(WorkerRestarted).again is False


def test_bench_needs_a_model(bench: Bench) -> None:
    bench.start()
    with pytest.raises(UsageError):
        bench.session.bench()
    bench.take(bench.session.choose_model(MODEL))
    bench.load_ends()
    bench.take(bench.session.bench())
    benched = Benched(bench.engine.last(BenchRequest).bench, 1.0, 1.0, 1.0, 2)
    bench.event(benched)
    assert bench.last(WorkerBenched).benched == benched


def test_close_ends_the_worker_and_keeps_what_was_written(bench: Bench, new_bench: Callable[[], Bench]) -> None:
    bench.ready()
    bench.say("Hello")
    bench.words("Hi th")
    bench.close()
    assert bench.engine.closed
    after = new_bench()
    after.start()
    assert after.texts == ["Hello", "Hi th"]
    assert after.states == ["complete", "interrupted"]


def test_a_model_that_has_come_waits_for_the_answer_that_is_being_written(bench: Bench) -> None:
    bench.ready()
    bench.say("Hello")
    bench.take(bench.session.choose_fetched(OTHER))
    assert not bench.engine.all(Stop)
    assert loads(bench) == ["gem.gguf"]
    bench.ends("Hello, you.")
    assert bench.texts == ["Hello", "Hello, you."]
    assert loads(bench) == ["gem.gguf", "other.gguf"]
    bench.load_ends()
    assert bench.store.settings().model_path == str(OTHER)
