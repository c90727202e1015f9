"""Text that nobody can hide anything in: control and direction characters as codes that can be read, and back again."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

_KEPT = "\n\t"
_OPEN, _CLOSE = "⟦", "⟧"
_CODE = re.compile(r"⟦U\+([0-9A-F]{4,6})⟧")
_HIDDEN = ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")
# what draws nothing although it is a letter or a mark: Unicode's Default_Ignorable_Code_Point, the blank of Braille
_IGNORED = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BLANK = re.compile("[\u00a0\u115f\u1160\u2000-\u200a\u202f\u205f\u3000\u3164\uffa0]")  # looks like a space and is none


def visible(text: str) -> str:
    """The text with everything that is not seen, or moves what is seen, as ⟦U+202E⟧."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(letter) for letter in text)


def hidden(text: str) -> str:
    """The text that `visible` made this of."""
    return _CODE.sub(lambda found: chr(int(found[1], 16)), text)


def alike(text: str) -> str:
    """What names that read the same have in common: neither capitals nor spellings of a letter nor spaces differ."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def at_home(folder: str) -> str:
    """A path with ~ for the home folder."""
    home = str(Path.home())
    return "~" + folder[len(home) :] if folder == home or folder.startswith(home + "/") else folder


def _shown(letter: str) -> str:
    if letter in _KEPT:
        return letter
    odd = letter == _OPEN or unicodedata.category(letter) in _HIDDEN or _BLANK.match(letter) or _IGNORED.match(letter)
    return f"{_OPEN}U+{ord(letter):04X}{_CLOSE}" if odd else letter
