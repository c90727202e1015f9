"""Text from a server nobody here wrote, made fit to show and to give to a model."""

from __future__ import annotations

import re

# CSI, then the string sequences (OSC, DCS, SOS, PM, APC) up to their end or the line's, then any other escape;
# in the 7-bit and in the 8-bit spelling (ECMA-48)
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# an escape in JSON text: a whole pair is kept, and half of one matches the last group
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def clean(text: str) -> str:
    """The text without terminal sequences and control characters (all but newline and tab), fit for UTF-8."""
    text = text.replace("\r\n", "\n")
    return whole(_CONTROLS.sub("", _SEQUENCES.sub("", text)))


def whole(text: str) -> str:
    """The text fit for UTF-8: what is half a character, or a byte of a file's name that is none, becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of the text; a last line tells how many it had where it was longer."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: {limit} of {len(text)} characters]"


def short(text: str, limit: int = 300) -> str:
    """A server's own words as part of a sentence of ours: one line, cut."""
    line = " ".join(clean(text[: limit * 10]).split())
    return line if len(line) <= limit else line[:limit] + "…"


def last_lines(data: bytes, limit: int = 2000) -> str:
    """The end of a log, whole lines where there are some, at most `limit` characters."""
    text = clean(data.decode("utf-8", "replace")).strip()
    if len(text) <= limit:
        return text
    _, newline, rest = text[-limit:].partition("\n")
    return rest if newline else text[-limit:]


def mended_json(line: bytes) -> str:
    """JSON whose text was cut inside a character: bytes that are no UTF-8 and halves of pairs become U+FFFD."""
    text = line.decode("utf-8", "replace")
    return _ESCAPES.sub(lambda found: "\\ufffd" if found.group(1) else found.group(), text)
