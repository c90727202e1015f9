"""Code gets the colours of the language that was named, in short steps."""

from __future__ import annotations

from time import thread_time

import pytest

from app.ui.transcript.highlight import LONGEST, Highlighter


def coloured(language: str, text: str) -> dict[str, str]:
    made = Highlighter(language)
    made.set_text(text)
    while made.step():
        pass
    return {text[start:end]: kind for start, end, kind in made.runs if text[start:end].strip()}


def test_python() -> None:
    found = coloured("python", 'def f(x: int):\n    return "a" + 12  # why\n')
    assert found["def"] == found["return"] == "keyword"
    assert found["f"] == found["int"] == "name"
    assert found['"a"'] == "string"
    assert found["12"] == "number"
    assert found["# why"] == "comment"


def test_what_is_not_named_or_not_known_has_no_colours() -> None:
    assert coloured("", "def f(): pass") == {}
    assert coloured("no-such-language", "def f(): pass") == {}


def test_colours_stay_while_more_comes() -> None:
    made = Highlighter("python")
    made.set_text("x = 1\n")
    while made.step():
        pass
    first = made.runs
    made.set_text("x = 1\ny = 2\n")
    assert made.runs == first
    while made.step():
        pass
    assert len(made.runs) > len(first)


def test_other_text_loses_the_old_colours() -> None:
    made = Highlighter("python")
    made.set_text("x = 1\n")
    while made.step():
        pass
    made.set_text("y = 1\n")
    assert made.runs == []


@pytest.mark.usefixtures("no_garbage")
def test_steps_are_short_and_endless_code_has_none() -> None:
    made = Highlighter("python")
    made.set_text("x = [1, 2, 'three']  # four\n" * 2000)
    made.step()
    made.step()
    took = []
    more = True
    while more:
        start = thread_time()
        more = made.step()
        took.append(thread_time() - start)
    assert len(took) > 3
    assert max(took) < sum(took) / 2, "none does the work of all"
    made.set_text("x" * (LONGEST + 1))
    assert not made.step()
