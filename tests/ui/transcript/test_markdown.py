"""Markdown to blocks: what is shown, what leads nowhere, what is never lost."""

from __future__ import annotations

import pytest

from app.ui.transcript.blocks import Code, Rule, Span, Table, Words, plain_text
from app.ui.transcript.markdown import Parsed


def only(source: str) -> Words:
    [block] = Parsed(source).blocks
    assert isinstance(block, Words)
    return block


def test_looks_of_words() -> None:
    spans = only("a **b *c* d** `e` ~~f~~").spans
    assert spans == (
        Span("a "),
        Span("b ", bold=True),
        Span("c", bold=True, italic=True),
        Span(" d", bold=True),
        Span(" "),
        Span("e", code=True),
        Span(" "),
        Span("f", strike=True),
    )


def test_headings_rules_and_breaks() -> None:
    blocks = Parsed("# One\n\ntwo  \nthree\nfour\n\n---\n").blocks
    assert isinstance(blocks[0], Words)
    assert blocks[0].level == 1
    assert plain_text(blocks[1:2]) == "two\nthree four"
    assert isinstance(blocks[2], Rule)


def test_lists_keep_their_places_and_markers() -> None:
    blocks = Parsed("9. a\n10. b\n    - c\n\n      d\n\ntext").blocks
    assert [(block.place.marker, block.place.path, block.place.joined) for block in blocks] == [
        ("9.", (3,), False),
        ("10.", (3,), True),
        ("•", (3, 1), True),
        ("", (3, 1), True),
        ("", (), False),
    ]


def test_a_list_item_of_nothing_but_a_list_shows_both_markers() -> None:
    blocks = Parsed("- - a\n-\n").blocks
    assert [block.place.marker for block in blocks] == ["•", "◦", "•"]


def test_quotes_nest_and_hold_code() -> None:
    blocks = Parsed("> a\n> > b\n>\n> ```py\n> x\n> ```\n").blocks
    assert [block.place.path for block in blocks] == [(0,), (0, 0), (0,)]
    assert blocks[2] == Code("x", "py", True, blocks[2].place)


def test_tables() -> None:
    [table] = Parsed("| a | b | c |\n|---|:-:|--:|\n| 1 | **2** |\n").blocks
    assert isinstance(table, Table)
    assert table.aligns == ("", "center", "right")
    assert table.rows == (((Span("1"),), (Span("2", bold=True),), ()),)
    assert plain_text([table]) == "a\tb\tc\n1\t2\t"


def test_code_keeps_every_letter() -> None:
    [code] = Parsed("```python title=x\n  <b>&amp;\n\n\tx\n```").blocks
    assert code == Code("  <b>&amp;\n\n\tx", "python")


def test_html_is_text() -> None:
    assert only('<img src="http://x.y/a.png"> <b>hi</b> &lt;').text == '<img src="http://x.y/a.png"> <b>hi</b> <'


@pytest.mark.parametrize(
    ("source", "text", "link"),
    [
        ("![a photo](http://x.y/a.png)", "a photo", "http://x.y/a.png"),
        ("![](http://x.y/a.png)", "http://x.y/a.png", "http://x.y/a.png"),
        ("![a](file:///etc/passwd)", "a", ""),
        ("![](file:///etc/passwd)", "file:///etc/passwd", ""),
        ("![a](\\\\host\\share)", "a", ""),
        ("![a](data:image/png;base64,AAAA)", "a", ""),
    ],
)
def test_images_are_their_description_and_nothing_is_loaded(source: str, text: str, link: str) -> None:
    assert only(source).spans == (Span(text, link=link),)


@pytest.mark.parametrize(
    ("source", "text", "link"),
    [
        ("[a](https://x.y/z)", "a", "https://x.y/z"),
        ("[a](mailto:me@x.y)", "a", "mailto:me@x.y"),
        ("<https://x.y>", "https://x.y", "https://x.y"),
        ("[a](javascript:alert(1))", "a", ""),
        ("[a](JaVaScRiPt:x)", "a", ""),
        ("[a](file:///etc/passwd)", "a", ""),
        ("[a](data:text/html,x)", "a", ""),
        ("[a](//x.y)", "a", ""),
        ("[a](x.html)", "a", ""),
        ("[**a**](https://x.y)", "a", "https://x.y"),
    ],
)
def test_only_links_to_the_web_and_to_mail_lead_somewhere(source: str, text: str, link: str) -> None:
    [span] = only(source).spans
    assert (span.text, span.link) == (text, link)


def test_formulas_keep_their_source() -> None:
    spans = only(r"It is \(a_1 * b_2 * c\) or $x_i$, for $5 and $10.").spans
    assert [span.text for span in spans if span.formula] == [r"\(a_1 * b_2 * c\)", "$x_i$"]
    assert spans[-1].text == ", for $5 and $10."
    assert Parsed("$$\na\n=\nb\n$$\n\n\\[ x_1 \\]").blocks == (
        Code("$$\na\n=\nb\n$$", "LaTeX"),
        Code("\\[ x_1 \\]", "LaTeX"),
    )


def test_a_formula_that_never_ends_ends_with_its_paragraph() -> None:
    assert Parsed("$$\nx\n\nmore").blocks[0] == Code("$$\nx", "LaTeX")
    assert plain_text(Parsed("$$ x $$ in words").blocks) == "$$ x $$ in words"


@pytest.mark.parametrize(
    "source",
    [
        ">" * 3000 + " x",
        "- " * 3000 + "x",
        "[" * 3000 + "x",
        "![" * 3000 + "x",
        "|a" * 5000 + "|\n" + "|-" * 5000 + "|\n" + "|b" * 5000 + "|",
        "\n".join(" " * 2 * depth + "- x" for depth in range(60)),
    ],
    ids=["quotes", "lists", "brackets", "images", "columns", "indents"],
)
def test_nesting_beyond_sense_is_shown_as_it_was_written(source: str) -> None:
    assert plain_text(Parsed(source).blocks) == source.strip("\n")


def test_control_tokens_are_text() -> None:
    said = "<end_of_turn> <start_of_image> </s>"
    assert only(said).text == said
