"""The real program on a virtual screen, driven as a person drives it: type, Send, Stop, quit, start again.

Needs the virtual desktop tool (see `_tool`) and Xvfb; skipped where they are not there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.core.paths import DataPaths
from app.core.settings import Settings
from app.core.tools import Rule, Verdict
from app.store.store import Store
from tests.media.drawn import shape

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
ANSWER_SECONDS = 120

pytestmark = pytest.mark.slow


def _tool() -> Path | None:
    named = os.environ.get("CABOCHON_DESK")
    tool = Path(named) if named else ROOT.parent / "shared" / "tools" / "desk"
    return tool if tool.is_file() and shutil.which("Xvfb") else None


class Desk:
    """A virtual desktop of this test's own."""

    def __init__(self, tool: Path, state: Path) -> None:
        self._tool = tool
        self._environment = {**os.environ, "DESK_STATE": str(state)}
        self._environment.pop("QT_QPA_PLATFORM", None)

    def __call__(self, *words: str, timeout: float = 60) -> str:
        """Run one of the tool's commands; what it printed."""
        done = subprocess.run(
            [str(self._tool), *words], env=self._environment, capture_output=True, text=True, timeout=timeout + 10
        )
        assert done.returncode == 0, f"desk {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start_program(self, *arguments: str) -> psutil.Process:
        """Start Cabochon and wait for its window."""
        command = [sys.executable, "-P", "-m", "app", *arguments]
        said = self("run", "--timeout", str(START_SECONDS), "--", *command, timeout=START_SECONDS)
        found = re.search(r"\bpid (\d+)", said)
        assert found is not None, said
        return psutil.Process(int(found[1]))

    def wait_for(self, name: str, text: str = "", *, gone: bool = False, timeout: int = 30) -> None:
        """Wait until a widget shows (and holds these words), or is gone."""
        words = ["--timeout", str(timeout)]
        words += ["--gone"] if gone else []
        words += ["--text", text] if text else []
        self("wait", name, *words, timeout=timeout)

    def quit(self, program: psutil.Process) -> None:
        """Close the window by its key and wait for the end of the process."""
        self("key", "ctrl+q")
        program.wait(20)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    tool = _tool()
    if tool is None:
        pytest.skip("There is no virtual desktop here: the tool (CABOCHON_DESK names it) or Xvfb is missing.")
    made = Desk(tool, tmp_path / "desk")
    made("start", "--size", "1320x900")
    yield made
    made("stop")


def _words(desk: Desk) -> str:
    return " ".join(desk("text", "Transcript").split())


def test_a_conversation_is_there_again_after_a_restart(desk: Desk, demo_model: Path, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    program = desk.start_program("--data-dir", data, "--model", str(demo_model))
    desk("type", "--into", "Message", "Tell me a long story about a lighthouse keeper.")
    desk("press", "Send")
    desk.wait_for("Stop", timeout=ANSWER_SECONDS)
    deadline = time.monotonic() + ANSWER_SECONDS
    while len(_words(desk)) < 120:
        assert time.monotonic() < deadline, _words(desk)
        time.sleep(0.2)
    desk("press", "Stop")
    desk.wait_for("Send", timeout=10)
    said = _words(desk)
    assert "lighthouse keeper" in said
    desk.quit(program)
    program = desk.start_program("--data-dir", data)
    desk.wait_for("Transcript", "Tell me a long story about a lighthouse keeper.")
    again = _words(desk)
    assert said[:100] in again or again[:100] in said
    desk("type", "--into", "Message", "Thank you.")
    desk("press", "Send")
    desk.wait_for("Transcript", "Thank you.")
    desk.quit(program)


def test_a_second_start_raises_the_first_window(desk: Desk, demo_model: Path, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    program = desk.start_program("--data-dir", data, "--model", str(demo_model))
    desk.wait_for("Message")
    environment = dict(line.split("=", 1) for line in _exports(desk("env")))
    second = subprocess.run(
        [sys.executable, "-P", "-m", "app", "--data-dir", data], env={**os.environ, **environment}, timeout=30
    )
    assert second.returncode == 0
    assert program.is_running()
    desk.quit(program)


def test_the_sample_program_shows_and_ends(desk: Desk) -> None:
    program = desk.start_program("--sample")
    desk.wait_for("Transcript", "Seven years is the middle ground")
    assert "Heat pump loan" in desk("text", "Conversations")
    desk("type", "--into", "Message", "hello")
    desk("press", "Send")
    desk.wait_for("Transcript", "hello")
    desk.quit(program)


def test_dropped_pictures_are_seen_right(desk: Desk, micro_model: Path, tmp_path: Path) -> None:
    asked = [(kind, colour) for kind in ("circle", "star", "square") for colour in ("red", "blue", "green", "black")]
    program = desk.start_program("--data-dir", str(tmp_path / "data"), "--model", str(micro_model))
    desk.wait_for("Sees images")
    wrong = []
    for number, (kind, colour) in enumerate(asked):
        path = tmp_path / f"{number} {kind}.png"
        shape(kind, colour, size=(300 + 20 * number, 260)).save(path)
        desk("key", "ctrl+n")
        desk("drop", str(path))
        desk.wait_for(f"Picture {path.name}")
        desk("type", "--into", "Message", "Describe this image.")
        desk("press", "Send")
        desk.wait_for("Transcript", "on a white background.", timeout=ANSWER_SECONDS)
        if f" {colour} {kind} on a white background." not in _words(desk):
            wrong.append((kind, colour, _words(desk)))
    assert len(wrong) <= 0.05 * len(asked), wrong
    desk.quit(program)


def _exports(said: str) -> list[str]:
    return [line.removeprefix("export ").replace("'", "") for line in said.splitlines() if "=" in line]


def test_a_call_is_approved_by_keyboard_alone_and_by_its_names(desk: Desk, micro_model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    store = Store(DataPaths(data))
    store.save_settings(Settings(tool_rules=(Rule("calculator", verdict=Verdict.ASK),)))
    store.close()
    program = desk.start_program("--data-dir", str(data), "--model", str(micro_model))
    desk.wait_for("Tools in this chat")
    desk("press", "Tools in this chat")
    desk("type", "--into", "Message", "What is 12 * 7?")
    desk("key", "Return")
    desk.wait_for("Approve")  # Deny has the keyboard, Approve is one step before it
    desk("key", "shift+Tab", "Return")
    desk.wait_for("Transcript", "The result is 84.")
    desk("type", "--into", "Message", "What is 31 * 4?")
    desk("key", "Return")
    desk.wait_for("Deny")
    program.kill()
    program.wait(20)
    program = desk.start_program("--data-dir", str(data))
    desk.wait_for("Approve")
    assert "124" not in _words(desk)
    desk("press", "Deny")
    desk.wait_for("Deny", gone=True)
    desk.wait_for("calculator, denied")
    desk.quit(program)
