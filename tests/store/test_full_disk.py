"""Fault 1 on a real full file system, and at every single write."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import StorageError
from app.core.message import Draft, MessageState
from app.core.paths import DataPaths
from app.core.settings import ConversationSettings
from app.store.records import AnswerRecord
from app.store.store import Store
from tests.store.faults import FaultyDisk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True, capture_output=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


def fill(place: Path) -> Path:
    """Take all the space that is left."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return ballast


def answers(store: Store, conversation: str) -> list[str]:
    found = store.conversations.find(conversation)
    assert found is not None
    return [message.text for message in store.messages.branch(conversation, found.leaf)]


def test_1_a_full_disk_refuses_and_goes_on_when_there_is_space(small_disk: Path) -> None:
    store = Store(DataPaths(small_disk / "data"))
    conversation = store.conversations.add("Title", ConversationSettings(), 1.0)
    question = store.messages.add_question(conversation, "", Draft("Hello"), MessageState.COMPLETE, "", 1.0)
    answer = store.messages.add_answer(question, store.owner, 1.0)
    ballast = fill(small_disk)
    text = "".join(f"word {number} " for number in range(30_000))
    with pytest.raises(StorageError) as refused:
        store.messages.save_answer(answer, AnswerRecord(text, MessageState.STREAMING), store.owner)
    assert refused.value.code == "disk_full"
    assert answers(store, conversation) == ["Hello", ""]
    ballast.unlink()
    store.messages.save_answer(answer, AnswerRecord(text, MessageState.COMPLETE), store.owner)
    store.close()
    again = Store(DataPaths(small_disk / "data"))
    assert again.trouble is None
    assert answers(again, conversation) == ["Hello", text]
    again.close()


def test_1_a_full_disk_at_the_start_still_shows_the_chats(small_disk: Path) -> None:
    store = Store(DataPaths(small_disk / "data"))
    store.conversations.add("Title", ConversationSettings(), 1.0)
    store.close()
    fill(small_disk)
    store = Store(DataPaths(small_disk / "data"))
    assert store.trouble is None
    assert [row.title for row in store.conversations.listed()] == ["Title"]
    with pytest.raises(StorageError) as refused:
        store.conversations.add("A title " * 20_000, ConversationSettings(), 1.0)
    assert refused.value.code == "disk_full"
    store.close()


def test_1_a_full_disk_without_chats_is_trouble_by_its_name(small_disk: Path) -> None:
    fill(small_disk)
    store = Store(DataPaths(small_disk / "data"))
    assert store.trouble is not None
    assert store.trouble.code == "disk_full"
    store.close()


def say_until_refused(store: Store, conversation: str, saved: list[str]) -> StorageError:
    for number in range(100):
        try:
            text = f"Q{number}"
            saved.append(store.messages.add_question(conversation, "", Draft(text), MessageState.COMPLETE, "", 1.0))
        except StorageError as error:
            return error
    raise AssertionError("the disk was never full")


@pytest.mark.parametrize("writes", range(12))
def test_1_a_disk_that_fills_at_any_write_keeps_what_was_saved(tmp_path: Path, writes: int) -> None:
    paths = DataPaths(tmp_path / "data")
    with FaultyDisk() as disk:
        store = Store(paths, vfs=disk.name)
        conversation = store.conversations.add("Title", ConversationSettings(), 1.0)
        saved: list[str] = []
        disk.fail_after(writes)
        assert say_until_refused(store, conversation, saved).code == "disk_full"
        assert set(store.messages.all_in(conversation)) == set(saved)
        disk.mend()
        saved.append(store.messages.add_question(conversation, "", Draft("more"), MessageState.COMPLETE, "", 1.0))
        store.close()
        again = Store(paths)
        assert (again.trouble, again.set_aside) == (None, None)
        assert set(again.messages.all_in(conversation)) == set(saved)
        assert again._check().rows("PRAGMA integrity_check") == [("ok",)]
        again.close()
