"""Characters that are split between tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.utf8 import Utf8Stream, unfinished


@given(st.text(max_size=40), st.integers(1, 5))
def test_text_comes_out_as_it_went_in_however_it_is_cut(text: str, size: int) -> None:
    data = text.encode()
    stream = Utf8Stream()
    parts = [stream.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert "".join(parts) + stream.finish() == text


def test_half_a_character_waits() -> None:
    stream = Utf8Stream()
    wave = "👋".encode()
    assert [stream.feed(wave[:1]), stream.feed(wave[1:3]), stream.feed(wave[3:])] == ["", "", "👋"]


def test_bytes_that_are_no_character_are_replaced() -> None:
    stream = Utf8Stream()
    assert stream.feed(b"a\xffb") == "a\ufffdb"
    assert stream.feed("é".encode()[:1]) + stream.finish() == "\ufffd"


@given(st.text(min_size=1, max_size=8), st.data())
def test_an_answer_goes_on_in_the_middle_of_a_character(text: str, data: st.DataObject) -> None:
    encoded = text.encode()
    cut = data.draw(st.integers(0, len(encoded)))
    first = Utf8Stream()
    said = first.feed(encoded[:cut])
    rest = Utf8Stream(encoded[:cut])
    assert said + rest.feed(encoded[cut:]) + rest.finish() == text


def test_what_is_unfinished() -> None:
    assert unfinished(b"abc") == b""
    assert unfinished("é".encode()) == b""
    assert unfinished(b"a" + "नि".encode()[:2]) == "नि".encode()[:2]
    assert unfinished(b"\x80\x80\x80\x80") == b""
    assert unfinished(b"") == b""
