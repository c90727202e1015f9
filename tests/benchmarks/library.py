"""How soon a folder of 1,000 model files is known: at the first look, and when nothing has changed since."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from app.core.paths import resources
from app.models.library import Library
from app.models.places import Place
from tests.benchmarks.report import Figure, single

FILES = 1000
FIRST_SECONDS, AGAIN_SECONDS = 4.0, 1.0  # a vocabulary of 262,144 words takes ten times as long as this model's


def figures(folder: Path, files: int = FILES, looks: int = 5) -> list[Figure]:
    """Copies of the micro model stand for the files; all of them are in the system's cache by then."""
    models = folder / "models"
    models.mkdir()
    content = (resources() / "self-check" / "micro-gemma3.gguf").read_bytes()
    for number in range(files):
        (models / f"{number:04}.gguf").write_bytes(content)
    memory = folder / "library.json"
    first = _look(memory, models, files)
    again = statistics.median(_look(memory, models, files) for _ in range(looks))
    return [
        single(f"first look at {files} model files", "s", first, below=FIRST_SECONDS),
        single(f"another look at {files} model files", "s", again, below=AGAIN_SECONDS),
    ]


def _look(memory: Path, models: Path, files: int) -> float:
    began = time.perf_counter()
    found = Library(memory).scan([Place("", models)])
    took = time.perf_counter() - began
    assert len(found) == files
    return took
