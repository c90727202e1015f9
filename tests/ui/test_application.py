"""Starting and ending the window: what is loaded when, input methods, signals, the crash report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.ui.application import prepare_input_methods
from app.ui.end_signals import EndSignals
from app.ui.loading import Loading
from tests.media.drawn import shape
from tests.media.pdfs import scanned

START_SECONDS = 30

FIRST_PICTURE = """
import sys
from pathlib import Path
from app.core.paths import DataPaths
from app.ui.application import make_application
application = make_application()
from app.ui.look import Look
from app.ui.main_window import MainWindow
from app.ui.window_state import WindowState
window = MainWindow(Look(), DataPaths(Path(sys.argv[1])), WindowState(), lambda command: None)
window.panes.painted.connect(application.quit)
window.show()
application.exec()
print(" ".join(sorted(sys.modules)))
"""

WHOLE_RUN = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from app.core.paths import DataPaths
from app.ui import application
from app.ui.options import WindowOptions
begun = application.Window._begin
def begin(window):
    begun(window)
    window._bridge.received.connect(lambda change: print(type(change).__name__, flush=True))
application.Window._begin = begin
code = application.run(WindowOptions(DataPaths(Path(sys.argv[1])), sample="--sample" in sys.argv))
print("ended", code, " ".join(name for name in ("llama_cpp", "numpy") if name in sys.modules), flush=True)
"""

LOADED_IN_STEPS = """
import sys
from pathlib import Path
from app.core.paths import DataPaths
from app.ui import application
from app.ui.options import WindowOptions
loaded = application.Window._on_loaded
def on_loaded(window):
    before = set(sys.modules)
    loaded(window)
    print(" ".join(name for name in sys.modules.keys() - before if name.startswith("app.")), flush=True)
    window.main.close()
application.Window._on_loaded = on_loaded
application.run(WindowOptions(DataPaths(Path(sys.argv[1]))))
"""

SENT_EARLY = """
import sys
from pathlib import Path
from app.core.paths import DataPaths
from app.ui import application
from app.ui.options import WindowOptions
def take(change):
    if type(change).__name__ == "MessageChanged" and change.message.role == "user":
        print(change.message.text, flush=True)
        window.main.close()
begun = application.Window._begin
def begin(self):
    global window
    window = self
    begun(self)
    self._bridge.received.connect(take)
    print("loaded" if "app.chat.runner" in sys.modules else "not loaded", flush=True)
    self.main.chat.composer.edit.setPlainText("early words")
    self.main.chat.composer.send.click()
application.Window._begin = begin
application.run(WindowOptions(DataPaths(Path(sys.argv[1])), sample=True))
"""

WITH_FILES = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from app.core.paths import DataPaths
from app.ui import application
from app.ui.options import WindowOptions
begun = application.Window._begin
def begin(window):
    begun(window)
    def look():
        strip = window.main.chat.composer.__dict__.get("strip")
        if strip and len(strip.cards) == 2 and not strip.is_opening:
            draft = window.main.chat.composer.draft
            names = [attached.name for attached in (*draft.pictures, *draft.documents)]
            print(window.main.chat.top.title.text, names, flush=True)
            window.main.close()
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(100)
application.Window._begin = begin
code = application.run(WindowOptions(DataPaths(Path(sys.argv[1])), sample=True, files=tuple(map(Path, sys.argv[2:]))))
print("ended", code, flush=True)
"""


KEPT_CARDS = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from app.core.paths import DataPaths
from app.ui import application
from app.ui.options import WindowOptions
begun = application.Window._begin
def begin(window):
    begun(window)
    def look():
        strip = window.main.chat.composer.__dict__.get("strip")
        if strip and strip.cards and not strip.is_opening:
            print([(card.accessibleName(), card.accessibleDescription()) for card in strip.cards], flush=True)
            timer.stop()
            window.main.close()
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(100)
application.Window._begin = begin
application.run(WindowOptions(DataPaths(Path(sys.argv[1])), files=tuple(map(Path, sys.argv[2:]))))
"""

HANGING_DISK = """
import os
import sys
from pathlib import Path
from threading import Event
from PySide6.QtCore import QTimer
from app.core.paths import DataPaths
from app.ui import application
from app.ui.options import WindowOptions
looked = Event()
def walk(*arguments, **named):
    looked.set()
    Event().wait()
os.walk = walk
begun = application.Window._begin
def begin(window):
    begun(window)
    def look():
        if looked.is_set():
            timer.stop()
            window.main.close()
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(100)
application.Window._begin = begin
print("ended", application.run(WindowOptions(DataPaths(Path(sys.argv[1])))), flush=True)
"""


def _environment() -> dict[str, str]:
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"QT_IM_MODULE": "fcitx"}, "fcitx;ibus"),
        ({"QT_IM_MODULE": "fcitx5"}, "fcitx;ibus"),
        ({"QT_IM_MODULE": "ibus"}, None),
        ({"QT_IM_MODULE": "fcitx", "QT_IM_MODULES": "wayland;ibus"}, "wayland;ibus"),
        ({}, None),
    ],
)
def test_fcitx_is_reached_by_ibus_protocol(
    before: dict[str, str], after: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QT_IM_MODULE", "QT_IM_MODULES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    prepare_input_methods()
    assert os.environ.get("QT_IM_MODULES") == after
    monkeypatch.delenv("QT_IM_MODULES", raising=False)


def test_the_first_picture_needs_neither_session_nor_markdown(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", FIRST_PICTURE, str(tmp_path)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    late = {"app.chat.runner", "apsw", "jinja2", "llama_cpp", "markdown_it", "numpy", "pygments", "PySide6.QtNetwork"}
    assert not late & loaded


def test_what_the_session_needs_is_loaded_between_events(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOADED_IN_STEPS, str(tmp_path)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert done.stdout.splitlines() == [""], done.stderr


def test_what_the_person_does_is_heard_between_two_modules(qtbot: QtBot) -> None:
    window = QLineEdit()
    qtbot.addWidget(window)
    window.show()
    loading = Loading(["json", "math", "json.tool"], window, window)
    heard: list[str] = []
    loading.needed.connect(lambda: heard.append(f"needed, {window.text()!r}"))
    beat = QTimer(loading, interval=0)
    beat.timeout.connect(lambda: heard.append("beat"))
    beat.start()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_A)
    with qtbot.waitSignal(loading.done, timeout=5000):
        pass
    beat.stop()
    assert heard[0] == "needed, ''"
    assert heard.count("beat") >= 2
    assert window.text() == "a"
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_B)
    assert heard[-1] == "beat"


def test_words_sent_before_all_is_loaded_are_not_lost(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SENT_EARLY, str(tmp_path)],
        env={**_environment(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert done.stdout.splitlines() == ["not loaded", "early words"], done.stderr


def test_a_signal_ends_the_window_as_its_button_does(qtbot: QtBot) -> None:
    signals = EndSignals()
    try:
        with qtbot.waitSignal(signals.came, timeout=5000):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signals.close()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_whole_run_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-P", "-c", WHOLE_RUN, str(tmp_path / "data"), "--sample"],
        env={**_environment(), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        for line in program.stdout:
            if line.startswith("ConversationOpened"):
                break
        program.send_signal(number)
        said, wrong = program.communicate(timeout=START_SECONDS)
    finally:
        program.kill()
        program.wait()
    assert program.returncode == 0, wrong
    assert said.splitlines()[-1].strip() == "ended 0"
    assert not list(tmp_path.glob("cabochon-sample-*"))
    assert "Traceback" not in wrong


def test_files_named_at_the_start_are_attached_in_a_new_chat(tmp_path: Path) -> None:
    picture, text = tmp_path / "star.png", tmp_path / "notes.txt"
    shape("star", "red").save(picture)
    text.write_text("words")
    done = subprocess.run(
        [sys.executable, "-P", "-c", WITH_FILES, str(tmp_path / "data"), str(picture), str(text)],
        env={**_environment(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert done.stdout.splitlines() == ["New chat ['star.png', 'notes.txt']", "ended 0"], done.stderr


def test_a_scan_that_nothing_was_decided_about_is_there_after_a_restart(tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(scanned(3))

    def run(*files: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-c", KEPT_CARDS, str(tmp_path / "data"), *files],
            env=_environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    undecided = str([("Document scan.pdf", "Scanned: no words in it")])
    assert run("scan.pdf") == undecided
    assert run() == undecided
    scan.unlink()
    assert run() == str([("Document scan.pdf", "There is no file “scan.pdf”.")])


def test_a_disk_that_hangs_while_models_are_looked_for_keeps_nothing_from_ending(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", HANGING_DISK, str(tmp_path)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "ended 0"), done.stderr
