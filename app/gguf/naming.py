"""What a model file is called."""

from __future__ import annotations

import re
from pathlib import Path

from app.core.paths import display_name
from app.gguf.header import Header


def name_of(header: Header, path: Path) -> str:
    """What the file calls itself, without the name of its fine-tuning run and spelled as the file's name spells it."""
    stem = Path(display_name(path)).stem
    run = header.text("general.finetune").lower().split("-")
    words = header.text("general.name").split()
    if len(run) > 1 and [word.lower() for word in words[-len(run) :]] == run:
        del words[-len(run) :]
    spelled = {word.lower(): word for word in re.split(r"[\s._-]+", stem)}
    return " ".join(max(word, spelled.get(word.lower(), word), key=_capitals) for word in words) or stem


def _capitals(word: str) -> int:
    return sum(letter.isupper() for letter in word)
