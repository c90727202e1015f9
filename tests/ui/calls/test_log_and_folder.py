"""The log of calls in the panel, and the card that asks about a folder."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QListView, QWidget
from pytestqt.qtbot import QtBot

from app.chat.changes import CallsLogged
from app.core.tools import LoggedCall
from app.ui.calls import folder_card
from app.ui.calls.call_log import EVENTS, CallLog, export_entries
from app.ui.calls.folder_card import FolderCard, figures_of
from app.ui.calls.tools_panel import ToolsPanel
from app.ui.composer import Composer
from app.ui.look import Look
from tests.ui.calls.making import Heard, button, flush, only, texts

AT = 1_790_000_000.0
ENTRIES = (
    LoggedCall(AT + 3, "a", "c2", "read_file", "", '{"path": "/etc/pässwd"}', "refused", "It is outside."),
    LoggedCall(AT + 2, "a", "c1", "calculator", "", '{"expression": "1"}', "done", "", 4.0),
    LoggedCall(AT, "a", "c1", "calculator", "memory", '{"expression": "1"}', "allowed"),
)
OpenCard = Callable[..., FolderCard]


@pytest.fixture
def log(look: Look, qtbot: QtBot) -> Iterator[CallLog]:
    made = CallLog(look)
    qtbot.addWidget(made)
    made.resize(320, 216)
    made.show()
    made.activateWindow()
    yield made
    made.close()


def rows(log: QWidget) -> list[str]:
    """What the list says."""
    model = only(log, QListView, "Decided calls").model()
    return [str(model.index(at, 0).data()) for at in range(model.rowCount())]


def test_the_log_shows_the_latest_first(log: CallLog) -> None:
    log.show_entries(ENTRIES)
    told = [said.partition(", ")[2] for said in rows(log)]
    assert told == ["read_file, refused", "calculator, done", "calculator, allowed"]
    assert all(":" in said.partition(",")[0] for said in rows(log))
    log.show_entries(())
    assert rows(log) == []


def test_rows_are_painted(face: Look, log: CallLog, painted: list[str]) -> None:
    log.show_entries(
        tuple(LoggedCall(AT, "a", "c", f"tool of {event}", "", "{}", event, "Why.", 4.0) for event in EVENTS)
    )
    log.resize(320, 400)
    log.grab()
    assert {f"tool of {event}" for event in EVENTS} <= set(painted)
    assert {said for event, (_, _, said) in EVENTS.items() if event != "refused"} | {"Why."} <= set(painted)
    assert "4 ms" in painted


def test_an_event_of_a_newer_version_is_shown_by_its_name(log: CallLog) -> None:
    log.show_entries((LoggedCall(AT, "a", "c", "x", "", "{}", "delegated"),))
    assert rows(log)[0].endswith("x, delegated")
    assert not log.grab().isNull()


def test_searching_asks_and_closing_the_search_asks_for_all(log: CallLog) -> None:
    heard = Heard(log.wanted)
    find = button(log, "Search decided calls")
    find.click()
    field = only(log, QLineEdit, "Search decided calls")
    assert field.hasFocus()
    QTest.keyClicks(field, "ca")
    assert heard.told == [("c",), ("ca",)]
    assert log.searched == "ca"
    find.click()
    assert heard.told[-1] == ("",)
    assert log.searched == ""
    assert not field.isVisible()


def test_what_comes_late_for_other_words_is_not_shown(look: Look, qtbot: QtBot) -> None:
    panel = ToolsPanel(look)
    qtbot.addWidget(panel)
    panel.show()
    panel.show_log(CallsLogged("", ENTRIES))
    assert len(rows(panel)) == 3
    button(panel, "Search decided calls").click()
    heard = Heard(panel.log_wanted)
    only(panel, QLineEdit, "Search decided calls").setText("read")
    assert heard.told == [("read",)]
    assert panel.searched == "read"
    panel.show_log(CallsLogged("re", ENTRIES))
    panel.show_log(CallsLogged("read", ENTRIES[:1]))
    panel.show_log(CallsLogged("", ENTRIES))
    assert len(rows(panel)) == 1


def test_an_export_is_one_json_object_a_line_the_oldest_first(tmp_path: Path) -> None:
    export_entries(ENTRIES, tmp_path / "calls.jsonl")
    lines = (tmp_path / "calls.jsonl").read_text("utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    assert [LoggedCall(**each) for each in told] == list(reversed(ENTRIES))
    export_entries((), tmp_path / "calls.jsonl")
    assert (tmp_path / "calls.jsonl").read_bytes() == b""


@pytest.mark.parametrize("where", ["calls.jsonl", "missing/calls.jsonl", ""])
def test_exporting_asks_where(log: CallLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str) -> None:
    path = str(tmp_path / where) if where else ""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (path, ""))
    heard = Heard(log.failed)
    log.show_entries(ENTRIES)
    button(log, "Export decided calls").click()
    assert (tmp_path / "calls.jsonl").exists() == (where == "calls.jsonl")
    assert bool(heard.told) == where.startswith("missing")
    if heard.told:
        assert heard.told == [("The log was not written: No such file or directory.",)]


# -- the folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few files, and one inside that is hidden."""
    made = tmp_path / "data"
    (made / "deep").mkdir(parents=True)
    (made / ".git").mkdir()
    for name, size in {
        "a.txt": 1000, "deep/b.TXT": 500, "c.csv": 20, "d.csv": 20, "e.pdf": 2_500_000, "f.xyz": 1, ".git/g.txt": 9,
    }.items():  # fmt: skip
        (made / name).write_bytes(b"x" * size)
    (made / "link.txt").symlink_to(tmp_path / "nowhere")
    return made


@pytest.fixture
def ask(look: Look, qtbot: QtBot) -> Iterator[OpenCard]:
    """Opens the card about a folder; its thread ends with the test."""
    made: list[FolderCard] = []

    def opened(path: Path) -> FolderCard:
        card = FolderCard(look, path)
        made.append(card)
        qtbot.addWidget(card)
        card.resize(704, 200)
        card.show()
        card.activateWindow()
        assert QTest.qWaitForWindowActive(card)
        return card

    yield opened
    for card in made:
        card.close_now()


def test_figures_of_a_folder(folder: Path, tmp_path: Path) -> None:
    said = figures_of(folder, threading.Event())
    assert said.startswith("7 files, 2.50 MB: 3 text, 2 tables, 1 PDF, 1 other. The largest is 2.50 MB.")
    assert figures_of(folder / "deep", threading.Event()) == "1 file, 500 bytes: 1 text. The largest is 500 bytes."
    (tmp_path / "one.xyz").write_bytes(b"x" * 2000)
    for empty in (folder / ".git" / "none", tmp_path / "gone"):
        assert figures_of(empty, threading.Event()) == "It has no files."


def test_figures_of_files_of_no_known_kind(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"x" * 2000)
    (tmp_path / "b").write_bytes(b"x" * 1000)
    assert figures_of(tmp_path, threading.Event()) == "2 files, 3.00 kB. The largest is 2.00 kB."


def test_counting_stops(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    stopped.set()
    assert figures_of(folder, stopped) == ""
    monkeypatch.setattr(folder_card, "_MOST_FILES", 3)
    assert figures_of(folder, threading.Event()) == "More than 3 files."


def test_the_card_counts_and_says_what_may_be_done(face: Look, ask: OpenCard, qtbot: QtBot, folder: Path) -> None:
    card = ask(folder)
    assert card.accessibleName() == f"Folder {folder}"
    qtbot.waitUntil(lambda: any(text.startswith("7 files") for text in texts(card)), timeout=5000)
    assert f"Let the model read {folder} in this chat?" in texts(card)
    assert "Never write, rename or delete; nothing outside the folder" in texts(card)
    rightwards = card.layoutDirection() == Qt.LayoutDirection.LeftToRight
    assert (card.not_now.x() > card.allow.x()) == rightwards, "Not now stands at the end"
    assert not card.grab().isNull()


def test_a_name_cannot_hide_which_folder_it_is(ask: OpenCard, tmp_path: Path) -> None:
    odd = tmp_path / "a\u202eb"
    odd.mkdir()
    card = ask(odd)
    assert "\u202e" not in "".join(texts(card))
    assert card.accessibleName().endswith("/a⟦U+202E⟧b")


@pytest.mark.parametrize(
    ("at", "key", "allowed"),
    [
        ("Not now", Qt.Key.Key_Return, False),
        ("Not now", Qt.Key.Key_Enter, False),
        ("Not now", Qt.Key.Key_Escape, False),
        ("Allow reading", Qt.Key.Key_Escape, False),
        ("Allow reading", Qt.Key.Key_Return, True),
        ("Allow reading", Qt.Key.Key_Space, True),
        ("Show the files", Qt.Key.Key_Return, None),
    ],
)
def test_keys_of_the_card(ask: OpenCard, folder: Path, at: str, key: Qt.Key, allowed: bool | None) -> None:
    card = ask(folder)
    heard = Heard(card.decided)
    button(card, at).setFocus()
    QTest.keyClick(button(card, at), key)
    assert heard.told == ([] if allowed is None else [(str(folder), allowed)])


def test_buttons_of_the_card(ask: OpenCard, folder: Path) -> None:
    card = ask(folder)
    decided, listed = Heard(card.decided), Heard(card.listed)
    for name in ("Show the files", "Allow reading", "Not now"):
        button(card, name).click()
    assert decided.told == [(str(folder), True), (str(folder), False)]
    assert listed.told == [(str(folder),)]


def test_a_card_that_is_closed_counts_no_more(
    look: Look, qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def endless(_folder: Path, stopped: threading.Event) -> str:
        begun.set()
        stopped.wait(10)
        return "too late"

    monkeypatch.setattr(folder_card, "figures_of", endless)
    card = FolderCard(look, folder)
    qtbot.addWidget(card)
    card.show()
    assert begun.wait(5)
    assert "Counting its files…" in texts(card)
    card.close_now()
    QTest.qWait(10)
    assert "too late" not in texts(card)
    assert not [thread for thread in threading.enumerate() if thread.name == "count-files"]


def test_not_now_takes_the_keyboard_from_an_empty_composer_only(look: Look, qtbot: QtBot, folder: Path) -> None:
    composer = Composer(look)
    qtbot.addWidget(composer)
    composer.show()
    composer.activateWindow()
    assert QTest.qWaitForWindowActive(composer)
    for written in ("", "half a thought"):
        composer.set_text(written)
        composer.edit.setFocus()
        card = FolderCard(look, folder)
        composer.show_card(card)
        flush()
        assert (card.not_now if not written else composer.edit).hasFocus()
        composer.drop_card()
        assert composer.edit.hasFocus()
        assert composer.edit.text() == written
    flush()
    assert not composer.findChildren(FolderCard)


@pytest.mark.parametrize("strip", [False, True])
def test_the_card_leaves_the_composer_as_it_was(look: Look, qtbot: QtBot, folder: Path, strip: bool) -> None:
    """Also when the first picture is attached meanwhile, which stands above it."""
    composer = Composer(look)
    qtbot.addWidget(composer)
    composer.show()
    layout = composer.layout()
    assert layout is not None
    before = layout.count()
    composer.show_card(FolderCard(look, folder))
    if strip:
        composer.strip.hide()
    composer.drop_card()
    flush()
    assert layout.count() == before + strip
