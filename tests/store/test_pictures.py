"""Pictures of messages: in their order, on every branch, each file known once."""

from __future__ import annotations

from collections.abc import Callable

from app.core.message import Draft, MessageState, PanAndScan, Picture, Scan
from app.core.paths import DataPaths, decode_path, encode_path
from app.core.settings import ConversationSettings
from app.store.store import Store

ONE = Picture("a" * 64, 640, 480, "", PanAndScan.AUTO)
OTHER = Picture("b" * 64, 30, 40, "", PanAndScan.OFF, image_tokens=1120)


def test_pictures_come_back_in_their_order(paths: DataPaths, new_store: Callable[[], Store]) -> None:
    store = new_store()
    conversation = store.conversations.add("Pictures", ConversationSettings(), 1.0)
    question = store.messages.add_question(
        conversation, "", Draft("Which?", (OTHER, ONE, OTHER)), MessageState.COMPLETE, "", 1.0
    )
    answer = store.messages.add_answer(question, store.owner, 2.0)
    store.close()
    store = new_store()
    found = store.messages.find(question)
    assert found is not None
    assert [picture.sha256[0] for picture in found.pictures] == ["b", "a", "b"]
    assert [picture.pan_and_scan for picture in found.pictures] == [PanAndScan.OFF, PanAndScan.AUTO, PanAndScan.OFF]
    assert [picture.image_tokens for picture in found.pictures] == [1120, 0, 1120]
    assert decode_path(found.pictures[1].path) == paths.attachments / f"{ONE.sha256}.png"
    assert (found.pictures[1].width, found.pictures[1].height) == (640, 480)
    assert [message.pictures for message in store.messages.branch(conversation, answer)] == [found.pictures, ()]
    assert [one.message.pictures for one in store.messages.prompt(answer)] == [found.pictures, ()]


def test_the_same_picture_in_two_chats(new_store: Callable[[], Store]) -> None:
    store = new_store()
    for title in ("First", "Second"):
        conversation = store.conversations.add(title, ConversationSettings(), 1.0)
        question = store.messages.add_question(conversation, "", Draft("?", (ONE,)), MessageState.COMPLETE, "", 1.0)
        found = store.messages.find(question)
        assert found is not None
        assert [picture.sha256 for picture in found.pictures] == [ONE.sha256]


def test_scans_that_nothing_was_decided_about_stay_with_their_draft(new_store: Callable[[], Store]) -> None:
    store = new_store()
    scan, other = Scan(encode_path("/tmp/caf\udce9.pdf"), "caf\ufffd.pdf", 3), Scan(encode_path("/b.pdf"), "b.pdf", 1)
    conversation = store.conversations.add("Scans", ConversationSettings(), 1.0)
    store.conversations.set_draft(conversation, Draft("?", scans=(scan, other)))
    store.conversations.set_draft("", Draft(scans=(other,)))
    store.close()
    store = new_store()
    found = store.conversations.find(conversation)
    assert found is not None
    assert found.draft == Draft("?", scans=(scan, other))
    assert store.conversations.new_draft() == Draft(scans=(other,))
    store.conversations.set_draft(conversation, Draft("?"))
    found = store.conversations.find(conversation)
    assert found is not None
    assert found.draft == Draft("?")
    assert store.conversations.new_draft() == Draft(scans=(other,))
