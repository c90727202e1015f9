#!/usr/bin/env python3
"""From a fresh clone to a running Cabochon, with git and Python alone.

    python3 packaging/bootstrap.py run [--gpu cuda|vulkan|cpu] [arguments of cabochon…]
    python3 packaging/bootstrap.py test [--fast]
    python3 packaging/bootstrap.py lock
    python3 packaging/bootstrap.py package [--engine DIR] [--out DIR]
    python3 packaging/bootstrap.py release VERSION [--engine DIR] [--out DIR]

`run` sets up what is missing and starts the program; with `--gpu` the engine gets what it computes with on a graphics
card, and keeps it until another choice; `test` runs every check, `--fast` those of under five minutes;
`lock` writes the newest versions that pyproject.toml allows to packaging/constraints.txt, to be tested and committed;
`package` makes the packages of this version, `release` those of a new one (package.py).

Whatever Python is there reads this file, so it keeps to what old ones understand. The work is done in bootstrap_*.py.
"""

import os
import shutil
import sys

OLDEST = (3, 11)
NEWEST_MINOR = 14
COMMANDS = ("run", "test", "lock", "package", "release")
GPUS = ("cuda", "vulkan", "cpu")
USAGE = (
    "usage: python3 packaging/bootstrap.py"
    " run [--gpu cuda|vulkan|cpu] [arguments of cabochon...]"
    " | test [--fast] | lock | package | release VERSION\n"
)


def newer_python():
    # type: () -> str | None
    """The newest Python on PATH that Cabochon runs on, if there is one."""
    for minor in range(NEWEST_MINOR, OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)  # noqa: UP031 - old Pythons read this line
        if found:
            return found
    return None


def too_old(arguments):
    # type: (list[str]) -> int
    """Goes on with a newer Python where there is one; else says how to get one."""
    newer = newer_python()
    if newer:
        os.execv(newer, [newer, os.path.abspath(__file__), *arguments])
    sys.stderr.write(
        "Cabochon needs Python 3.11 or newer; this one is %d.%d. Debian 12 and Ubuntu 24.04 have it as python3; on\n"  # noqa: UP031
        "Ubuntu 22.04 run: sudo apt-get install python3.11 python3.11-venv (from universe). Then run this again.\n"
        % sys.version_info[:2]
    )
    return 1


def gpu_choice(arguments):
    # type: (list[str]) -> tuple[str, list[str]]
    """What `--gpu` in front of the program's arguments names ("": it is not there, "?": nothing), and the arguments."""
    option, joined, value = arguments[0].partition("=") if arguments else ("", "", "")
    if option != "--gpu":
        return "", arguments
    if joined:
        return value or "?", arguments[1:]
    return (arguments[1] if arguments[1:] else "?"), arguments[2:]


def main(arguments):
    # type: (list[str]) -> int
    """Runs one command; the exit status is the program's own, 1 when it could not be set up, 2 for a wrong command."""
    command = arguments[0] if arguments else ""
    gpu, rest = gpu_choice(arguments[1:]) if command == "run" else ("", arguments[1:])
    wrong = command not in COMMANDS or (command == "test" and rest not in ([], ["--fast"]))
    if wrong or gpu not in ("", *GPUS):
        sys.stderr.write(USAGE)
        return 2
    if sys.version_info < OLDEST:
        return too_old(arguments)
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # for what the program knows of cards
    from bootstrap_setup import perform

    return perform(command, rest, gpu)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
