"""The one check command: style, types, layers, tests. The last line is pytest's own summary.

    .venv/bin/python packaging/check.py [--fast]

`--fast` leaves out the tests marked `slow`: under five minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = [sys.executable, "-P"]
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command as command; sys.exit(command())"

CHECKS = (
    ("ruff check", [*PYTHON, "-m", "ruff", "check", "--quiet"]),
    ("ruff format", [*PYTHON, "-m", "ruff", "format", "--check", "--quiet"]),
    ("types", [*PYTHON, "-m", "mypy", "--no-error-summary"]),
    ("layers", [*PYTHON, "-c", LINT_IMPORTS]),
)


def main(arguments: list[str]) -> int:
    """Runs the checks until one fails; returns its exit status, 2 for a wrong argument."""
    if arguments not in ([], ["--fast"]):
        sys.stderr.write("usage: check.py [--fast]\n")
        return 2
    for name, command in CHECKS:
        sys.stdout.write(f"{name}: ")
        sys.stdout.flush()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        sys.stdout.write("failed\n" + done.stdout + done.stderr if done.returncode else "passed\n")
        if done.returncode:
            return done.returncode
    sys.stdout.flush()
    os.chdir(ROOT)
    chosen = ["-m", "not slow"] if arguments else []
    return subprocess.call([*PYTHON, "-m", "pytest", *chosen])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
