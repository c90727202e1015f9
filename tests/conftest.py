"""What every test stands on: the model files, and a guard that nothing a test started outlives it."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from PySide6.QtCore import QTimer

ROOT = Path(__file__).resolve().parents[1]
GRACE_SECONDS = 3.0

# Without a choice of the person's no window may appear on a developer's screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# What the set-up has brought for this machine's card is left alone: the answers that tests know are the processor's.
os.environ.setdefault("CABOCHON_GPU", "off")


def _model_file(path: Path) -> Path:
    if not path.is_file():
        name = path.relative_to(ROOT)
        pytest.fail(f"{name} is not there: `python3 packaging/bootstrap.py test` brings it.", pytrace=False)
    return path


@pytest.fixture(scope="session")
def micro_model() -> Path:
    """The trained micro Gemma 3 (f16, 3 MB): loads in under 0.1 s and answers its own few questions."""
    return _model_file(ROOT / "resources" / "self-check" / "micro-gemma3.gguf")


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """SmolLM2-135M-Instruct (Q4_1, 98 MB): a real, weak chat model with the ChatML template."""
    return _model_file(ROOT / "resources" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf")


@pytest.fixture(scope="session")
def gemma_270m() -> Path:
    """gemma-3-270m (Q4_K_M, 253 MB): Gemma's real tokenizer and a 512-token window, without chat tuning."""
    return _model_file(ROOT / ".cache" / "models" / "gemma-3-270m-q4_k_m.gguf")


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A test that forgets its data folder must not touch the person's."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable.lower())))
        yield


@pytest.fixture(autouse=True)
def _nothing_outlives(_watched_timers: weakref.WeakSet[QTimer]) -> Iterator[None]:
    """Fails a test that leaves a thread, a child process, a running QTimer or a top-level widget behind."""
    before = {*_threads(), *_processes(), *_qt_things(_watched_timers)}
    yield
    probes: list[Callable[[], set[object]]] = [_threads, _processes, lambda: _qt_things(_watched_timers)]
    deadline = time.monotonic() + GRACE_SECONDS
    while left := set().union(*(probe() for probe in probes)) - before:
        if time.monotonic() > deadline:
            pytest.fail("This outlived its test: " + "; ".join(sorted(map(str, left))), pytrace=False)
        time.sleep(0.01)


@pytest.fixture(scope="session")
def _watched_timers() -> Iterator[weakref.WeakSet[QTimer]]:
    """The QTimers that were started: Qt has no list of them, so their start() is watched."""
    timers: weakref.WeakSet[QTimer] = weakref.WeakSet()
    if "PySide6.QtCore" not in sys.modules:
        yield timers
        return
    from PySide6.QtCore import QTimer

    original = QTimer.start

    def start(timer: QTimer, *args: int) -> None:
        timers.add(timer)
        original(timer, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QTimer, "start", start)
        yield timers


def _threads() -> set[object]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def _processes() -> set[object]:
    alive: set[object] = set()
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE:
                alive.add(child)
        except psutil.NoSuchProcess:
            continue
    return alive


def _qt_things(timers: weakref.WeakSet[QTimer]) -> set[object]:
    """Running timers and top-level widgets; nothing, and at no cost, where no QApplication was made."""
    if "PySide6.QtWidgets" not in sys.modules:
        return set()
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication
    from shiboken6 import isValid

    application = QApplication.instance()
    if application is None:
        return set()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    running = {timer for timer in timers if isValid(timer) and timer.isActive()}
    return {*running, *QApplication.topLevelWidgets()}
