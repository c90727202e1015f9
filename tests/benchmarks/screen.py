"""A screen of the benchmark's own: Xvfb with a window manager where both are there, else Qt's offscreen platform."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator

SIZE = "1280x820x24"
_MANAGER_SECONDS = 1.0  # until it has taken the screen


@contextlib.contextmanager
def screen() -> Iterator[tuple[dict[str, str], str]]:
    """The environment for programs on that screen, and what it is, in words. Ends with the block."""
    environment = {name: value for name, value in os.environ.items() if name not in ("WAYLAND_DISPLAY", "DISPLAY")}
    environment["QT_SCALE_FACTOR"] = "1"
    if not (shutil.which("Xvfb") and shutil.which("openbox")):
        yield environment | {"QT_QPA_PLATFORM": "offscreen"}, "offscreen: Xvfb and openbox are not installed"
        return
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", SIZE, "-dpi", "96", "-nolisten", "tcp", "-noreset"]
    with contextlib.ExitStack() as started:
        started.callback(os.close, read)
        server = _spawn(command, environment, write)
        started.callback(_end, server)
        os.close(write)
        environment |= {"DISPLAY": f":{os.read(read, 16).decode().strip()}", "QT_QPA_PLATFORM": "xcb"}
        manager = _spawn(["openbox", "--sm-disable"], environment)
        started.callback(_end, manager)
        time.sleep(_MANAGER_SECONDS)
        yield environment, "Xvfb with openbox"


def _spawn(command: list[str], environment: dict[str, str], *descriptors: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
