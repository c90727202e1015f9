"""The governor of threads against machines that are idle, busy, and busy for a while."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.governor import ThreadGovernor, next_batch, usable_cores

TOKEN = 0.04  # seconds of one core for one token
Machine = Callable[[int], float]


def cores(free: int) -> Machine:
    """What a token takes on so many free cores: threads that outnumber them wait for each other."""
    return lambda threads: TOKEN / threads if threads <= free else TOKEN * 8 / free


def run(governor: ThreadGovernor, machine: Machine, tokens: int) -> list[int]:
    """The counts that so many tokens were computed with."""
    used = []
    for _ in range(tokens):
        used.append(governor.threads)
        governor.record(machine(governor.threads))
    return used


def seconds(used: list[int], machine: Machine) -> float:
    return sum(map(machine, used))


@pytest.mark.parametrize("most", [2, 4, 6, 8, 16])
def test_an_idle_machine_keeps_most_of_its_speed(most: int) -> None:
    governor, machine = ThreadGovernor(most), cores(most)
    used = run(governor, machine, 400)
    assert used[0] == most
    assert governor.threads == most
    assert used.count(most) >= 390, "fewer threads are tried once"
    assert seconds(used, machine) < 1.05 * 400 * machine(most)


@pytest.mark.parametrize(("most", "free"), [(2, 1), (4, 3), (4, 2), (4, 1), (8, 6), (8, 3), (8, 1)])
def test_beside_a_busy_neighbour_it_steps_down(most: int, free: int) -> None:
    governor, machine = ThreadGovernor(most), cores(most)
    run(governor, machine, 100)
    used = run(governor, cores(free), 600)
    assert max(used[-300:], key=used[-300:].count) <= free
    # It costs the tries that find out, and those upward that fail; without a governor it is far more.
    assert seconds(used, cores(free)) < 0.5 * 600 * cores(free)(most)


def test_one_busy_from_the_start_is_left_as_well() -> None:
    governor = ThreadGovernor(2)
    used = run(governor, cores(1), 40)
    assert used[:4] == [2] * 4
    assert used.count(1) > 25


def test_one_slow_token_changes_nothing() -> None:
    governor, machine = ThreadGovernor(4), cores(4)
    run(governor, machine, 100)
    governor.record(1.0)
    assert run(governor, machine, 50) == [4] * 50


def test_it_goes_back_when_the_neighbour_is_gone() -> None:
    governor = ThreadGovernor(4)
    run(governor, cores(4), 50)
    run(governor, cores(1), 60)
    assert governor.threads < 4
    run(governor, cores(4), 700)
    assert governor.threads == 4


def _tries_upward(used: list[int]) -> list[int]:
    """After how many tokens each run of two threads began."""
    return [place for place in range(1, len(used)) if (used[place - 1], used[place]) == (1, 2)]


def test_more_threads_are_tried_with_doubling_patience() -> None:
    governor = ThreadGovernor(2)
    tries = _tries_upward(run(governor, cores(1), 3000))
    waits = [after - before for before, after in pairwise(tries)]
    assert len(waits) >= 5
    for before, after in pairwise(waits[:5]):
        assert 1.5 < after / before < 2.5
    assert max(waits) < 600, "it never gives up"


def test_patience_starts_again_after_a_success() -> None:
    governor = ThreadGovernor(2)
    run(governor, cores(1), 1000)
    run(governor, cores(2), 1500)
    assert governor.threads == 2
    run(governor, cores(1), 20)
    assert governor.threads == 1
    first = _tries_upward(run(governor, cores(1), 60))
    assert first
    assert first[0] <= 24


def test_a_wrong_count_is_left_after_one_token() -> None:
    """A try at too many threads that is very slow is not carried to its end."""
    governor = ThreadGovernor(2)
    used = run(governor, lambda threads: 0.01 if threads == 1 else 1.0, 300)
    assert used[:4] == [2] * 4
    assert used.count(2) <= 4 + 6


@pytest.mark.parametrize("most", [1, 2, 7])
def test_a_fixed_count_stays(most: int) -> None:
    governor = ThreadGovernor(most, fixed=True)
    assert set(run(governor, lambda _: 1.0, 100)) == {most}
    assert set(run(governor, lambda _: 99.0, 100)) == {most}


@pytest.mark.parametrize("most", [1, 0, -3])
def test_a_single_core(most: int) -> None:
    governor = ThreadGovernor(most)
    assert governor.most == 1
    assert set(run(governor, cores(1), 100)) == {1}


@given(most=st.integers(1, 64), times=st.lists(st.floats(0, 1e6), max_size=600))
@settings(deadline=None)
def test_it_never_leaves_its_range(most: int, times: list[float]) -> None:
    governor = ThreadGovernor(most)
    assert governor.most == most
    for time in times:
        answer = governor.record(time)
        assert answer == governor.threads
        assert 1 <= answer <= most


@given(most=st.integers(2, 32), costs=st.lists(st.floats(0.001, 1.0), min_size=33, max_size=33))
@settings(deadline=None)
def test_on_any_steady_machine_it_comes_to_rest(most: int, costs: list[float]) -> None:
    """Whatever the counts cost, tries become rare: in a long answer one count is used nearly always."""
    governor = ThreadGovernor(most)
    used = run(governor, lambda threads: costs[threads], 6000)[-1000:]
    assert used.count(max(used, key=used.count)) >= 900


def test_usable_cores_are_there() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    assert usable_cores() <= len(os.sched_getaffinity(0))


def test_usable_cores_are_physical_and_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 16 if logical else 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    assert usable_cores() == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert usable_cores() == 3
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 16 if logical else None)
    assert usable_cores() == 3


# batches of a prompt


def test_a_slow_batch_is_halved_and_a_quick_one_doubled() -> None:
    assert next_batch(512, 512, 3.0, on_card=False) == 256
    assert next_batch(128, 512, 0.1, on_card=False) == 256
    assert next_batch(512, 512, 1.0, on_card=False) == 512
    assert next_batch(512, 512, 0.5, on_card=True) == 256, "a card is not interrupted: Stop waits for the batch"


@given(most=st.integers(32, 4096), times=st.lists(st.floats(0, 100), max_size=60), on_card=st.booleans())
def test_batches_stay_within_their_limits(most: int, times: list[float], on_card: bool) -> None:
    size = most
    for time in times:
        size = next_batch(size, most, time, on_card=on_card)
        assert min(most, 32) <= size <= most
