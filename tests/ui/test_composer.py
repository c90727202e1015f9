"""The composer: Send and Stop, drafts, hints."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.message import Draft
from app.ui.composer import Activity, Composer
from app.ui.look import Look


@pytest.fixture
def composer(look: Look, qtbot: QtBot) -> Composer:
    made = Composer(look)
    qtbot.addWidget(made)
    made.resize(704, 80)
    made.show()
    return made


def test_send_is_off_until_something_is_written(composer: Composer, qtbot: QtBot) -> None:
    assert composer.send.accessibleName() == "Send"
    assert not composer.send.isEnabled()
    QTest.keyClicks(composer.edit, "hello")
    assert composer.send.isEnabled()
    with qtbot.waitSignal(composer.submitted) as sent:
        QTest.mouseClick(composer.send, Qt.MouseButton.LeftButton)
    assert sent.args == [Draft("hello")]
    assert composer.edit.text() == ""
    assert not composer.send.isEnabled()


def test_spaces_alone_are_not_sent(composer: Composer, qtbot: QtBot) -> None:
    composer.edit.set_text(" \n ")
    with qtbot.assertNotEmitted(composer.submitted):
        composer.send_now()
    assert composer.edit.text() == " \n "


def test_send_becomes_stop_while_an_answer_is_written(composer: Composer, qtbot: QtBot) -> None:
    composer.set_activity(Activity.ANSWERING)
    assert composer.send.accessibleName() == "Stop"
    assert composer.send.isEnabled()
    assert composer.hint.text() == "Esc stops"
    with qtbot.waitSignal(composer.stop_asked):
        QTest.mouseClick(composer.send, Qt.MouseButton.LeftButton)
    composer.set_activity(Activity.IDLE)
    assert composer.send.accessibleName() == "Send"


def test_enter_still_sends_while_an_answer_is_written(composer: Composer, qtbot: QtBot) -> None:
    composer.set_activity(Activity.ANSWERING)
    composer.edit.set_text("and then")
    with qtbot.waitSignal(composer.submitted) as sent:
        QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent.args == [Draft("and then")]


def test_a_draft_is_told_once_after_a_pause(composer: Composer, qtbot: QtBot) -> None:
    told: list[Draft] = []
    composer.draft_changed.connect(told.append)
    QTest.keyClicks(composer.edit, "draft")
    assert told == []
    qtbot.waitUntil(lambda: told == [Draft("draft")], timeout=2000)


def test_flush_tells_a_draft_at_once_and_only_once(composer: Composer, qtbot: QtBot) -> None:
    told: list[Draft] = []
    composer.draft_changed.connect(told.append)
    QTest.keyClicks(composer.edit, "half a thou")
    composer.flush()
    composer.flush()
    assert told == [Draft("half a thou")]


def test_words_put_in_by_the_program_are_no_draft(composer: Composer, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(composer.draft_changed, wait=400):
        composer.set_text("restored")


def test_the_hint_gives_way_in_a_narrow_window(composer: Composer) -> None:
    composer.set_narrow(True)
    assert not composer.hint.isVisible()
    composer.set_narrow(False)
    composer.set_hint("Enter sends and leaves them out")
    assert composer.hint.isVisible()
    assert composer.hint.text() == "Enter sends and leaves them out"


def test_escape_is_told(composer: Composer, qtbot: QtBot) -> None:
    with qtbot.waitSignal(composer.escaped):
        QTest.keyClick(composer.edit, Qt.Key.Key_Escape)
