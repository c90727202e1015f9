"""The worker's entry: `python -P -m app.worker DESCRIPTOR [--scripted | ADDONS]`. It loads neither window nor store.

ADDONS is the person's folder of backends. `--probe LIBRARIES BACKEND` tries a backend and ends (`app.engine.probe`).
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Serve the requests that come through the descriptor until its other end is closed."""
    from app.core.bundle import leave_bundle

    leave_bundle()
    import faulthandler
    import logging
    import signal
    from multiprocessing.connection import Connection
    from pathlib import Path

    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked; it sends Stop
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    first, *rest = arguments
    if first == "--probe":
        from app.engine.probe import run_probe

        run_probe(*map(Path, rest))
    from app.engine.worker import serve

    scripted = "--scripted" in rest
    serve(Connection(int(first)), scripted=scripted, addons=Path(rest[0]) if rest and not scripted else None)


if __name__ == "__main__":
    main(sys.argv[1:])
