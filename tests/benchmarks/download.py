"""A file of 1 GB from a server on this machine: killed ten times, and beside curl.

Bytes count as fetched twice when the server sent them and they were not on disk at the kill.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.report import Figure, missing, paired_time, say, single
from tests.models.hub_server import HubServer, hub_server

REPOSITORY, NAME = "org/large-GGUF", "large.gguf"
SIZE, KILLS, PAIRS = 1_000_000_000, 10, 3
_CHILD = """
import sys
from pathlib import Path
from threading import Event
from app.models.catalogue import CatalogueFile
from app.models.fetch import Fetch
from app.models.hub import Hub
Fetch(Hub(sys.argv[1]), CatalogueFile(sys.argv[2], sys.argv[3], "", 0, "", "model"), Path(sys.argv[4]),
      lambda _: None, Event()).run()
"""


def figures(folder: Path, size: int = SIZE, kills: int = KILLS, pairs: int = PAIRS) -> list[Figure]:
    """Bytes fetched twice over ten kills; the time against curl's."""
    source = folder / "source.bin"
    _write(source, size)
    with hub_server() as server:
        sha256 = server.put(REPOSITORY, NAME, source)
        twice = _killed(server, folder / "killed", sha256, size, kills)
        found = [
            single(
                "bytes fetched twice over kills", "%", twice * 100, below=1.0, note=f"of {size:,} bytes, {kills} kills"
            )
        ]
        name = "fetching a file beside curl and sha256sum"
        if shutil.which("curl") is None:
            return [*found, missing(name, "<= 1.5 of peer", "curl is not installed")]
        ours, theirs = [], []
        for number in range(pairs):
            ours.append(_timed(_command(server, folder / f"ours{number}")))
            theirs.append(_timed(_curl(server, folder / f"curl{number}.bin")))
        found.append(paired_time(name, "s", ours, theirs, at_most=1.5))
    return found


def _killed(server: HubServer, folder: Path, sha256: str, size: int, kills: int) -> float:
    folder.mkdir()
    chance = random.Random(3)
    part = folder / f"{NAME}.part"
    for number in range(kills):
        wanted = size * (number + chance.random()) / (kills + 1)
        with subprocess.Popen(_command(server, folder)) as child:
            while child.poll() is None and not (part.is_file() and part.stat().st_size >= wanted):
                time.sleep(0.002)
            child.send_signal(signal.SIGKILL)
        if part.is_file():
            say(f"killed at {part.stat().st_size / 1e6:.0f} MB")
    subprocess.run(_command(server, folder), check=True)
    assert hashlib.sha256((folder / NAME).read_bytes()).hexdigest() == sha256
    (folder / NAME).unlink()
    return (server.sent - size) / size


def _write(path: Path, size: int) -> None:
    chance = random.Random(1)
    with path.open("wb") as file:
        for _ in range(size // 1_000_000):
            file.write(chance.randbytes(1_000_000))


def _command(server: HubServer, folder: Path) -> list[str]:
    return [sys.executable, "-P", "-c", _CHILD, server.endpoint, REPOSITORY, NAME, str(folder)]


def _curl(server: HubServer, path: Path) -> list[str]:
    address = f"{server.endpoint}/cdn/{REPOSITORY}/{NAME}"
    return ["sh", "-c", f"curl -s -o {path} {address} && sha256sum {path}"]


def _timed(command: list[str]) -> float:
    os.sync()
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
