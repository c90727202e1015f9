"""What an argument of the command line may be. What is none raises ArgumentTypeError with the end of a sentence."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

_LARGEST_COUNT = 2**31 - 1


def text_of(argument: str) -> str:
    """The argument's bytes as UTF-8, whatever encoding the locale made Python read them with."""
    return os.fsencode(argument).decode("utf-8", "replace")


def path_of(argument: str) -> Path:
    """The absolute path of a file."""
    if not argument:
        raise argparse.ArgumentTypeError("needs the name of a file")
    return Path(argument).absolute()


def folder_of(argument: str) -> str:
    """The name of a folder."""
    if not argument:
        raise argparse.ArgumentTypeError("needs the name of a folder")
    return argument


def count_of(least: int, most: int = _LARGEST_COUNT) -> Callable[[str], int]:
    """A whole number in these limits."""

    def parse_count(argument: str) -> int:
        try:
            value = int(argument)
        except ValueError:
            raise argparse.ArgumentTypeError(f"needs a whole number, not {argument!r}") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more, not {value}")
        if value > most:
            raise argparse.ArgumentTypeError(f"must be {most} or less, not {value}")
        return value

    return parse_count


def pages_of(argument: str) -> tuple[int, int]:
    """The first and the last of pages: `3-7`, or one."""
    told = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", argument.strip())
    first, last = (int(told[1]), int(told[2] or told[1])) if told is not None else (0, 0)
    if not 0 < first <= last:
        raise argparse.ArgumentTypeError(f"needs pages like 3-7 or 12, not {argument!r}")
    return first, last


def gpu_layers_of(argument: str) -> int:
    """A number of layers, -1 for "auto"."""
    return -1 if argument == "auto" else count_of(0)(argument)


def temperature_of(argument: str) -> float:
    """A finite number, 0 or more."""
    try:
        value = float(argument)
    except ValueError:
        raise argparse.ArgumentTypeError(f"needs a number, not {argument!r}") from None
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {argument}")
    return value


def bytes_of(argument: str) -> int:
    """A size of memory: bytes, or as people tell it: 8G, 7.5 GiB, 512M."""
    told = re.fullmatch(r"(\d+(?:\.\d+)?) ?([MG])(?:i?B)?", argument.strip(), re.IGNORECASE)
    if told is None:
        return count_of(0, 1 << 50)(argument)
    return count_of(0, 1 << 50)(str(round(float(told[1]) * (1 << (20 if told[2] in "mM" else 30)))))
