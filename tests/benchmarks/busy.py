"""Other programs that keep the processor busy, and the cores they can be busy on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

# They end with the one who started them, also when that is killed: the first when its parent changes, the rest with it.
LOOP = """import os
parent = {parent}
for _ in range({more}):
    mine = os.getpid()
    if os.fork() == 0:
        parent = mine
        break
while os.getppid() == parent:
    for _ in range(1000000):
        pass
"""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """`count` processes that do nothing but compute, in one session of their own, for the length of the block.

    Their own, because Linux shares the processor out between sessions first (sched_autogroup): the programs to be
    measured each have one too, as two programs that a person started have.
    """
    if count == 0:
        yield
        return
    loop = LOOP.format(parent=os.getpid(), more=count - 1)
    loops = subprocess.Popen([sys.executable, "-S", "-c", loop], start_new_session=True)
    try:
        time.sleep(0.5)
        yield
    finally:
        os.killpg(loops.pid, signal.SIGKILL)
        loops.wait()
