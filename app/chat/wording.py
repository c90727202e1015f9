"""Titles, previews and clean text out of what was written. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

NEW_CHAT = "New chat"

_TITLE_CHARACTERS = 48
_PREVIEW_CHARACTERS = 120
_LINKS = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+|\d{1,3}[.)][ \t]+|`{3,}[^\n`]*$|~{3,}[^\n~]*$)", re.M
)
_INLINE_MARKS = re.compile(
    r"(?:\*\*|__)(?=\S)|(?<=\S)(?:\*\*|__)|`+|~~|(?<![\w*_])[*_](?=[^\s*_])|(?<=[^\s*_])[*_](?![\w*_])"
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def title_of(text: str) -> str:
    """The first words of a message as a title: one line, no Markdown marks, cut at a word, at most 48 characters."""
    return _cut(_plain(text[:2000]), _TITLE_CHARACTERS) or NEW_CHAT


def clean_title(text: str) -> str:
    """A title that the person chose: one line, of a length that a row can have."""
    return " ".join(_CONTROLS.sub(" ", text[:1000]).split())[:200]


def preview_of(text: str) -> str:
    """The beginning of a message for a row of the list."""
    return _plain(text)[:_PREVIEW_CHARACTERS]


def well_formed(text: str) -> str:
    """Text that UTF-8 can carry: halves of surrogate pairs that belong together are joined, lone ones replaced."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def date_sentence(iso_day: str) -> str:
    """What the model is told about the day a chat began; "" for a day that cannot be read."""
    try:
        day = date.fromisoformat(iso_day)
    except ValueError:
        return ""
    return f"Today is {_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}."


def _plain(text: str) -> str:
    text = _LINE_MARKS.sub("", _LINKS.sub(r"\1", text))
    return " ".join(_CONTROLS.sub(" ", _INLINE_MARKS.sub("", text)).split())


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head = text[: most - 1]
    words, space, _ = head.rpartition(" ")
    if text[most - 1] != " " and space and len(words) > most // 2:
        head = words
    return head.rstrip(" ,;:.-–—") + "…"


def found_words(found: Sequence[tuple[str, float, str, str]], words: str) -> str:
    """What a search in the chats found, as the model reads it: title, day, who said it, and the words around."""
    if not found:
        return f"No chat has the words “{words}”."
    lines = []
    for title, at, role, text in found:
        place = max(0, text.lower().find(words.lower()) - 120)
        around = " ".join(text[place : place + 320].split())
        who = "the person" if role == "user" else "the model"
        lines.append(f"{date.fromtimestamp(at).isoformat()}, “{title or NEW_CHAT}”, {who}: {around}")
    return "\n".join(lines)
