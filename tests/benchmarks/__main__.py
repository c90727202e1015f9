"""The command: `.venv/bin/python -m tests.benchmarks PART [--json]`.

The parts are engine, followup, window, library, download, calls, vision, memory, fit, and all (of those that are
quick).
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.report import Figure, as_json, say, table

PARTS = ("engine", "followup", "window", "library", "download")
LARGE = ("calls", "vision", "memory", "fit")  # not among all: half an hour, 8 GB, or an engine with Vulkan


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the figures. Exit code 0 whatever they are: a benchmark is read, not asserted."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description="What the program is measured by.")
    parser.add_argument(
        "part", choices=(*PARTS, *LARGE, "all", "peers"), help="what to measure; peers only builds the peers"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of the table")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    wanted = PARTS if asked.part == "all" else () if asked.part == "peers" else (asked.part,)
    if asked.part == "peers" or set(wanted) - {"window", "library", "download", "calls", "memory", "fit"}:
        peers.build()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="cabochon-benchmarks-") as folder:
        for part in wanted:
            figures += _measure(part, Path(folder))
    if wanted:
        sys.stdout.write((as_json(figures) if asked.json else table(figures)) + "\n")
    say(f"done in {time.monotonic() - began:.0f} s")
    return 0


def _measure(part: str, folder: Path) -> list[Figure]:
    """The figures of one part; its module is loaded only now, so that one part runs without the others' needs."""
    module = importlib.import_module(f"tests.benchmarks.{part}")
    found: list[Figure] = module.figures(folder)
    return found


if __name__ == "__main__":
    sys.exit(main())
