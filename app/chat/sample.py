"""Sample chats for `--sample`: what screenshots and the smoke test of a built program show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from app.core.message import Draft, FinishReason, MessageState, Timings, Usage
from app.core.paths import DataPaths
from app.core.settings import ConversationSettings, Settings
from app.store.records import AnswerRecord
from app.store.store import Store

MODEL = "Gemma 3 12B"
MODEL_FILE = "/models/gemma-3-12b-it-qat-Q4_0.gguf"  # no file: the scripted engine loads any name

LOAN_QUESTION = (
    "The heat pump quote is €24,000 and the bank offers 4.1% a year. Compare 5, 7 and 10 years, "
    "with the formula and a bit of Python I can play with."
)
LOAN_ANSWER = """\
## Seven years is the middle ground

With €24,000 at 4.1% a year, paid back in equal monthly parts:

| Term | Per month | Interest in all | Against 7 years |
|:--|--:|--:|:--|
| 5 years | €443.08 | €2,584.82 | €113.92 more a month, saves €1,064.38 |
| 7 years | €329.16 | €3,649.20 | – |
| 10 years | €244.13 | €5,295.67 | €85.03 less a month, costs €1,646.47 |

Before you sign, ask the bank two things:

- whether you may **repay early** without a fee, at least 5% a year;
- whether the 4.1% is the *effective* rate, with all charges in it.

To try other figures:

```python
def monthly(principal: float, yearly: float, years: int) -> float:
    r, n = yearly / 12, years * 12
    return r * principal / (1 - (1 + r) ** -n)

print(round(monthly(24_000, 0.041, 7), 2))  # 329.16
```
"""
GHENT_ANSWER = """\
Ghent’s centre is flat, but the old streets are cobbled, so I keep the legs short.

### Friday

- Tram 1 from the station to Korenmarkt; the low-floor trams have a ramp.
- An hour along **Graslei**, on the smooth side by the water.

### Saturday

- The Altarpiece in St Bavo’s: book the first slot, there is a lift.
- Lunch in the covered market, then **STAM**, step-free throughout.

### Sunday

- The Friday market square is quiet before ten, good for photos.

Two things to check by phone, as they change: the lift at the Belfry and the boat with a ramp.
"""
REGEX_ANSWER = r"""
Named groups make this far easier to read and to change:

```python
import re

LINE = re.compile(
    r'(?P<address>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] '
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+|-)'
)

with open("access.log", encoding="utf-8") as log:
    for line in log:
        if found := LINE.match(line):
            print(found["address"], found["status"])
```

`[^"]*` stops at the first quote, so a long request cannot swallow the rest of the line.
"""


@dataclass(frozen=True, slots=True)
class _Chat:
    title: str
    days_ago: int
    at: time
    said: tuple[tuple[str, tuple[str, ...]], ...]  # each question with the versions of its answer


CHATS = (
    _Chat(
        "Answers to reviewer 2",
        6,
        time(15, 20),
        (("Reviewer 2 doubts our sample size. How do I answer?", ("Point 4 is fair; here is a calm way to say so.",)),),
    ),
    _Chat(
        "Chapter 3 outline",
        4,
        time(11, 2),
        (("Here is chapter 3. What would you move?", ("Move the sampling section before the pilot study.",)),),
    ),
    _Chat(
        "Tax letter 2025, in plain words",
        1,
        time(11, 26),
        (
            (
                "What do they want from me, and by when?",
                (
                    "They ask for **two things, both by 15 December**:\n\n"
                    "1. the receipts for the home office, which they could not find;\n"
                    "2. proof that the bicycle was used for work on at least 110 days.\n\n"
                    "Nothing is owed yet. If you send neither, they will cross out both.",
                ),
            ),
        ),
    ),
    _Chat(
        "Three days in Ghent",
        1,
        time(18, 2),
        (
            (
                "We arrive Friday at 3 and leave Sunday after lunch. One of us uses a wheelchair. What would you do?",
                ("Day 2 could be the museums.", GHENT_ANSWER),
            ),
        ),
    ),
    _Chat(
        "Why is my sourdough flat?",
        1,
        time(21, 30),
        (("It is tight inside and flat outside.", ("Under-proofed, judging by the tight crumb near the crust.",)),),
    ),
    _Chat("Regex for nginx log lines", 0, time(8, 47), (("A regex for nginx access logs, please.", (REGEX_ANSWER,)),)),
    _Chat(
        "Letter to the landlord",
        0,
        time(9, 5),
        (
            (
                "Make this letter shorter, but keep it polite.",
                ("A shorter version, still polite but with a date by which you want an answer.",),
            ),
        ),
    ),
    _Chat(
        "Heat pump loan",
        0,
        time(9, 41),
        ((LOAN_QUESTION, ("Five years costs least.", LOAN_ANSWER, "Ten years is easiest on the month.")),),
    ),
)


def fill(paths: DataPaths, now: datetime | None = None) -> None:
    """Write the sample chats into an empty data folder; the newest is open, a model is remembered."""
    today = (now or datetime.now()).date()
    store = Store(paths)
    try:
        newest = ""
        for chat in CHATS:
            moment = datetime.combine(today - timedelta(days=chat.days_ago), chat.at).timestamp()
            newest = _add(store, chat, moment)
        store.conversations.remember_opened(newest)
        store.save_settings(Settings(model_path=MODEL_FILE))
    finally:
        store.close()


def _add(store: Store, chat: _Chat, moment: float) -> str:
    conversation = store.conversations.add(chat.title, ConversationSettings(), moment)
    leaf = ""
    for question, answers in chat.said:
        asked = store.messages.add_question(conversation, leaf, Draft(question), MessageState.COMPLETE, "", moment - 60)
        shown = max(answers, key=len)
        for text in answers:
            answer = store.messages.add_answer(asked, store.owner, moment)
            store.messages.save_answer(answer, _record(text), "")
            if text == shown:
                leaf = answer
        store.messages.show(leaf)
    store.conversations.touch(conversation, moment)
    return conversation


def _record(text: str) -> AnswerRecord:
    count = max(12, len(text) // 4)
    return AnswerRecord(
        text.strip(),
        MessageState.COMPLETE,
        finish_reason=FinishReason.STOP,
        usage=Usage(prompt_tokens=count + 60, evaluated_tokens=64, generated_tokens=count),
        timings=Timings(first_token_ms=600, generate_ms=count * 1000 / 41, tokens_per_second=41),
        model=MODEL,
    )
