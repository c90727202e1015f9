"""What came of a backend is remembered: after the second bad end, for a week, with the same drivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine import tried
from app.engine.probe import Verdict
from app.engine.tried import Tried

WEEK = 7 * 86400


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "libggml-vulkan.so"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "engine" / "tried.json"


def _twice(file: Path, library: Path, verdict: Verdict = Verdict.HUNG, now: float = 0.0) -> None:
    for _ in range(2):
        Tried(file, lambda: now).keep(library, verdict)


def _known(file: Path | None, library: Path, now: float = 0.0) -> Verdict | None:
    return Tried(file, lambda: now).known(library)


def test_one_bad_end_may_be_chance_and_two_are_not(file: Path, library: Path) -> None:
    Tried(file, lambda: 0.0).keep(library, Verdict.HUNG)
    assert _known(file, library) is None
    Tried(file, lambda: 0.0).keep(library, Verdict.HUNG)
    assert _known(file, library) is Verdict.HUNG


def test_it_is_forgotten_after_a_week_and_when_the_clock_goes_back(file: Path, library: Path) -> None:
    _twice(file, library, now=100.0)
    assert _known(file, library, WEEK) is Verdict.HUNG
    assert _known(file, library, WEEK + 101) is None
    assert _known(file, library, 99.0) is None


def test_another_backend_or_driver_is_another_matter(
    file: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _twice(file, library)
    with monkeypatch.context() as patch:
        patch.setattr(tried, "drivers", lambda: "newer")
        assert _known(file, library) is None
    assert _known(file, library) is Verdict.HUNG
    library.write_bytes(b"newer")
    assert _known(file, library) is None


@pytest.mark.parametrize("verdict", [Verdict.WORKS, Verdict.NO_CARD, Verdict.REFUSED])
def test_what_may_be_otherwise_at_any_time_is_not_remembered(file: Path, library: Path, verdict: Verdict) -> None:
    _twice(file, library, verdict)
    assert not file.exists()
    _twice(file, library, Verdict.CRASHED)
    Tried(file, lambda: 0.0).keep(library, verdict)
    assert _known(file, library) is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"x": 1}', b"\xff"])
def test_a_damaged_file_is_no_file(file: Path, library: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert _known(file, library) is None
    _twice(file, library)
    assert _known(file, library) is Verdict.HUNG


def test_without_a_file_or_where_none_can_be_written_nothing_is_remembered(tmp_path: Path, library: Path) -> None:
    (tmp_path / "engine").write_bytes(b"no folder")
    for file in (None, tmp_path / "engine" / "tried.json"):
        made = Tried(file, lambda: 0.0)
        made.keep(library, Verdict.HUNG)
        assert _known(file, library) is None
