"""What reaches a terminal is safe, what reaches a pipe is untouched."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import tty
from collections.abc import Iterator

import pytest

from app.cli.output import Output, one_line, printable
from app.core.errors import StorageError

HOSTILE = "\x1b]0;owned\x07\x1b[2Jfree\x9b31m\x7f"


@pytest.fixture
def terminal() -> Iterator[tuple[Output, int]]:
    """An output on a terminal, and the descriptor that reads what arrives there."""
    reader, writer = pty.openpty()
    tty.setraw(writer)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield Output(stream, stream), reader
    os.close(reader)


def _arrived(reader: int) -> str:
    """All that was written: a terminal may hand it over in parts."""
    found = b""
    while select.select([reader], [], [], 0.2)[0]:
        found += os.read(reader, 65536)
    return found.decode()


def test_control_characters_become_visible_signs() -> None:
    shown = printable(HOSTILE)
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert "free" in shown
    assert printable("a\tb\nनमस्ते 👋🏽\r\n") == "a\tb\nनमस्ते 👋🏽\n"


def test_one_line_keeps_a_sentence_on_one_line() -> None:
    assert one_line("No “a\nb\x1b[1m”.") == "No “a b␛[1m”."


def test_words_on_a_terminal_carry_no_control_characters(terminal: tuple[Output, int]) -> None:
    output, reader = terminal
    output.words(f"{HOSTILE}\n")
    assert _arrived(reader) == f"{printable(HOSTILE)}\n"


def test_a_record_on_a_terminal_is_the_same_object(terminal: tuple[Output, int]) -> None:
    output, reader = terminal
    output.record({"text": HOSTILE})
    line = _arrived(reader)
    assert "\x1b" not in line
    assert "\x9b" not in line
    assert json.loads(line) == {"text": HOSTILE}


def test_words_through_a_pipe_are_untouched() -> None:
    out = io.StringIO()
    Output(out, io.StringIO()).words(HOSTILE)
    assert out.getvalue() == HOSTILE


def test_an_open_line_is_ended_once() -> None:
    out = io.StringIO()
    output = Output(out, io.StringIO())
    output.end_line()
    output.words("a")
    output.end_line()
    output.end_line()
    output.line("b")
    assert out.getvalue() == "a\nb\n"


def test_the_status_line_gives_way_to_words(terminal: tuple[Output, int]) -> None:
    output, reader = terminal
    output.status("Loading\x1b[2J…")
    output.words("Hi")
    assert _arrived(reader) == "\r\x1b[KLoading␛[2J…\r\x1b[KHi"


def test_no_status_line_without_a_terminal() -> None:
    err = io.StringIO()
    Output(io.StringIO(), err).status("Loading…")
    assert err.getvalue() == ""


def test_a_full_disk_behind_standard_output_is_one_sentence() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        output = Output(full, io.StringIO())
        with pytest.raises(StorageError, match="could not be written: No space left"):
            output.words("words")


def test_a_reader_that_has_gone_is_a_broken_pipe() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        output = Output(stream, io.StringIO())
        with pytest.raises(BrokenPipeError):
            output.words("words")
