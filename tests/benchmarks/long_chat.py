"""A data folder with the sample chats, a long one and a short one, as a person's looks after a year."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from app.chat import sample
from app.core.message import Draft, FinishReason, MessageState, Timings, Usage
from app.core.paths import DataPaths
from app.core.settings import ConversationSettings
from app.store.records import AnswerRecord
from app.store.store import Store

STEP = 600.0  # seconds between two questions
_FIRST = 1_780_000_000.0
_PLAIN = "Yes. Move it to the second shelf, leave the door open for an hour, and look again in the evening. "
_QUESTIONS = ("Is that still right?", sample.LOAN_QUESTION, "And if it rains on Saturday, what would you change then?")
_ANSWERS = (
    _PLAIN,
    sample.LOAN_ANSWER,
    8 * _PLAIN,
    sample.GHENT_ANSWER,
    "\n\n".join([3 * _PLAIN] * 4),
    sample.REGEX_ANSWER,
)


@dataclass(frozen=True)
class Made:
    """Where the chats lie, and their ids."""

    folder: Path
    long: str
    short: str

    def copied_to(self, paths: DataPaths) -> None:
        """Fill another data folder, which is empty."""
        shutil.copytree(self.folder, paths.root, dirs_exist_ok=True)


def make(folder: Path, messages: int) -> Made:
    """Write the chats; the long one has so many messages and is open."""
    paths = DataPaths(folder)
    sample.fill(paths)
    store = Store(paths)
    try:
        with store.durable():
            short = _add(store, "A short chat", 4)
            long = _add(store, "A long chat", messages)
        store.conversations.remember_opened(long)
    finally:
        store.close()
    return Made(folder, long, short)


def _add(store: Store, title: str, messages: int) -> str:
    conversation = store.conversations.add(title, ConversationSettings(), _FIRST)
    leaf = ""
    turns = zip(cycle(_QUESTIONS), cycle(_ANSWERS), strict=False)
    for number, (question, answer) in enumerate(islice(turns, messages // 2)):
        moment = _FIRST + number * STEP
        leaf = store.messages.add_question(conversation, leaf, Draft(question), MessageState.COMPLETE, "", moment)
        leaf = store.messages.add_answer(leaf, store.owner, moment)
        store.messages.save_answer(leaf, _record(answer), "")
    return conversation


def _record(text: str) -> AnswerRecord:
    count = len(text) // 4
    return AnswerRecord(
        text.strip(),
        MessageState.COMPLETE,
        finish_reason=FinishReason.STOP,
        usage=Usage(prompt_tokens=count + 60, evaluated_tokens=64, generated_tokens=count),
        timings=Timings(first_token_ms=600, generate_ms=count * 1000 / 41, tokens_per_second=41),
        model=sample.MODEL,
    )
