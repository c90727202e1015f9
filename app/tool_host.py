"""The tool host's entry: `python -P -m app.tool_host DESCRIPTOR LOGS`. It loads neither window, store nor model."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Run tool servers as asked through the descriptor; LOGS is the folder of their logs (paths.encode_path)."""
    from app.core.bundle import leave_bundle

    leave_bundle()
    import faulthandler
    import logging
    import signal
    from multiprocessing.connection import Connection

    from app.core.paths import decode_path
    from app.tools.host_main import serve

    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    serve(Connection(int(arguments[0])), decode_path(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
