"""The benchmarks run and tell their figures; no time is asserted. What they reckon with is tested on its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.gguf.header import read_header
from tests.benchmarks import download, engine, fit, followup, library, peers, shapes, window
from tests.benchmarks.handled import Handled, frames, percentile
from tests.benchmarks.long_chat import make
from tests.benchmarks.report import Figure, as_json, missing, paired, paired_time, single, table
from tests.benchmarks.screen import screen

MODEL = "gemma-3-270m"


def _check(figures: Sequence[Figure], count: int) -> None:
    assert len({figure.name for figure in figures}) == len(figures) == count
    for figure in figures:
        assert figure.target
        assert figure.unit or figure.note
        assert (figure.met is None) == (figure.ours is None)
    assert [figure["name"] for figure in json.loads(as_json(figures))] == [figure.name for figure in figures]


@pytest.fixture
def _peers() -> None:
    if peers.built() is None:
        pytest.skip("The peers are not built: `.venv/bin/python -m tests.benchmarks peers` takes some minutes.")


@pytest.mark.slow
@pytest.mark.usefixtures("_peers")
def test_the_engine_part_runs(tmp_path: Path, gemma_270m: Path) -> None:
    _check(engine.figures(tmp_path, engine.SMOKE, {MODEL: gemma_270m}), 3)


@pytest.mark.slow
@pytest.mark.usefixtures("_peers")
def test_the_followup_part_runs(tmp_path: Path, gemma_270m: Path) -> None:
    _check(followup.figures(tmp_path, followup.SMOKE, {MODEL: gemma_270m}), 1)


def test_the_library_part_runs(tmp_path: Path) -> None:
    _check(library.figures(tmp_path, files=3, looks=1), 2)


def test_the_download_part_runs(tmp_path: Path) -> None:
    _check(download.figures(tmp_path, size=30_000_000, kills=2, pairs=1), 2)


@pytest.mark.slow
def test_the_window_part_runs(tmp_path: Path) -> None:
    _check(window.figures(tmp_path, window.SMOKE), 11)


@pytest.mark.slow
def test_the_window_part_runs_without_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with screen() as (_, what):
        assert what.startswith("offscreen")
    _check(window.figures(tmp_path, window.SMOKE), 11)


def test_a_window_that_ends_is_told_with_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such luck')"]
    with (
        window.Program(command, {}, tmp_path / "log") as program,
        pytest.raises(window.WindowFailed, match="no such luck"),
    ):
        program.wait_for("painted")


def test_a_ratio_is_the_median_of_pairs_and_not_of_medians() -> None:
    figure = paired("decode", "tok/s", [10.0, 30.0, 20.0], [10.0, 20.0, 40.0], at_least=0.97)
    assert (figure.ours, figure.peer, figure.ratio) == (20.0, 20.0, 1.0)
    assert figure.pairs == (1.0, 1.5, 0.5)
    assert figure.met
    assert paired("decode", "tok/s", [9.0], [10.0], at_least=0.97).met is False


def test_a_time_is_met_from_below() -> None:
    assert paired_time("first token", "ms", [50.0], [50.0], at_most=1.0).met
    assert paired_time("first token", "ms", [51.0], [50.0], at_most=1.0).met is False
    assert single("memory", "MB", 150.0, below=150.0).met
    assert single("memory", "MB", 150.1, below=150.0).met is False


def test_the_table_shows_every_figure_with_its_verdict() -> None:
    shown = table(
        [
            paired("decode", "tok/s", [30.0], [20.0], at_least=0.97),
            single("memory", "MB", 151.0, below=150.0, note="PSS"),
            missing("idle", "<= 0.05", "no keyboard"),
        ]
    )
    lines = shown.splitlines()
    assert lines[0].split() == ["figure", "ours", "peer", "ratio", "target"]
    assert lines[2].split() == ["decode", "30.0", "tok/s", "20.0", "tok/s", "1.500", ">=", "0.97", "of", "peer", "met"]
    assert lines[3].endswith("MISSED")
    assert lines[4].endswith("not measured")
    assert lines[5:] == ["pairs of decode: 1.500", "memory: PSS", "idle: no keyboard"]


def test_figures_survive_json() -> None:
    figure = single("memory", "MB", 100.0, below=150.0)
    assert json.loads(as_json([figure])) == [
        {"name": "memory", "unit": "MB", "target": "<= 150", "ours": 100.0, "peer": None, "ratio": None, "met": True,
         "pairs": [], "note": ""}
    ]  # fmt: skip


def test_a_frame_is_all_work_between_two_rests_that_painted() -> None:
    handled = [
        _event(0.000, 0.004),
        _event(0.0042, 0.010, waited=0.003, painted=True),
        _event(0.050, 0.060),
        _event(0.100, 0.102, painted=True),
    ]
    found = frames(handled)
    assert [round(frame.wall * 1000, 3) for frame in found] == [10.0, 2.0]
    assert [round(frame.own * 1000, 3) for frame in found] == [7.0, 2.0]
    assert frames([]) == []


@pytest.mark.parametrize(("percent", "expected"), [(99, 99), (100, 100), (50, 50), (0, 1)])
def test_percentile_is_by_nearest_rank(percent: float, expected: int) -> None:
    assert percentile(range(100, 0, -1), percent) == expected


def test_the_long_chat_is_as_long_as_asked(tmp_path: Path) -> None:
    from app.core.paths import DataPaths
    from app.store.store import Store

    made = make(tmp_path, 20)
    store = Store(DataPaths(tmp_path))
    try:
        leaves = {key: store.conversations.find(key) for key in (made.long, made.short)}
        lengths = {key: len(store.messages.branch(key, found.leaf)) for key, found in leaves.items() if found}
        assert lengths == {made.long: 20, made.short: 4}
        assert store.conversations.opened() == made.long
    finally:
        store.close()


@pytest.mark.usefixtures("gemma_270m")
def test_a_model_without_weights_is_planned_like_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, projector = shapes.hollow(shapes.GEMMA_12B, tmp_path)
    assert read_header(model).expected_size <= model.stat().st_size
    assert sum(file.stat().st_blocks for file in (model, projector)) * 512 < 100 << 20
    case = fit.Case(shapes.GEMMA_12B, 8192, sees=True)
    layers = [fit._ours(case, model, memory << 30).gpu_layers for memory in (6, 12)]
    assert 0 < layers[0] < layers[1] == 49
    monkeypatch.delenv("CABOCHON_ENGINE", raising=False)
    _check(fit.figures(tmp_path), 1)


def _event(start: float, end: float, *, waited: float = 0.0, painted: bool = False) -> Handled:
    return Handled("Timer to QTimer", start, end, waited, end - start - waited, painted)
