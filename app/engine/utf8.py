"""Text out of a stream of bytes whose characters may be split between tokens."""

from __future__ import annotations

import codecs


class Utf8Stream:
    """Decodes pieces as they come; half a character waits for its other half."""

    def __init__(self, before: bytes = b"") -> None:
        """`before` is what was said earlier: its unfinished last character, if any, is finished by what comes."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoder.decode(unfinished(before))

    def feed(self, data: bytes) -> str:
        """The characters that are complete now; bytes that no character can hold become U+FFFD."""
        return self._decoder.decode(data)

    def finish(self) -> str:
        """What is left: U+FFFD for half a character that never got its other half."""
        return self._decoder.decode(b"", True)


def unfinished(data: bytes) -> bytes:
    """The bytes at the end that begin a character and do not end it: at most three."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return data[-back:] if length > back else b""
    return b""
