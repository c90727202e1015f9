"""The real window with a probe in it: `python -P -m tests.benchmarks.probed_window [OPTION…] [ARGUMENT…]`.

The arguments are the program's own and go to `app.main`, as `python -P -m app` hands them over. `--chats`: these are
the chats of `--sample`. `--timed`: every event of the loop is timed (timed.py). `--steady`: the engine of steady.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot

from app.ui import application
from app.ui.options import WindowOptions
from tests.benchmarks.probe import FirstPicture

if TYPE_CHECKING:
    from app.chat.changes import Change
    from tests.benchmarks.window_probe import WindowProbe


class ProbedWindow(application.Window):
    """Tells its first picture; all else of the probe is loaded after that, as all else of the program is."""

    def __init__(self, options: WindowOptions) -> None:
        super().__init__(options)
        self._probe: WindowProbe | None = None
        FirstPicture(self.main)
        self._bridge.received.connect(self._on_received)

    @Slot(object)
    def _on_received(self, change: Change) -> None:
        """The window has shown it already: it was connected first. With the first change all of it is loaded."""
        if self._probe is None:
            from tests.benchmarks.window_probe import WindowProbe

            self._probe = WindowProbe(self.main)
        self._probe.hear(change)


def main() -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chats", type=Path)
    parser.add_argument("--timed", action="store_true")
    parser.add_argument("--steady", action="store_true")
    ours, arguments = parser.parse_known_args()
    in_place: dict[str, object] = {"Window": ProbedWindow}
    if ours.timed:
        from tests.benchmarks.timed import TimedApplication

        in_place["QApplication"] = TimedApplication
    if ours.chats:
        _put_in_place_of_sample(ours.chats)
    if ours.steady:
        _put_in_place_of_engine()
    vars(application).update(in_place)
    from app.main import run

    return run(arguments)


def _put_in_place_of_sample(chats: Path) -> None:
    import shutil

    from app.chat import sample
    from app.core.paths import DataPaths

    def fill(paths: DataPaths) -> None:
        shutil.copytree(chats, paths.root, dirs_exist_ok=True)

    vars(sample).update(fill=fill)


def _put_in_place_of_engine() -> None:
    from app.chat import runner
    from tests.benchmarks.steady import SteadyEngine

    vars(runner).update(EngineClient=SteadyEngine)


if __name__ == "__main__":
    sys.exit(main())
