"""Standard output and standard error of the command line.

Data goes to standard output, sentences for the person to standard error. What goes to a terminal carries no control
characters of the model's, a file's or another program's: they could move the cursor, change the title or answer for
the person.
"""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from typing import TextIO

import msgspec

from app.core.errors import StorageError

_KEPT = "\n\t"
_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT}
_CONTROLS |= {0x7F: "\u2421"} | {code: "\ufffd" for code in range(0x80, 0xA0)}
_CONTROLS[ord("\r")] = ""
_ESCAPES = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}  # JSON need not escape these, a terminal obeys them


def printable(text: str) -> str:
    """The text with its control characters (but line breaks and tabs) as visible signs."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """The text as one printable line."""
    return " ".join(printable(text).split())


def prepare_streams() -> None:
    """Make the standard streams UTF-8 whatever the locale says; a closed one becomes the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
        else:
            stream.reconfigure(encoding="utf-8", errors="replace")


class Output:
    """What a command prints. Main thread only. A reader that has gone raises BrokenPipeError."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._out_is_terminal = out.isatty()
        self._err_is_terminal = err.isatty()
        self._status = ""
        self._line_open = False

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads standard output as it comes."""
        return self._out_is_terminal

    def words(self, text: str) -> None:
        """Words of an answer, as they come."""
        if text:
            self._write(text)
            self._line_open = not text.endswith("\n")

    def end_line(self) -> None:
        """End the line that words() left open."""
        if self._line_open:
            self.words("\n")

    def line(self, text: str = "") -> None:
        """One line of data."""
        self.end_line()
        self.words(f"{text}\n")

    def record(self, value: object) -> None:
        """One JSON object on one line, its control characters escaped."""
        self._write(msgspec.json.encode(value).decode("utf-8").translate(_ESCAPES) + "\n")

    def sentence(self, text: str) -> None:
        """One line for the person, on standard error."""
        self.clear_status()
        if self._line_open and self._out_is_terminal:
            self.end_line()
        self._err.write(f"{one_line(text)}\n")
        self._err.flush()

    @property
    def asks(self) -> bool:
        """Whether a person reads standard error and can be asked there."""
        return self._err_is_terminal

    def question(self, text: str) -> None:
        """Words of a question on standard error, as they are; `visible` has made them fit to be read."""
        self.clear_status()
        self._err.write(f"{text}\n")
        self._err.flush()

    def answer(self, question: str) -> str:
        """What the person types after a question on standard error. Raises EOFError."""
        self.clear_status()
        self._err.write(one_line(question) + " ")
        self._err.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    def status(self, text: str) -> None:
        """What is going on, on one line of the terminal that the next output takes away; nothing without one."""
        if not self._err_is_terminal or text == self._status:
            return
        self._status = text
        self._err.write(f"\r\x1b[K{_shortened(one_line(text), shutil.get_terminal_size().columns - 1)}")
        self._err.flush()

    def clear_status(self) -> None:
        """Take the status line away."""
        if self._status:
            self._status = ""
            self._err.write("\r\x1b[K")
            self._err.flush()

    def _write(self, text: str) -> None:
        self.clear_status()
        try:
            self._out.write(printable(text) if self._out_is_terminal else text)
            self._out.flush()
        except BrokenPipeError:
            discard_output(self._out)
            raise
        except OSError as error:
            discard_output(self._out)
            raise StorageError(f"The output could not be written: {error.strerror}.", code="output") from error


def discard_output(stream: TextIO) -> None:
    """Send what is still buffered nowhere, so that the flush at exit does not fail a second time."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _shortened(text: str, columns: int) -> str:
    """The text cut to so many columns of a terminal, wide characters counted as two."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > columns:
            return text[:index]
    return text
