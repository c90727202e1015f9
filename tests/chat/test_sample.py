"""The sample chats of `--sample`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app.chat.sample import CHATS, LOAN_ANSWER, fill
from app.core.message import MessageState, Role
from app.core.paths import DataPaths
from app.store.store import Store


def test_an_empty_folder_gets_chats_that_end_well(tmp_path: Path) -> None:
    fill(DataPaths(tmp_path), datetime(2026, 11, 24, 13, 0))
    store = Store(DataPaths(tmp_path))
    try:
        listed = store.conversations.listed()
        assert [row.title for row in listed] == [chat.title for chat in reversed(CHATS)]
        opened = store.conversations.find(store.conversations.opened())
        assert opened is not None
        assert opened.title == "Heat pump loan"
        question, answer = store.messages.branch(opened.id, opened.leaf)
        assert (question.role, answer.role) == (Role.USER, Role.ASSISTANT)
        assert answer.text == LOAN_ANSWER.strip()
        assert len(answer.versions) == 3
        assert all(message.state is MessageState.COMPLETE for message in (question, answer))
        assert datetime.fromtimestamp(listed[0].changed_at) == datetime(2026, 11, 24, 9, 41)
    finally:
        store.close()
