"""The worker's entry: `python -P -m app.worker DESCRIPTOR [--scripted]`. It loads neither the window nor the store."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Serve the requests that come through the descriptor until its other end is closed."""
    import faulthandler
    import logging
    import signal
    from multiprocessing.connection import Connection

    from app.engine.worker import serve

    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked; it sends Stop
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    serve(Connection(int(arguments[0])), scripted="--scripted" in arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
