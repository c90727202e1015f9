"""The entry of the window and of the command line. Bare: everything is imported inside `main`."""

from __future__ import annotations


def main() -> int:
    """Run Cabochon with the arguments of this process; returns the exit code."""
    import sys

    from app.core.bundle import leave_bundle

    leave_bundle()
    from app.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
