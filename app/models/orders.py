"""What the fetching process is told and what it tells: lines of JSON."""

from __future__ import annotations

import msgspec


class Order(msgspec.Struct, tag="fetch"):
    """What is fetched: a model of the catalogue, into the models folder, from the hub or a mirror.

    `away` says that the folder's disk is not there, `refreshed` is the file with what the hub said of the catalogue's
    files.
    """

    folder: str
    model: str
    quantisation: str
    vision: bool
    endpoint: str = ""
    away: str = ""
    refreshed: str = ""


class Refresh(msgspec.Struct, tag="refresh"):
    """Sizes and hashes of the catalogue's files are asked for, and kept in this file."""

    refreshed: str
    endpoint: str = ""


class Told(msgspec.Struct, omit_defaults=True):
    """How far a file is, or (with `ended`) how it all ended: `path` of the model, or `error` and its `code`.

    A refresh counts files instead of bytes, and ends with those that are `gone`.
    """

    file: str = ""
    done: int = 0
    total: int = 0
    speed: float = 0.0
    seconds_left: float | None = None
    waits: str = ""
    checks: bool = False
    ended: bool = False
    path: str = ""
    error: str = ""
    code: str = ""
    gone: tuple[str, ...] = ()
