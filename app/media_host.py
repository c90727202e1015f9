"""The media process's entry: `python -P -m app.media_host DESCRIPTOR`. It loads neither window, store nor model."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Decode the one file that is named through the descriptor, and answer."""
    from app.core.bundle import leave_bundle

    leave_bundle()
    import signal
    from multiprocessing.connection import Connection

    from app.media.host import serve

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(Connection(int(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
