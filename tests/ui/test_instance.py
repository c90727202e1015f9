"""One window for one data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.instance import Handover, SingleInstance, handover


@pytest.fixture
def first(qtbot: QtBot, tmp_path: Path) -> Iterator[SingleInstance]:
    made = SingleInstance(tmp_path)
    made.listen()
    yield made
    made.close()
    made.deleteLater()


SECOND_START = """
import os, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.ui.instance import SingleInstance, handover
application = QCoreApplication([])
root, model, *files = (Path(os.fsdecode(bytes.fromhex(name))) for name in sys.argv[1:])
sys.exit(0 if SingleInstance(root).hand_over(handover(model, tuple(files))) else 1)
"""


def _second_start(*paths: Path) -> subprocess.Popen[bytes]:
    """Another process that wants a window for the first path, with the model and the files that follow."""
    names = [os.fsencode(path).hex() for path in paths]
    return subprocess.Popen([sys.executable, "-P", "-c", SECOND_START, *names])


def test_a_second_start_hands_over_what_it_was_asked(first: SingleInstance, qtbot: QtBot, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(b"/tmp/caf\xff.gguf"))
    with qtbot.waitSignal(first.asked, timeout=10_000) as asked:
        second = _second_start(tmp_path, odd, Path("/tmp/a b.txt"))
    assert second.wait(10) == 0
    assert asked.args is not None
    taken = asked.args[0]
    assert isinstance(taken, Handover)
    assert taken.model_path == odd
    assert taken.file_paths == (Path("/tmp/a b.txt"),)


def test_nobody_takes_over_where_no_window_is(qapp: object, tmp_path: Path) -> None:
    assert not SingleInstance(tmp_path).hand_over(handover(None, ()))


def test_another_data_folder_is_another_window(first: SingleInstance, tmp_path: Path) -> None:
    assert not SingleInstance(tmp_path / "other").hand_over(handover(None, ()))


def test_a_name_left_behind_by_a_killed_window_is_taken_over(qtbot: QtBot, tmp_path: Path) -> None:
    killed = SingleInstance(tmp_path)
    killed.listen()
    assert killed._server is not None
    left = Path(killed._server.fullServerName())
    os.rename(left, left.with_suffix(".kept"))
    killed.close()
    os.rename(left.with_suffix(".kept"), left)  # what a kill -9 leaves: a name that nobody answers on
    fresh = SingleInstance(tmp_path)
    assert not fresh.hand_over(handover(None, ()))
    fresh.listen()
    with qtbot.waitSignal(fresh.asked, timeout=10_000):
        second = _second_start(tmp_path, Path("/tmp/model.gguf"))
    assert second.wait(10) == 0
    fresh.close()


def test_nonsense_on_the_socket_is_dropped(first: SingleInstance, qtbot: QtBot) -> None:
    from PySide6.QtNetwork import QLocalSocket

    caller = QLocalSocket()
    caller.connectToServer(first._name)
    with qtbot.assertNotEmitted(first.asked, wait=100):
        caller.write(b"\x00\xff nonsense\n")
        caller.flush()
    caller.abort()
