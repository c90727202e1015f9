"""The fetching process's entry: `python -P -m app.fetch_host`. It loads neither window, store nor model.

One JSON object on standard input says what to fetch, or to ask of the hub; lines of JSON on standard output tell how
far it is. When the input ends, so does the download: what has come stays.
"""

from __future__ import annotations

import os
import sys
import threading

import msgspec

from app.models.orders import Order, Refresh, Told


def main() -> None:
    """Do what the first line of the input orders."""
    from app.core.bundle import leave_bundle

    leave_bundle()
    from app.core.errors import UserError
    from app.models.fetch import Stopped

    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order | Refresh)
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    try:
        _say(_refreshed(order, stop) if isinstance(order, Refresh) else _fetched(order, stop))
    except Stopped:
        _say(Told(ended=True, code="stopped"))
    except UserError as error:
        _say(Told(ended=True, error=error.message, code=error.code))


def _fetched(order: Order, stop: threading.Event) -> Told:
    from app.core.paths import decode_path, encode_path
    from app.models.away import check_there
    from app.models.catalogue import known_model
    from app.models.downloads import Downloads, wish
    from app.models.fetch import Progress
    from app.models.hub import Hub
    from app.models.refreshed import Refreshed
    from app.models.token import read_token

    def tell(progress: Progress) -> None:
        _say(
            Told(
                progress.file, progress.done, progress.total, progress.speed, progress.seconds_left, progress.waits,
                progress.checks,
            )
        )  # fmt: skip

    known = known_model(order.model)
    assert known is not None
    model = Refreshed(decode_path(order.refreshed)).model(known[0])
    wanted = wish(model, order.quantisation, vision=order.vision)
    hub = Hub(order.endpoint, lambda: read_token(order.endpoint))
    downloads = Downloads(decode_path(order.folder))
    check_there(order.away)
    return Told(ended=True, path=encode_path(downloads.fetch(wanted, hub, tell, stop)))


def _refreshed(order: Refresh, stop: threading.Event) -> Told:
    from app.core.paths import decode_path
    from app.models.hub import Hub
    from app.models.refreshed import Refreshed
    from app.models.token import read_token

    hub = Hub(order.endpoint, lambda: read_token(order.endpoint))
    kept = Refreshed(decode_path(order.refreshed))
    return Told(ended=True, gone=tuple(kept.refresh(hub, lambda done, total: _say(Told("", done, total)), stop)))


def _say(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


def _wait_for_end(stop: threading.Event) -> None:
    while os.read(0, 1024):  # not through sys.stdin, whose lock this thread would hold at the end
        pass
    stop.set()


if __name__ == "__main__":
    main()
