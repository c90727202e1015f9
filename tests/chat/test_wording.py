"""Titles, previews, dates and clean text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.wording import clean_title, date_sentence, preview_of, title_of, well_formed


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello", "Hello"),
        ("  Two\n\nlines  ", "Two lines"),
        ("# A heading", "A heading"),
        ("- one\n- two", "one two"),
        ("**Bold** and _thin_ and `code`", "Bold and thin and code"),
        ("See [the page](https://example.org) now", "See the page now"),
        ("snake_case_name * 3", "snake_case_name * 3"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("> quoted words", "quoted words"),
        ("2 * 3 ** 4", "2 * 3 ** 4"),
        ("2**3 is *what* **exactly**?", "23 is what exactly?"),
        ("```", "New chat"),
        ("\u202eevil\u202c", "evil"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        (
            "Compare five, seven and ten years of a loan at 4.1% a year",
            "Compare five, seven and ten years of a loan at…",
        ),
        ("x" * 100, "x" * 47 + "…"),
        ("one " + "x" * 100, "one " + "x" * 43 + "…"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert title_of(text) == title


@given(st.text())
def test_a_title_is_always_one_short_line(text: str) -> None:
    title = title_of(text)
    assert 0 < len(title) <= 48
    assert title == title.strip()
    assert len(title.splitlines()) == 1


def test_a_chosen_title_is_one_line() -> None:
    assert clean_title(" My\ttitle\n") == "My title"
    assert clean_title("\n") == ""
    assert len(clean_title("x" * 999)) == 200


def test_previews_are_short() -> None:
    assert preview_of("**Yes**, most\nlikely") == "Yes, most likely"
    assert len(preview_of("word " * 1000)) <= 120


@given(st.text(alphabet=st.characters()))
def test_any_text_becomes_text_that_utf8_can_carry(text: str) -> None:
    assert well_formed(text).encode("utf-8").decode("utf-8") == well_formed(text)


def test_good_text_is_left_alone_and_halves_are_joined() -> None:
    assert well_formed("नमस्ते 😀 \x00") == "नमस्ते 😀 \x00"
    assert well_formed("\ud83d\ude00") == "😀"
    assert well_formed("a\ud83d") == "a\ufffd"


def test_the_day_in_words() -> None:
    assert date_sentence("2026-11-24") == "Today is Tuesday, 24 November 2026."
    assert date_sentence("") == ""
    assert date_sentence("yesterday") == ""
