"""Which of the engine's libraries this machine computes with: one variant for its processor, one backend for its cards.

Libraries are loaded by their full path out of the engine's own folder, and backends also out of `addons` beside it and
out of the person's folder of add-ons: never by name, so never from the current folder. Each backend is first tried in
a process of its own (`app.engine.probe`), unless it came to a bad end before (`app.engine.tried`); the first that works
is used, in the order of `_BACKENDS`. An engine that has its processor built in takes backends out of these two folders
as well, unless a card is built in too.

`CABOCHON_CPU_VARIANT=haswell` in the environment names the processor's variant, `CABOCHON_GPU=off` leaves every backend
in files alone: for tests, and for odd machines.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from app.core.child import entry_of
from app.core.child_log import signal_name
from app.core.errors import EngineError
from app.core.paths import TRIED
from app.engine.probe import CARD_TYPES, PREFIX, PROBE_SECONDS, SUFFIX, Verdict
from app.engine.tried import Tried

FORCED_VARIANT = "CABOCHON_CPU_VARIANT"
GPU_SWITCH = "CABOCHON_GPU"

_log = logging.getLogger("app.llama")
_BACKENDS = {"cuda": "CUDA", "hip": "ROCm", "vulkan": "Vulkan"}
_VARIANTS = f"{PREFIX}ggml-cpu-"
_KILL_SECONDS = 1.0
_NOTHING = "The engine has nothing that runs on this processor. Install Cabochon again."
_WHAT = {
    Verdict.CRASHED: "The graphics card's driver crashed when {title} was tried",
    Verdict.HUNG: "The graphics card's driver did not answer when {title} was tried",
    Verdict.WRONG: "The graphics card computed wrongly when {title} was tried",
    Verdict.REFUSED: "The add-on {name} cannot be loaded",
}


class Trial:
    """A backend that is being tried in a process of its own; what that prints goes where this process prints."""

    def __init__(self, folder: Path, library: Path, seconds: float = PROBE_SECONDS) -> None:
        """Begin. `folder` has the engine's libraries, `library` is the backend's."""
        self.library = library
        self._until = monotonic() + seconds
        command = [*entry_of("app.worker", "cabochon-worker"), "--probe", str(folder), str(library)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def verdict(self) -> Verdict:
        """How the backend did; waits for it as long as it has time left."""
        try:
            code = self._process.wait(max(0.0, self._until - monotonic()))
        except subprocess.TimeoutExpired:
            _log.warning("%s was tried, and did not end", self.library)
            self.end()
            return Verdict.HUNG
        found = next((one for one in Verdict if one.value == code), Verdict.CRASHED)
        _log.info("%s was tried: %s (%s)", self.library, found.name, signal_name(code))
        return found

    def end(self) -> None:
        """It is not wanted any more."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # one that hangs inside the kernel is not waited for
            self._process.wait(_KILL_SECONDS)


class Backends:
    """What there is of backends in files: tried from here on, all at once, and loaded when that is over."""

    def __init__(self, folder: Path, addons: Path | None = None) -> None:
        """`folder` has the engine's libraries, `addons` is the person's."""
        self._folder = folder
        places = [folder.parent / "addons", *([addons] if addons is not None else [])]
        if any(folder.glob(f"{_VARIANTS}*{SUFFIX}")):  # else what is in the engine's folder is built in
            places.insert(0, folder)
        wanted = {} if os.environ.get(GPU_SWITCH) == "off" else _BACKENDS
        found = {title: _found(f"{PREFIX}ggml-{name}{SUFFIX}", places) for name, title in wanted.items()}
        self._found = {title: library for title, library in found.items() if library is not None}
        self._tried = Tried(addons / TRIED if addons is not None else None)
        known = {title: self._tried.known(library) for title, library in self._found.items()}
        self._known = {title: verdict for title, verdict in known.items() if verdict is not None}
        self._trials = {
            title: Trial(folder, library) for title, library in self._found.items() if title not in self._known
        }

    def load(self, ggml: Any) -> tuple[str, ...]:
        """Load into ggml what this machine uses; once in a process.

        Returns one sentence for each backend that is there and cannot be used. Raises EngineError where nothing runs on
        this processor.
        """
        if ggml.ggml_backend_reg_count() == 0:
            load_processor(ggml, self._folder)
        failed: list[str] = []
        used = "the processor"
        for title, library in () if _has_card(ggml) else self._found.items():
            verdict = self._verdict(title, library)
            if verdict is Verdict.WORKS:
                if ggml.ggml_backend_load(os.fsencode(library)):
                    used = title
                    break
                verdict = Verdict.REFUSED
            # A system without Vulkan's own library refuses the backend that comes along: nothing is wrong with it.
            if verdict in _WHAT and (verdict is not Verdict.REFUSED or library.parent != self._folder):
                failed.append(_WHAT[verdict].format(title=title, name=library.name))
        for trial in self._trials.values():
            trial.end()
        return tuple(f"{what}, so {used} is used instead." for what in failed)

    def _verdict(self, title: str, library: Path) -> Verdict:
        if title in self._known:
            _log.info("%s is not tried again: %s", library, self._known[title].name)
            return self._known[title]
        verdict = self._trials[title].verdict()
        self._tried.keep(library, verdict)
        return verdict


def _has_card(ggml: Any) -> bool:
    """Whether a graphics card is among the devices already."""
    devices = map(ggml.ggml_backend_dev_get, range(ggml.ggml_backend_dev_count()))
    return any(ggml.ggml_backend_dev_type(device) in CARD_TYPES for device in devices)


def load_processor(ggml: Any, folder: Path) -> None:
    """Load the variant that does most of what this processor can. Raises EngineError."""
    scores = variants(folder)
    usable = sorted((name for name, score in scores.items() if score), key=lambda name: -scores[name])
    forced = os.environ.get(FORCED_VARIANT)
    if forced and forced not in usable:
        names = ", ".join(sorted(usable))
        raise EngineError(f"{FORCED_VARIANT} must name a variant that runs on this processor: {names}.", "variant")
    for name in [forced] if forced else usable:
        if ggml.ggml_backend_load(os.fsencode(_variant(folder, name))):
            return
    raise EngineError(_NOTHING, "processor")


def variants(folder: Path) -> dict[str, int]:
    """The processor's variants in a folder, by name, and how much of this processor each uses; 0: it does not run."""
    names = [path.name.removeprefix(_VARIANTS).removesuffix(SUFFIX) for path in folder.glob(f"{_VARIANTS}*{SUFFIX}")]
    return {name: _score(_variant(folder, name)) for name in sorted(names)}


def _variant(folder: Path, name: str) -> Path:
    return folder / f"{_VARIANTS}{name}{SUFFIX}"


def _score(library: Path) -> int:
    try:
        return int(ctypes.CDLL(str(library)).ggml_backend_score())
    except (OSError, AttributeError) as error:
        _log.warning("%s is not used: %s", library, error)
        return 0


def _found(name: str, places: Sequence[Path]) -> Path | None:
    return next((place / name for place in places if (place / name).is_file()), None)
