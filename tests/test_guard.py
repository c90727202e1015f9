"""The guard of conftest.py sees what a test leaves behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

LEAKS = """
import subprocess, threading, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

kept = []

def test_that_leaks(qtbot):
    thread = threading.Thread(target=time.sleep, args=(5,), name="left thread")
    thread.start()
    timer = QTimer(objectName="left timer")
    timer.start(60_000)
    widget = QWidget(objectName="left widget")
    kept.extend([subprocess.Popen(["sleep", "5"]), timer, widget])

def test_that_cleans_up(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    QTimer(widget).start(60_000)
    thread = threading.Thread(target=time.sleep, args=(0.2,))
    thread.start()
"""


@pytest.mark.slow
def test_what_outlives_its_test_fails_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "test_leaks.py").write_text(LEAKS, encoding="utf-8")
    command = [sys.executable, "-P", "-m", "pytest", "-q", "test_leaks.py", "-W", "default"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "2 passed, 1 error" in done.stdout
    message = next(line for line in done.stdout.splitlines() if line.startswith("This outlived its test: "))
    for left in ("left thread", "name='sleep'", "left timer", "left widget"):
        assert left in message
