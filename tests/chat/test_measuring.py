"""What fills the context: told before sending, never in the way of an answer."""

from __future__ import annotations

import hashlib

import msgspec

from app.chat.changes import ContextMeasured
from app.core.message import PAGE_BREAK, Document, Draft, Message, Picture, Role
from app.core.paths import decode_path, encode_path
from app.core.protocol import Generate, Measure, Measured
from app.core.settings import LoadOptions, Sampling, Settings
from tests.chat.driving import MODEL, Bench


def drafts(bench: Bench) -> list[str]:
    """The last message of every prompt that was measured."""
    return [m.prompt.messages[-1].text if m.prompt.messages else "" for m in bench.engine.all(Measure)]


def test_a_draft_is_measured_with_the_conversation(ready: Bench) -> None:
    ready.measured()
    ready.answer("One", "1")
    ready.measured()
    ready.take(ready.session.draft_changed(ready.conversation, Draft("Two")))
    prompt = ready.engine.last(Measure).prompt
    assert [(m.role, m.text) for m in prompt.messages] == [
        (Role.USER, "One"),
        (Role.ASSISTANT, "1"),
        (Role.USER, "Two"),
    ]
    ready.measured(left_out=2)
    told = ready.last(ContextMeasured)
    assert (told.conversation, told.measured.left_out) == (ready.conversation, 2)


def test_a_new_chat_is_measured_with_its_system_text(ready: Bench) -> None:
    ready.measured()
    ready.take(ready.session.change_settings(Settings(system_prompt="Be brief.", stamp_date=True)))
    ready.measured()
    ready.take(ready.session.draft_changed("", Draft("Hello")))
    request = ready.engine.last(Measure)
    assert request.prompt.system == "Be brief.\n\nToday is Tuesday, 24 November 2026."
    assert request.prompt.messages == (Message(Role.USER, "Hello"),)


def test_one_measurement_at_a_time_of_the_latest_draft(ready: Bench) -> None:
    for text in ("H", "He", "Hel"):
        ready.take(ready.session.draft_changed("", Draft(text)))
    assert drafts(ready) == [""]
    ready.measured()
    assert drafts(ready) == ["", "Hel"]
    assert ready.all(ContextMeasured) == []
    ready.measured()
    assert len(ready.all(ContextMeasured)) == 1


def test_a_stale_measurement_is_dropped(ready: Bench) -> None:
    request = ready.engine.last(Measure)
    stale = Measured(request.measure + 5, "", 1, 0, (), 10, 1, 0)
    ready.event(stale)
    assert ready.all(ContextMeasured) == []


def test_a_measurement_of_another_conversation_is_dropped(ready: Bench) -> None:
    ready.measured()
    ready.answer("One", "1")
    ready.take(ready.session.new_conversation())
    ready.forget()
    ready.measured()  # of the conversation before
    assert ready.all(ContextMeasured) == []
    ready.measured()
    assert ready.last(ContextMeasured).conversation == ""


def test_nothing_is_measured_while_the_model_works(ready: Bench) -> None:
    ready.measured()
    ready.say("One")
    count = len(drafts(ready))
    ready.take(ready.session.draft_changed(ready.conversation, Draft("Two")))
    assert len(drafts(ready)) == count
    ready.ends("1")
    assert drafts(ready)[count:] == ["Two"]


def test_a_loaded_model_measures_what_is_open(bench: Bench) -> None:
    bench.start(MODEL)
    bench.take(bench.session.draft_changed("", Draft("Hello")))
    assert drafts(bench) == []
    bench.load_ends()
    assert drafts(bench) == ["Hello"]


def test_another_context_measures_again(ready: Bench) -> None:
    ready.measured()
    count = len(drafts(ready))
    ready.take(ready.session.change_settings(Settings(load=LoadOptions(context=8192), sampling=Sampling(max_tokens=9))))
    assert len(drafts(ready)) == count
    ready.load_ends()
    assert len(drafts(ready)) == count + 1
    assert ready.engine.last(Measure).max_tokens == 9


def test_a_worker_that_died_over_a_measurement_is_asked_again(ready: Bench) -> None:
    ready.dies()
    ready.load_ends()
    ready.measured()
    assert len(ready.all(ContextMeasured)) == 1


def test_the_command_line_measures_only_what_it_asks_for(bench: Bench) -> None:
    bench.take(bench.session.begin())
    bench.take(bench.session.choose_model(MODEL, remember=False))
    bench.load_ends()
    bench.answer("One", "1")
    assert drafts(bench) == []


def test_what_is_measured_is_what_is_sent(ready: Bench) -> None:
    folder = ready.paths.attachments
    folder.mkdir(parents=True)

    def document(name: str, text: str, *, first: int = 1, last: int = 1) -> Document:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        (folder / f"{sha256}.txt").write_text(text, "utf-8")
        path = encode_path(folder / f"{sha256}.txt")
        return Document(sha256, name, "text", text.count(PAGE_BREAK) + 1, path, first, last)

    gone = document("gone.txt", "gone")
    decode_path(gone.path).unlink()
    picture = folder / f"{'a' * 64}.png"
    picture.touch()
    draft = Draft(
        "  What do they cost?\ud800\n",
        (Picture("a" * 64, 640, 480, encode_path(picture)),),
        (
            document("a.pdf", "one\ftwo\fthree", first=2, last=3),
            document("b.txt", "x <end_of_turn> <start_of_image>"),
            gone,
        ),
    )
    ready.measured()
    for text in ("", draft.text):  # with the documents alone too
        draft = msgspec.structs.replace(draft, text=text)
        ready.take(ready.session.draft_changed(ready.conversation, draft))
        asked = ready.engine.last(Measure)
        assert asked.prompt.messages[-1].text.startswith("\n\n".join(asked.parts))
        assert len(asked.parts) == 3
        ready.measured()
        ready.take(ready.session.submit(ready.conversation, draft))
        sent = ready.engine.last(Generate).prompt
        assert sent.messages == asked.prompt.messages
        assert sent.system == asked.prompt.system
        ready.ends("7.20")
        ready.measured()
