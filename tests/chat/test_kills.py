"""Fault 3: the program is killed with -9 in the middle of a reply; no acknowledged word is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.core.message import MessageState, Role
from app.core.paths import DataPaths
from app.store.store import Store

_PROGRAM = """
import sys, time
from pathlib import Path
from app.chat.changes import ConversationOpened, ModelChanged, ModelState, TextAdded
from app.chat.runner import SessionRunner
from app.core.message import Draft
from app.core.paths import DataPaths

asked = []

def told(change):
    if isinstance(change, ModelChanged) and change.state is ModelState.READY:
        asked.append(True)
        runner.post(lambda session: session.submit("", Draft("/slow " + sys.argv[3])))
    elif isinstance(change, ConversationOpened) and change.conversation and asked:
        print("saved", flush=True)
    elif isinstance(change, TextAdded):
        print(change.text, end="", flush=True)

runner = SessionRunner(DataPaths(Path(sys.argv[1])), told, scripted=True)
runner.start(Path(sys.argv[2]))
time.sleep(60)
"""


def kill_while_it_writes(data: Path, model: Path, name: str, seconds: float) -> str:
    """Returns what was on screen."""
    command = [sys.executable, "-P", "-c", _PROGRAM, str(data), str(model), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "saved\n"
        time.sleep(seconds)
        process.kill()
        return process.stdout.read()


def check(data: Path, screens: dict[str, str]) -> None:
    store = Store(DataPaths(data))
    store.mark_interrupted()
    for row in store.conversations.listed():
        conversation = store.conversations.find(row.id)
        assert conversation is not None
        question, *answers = store.messages.branch(row.id, conversation.leaf)
        screen = screens.pop(question.text.removeprefix("/slow "))
        assert (question.role, question.state) == (Role.USER, MessageState.COMPLETE)
        for answer in answers:
            assert answer.state is MessageState.INTERRUPTED
            assert screen.startswith(answer.text) or answer.text.startswith(screen)
    store.close()
    assert screens == {}, "lost"


def test_3_what_was_on_screen_a_second_before_the_kill_is_there(tmp_path: Path, micro_model: Path) -> None:
    data = tmp_path / "data"
    screen = kill_while_it_writes(data, micro_model, "0", 2.5)
    store = Store(DataPaths(data))
    (row,) = store.conversations.listed()
    assert len(row.last_words) >= min(len(screen), 400) // 4
    store.close()
    check(data, {"0": screen})


@pytest.mark.slow
def test_3_thirty_kills_lose_nothing(tmp_path: Path, micro_model: Path) -> None:
    chance = random.Random(int(os.environ.get("CABOCHON_TEST_SEED", "3")))
    data = tmp_path / "data"
    screens = {str(n): kill_while_it_writes(data, micro_model, str(n), chance.uniform(0, 1.4)) for n in range(30)}
    check(data, screens)
