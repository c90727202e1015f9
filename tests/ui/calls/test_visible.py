"""Text that nobody can hide anything in, and wherever a call or a tool is shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListView, QWidget
from pytestqt.qtbot import QtBot

from app.chat.changes import CallWritten
from app.core.message import MessageState
from app.core.tools import CallDecision, CallState, Effect, LoggedCall
from app.core.visible import hidden, visible
from app.ui.calls.call_line import CallDetail, CallLine
from app.ui.calls.call_log import CallLog
from app.ui.calls.tool_rows import ServerRowView, ToolRowView
from app.ui.look import Look
from app.ui.transcript.style import Style
from app.ui.transcript.words import note_of
from tests.ui.calls.conftest import ShowCard
from tests.ui.calls.making import HIDDEN, ODD, call, everything, read, row, schema, server, waits
from tests.ui.transcript.conftest import answer

LETTERS = st.characters(exclude_categories=())
CODES = st.sampled_from(
    ["⟦U+202E⟧", "⟦U+27E6⟧", "⟦", "⟧", "U+", "⟦⟦U+0041⟧⟧", "\u202e", "\u2066", "\u200b", "\ue000", "\r"]
)
TEXTS = st.lists(st.one_of(LETTERS, CODES), max_size=30).map("".join)
MARKUP = "<b>Harmless</b><!-- and sends your files --> and quick"


@given(TEXTS)
@example("⟦U+202E⟧")
@example("⟦U+27E6⟧U+202E⟧")
@example("\ud800\udfff")
@example("\U0010ffff\U000e0041\x00\r\n\t")
def test_what_is_made_visible_comes_back(text: str) -> None:
    shown = visible(text)
    assert hidden(shown) == text
    for letter in shown:
        assert letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"), (
            letter
        )


@given(TEXTS, TEXTS)
def test_no_two_texts_look_the_same(one: str, other: str) -> None:
    assert (visible(one) == visible(other)) == (one == other)


def test_plain_words_stay_as_they_are() -> None:
    for plain in ("plain", "Grüße, 世界", "שלום", "a\n\tb", "👍", "U+202E"):
        assert visible(plain) == plain


def test_a_card_hides_nothing(show_card: ShowCard, painted: list[str]) -> None:
    about = schema(**{ODD: {"type": "string", "description": ODD}, "choice": {"enum": [ODD, "b"], "description": ODD}})
    asked = waits({ODD: ODD, "choice": ODD, "more": [ODD], "long": ODD * 20}, about, place=f"/srv/{ODD}")
    card = show_card(type(asked)("w", ODD, ODD, asked.arguments, CallState.WAITING, asked=asked.asked))
    card.grab()
    assert any("⟦U+202E⟧" in text for text in painted)
    assert not set("".join(painted) + everything(card)) & set(HIDDEN)


@pytest.mark.parametrize("state", [CallState.DONE, CallState.FAILED, CallState.DENIED, CallState.RUNNING])
def test_a_line_and_its_detail_hide_nothing(
    holder: QWidget, style: Style, painted: list[str], state: CallState
) -> None:
    shown = call(
        state, {ODD: ODD}, name=ODD, result=ODD, why=ODD, used={ODD: 1}, decision=CallDecision.EDITED, place=ODD
    )
    for part in (CallLine(holder, style, shown), CallDetail(holder, style, shown, ())):
        part.resize(580, 34)
        part.grab()
        assert not set("".join(painted) + everything(part)) & set(HIDDEN)


@pytest.mark.parametrize("event", ["refused", "done", "asked"])
def test_the_log_hides_nothing(look: Look, qtbot: QtBot, painted: list[str], event: str) -> None:
    log = CallLog(look)
    qtbot.addWidget(log)
    log.resize(320, 216)
    log.show()
    log.show_entries((LoggedCall(1.8e9, "a", "c", ODD, ODD, ODD, event, ODD),))
    log.grab()
    assert any("⟦U+202E⟧" in text for text in painted)
    assert not set("".join(painted)) & set(HIDDEN)


def test_the_panel_hides_nothing(look: Look, qtbot: QtBot, painted: list[str]) -> None:
    tool = row(ODD, description=ODD, effect=Effect.NETWORK)
    failed = server("failed", message=ODD, detail=ODD, config=type(server().config)(ODD, ("x",)))
    for part in (ToolRowView(look, tool, enabled=True), ServerRowView(look, failed)):
        qtbot.addWidget(part)
        part.resize(320, 44)
        part.grab()
        assert not set("".join(painted) + everything(part)) & set(HIDDEN)


def test_the_note_of_an_answer_that_calls_hides_nothing() -> None:
    writing = answer("1", "", state=MessageState.STREAMING)
    note = note_of(writing, None, None, CallWritten("chat", "1", ODD, 3))
    assert note is not None
    assert note.words == f"Calls {visible(ODD)} · 3 tokens"


def test_tips_show_what_a_server_wrote_and_do_not_follow_it(
    look: Look, qtbot: QtBot, holder: QWidget, style: Style, show_card: ShowCard
) -> None:
    """Qt takes a tip that looks like HTML for HTML: a comment or words without a size would be hidden in it."""
    tool = ToolRowView(look, row("a", description=MARKUP), enabled=True)
    failed = ServerRowView(look, server("failed", detail=MARKUP))
    for part in (tool, failed):
        qtbot.addWidget(part)
    card = show_card(waits({"path": "a"}, schema(path={"type": "string", "description": MARKUP})))
    line = CallLine(holder, style, call(CallState.DENIED, why=MARKUP))
    untold = [type(part).__name__ for part in (tool, failed, card, line) if "<!-- and sends" not in _tips(part)]
    assert untold == []


def _tips(part: QWidget) -> str:
    return "\n".join(read(each.toolTip()) for each in (part, *part.findChildren(QWidget)))


def test_the_tip_of_a_log_entry_shows_what_was_called(look: Look, qtbot: QtBot) -> None:
    log = CallLog(look)
    qtbot.addWidget(log)
    log.show_entries((LoggedCall(1.8e9, "a", "c", "x", "", MARKUP, "done"),))
    found = log.findChild(QListView)
    assert isinstance(found, QListView)
    assert "<!-- and sends" in read(str(found.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)))
