"""Work ahead: what the session asks for while a person types, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from app.chat.changes import ConversationOpened, DraftRestored, PicturesSeen, SeeingChanged
from app.chat.refusals import UnsentError
from app.core.message import Draft, PanAndScan, Picture
from app.core.paths import encode_path
from app.core.protocol import Generate, LookAhead, LookedAhead, Stop
from tests.chat.driving import MODEL, Bench

ONE = Picture("a" * 64, 640, 480, "", name="one.png")
OTHER = Picture("b" * 64, 64, 48, "", PanAndScan.OFF, "other.png")


@pytest.fixture
def seeing(bench: Bench) -> Bench:
    """A window with a model that sees."""
    bench.start(MODEL)
    bench.load_ends(vision=True, image_side=896, image_tokens=256)
    bench.forget()
    return bench


def _draft(bench: Bench, *pictures: Picture, text: str = "") -> None:
    bench.take(bench.session.draft_changed(bench.conversation, Draft(text, pictures)))


def test_a_picture_is_looked_at_before_it_is_sent(seeing: Bench) -> None:
    _draft(seeing, ONE)
    request = seeing.engine.last(LookAhead)
    assert [(message.text, message.pictures) for message in request.prompt.messages] == [("", (ONE,))]
    seeing.event(LookedAhead(request.ahead, (0.25,), 2.0))
    assert seeing.last(PicturesSeen) == PicturesSeen("", {ONE.sha256: 0.25}, 2.0)
    seeing.event(LookedAhead(request.ahead, (1.0,), 2.0, done=True))
    assert seeing.last(PicturesSeen).done


def test_a_picture_whose_file_is_gone_is_said_before_it_is_sent(seeing: Bench, tmp_path: Path) -> None:
    gone = msgspec.structs.replace(ONE, path=encode_path(tmp_path / "gone.png"))
    draft = Draft("What is it?", (gone, OTHER))
    with pytest.raises(UnsentError, match=r"“one\.png” is missing") as refused:
        seeing.session.submit("", draft)
    assert refused.value.changes == (DraftRestored("", draft),)
    assert not seeing.engine.all(Generate)


def test_words_ask_for_nothing_new(seeing: Bench) -> None:
    _draft(seeing, text="Hello")
    assert not seeing.engine.all(LookAhead)
    _draft(seeing, ONE, text="Hello")
    _draft(seeing, ONE, text="Hello there")
    assert len(seeing.engine.all(LookAhead)) == 1


def test_another_picture_or_none_takes_its_place(seeing: Bench) -> None:
    _draft(seeing, ONE)
    first = seeing.engine.last(LookAhead)
    _draft(seeing, ONE, OTHER)
    assert seeing.engine.last(LookAhead).prompt.messages[-1].pictures == (ONE, OTHER)
    seeing.event(LookedAhead(first.ahead, (1.0,)))
    assert not seeing.all(PicturesSeen), "it tells of a draft that is over"
    _draft(seeing)
    assert seeing.engine.last(LookAhead).prompt.messages == ()


def test_it_is_asked_again_after_a_turn(seeing: Bench) -> None:
    seeing.say("Hello")
    _draft(seeing, ONE)
    assert not seeing.engine.all(LookAhead), "the model is answering"
    seeing.words("Yes.")
    seeing.ends("Yes.")
    request = seeing.engine.last(LookAhead)
    assert [message.text for message in request.prompt.messages] == ["Hello", "Yes.", ""]


def test_a_blind_model_is_not_asked(ready: Bench) -> None:
    _draft(ready, ONE)
    assert not ready.engine.all(LookAhead)


def test_the_view_a_turn_waits_for_is_told_as_its_own(seeing: Bench) -> None:
    _draft(seeing, ONE, OTHER)
    request = seeing.engine.last(LookAhead)
    seeing.take(seeing.session.submit("", Draft("What is it?", (ONE, OTHER))))
    sent = seeing.engine.last(Generate).prompt.messages[-1].pictures
    assert [picture.sha256 for picture in sent] == [ONE.sha256, OTHER.sha256]
    seeing.event(LookedAhead(request.ahead, (1.0, 0.5)))
    told = seeing.last(SeeingChanged)
    assert (told.done, told.total, told.fraction) == (1, 2, 0.5)
    assert told.message == seeing.ids[-1]


def test_pictures_of_a_draft_are_there_tomorrow(new_bench: Callable[[], Bench]) -> None:
    today = new_bench()
    today.ready()
    _draft(today, ONE, OTHER, text="half a thought")
    today.take(today.session.close())
    tomorrow = new_bench()
    tomorrow.start(MODEL)
    draft = tomorrow.last(ConversationOpened).draft
    assert draft.text == "half a thought"
    assert [(picture.sha256, picture.pan_and_scan, picture.name) for picture in draft.pictures] == [
        (ONE.sha256, PanAndScan.AUTO, "one.png"),
        (OTHER.sha256, PanAndScan.OFF, "other.png"),
    ]


def test_a_message_that_is_taken_back_brings_its_pictures(bench: Bench) -> None:
    bench.start(MODEL)
    bench.take(bench.session.submit("", Draft("What is it?", (ONE,))))
    message = bench.ids[-1]
    bench.take(bench.session.draft_changed(bench.conversation, Draft("and", (OTHER,))))
    bench.take(bench.session.withdraw(message))
    restored = bench.last(DraftRestored).draft
    assert restored.text == "What is it?"
    assert [picture.sha256 for picture in restored.pictures] == [ONE.sha256]
    stored = bench.store.conversations.find(bench.conversation)
    assert stored is not None
    assert stored.draft.text == "What is it?\nand"
    assert [picture.name for picture in stored.draft.pictures] == ["one.png", "other.png"]


def test_pictures_alone_can_be_sent_and_name_the_chat(seeing: Bench) -> None:
    seeing.take(seeing.session.submit("", Draft("", (ONE,))))
    opened = seeing.last(ConversationOpened)
    assert opened.title == "one.png"
    assert opened.messages[0].pictures[0].sha256 == ONE.sha256
    assert not seeing.engine.all(Stop)


def test_what_opens_late_goes_to_the_draft_of_its_chat(seeing: Bench) -> None:
    seeing.take(seeing.session.draft_changed("", Draft("half a thought", (ONE,))))
    seeing.say("Hello")
    first = seeing.conversation
    seeing.take(seeing.session.draft_changed(first, Draft("more")))
    seeing.take(seeing.session.new_conversation())
    seeing.take(seeing.session.add_to_draft(first, Draft("", (OTHER,))))
    stored = seeing.store.conversations.find(first)
    assert stored is not None
    assert (stored.draft.text, [picture.name for picture in stored.draft.pictures]) == ("more", ["other.png"])
    seeing.take(seeing.session.add_to_draft("", Draft("", (ONE,))))
    assert seeing.last(DraftRestored) == DraftRestored("", Draft("", (ONE,))), "it is the chat that is shown"
    assert seeing.session.add_to_draft("nowhere", Draft("", (ONE,))) == ()
