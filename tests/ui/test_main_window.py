"""The main window: what the person does is asked of the session, what the session changed is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ModelChanged, ModelState
from app.core.message import Draft, MessageState, Role
from app.core.paths import DataPaths
from app.core.settings import LoadOptions, Settings
from app.ui.layers import Dialog
from app.ui.look import Look
from app.ui.main_window import MainWindow
from app.ui.window_state import WindowState
from tests.ui.test_context import FULL
from tests.ui.test_top_bar import LOADING, READY, measured
from tests.ui.windows import Asked, message, opened


def _named(window: QWidget, name: str) -> list[QWidget]:
    return [child for child in window.findChildren(QWidget) if child.accessibleName() == name and child.isVisible()]


def test_every_name_of_the_design_is_there_once(window: MainWindow) -> None:
    window.apply(told.ContextMeasured("a", measured()))
    for name in (
        "Message",
        "Send",
        "Conversations",
        "New chat",
        "Search conversations",
        "Transcript",
        "Model",
        "Context used",
        "Settings",
    ):
        assert len(_named(window, name)) == 1, name
    assert window.accessibleName() == window.windowTitle() == "Cabochon"


def test_every_visible_button_has_a_name(window: MainWindow) -> None:
    window.apply(told.WorkerRestarted("Signal 9", again=True))
    window.apply(told.SaveFailed("The disk is full. The last reply is not saved.", "disk_full"))
    nameless = [
        button
        for button in window.findChildren(QAbstractButton)
        if button.isVisible() and not (button.accessibleName() or button.text())
    ]
    assert not nameless


def test_enter_sends_in_the_conversation_that_is_shown(window: MainWindow, asked: Asked) -> None:
    QTest.keyClicks(window.chat.composer.edit, "And with our own money?")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert asked.take() == [("submit", "a", Draft("And with our own money?"))]


def test_send_is_stop_while_an_answer_is_written_and_escape_stops(window: MainWindow, asked: Asked) -> None:
    window.apply(told.MessageAdded(message("m2", role=Role.ASSISTANT, state=MessageState.STREAMING)))
    assert len(_named(window, "Stop")) == 1
    assert not _named(window, "Send")
    QTest.mouseClick(window.chat.composer.send, Qt.MouseButton.LeftButton)
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Escape)
    assert asked.take() == [("stop",), ("stop",)]
    window.apply(told.MessageChanged(message("m2", "Yes.", Role.ASSISTANT)))
    assert len(_named(window, "Send")) == 1


def test_an_answer_in_another_chat_does_not_stop_this_one_from_sending(window: MainWindow) -> None:
    other = message("m9", role=Role.ASSISTANT, state=MessageState.STREAMING, conversation="b")
    window.apply(told.MessageAdded(other))
    assert len(_named(window, "Send")) == 1
    model = window.sidebar.list.model()
    said = [model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(model.rowCount())]
    assert any("Writing…" in row for row in said)


def test_a_message_that_waits_can_be_taken_back(window: MainWindow, asked: Asked) -> None:
    window.apply(LOADING)
    window.apply(told.MessageAdded(message("m1", "Do that", state=MessageState.QUEUED)))
    assert window.chat.composer.hint.text() == "Esc takes the message back"
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Escape)
    assert asked.take() == [("withdraw", "m1")]
    window.apply(told.MessagesRemoved("a", ("m1",)))
    window.apply(told.DraftRestored("a", Draft("Do that")))
    assert window.chat.composer.edit.text() == "Do that"
    assert len(_named(window, "Send")) == 1


def test_restored_words_do_not_replace_what_is_being_written(window: MainWindow) -> None:
    window.chat.composer.set_text("half a thought")
    window.apply(told.DraftRestored("a", Draft("the message")))
    assert window.chat.composer.edit.text() == "the message\nhalf a thought"


def test_a_draft_belongs_to_its_conversation(window: MainWindow, asked: Asked) -> None:
    QTest.keyClicks(window.chat.composer.edit, "draft of a")
    window.actions_now.open_chat("b")
    assert asked.take() == [("draft_changed", "a", Draft("draft of a")), ("open_conversation", "b")]
    window.apply(opened("b", title="B", draft="draft of b"))
    assert window.chat.composer.edit.text() == "draft of b"
    assert window.chat.top.title.text == "B"


def test_a_draft_still_untold_is_told_when_another_chat_opens(window: MainWindow, asked: Asked) -> None:
    QTest.keyClicks(window.chat.composer.edit, "draft of a")
    window.apply(opened("b"))
    assert asked.take() == [("draft_changed", "a", Draft("draft of a"))]


def test_a_new_chat_becomes_a_conversation_with_its_first_message(window: MainWindow, asked: Asked) -> None:
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert asked.take() == [("new_conversation",)]
    window.apply(opened("", title=""))
    assert window.chat.top.title.text == "New chat"
    assert window.chat.empty.isVisible()
    window.chat.composer.edit.set_text("Hello")
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert asked.take() == [("submit", "", Draft("Hello"))]
    QTest.keyClicks(window.chat.composer.edit, "next")
    window.apply(opened("c", message("m1", "Hello", conversation="c"), title="Hello"))
    assert window.chat.composer.edit.text() == "next"
    assert window.chat.transcript.isVisible()
    QTest.keyClick(window.chat.composer.edit, Qt.Key.Key_Return)
    assert ("submit", "c", Draft("next")) in asked.take()


def test_a_first_message_that_could_not_be_saved_does_not_confuse_the_next_chat(window: MainWindow) -> None:
    window.apply(opened("", title=""))
    window.chat.composer.edit.set_text("Hello")
    window.chat.composer.send_now()
    window.apply(told.DraftRestored("", Draft("Hello")))
    assert window.chat.composer.edit.text() == "Hello"
    window.apply(opened("b", title="B", draft="draft of b"))
    assert window.chat.composer.edit.text() == "draft of b"


def test_words_written_before_the_first_chat_is_there_stay(
    look: Look, qtbot: QtBot, asked: Asked, tmp_path: Path
) -> None:
    fresh = MainWindow(look, DataPaths(tmp_path), WindowState(), asked.post)
    qtbot.addWidget(fresh)
    fresh.chat.composer.edit.set_text("quick fingers")
    fresh.apply(opened("", title=""))
    assert fresh.chat.composer.edit.text() == "quick fingers"


def test_a_draft_of_the_new_chat_is_there_at_the_start(look: Look, qtbot: QtBot, asked: Asked, tmp_path: Path) -> None:
    fresh = MainWindow(look, DataPaths(tmp_path), WindowState(), asked.post)
    qtbot.addWidget(fresh)
    fresh.apply(opened("", title="", draft="from yesterday"))
    assert fresh.chat.composer.edit.text() == "from yesterday"


def test_deleting_a_chat_offers_it_back(window: MainWindow, asked: Asked) -> None:
    window.sidebar.delete_asked.emit("b")
    window.apply(told.ConversationRemoved("b", "B"))
    assert window.chat.shows("undo")
    QTest.mouseClick(window.chat.undo.undo, Qt.MouseButton.LeftButton)
    assert asked.take() == [("delete_conversation", "b"), ("restore_conversation", "b")]


def test_deleting_a_message_offers_it_back(window: MainWindow, asked: Asked) -> None:
    window.apply(told.MessageAdded(message("m1", "Hello")))
    window.chat.transcript.delete_asked.emit("m1")
    window.apply(told.MessagesRemoved("a", ("m1",), undo="token"))
    QTest.mouseClick(window.chat.undo.undo, Qt.MouseButton.LeftButton)
    assert asked.take() == [("delete_message", "m1"), ("undo_delete", "token")]
    window.chat.undo.hide()


def test_what_the_transcript_asks_reaches_the_session(window: MainWindow, asked: Asked) -> None:
    transcript = window.chat.transcript
    transcript.regenerate_asked.emit("m1")
    transcript.edit_submitted.emit("m1", "other words")
    transcript.continue_asked.emit("m2")
    transcript.version_chosen.emit("m3")
    transcript.withdraw_asked.emit("m4")
    assert asked.take() == [
        ("regenerate", "m1"),
        ("edit", "m1", "other words"),
        ("continue_answer", "m2"),
        ("select_version", "m3"),
        ("withdraw", "m4"),
    ]


def test_a_stopped_worker_is_said_and_explained(window: MainWindow) -> None:
    window.apply(told.WorkerRestarted("It was ended by signal 9.", again=True))
    assert window.chat.stopped.sentence.text.startswith("The model stopped working. Restarted, your words are safe.")
    window.chat.stopped.button.click()
    dialog = window.findChild(Dialog)
    assert isinstance(dialog, Dialog)
    assert dialog.accessibleName() == "What happened"
    dialog.reject()


def test_an_unsaved_reply_is_said_until_it_is_saved(window: MainWindow, asked: Asked) -> None:
    window.apply(told.SaveFailed("The disk is full. The last reply is not saved.", "disk_full"))
    assert window.chat.unsaved.sentence.text == "The disk is full. The last reply is not saved."
    retry = next(button for button in window.chat.unsaved.findChildren(QAbstractButton) if button.text() == "Retry")
    retry.click()
    assert asked.take() == [("retry_save",)]
    window.apply(told.SaveRecovered())
    assert not window.chat.shows("unsaved")


def test_what_does_not_fit_is_said_before_sending(window: MainWindow, asked: Asked) -> None:
    window.apply(told.ContextMeasured("a", FULL))
    assert not window.chat.shows("context")
    window.chat.composer.edit.set_text("one more question")
    assert window.chat.shows("context")
    assert window.chat.composer.hint.text() == "Enter sends and leaves them out"
    window.chat.context.larger_asked.emit(65_536)
    assert asked.take() == [("change_settings", Settings(load=LoadOptions(context=65_536)))]
    window.chat.context.left_out.emit()
    assert ("submit", "a", Draft("one more question")) in asked.take()
    assert not window.chat.shows("context")


def test_figures_of_another_chat_are_not_shown(window: MainWindow) -> None:
    window.apply(told.ContextMeasured("b", measured()))
    assert not window.chat.top.meter.isVisible()


def test_the_popover_opens_from_the_meter_and_escape_closes_it(window: MainWindow) -> None:
    window.apply(told.ContextMeasured("a", FULL))
    window.chat.top.meter.pressed.emit()
    assert len(_named(window, "What fills the context")) == 1
    QTest.keyClick(_named(window, "What fills the context")[0], Qt.Key.Key_Escape)
    assert not _named(window, "What fills the context")


def test_settings_open_by_key_and_apply_at_once(window: MainWindow, asked: Asked) -> None:
    QTest.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    dialogs = [dialog for dialog in window.findChildren(Dialog) if dialog.isVisible()]
    assert [dialog.accessibleName() for dialog in dialogs] == ["Settings"]
    dark = next(button for button in dialogs[0].findChildren(QAbstractButton) if button.text() == "Dark")
    dark.click()
    assert asked.take() == [("change_settings", Settings(theme="dark"))]
    window.apply(told.SettingsChanged(Settings(theme="dark")))
    assert window._look.theme.dark
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert asked.take() == []  # the window's keys rest while a dialog is open
    dialogs[0].reject()


def test_text_size_by_key(window: MainWindow, asked: Asked) -> None:
    QTest.keyClick(window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert asked.take() == [("change_settings", Settings(text_scale=1.1))]
    window.apply(told.SettingsChanged(Settings(text_scale=1.1)))
    assert window._look.scale == 1.1
    QTest.keyClick(window, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert asked.take() == [("change_settings", Settings())]


def test_keys_move_between_chats_and_copy_the_last_answer(window: MainWindow, asked: Asked) -> None:
    QTest.keyClick(window, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert asked.take() == [("open_conversation", "b")]
    window.apply(opened("a", message("m1", "Q"), message("m2", "The answer", Role.ASSISTANT)))
    QTest.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert QGuiApplication.clipboard().text() == "The answer"


def test_search_by_key_opens_the_sidebar(window: MainWindow) -> None:
    window.panes.restore(False, 272)
    QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    QTest.qWait(250)
    assert window.panes.sidebar_open
    assert window.focusWidget() is window.sidebar.search


def test_a_title_is_changed_by_f2(window: MainWindow, asked: Asked) -> None:
    QTest.keyClick(window, Qt.Key.Key_F2)
    focus = window.focusWidget()
    assert focus.accessibleName() == "Title"
    QTest.keyClicks(focus, "Heat pump")
    QTest.keyClick(focus, Qt.Key.Key_Return)
    assert asked.take() == [("rename_conversation", "a", "Heat pump")]


def test_f2_in_the_list_renames_the_row_there(window: MainWindow, asked: Asked) -> None:
    window.sidebar.list.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(window.sidebar.list, Qt.Key.Key_Down)
    QTest.keyClick(window, Qt.Key.Key_F2)
    editor = window.sidebar.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("Renamed")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(10)
    assert asked.take() == [("rename_conversation", "b", "Renamed")]


def test_the_keyboard_goes_through_the_window_in_reading_order(window: MainWindow) -> None:
    window.apply(told.ContextMeasured("a", measured()))
    window.apply(ModelChanged(ModelState.READY, "SmolLM2 135M", demo=True))
    window.sidebar.search.setFocus()
    passed = []
    for _ in range(11):
        focus = window.focusWidget()
        passed.append(focus.accessibleName() or (focus.text() if isinstance(focus, QAbstractButton) else ""))
        window.focusNextChild()
    assert passed == [
        "Search conversations",
        "New chat",
        "Conversations",
        "Settings",
        "Show or hide conversations",
        "Model",
        "Context used",
        "More",
        "Get Gemma 3…",
        "Dismiss",
        "Transcript",
    ]


def test_only_safe_links_are_opened(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    opened_urls: list[str] = []
    monkeypatch.setattr("app.ui.actions.QDesktopServices.openUrl", lambda url: opened_urls.append(url.toString()))
    links = ("https://example.org/a", "javascript:alert(1)", "file:///etc/passwd", "mailto:a@example.org", "data:x")
    for link in links:
        window.actions_now.open_link(QUrl(link))
    assert opened_urls == ["https://example.org/a", "mailto:a@example.org"]


def test_a_bug_is_shown_once(window: MainWindow) -> None:
    window.apply(told.Bug("ZeroDivisionError", "Traceback: 1 / 0"))
    window.apply(told.Bug("again", "Traceback: again"))
    dialogs = [dialog for dialog in window.findChildren(Dialog) if dialog.isVisible()]
    assert [dialog.accessibleName() for dialog in dialogs] == ["Cabochon made a mistake"]
    dialogs[0].reject()


def test_a_mistake_of_ours_takes_the_place_of_another_dialog(window: MainWindow, asked: Asked) -> None:
    window.open_settings()
    window.apply(told.Bug("ZeroDivisionError", "Traceback: 1 / 0"))
    dialogs = [dialog for dialog in window.findChildren(Dialog) if dialog.isVisible()]
    assert [dialog.accessibleName() for dialog in dialogs] == ["Cabochon made a mistake"]
    dialogs[0].reject()
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert asked.take() == [("new_conversation",)]


def test_a_notice_is_one_sentence_that_can_be_dismissed(window: MainWindow) -> None:
    window.apply(told.Notice("The answer could not go on: the model ran out of memory."))
    assert window.chat.notice.sentence.text.endswith("ran out of memory.")
    window.chat.notice.findChildren(QAbstractButton)[0].click()
    assert not window.chat.shows("notice")


def test_below_720_the_sidebar_is_a_drawer(window: MainWindow) -> None:
    window.resize(560, 820)
    assert not window.sidebar.isVisible()
    assert not window.chat.composer.hint.isVisible()
    window.panes.toggle()
    QTest.qWait(250)
    assert window.sidebar.isVisible()
    assert window.chat.width() == 560
    QTest.keyClick(window, Qt.Key.Key_Escape)
    QTest.qWait(250)
    assert not window.sidebar.isVisible()
    window.resize(1280, 820)
    assert window.sidebar.isVisible()


def test_the_smallest_window_holds_everything(window: MainWindow) -> None:
    window.resize(100, 100)
    assert (window.width(), window.height()) == (480, 560)
    window.apply(told.SaveFailed("The disk is full. The last reply is not saved.", "disk_full"))
    window.apply(told.WorkerRestarted("x", again=False))
    QTest.qWait(0)
    composer = window.chat.composer
    assert composer.mapTo(window, composer.rect().bottomRight()).y() < window.height()
    assert composer.height() >= composer.sizeHint().height()


def test_place_and_panes_are_kept(window: MainWindow, look: Look, qtbot: QtBot, asked: Asked, tmp_path: Path) -> None:
    window.panes.restore(False, 300)
    window.apply(READY)
    window.resize(720, 600)  # within the offscreen platform's screen
    window.close()
    kept = window.state
    assert (kept.sidebar_open, kept.sidebar_width) == (False, 300)
    assert kept.recent_models == ("/models/gemma.gguf",)
    again = MainWindow(look, DataPaths(tmp_path), kept, asked.post)
    qtbot.addWidget(again)
    assert again.size() == window.size()
    assert not again.panes.sidebar_open


def test_a_draft_untold_at_the_end_is_told_when_the_window_closes(window: MainWindow, asked: Asked) -> None:
    QTest.keyClicks(window.chat.composer.edit, "last words")
    window.close()
    assert asked.take() == [("draft_changed", "a", Draft("last words"))]


def test_a_banner_that_comes_leaves_every_line_of_a_message(window: MainWindow) -> None:
    long = "The heat pump quote is 24,000 and the bank offers 4.1% a year. " * 4
    window.apply(opened("a", message("m1", long), message("m2", "Answer", Role.ASSISTANT)))
    QTest.qWait(50)

    def ink() -> int:
        """How many rows of the bubble hold letters."""
        image = window.chat.transcript.grab().toImage()
        middle = range(image.width() // 2, image.width() - 200, 3)
        dark = [y for y in range(image.height()) if any(image.pixelColor(x, y).lightness() < 100 for x in middle)]
        return len(dark)

    before = ink()
    window.apply(ModelChanged(ModelState.READY, "SmolLM2 135M", demo=True))
    QTest.qWait(50)
    assert window.chat.shows("demo")
    assert ink() == before > 20
