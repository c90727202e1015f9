"""The fetching process's entry: `python -P -m app.fetch_host`. It loads neither window, store nor model.

One JSON object on standard input says what to fetch; lines of JSON on standard output tell how far it is. When the
input ends, so does the download: what has come stays.
"""

from __future__ import annotations

import os
import sys
import threading

import msgspec

from app.models.orders import Order, Told


def main() -> None:
    """Fetch what the first line of the input orders."""
    from app.core.bundle import leave_bundle

    leave_bundle()
    from app.core.errors import UserError
    from app.core.paths import decode_path, encode_path
    from app.models.catalogue import known_model
    from app.models.downloads import Downloads, wish
    from app.models.fetch import Progress, Stopped
    from app.models.hub import Hub
    from app.models.token import read_token

    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()

    def tell(progress: Progress) -> None:
        _say(
            Told(
                progress.file, progress.done, progress.total, progress.speed, progress.seconds_left, progress.waits,
                progress.checks,
            )
        )  # fmt: skip

    try:
        known = known_model(order.model)
        assert known is not None
        wanted = wish(known[0], order.quantisation, vision=order.vision)
        hub = Hub(order.endpoint, lambda: read_token(order.endpoint))
        downloads = Downloads(decode_path(order.folder))
        downloads.check_there(named=order.named)
        path = downloads.fetch(wanted, hub, tell, stop)
        _say(Told(ended=True, path=encode_path(path)))
    except Stopped:
        _say(Told(ended=True, code="stopped"))
    except UserError as error:
        _say(Told(ended=True, error=error.message, code=error.code))


def _say(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


def _wait_for_end(stop: threading.Event) -> None:
    while os.read(0, 1024):  # not through sys.stdin, whose lock this thread would hold at the end
        pass
    stop.set()


if __name__ == "__main__":
    main()
