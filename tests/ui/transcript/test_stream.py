"""What comes bit by bit ends as what comes at once, and shows nothing on its way that is not so."""

from __future__ import annotations

from itertools import accumulate
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ui.transcript.blocks import Block, Code, Table, Words, block_text, plain_text
from app.ui.transcript.stream import LIMIT, LiteralStream, MarkdownStream, presentable

EVERYTHING = """# Title

A **bold** paragraph with `code`, a [link](https://x.y), [another][late] and $x_1$
that goes on.

Setext
======

| a | b |
|---|--:|
| 1 | 2 |
| 3 | 4 |
after the table

- one
- two

  loose

  ```py
  x = 1

  y = 2
  ```
1. first
2. second

> quote
goes on lazily
> - with a list

```python
def f():
    return "```"
``

~~~
```

    indented code

$$
a
=
b
$$

\\[ x \\]
---
***
~~~~
unclosed ~~~
~~~

[late]: https://late.example "Late"
"""


def at_once(source: str) -> list[Block]:
    return in_bits([source])


def in_bits(bits: list[str]) -> list[Block]:
    stream = MarkdownStream()
    for bit in bits:
        stream.feed(bit)
        while stream.step():
            pass
    stream.finish()
    while stream.step():
        pass
    assert stream.waiting == 0
    return stream.blocks


def cut(source: str, sizes: list[int]) -> list[str]:
    places = [0, *accumulate(sizes)]
    return [source[a:b] for a, b in zip(places, [*places[1:], len(source)], strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=80))
def test_everything_in_any_bits_ends_the_same(sizes: list[int]) -> None:
    assert in_bits(cut(EVERYTHING, sizes)) == at_once(EVERYTHING)


PARTS = [
    "word", "**", "*", "_", "`", "```", "~~~", "\n", "\n\n", "- ", "1. ", "> ", "# ", "| a | b |\n", "|---|---|\n",
    "|", "    ", "  ", "$$", "$x$", "[a](http://b.c)", "[a]", "[a]: http://d.e\n", "===", "---", "\r\n", "\\", "é👍",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=40), st.data())
def test_any_markdown_in_any_bits_ends_the_same(parts: list[str], data: st.DataObject) -> None:
    source = "".join(parts)
    sizes = data.draw(st.lists(st.integers(1, 7), max_size=len(source)))
    assert in_bits(cut(source, sizes)) == at_once(source)


@pytest.mark.parametrize(
    "source",
    [
        "- item **x**\n" * 3000,
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 1500 + "\nafter",
        "word " * 8000 + "\nnext",
        "a line\n" * 4000,
        "> quote\n" * 3000,
        "```\n" + "x = 1\n" * 9000,
    ],
    ids=["list", "table", "one line", "lines", "quote", "code"],
)
def test_what_is_longer_than_one_step_ends_the_same(source: str) -> None:
    whole = at_once(source)
    assert in_bits(cut(source, [977] * (len(source) // 977))) == whole
    assert "".join(plain_text(whole).split()).count("x") == source.count("x")


def test_a_table_that_is_cut_keeps_its_columns() -> None:
    blocks = at_once("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 1500)
    assert len(blocks) > 1
    assert all(isinstance(block, Table) and len(block.aligns) == 2 for block in blocks)
    assert sum(len(block.rows) for block in blocks if isinstance(block, Table)) == 1500
    assert [bool(block.head) for block in blocks if isinstance(block, Table)][:2] == [True, False]


def test_finished_blocks_stay_as_they_are() -> None:
    stream = MarkdownStream()
    stream.feed("one\n\ntwo\n\nthr")
    while stream.step():
        pass
    assert stream.frozen == 1
    first = stream.blocks[0]
    stream.feed("ee\n\nfour")
    while stream.step():
        pass
    assert stream.frozen == 2
    assert stream.blocks[0] is first


def shown(source: str) -> list[list[Block]]:
    """What is on the screen after each letter."""
    stream = MarkdownStream()
    seen: list[list[Block]] = []
    for letter in source:
        stream.feed(letter)
        while stream.step():
            pass
        seen.append(stream.blocks)
    return seen


def test_marks_of_a_table_never_show_before_it_is_one() -> None:
    for blocks in shown("Look:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"):
        assert not any("|" in block_text(block) for block in blocks)


def test_a_fence_shows_as_code_from_its_first_line_on() -> None:
    for blocks in shown("Look:\n\n```python\nx = 1\n```\n"):
        assert not any("`" in block_text(block) for block in blocks)
        assert [block.language for block in blocks if isinstance(block, Code)] in ([], ["python"])


def test_a_paragraph_never_flickers_into_a_heading() -> None:
    for blocks in shown("Before you sign:\n- one\n- two\n"):
        assert not any(isinstance(block, Words) and block.level for block in blocks)


def test_marks_of_bold_and_code_never_show() -> None:
    for blocks in shown("It is **very** good `code` and ~~not~~ bad."):
        assert not set(plain_text(blocks)) & set("*`~")


def test_an_open_formula_block_shows_as_one() -> None:
    stream = MarkdownStream()
    stream.feed("$$\na\n= b")
    while stream.step():
        pass
    assert stream.blocks == [Code("$$\na\n= b", "LaTeX")]


def test_what_is_held_back_is_shown_at_the_end() -> None:
    assert plain_text(at_once("a\n| b | c |")) == "a | b | c |"
    assert plain_text(at_once("**a")) == "**a"
    assert plain_text(at_once("1.")) == "1. "


def test_only_the_open_end_is_held_back() -> None:
    assert presentable("one\n\n| a |\n|---|\n| 1 ") == "one\n\n| a |\n|---|\n| 1 "
    assert presentable("see [the page](https://x.y/lo") == "see the page"
    assert presentable("a `b") == "a `b`"


@pytest.mark.usefixtures("no_garbage")
@pytest.mark.parametrize(
    "source",
    [
        ("word " * 25 + "\n\n") * 8000,
        "word " * 200_000,
        "```\n" + "x = 1  # comment\n" * 10_000 + "```\n",
        "|a" * 5000 + "|\n" + "|-" * 5000 + "|\n" + "|a" * 5000 + "|\n",
        "- item\n" * 20_000,
        "\n" * 1_000_000,
        ">" * 3000 + " x",
        "[" * 1_000_000,
        "`" * 1_000_000,
        "*a_ " * 4000,
        "[a](" * 4000,
    ],
    ids=["text", "line", "code", "columns", "list", "empty lines", "quotes", "brackets", "ticks", "stars", "links"],
)
def test_no_step_takes_long(source: str) -> None:
    """The longest is of the size of a step through ordinary text: five times as long in the worst case."""
    ordinary = _longest_step("Some *words* and `code` of an answer.\n" * (LIMIT // 40))
    assert _longest_step(source) < 12 * ordinary


def _longest_step(source: str) -> float:
    """Processor seconds of this thread, the best of three times."""
    return min(_longest_of(source) for _ in range(3))


def _longest_of(source: str) -> float:
    stream = MarkdownStream()
    stream.feed(source)
    stream.finish()
    longest = 0.0
    more = True
    while more:
        start = thread_time()
        more = stream.step()
        longest = max(longest, thread_time() - start)
    assert stream.waiting == 0
    return longest


def test_the_persons_words_stay_as_they_are() -> None:
    said = "# not a heading\n\n  * stars *\r\n" + "x" * 5000 + "\n" * 3 + "end"
    stream = LiteralStream()
    stream.feed(said)
    stream.finish()
    while stream.step():
        pass
    assert "".join(plain_text(stream.blocks).split("\n")) == "".join(said.replace("\r", "").split("\n"))
    assert max(len(block_text(block)) for block in stream.blocks) <= LIMIT
