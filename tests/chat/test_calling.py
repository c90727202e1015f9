"""What becomes of the calls of an answer: allowed, asked about, denied, edited, stopped, limited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.chat.calling import MOST_AT_ONCE, MOST_CALLS, MOST_REPEATS, ToolMode
from app.chat.changes import CallsLogged, ConversationsListed, Notice, ToolsListed, TurnEnded
from app.core.errors import StorageError, UsageError
from app.core.message import FinishReason, MessageState, Role, SampledTokens
from app.core.protocol import Generate, Measure
from app.core.tools import Call, CallDecision, CallState, ToolResult, Verdict, WrittenCall
from tests.chat.driving import Bench, calls_of

SUM = WrittenCall("calculator", {"expression": "12 * 7"})
WRITE = {"path": "list.txt", "text": "one\n", "mode": "append"}


def _log(bench: Bench) -> list[tuple[str, str]]:
    (told,) = bench.session.tools.read_log()
    assert isinstance(told, CallsLogged)
    return [(entry.tool, entry.event) for entry in reversed(told.entries)]


def _asked(bench: Bench, folder: Path) -> Call:
    """A call to write into a folder that was granted for it; it waits."""
    bench.take(bench.session.tools.grant(folder, write=True))
    bench.say("Add it")
    bench.calls(WrittenCall("write_file", WRITE), text="I write it down.")
    (call,) = calls_of(bench)
    assert call.state is CallState.WAITING
    return call


def test_a_large_model_is_told_of_tools_and_a_small_one_is_not(tooled: Bench) -> None:
    tooled.say("Hello")
    assert [tool.name for tool in tooled.engine.last(Generate).prompt.tools] == ["calculator", "current_time"]
    tooled.ends("Hi")
    tooled.take(tooled.session.choose_model(Path("/models/small.gguf")))
    tooled.load_ends(parameters=1_000_000_000)
    tooled.say("Hello")
    assert tooled.engine.last(Generate).prompt.tools == ()
    tooled.ends("Hi")
    tooled.take(tooled.session.tools.switch_all(on=True))
    tooled.say("Hello")
    assert tooled.engine.last(Generate).prompt.tools


def test_an_allowed_call_runs_and_the_answer_goes_on_with_its_result(tooled: Bench) -> None:
    tooled.say("What is 12 * 7?")
    tooled.calls(SUM, text="I calculate.")
    assert not tooled.all(TurnEnded)
    tooled.tool_ends()
    (call,) = calls_of(tooled)
    assert (call.state, call.decision, call.result) == (CallState.DONE, CallDecision.ALLOWED, "84")
    prompt = tooled.engine.last(Generate).prompt
    assert [message.role for message in prompt.messages] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert (prompt.messages[1].text, prompt.messages[1].call_text) == ("I calculate.", "<calculator>")
    assert prompt.messages[1].calls == (SUM,)
    assert prompt.messages[1].tokens == SampledTokens("f", b"\7\0\0\0"), "what was sampled is read again as it was"
    assert prompt.messages[2].results == (ToolResult("calculator", "84"),)
    tooled.ends("It is 84.")
    assert [change.reason for change in tooled.all(TurnEnded)] == [FinishReason.STOP]
    assert tooled.texts == ["What is 12 * 7?", "I calculate.", "It is 84."]
    assert _log(tooled) == [("calculator", "allowed"), ("calculator", "done")]
    tooled.check_screen()


def test_a_call_that_asks_waits_and_nothing_runs(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    assert call.asked is not None
    assert call.asked.place == str(tmp_path.resolve() / "list.txt")
    assert (call.asked.may_allow_here, call.asked.may_always) == (True, False)
    assert not (tmp_path / "list.txt").exists()
    assert tooled.tool_events.empty()
    assert _log(tooled) == [("write_file", "asked")]
    tooled.check_screen()


def test_the_list_tells_which_chat_waits_for_a_decision(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    assert [row.asks for row in tooled.all(ConversationsListed)[-1].rows] == [True]
    tooled.take(tooled.session.tools.decide(call.id, approve=False))
    assert [row.asks for row in tooled.all(ConversationsListed)[-1].rows] == [False]


def test_what_was_approved_runs_once(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    tooled.take(tooled.session.tools.decide(call.id, approve=True))
    tooled.tool_ends()
    assert (tmp_path / "list.txt").read_text() == "one\n"
    assert tooled.shown[tooled.ids[1]].calls[0].decision is CallDecision.APPROVED
    with pytest.raises(UsageError, match="decided already"):
        tooled.session.tools.decide(call.id, approve=True)
    assert (tmp_path / "list.txt").read_text() == "one\n"
    assert _log(tooled) == [("write_file", "asked"), ("write_file", "approved"), ("write_file", "done")]


def test_what_was_denied_never_runs_and_the_model_is_told(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    tooled.take(tooled.session.tools.decide(call.id, approve=False))
    (result,) = tooled.engine.last(Generate).prompt.messages[-1].results
    assert (result.failed, result.text) == (True, "The person did not allow write_file.")
    tooled.ends("As you wish.")
    assert not (tmp_path / "list.txt").exists()
    assert tooled.tool_events.empty()
    with pytest.raises(UsageError, match="decided already"):
        tooled.session.tools.decide(call.id, approve=True)


def test_edited_arguments_are_those_that_run(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    tooled.take(tooled.session.tools.decide(call.id, approve=True, arguments={**WRITE, "text": "two\n"}))
    tooled.tool_ends()
    assert (tmp_path / "list.txt").read_text() == "two\n"
    (kept,) = calls_of(tooled)
    assert (kept.decision, kept.arguments["text"], kept.given["text"]) == (CallDecision.EDITED, "one\n", "two\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({**WRITE, "path": "/etc/passwd"}, "outside"),
        ({**WRITE, "path": "../x"}, "outside"),
        ({**WRITE, "mode": "delete"}, "mode"),
        ({"path": "list.txt"}, "text"),
    ],
)
def test_edits_are_held_to_the_same_policy(tooled: Bench, tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    call = _asked(tooled, tmp_path)
    with pytest.raises(UsageError, match=said):
        tooled.session.tools.decide(call.id, approve=True, arguments=arguments)
    assert calls_of(tooled)[0].state is CallState.WAITING
    assert tooled.tool_events.empty()


def test_allowed_in_this_chat_is_allowed_in_this_chat_only(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    tooled.take(tooled.session.tools.decide(call.id, approve=True, here=True))
    tooled.tool_ends()
    tooled.ends("Done.")
    tooled.say("Again")
    tooled.calls(WrittenCall("write_file", WRITE))
    tooled.tool_ends()
    assert (tmp_path / "list.txt").read_text() == "one\none\n"
    tooled.ends("Done.")
    tooled.take(tooled.session.new_conversation())
    tooled.take(tooled.session.tools.grant(tmp_path, write=True))
    tooled.say("Add it")
    tooled.calls(WrittenCall("write_file", WRITE))
    assert calls_of(tooled)[0].state is CallState.WAITING
    with pytest.raises(UsageError, match="for good"):
        tooled.session.tools.decide(calls_of(tooled)[0].id, approve=True, always=True)


def test_a_folder_that_was_taken_back_is_closed(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    tooled.take(tooled.session.tools.take_back(str(tmp_path.resolve())))
    with pytest.raises(UsageError, match="No folder is open"):
        tooled.session.tools.decide(call.id, approve=True)
    assert tooled.tool_events.empty()


def test_a_tool_outside_its_folder_is_denied_without_a_question(tooled: Bench, tmp_path: Path) -> None:
    tooled.take(tooled.session.tools.grant(tmp_path))
    tooled.say("Read it")
    tooled.calls(WrittenCall("read_file", {"path": "/etc/passwd"}))
    (call,) = calls_of(tooled)
    assert call.state is CallState.DENIED
    assert "outside" in call.why
    assert tooled.engine.last(Generate).prompt.messages[-1].results[0].failed


def test_the_question_is_still_there_after_a_kill(
    tooled: Bench, new_bench: Callable[[], Bench], tmp_path: Path
) -> None:
    call = _asked(tooled, tmp_path)
    after = new_bench()  # the first session is simply left where it stands
    after.start(Path("/models/gem.gguf"))
    after.load_ends(parameters=12_000_000_000)
    (again,) = calls_of(after)
    assert (again.id, again.state) == (call.id, CallState.WAITING)
    assert again.asked is not None
    assert not (tmp_path / "list.txt").exists()
    after.take(after.session.tools.decide(call.id, approve=True))
    after.tool_ends()
    assert (tmp_path / "list.txt").read_text() == "one\n"
    after.ends("Done.")
    assert after.texts[-1] == "Done."


def test_stop_denies_what_waits_and_ends_the_answer(tooled: Bench, tmp_path: Path) -> None:
    _asked(tooled, tmp_path)
    tooled.take(tooled.session.stop())
    (call,) = calls_of(tooled)
    assert (call.state, call.why) == (CallState.DENIED, "The answer was stopped.")
    assert tooled.last(TurnEnded).reason is FinishReason.CANCELLED
    assert tooled.states[-1] == "interrupted"
    tooled.check_screen()
    tooled.take(tooled.session.continue_answer(tooled.ids[-1]))
    assert tooled.engine.last(Generate).prompt.messages[-1].results[0].failed


def test_an_answer_that_waits_for_the_model_to_go_on_can_be_stopped(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    tooled.dies()  # the model is loaded anew, and the answer waits for it
    tooled.take(tooled.session.tools.decide(call.id, approve=True))
    tooled.tool_ends()
    assert tooled.states[-1] == "queued"
    tooled.take(tooled.session.stop())
    assert tooled.states[-1] == "interrupted"
    tooled.load_ends(parameters=12_000_000_000)
    assert tooled.states[-1] == "interrupted"
    tooled.take(tooled.session.continue_answer(tooled.ids[-1]))
    assert tooled.engine.last(Generate).prompt.messages[-1].results[0].text.startswith("4 bytes")


def test_unknown_tools_and_wrong_types_are_an_error_to_the_model(tooled: Bench) -> None:
    tooled.say("Hello")
    tooled.calls(WrittenCall("no_such_tool", {}), WrittenCall("calculator", {"expression": 5}))
    first, second = tooled.engine.last(Generate).prompt.messages[-1].results
    assert (first.failed, first.text) == (True, "There is no tool no_such_tool.")
    assert second.failed
    assert "expression" in second.text
    assert tooled.tool_events.empty()


def test_the_same_call_is_made_three_times_at_most(tooled: Bench) -> None:
    tooled.say("Hello")
    for _ in range(MOST_REPEATS):
        tooled.calls(SUM)
        tooled.tool_ends()
    tooled.calls(SUM)
    (result,) = tooled.engine.last(Generate).prompt.messages[-1].results
    assert result.failed
    assert "already" in result.text


def test_the_loop_stops_at_its_limit(tooled: Bench) -> None:
    tooled.say("Hello")
    for number in range(MOST_CALLS):
        tooled.calls(WrittenCall("calculator", {"expression": f"{number} + 1"}))
        tooled.tool_ends()
    asked = len(tooled.engine.all(Generate))
    tooled.calls(WrittenCall("calculator", {"expression": "99 + 1"}))
    assert len(tooled.engine.all(Generate)) == asked, "the model is not asked again"
    assert tooled.last(TurnEnded).reason is FinishReason.ERROR
    last = tooled.shown[tooled.ids[-1]]
    assert last.state is MessageState.INTERRUPTED
    assert str(MOST_CALLS) in last.error
    assert len([call for call in calls_of(tooled) if call.state is CallState.DONE]) == MOST_CALLS


def test_so_many_calls_at_once_and_no_more(tooled: Bench) -> None:
    tooled.say("Hello")
    calls = [WrittenCall("calculator", {"expression": f"{number} + 1"}) for number in range(MOST_AT_ONCE + 2)]
    tooled.calls(*calls)
    for _ in range(MOST_AT_ONCE):
        tooled.tool_ends()
    results = tooled.engine.last(Generate).prompt.messages[-1].results
    assert [result.failed for result in results] == [False] * MOST_AT_ONCE + [True] * 2


def test_nobody_to_ask_means_no(bench: Bench, tmp_path: Path) -> None:
    bench.take(bench.session.begin())
    bench.take(bench.session.tools.begin(ToolMode.AUTO))
    bench.take(bench.session.choose_model(Path("/models/gem.gguf"), remember=False))
    bench.load_ends()
    bench.take(bench.session.tools.grant(tmp_path, write=True))
    bench.say("Add it")
    bench.calls(WrittenCall("write_file", WRITE), SUM)
    bench.tool_ends()
    write, add = calls_of(bench)
    assert (write.state, add.state) == (CallState.DENIED, CallState.DONE)
    assert not (tmp_path / "list.txt").exists()


def test_asking_about_everything_asks_about_the_calculator_too(bench: Bench) -> None:
    bench.take(bench.session.begin())
    bench.take(bench.session.tools.begin(ToolMode.ASK, frozenset({"calculator"})))
    bench.take(bench.session.choose_model(Path("/models/gem.gguf"), remember=False))
    bench.load_ends()
    bench.say("What is 12 * 7?")
    assert [tool.name for tool in bench.engine.last(Generate).prompt.tools] == ["calculator"]
    bench.calls(SUM)
    assert calls_of(bench)[0].state is CallState.WAITING
    with pytest.raises(UsageError, match="no tool “nope”"):
        bench.session.tools.begin(ToolMode.ASK, frozenset({"nope"}))


def test_regenerate_begins_the_whole_answer_again(tooled: Bench) -> None:
    question = tooled.say("What is 12 * 7?")
    tooled.calls(SUM)
    tooled.tool_ends()
    tooled.ends("It is 84.")
    first = tooled.ids[1]
    tooled.take(tooled.session.regenerate(tooled.ids[-1]))
    assert tooled.ids[0] == question
    assert len(tooled.ids) == 2
    assert tooled.shown[tooled.ids[1]].versions[0] == first
    assert tooled.engine.last(Generate).prompt.messages[-1].text == "What is 12 * 7?"
    tooled.ends("84")
    tooled.check_screen()
    tooled.take(tooled.session.select_version(first))
    assert tooled.texts == ["What is 12 * 7?", "", "It is 84."]


def test_deleting_an_answer_deletes_all_its_parts(tooled: Bench) -> None:
    tooled.say("What is 12 * 7?")
    tooled.calls(SUM)
    tooled.tool_ends()
    tooled.ends("It is 84.")
    tooled.take(tooled.session.delete_message(tooled.ids[-1]))
    assert tooled.texts == ["What is 12 * 7?"]
    assert _log(tooled), "the log keeps what was done"


def test_a_person_who_writes_instead_of_deciding_is_answered(tooled: Bench, tmp_path: Path) -> None:
    _asked(tooled, tmp_path)
    tooled.say("Never mind, what is the time?")
    last = tooled.engine.last(Generate).prompt.messages[-1]
    assert last.text == "Never mind, what is the time?"
    assert [result.failed for result in last.results] == [True], "no call is left without an answer"
    tooled.ends("It is noon.")
    assert not (tmp_path / "list.txt").exists()


def test_a_full_disk_lets_nothing_run(tooled: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.core.errors import StorageError

    def full(*_: object) -> None:
        raise StorageError("The disk is full.", "disk_full")

    tooled.say("What is 12 * 7?")
    monkeypatch.setattr(tooled.store.calls, "add", full)
    tooled.calls(SUM)
    assert tooled.tool_events.empty()
    assert "not used" in tooled.last(Notice).message
    assert tooled.last(TurnEnded).reason is FinishReason.ERROR


def test_search_chats_reads_the_other_chats(tooled: Bench) -> None:
    tooled.answer("The heat pump costs 24,000", "Noted.")
    tooled.take(tooled.session.new_conversation())
    tooled.take(tooled.session.tools.switch("/search_chats", on=True))
    tooled.say("What did the heat pump cost?")
    tooled.calls(WrittenCall("search_chats", {"words": "heat PUMP"}))
    (result,) = tooled.engine.last(Generate).prompt.messages[-1].results
    assert "The heat pump costs 24,000" in result.text
    assert "the person" in result.text


def test_the_panel_is_told_of_tokens_and_switches(tooled: Bench) -> None:
    request = tooled.engine.last(Measure)
    assert len(request.definitions) == 8
    tooled.measured(definitions=(74, 41, 63, 92, 97, 118, 81, 58))
    rows = {row.name: row for row in tooled.last(ToolsListed).tools}
    assert (rows["calculator"].tokens, rows["calculator"].on, rows["write_file"].on) == (74, True, False)
    tooled.take(tooled.session.tools.switch("/calculator", on=False))
    assert not {row.name: row for row in tooled.last(ToolsListed).tools}["calculator"].on
    tooled.take(tooled.session.tools.set_verdict("/calculator", Verdict.DENY))
    assert {row.name: row for row in tooled.last(ToolsListed).tools}["calculator"].verdict is Verdict.DENY
    with pytest.raises(UsageError, match="every time"):
        tooled.session.tools.set_verdict("/open_link", Verdict.ALLOW)


def test_a_late_approval_does_not_go_on_behind_the_persons_back(tooled: Bench, tmp_path: Path) -> None:
    call = _asked(tooled, tmp_path)
    tooled.say("Never mind.")
    tooled.ends("As you wish.")
    asked = len(tooled.engine.all(Generate))
    tooled.take(tooled.session.tools.decide(call.id, approve=True))
    tooled.tool_ends()
    assert (tmp_path / "list.txt").read_text() == "one\n"
    assert len(tooled.engine.all(Generate)) == asked, "no answer is written where nobody looks"


def test_a_result_that_cannot_be_written_is_written_later(
    tooled: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = _asked(tooled, tmp_path)
    tooled.take(tooled.session.tools.decide(call.id, approve=True))
    event = tooled.tool_events.get(timeout=20)

    def full(*_: object) -> None:
        raise StorageError("The disk is full.", "disk_full")

    with monkeypatch.context() as patch:
        patch.setattr(tooled.store.calls, "change", full)
        with pytest.raises(StorageError):
            tooled.session.tools.handle(event)
        assert tooled.session.under_way
        tooled.take(tooled.session.tick())
    tooled.take(tooled.session.tick())
    assert tooled.engine.last(Generate).prompt.messages[-1].results[0].text.startswith("4 bytes")


def test_stop_does_not_say_denied_of_what_ran(tooled: Bench) -> None:
    tooled.say("What is 12 * 7?")
    tooled.calls(SUM)
    tooled.take(tooled.session.stop())
    (call,) = calls_of(tooled)
    assert (call.state, call.decision) == (CallState.FAILED, CallDecision.ALLOWED)
    assert "not known" in call.result
    assert tooled.last(TurnEnded).reason is FinishReason.CANCELLED


def test_what_runs_is_the_place_that_was_asked_about(tooled: Bench, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    tooled.take(tooled.session.tools.grant(first, write=True))
    tooled.take(tooled.session.tools.grant(second, write=True))
    tooled.say("Write it")
    tooled.calls(WrittenCall("write_file", {**WRITE, "mode": "write"}))
    (call,) = calls_of(tooled)
    assert call.place == str(first.resolve() / "list.txt")
    (second / "list.txt").write_text("precious")
    tooled.take(tooled.session.tools.decide(call.id, approve=True))
    tooled.tool_ends()
    assert (second / "list.txt").read_text() == "precious"
    assert (first / "list.txt").read_text() == "one\n"


def test_deleting_the_message_stops_what_runs(tooled: Bench) -> None:
    question = tooled.say("What is 12 * 7?")
    tooled.calls(SUM)
    tooled.take(tooled.session.delete_message(question))
    assert tooled.store.calls.running() == []
    tooled.check_screen()


def test_deleting_the_chat_stops_what_runs(tooled: Bench) -> None:
    tooled.say("What is 12 * 7?")
    tooled.calls(SUM)
    tooled.take(tooled.session.delete_conversation(tooled.conversation))
    assert tooled.store.calls.running() == []
