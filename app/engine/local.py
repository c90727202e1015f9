"""The engine of the worker: llama.cpp behind the Engine protocol."""

from __future__ import annotations

import logging
import platform
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from app.core.errors import EngineError, ModelError, UserError
from app.core.paths import decode_path, display_name
from app.core.protocol import (
    Bench,
    Benched,
    Describe,
    Described,
    Device,
    Event,
    Finished,
    Generate,
    Load,
    LookAhead,
    Measure,
    Measured,
    ModelInfo,
    Offer,
    Render,
    Rendered,
)
from app.engine import llama
from app.engine.ahead import look_ahead
from app.engine.api import OutOfMemory
from app.engine.backends import Backends
from app.engine.benching import bench
from app.engine.generate import generate
from app.engine.llama import AbortFlag, Llama, library_folder
from app.engine.model import Model, check_files
from app.engine.placing import Placer
from app.engine.prompting import too_long
from app.models.machine import machine_of

_log = logging.getLogger("app.llama")
_LEVELS = {
    llama.LEVEL_DEBUG: logging.DEBUG,
    llama.LEVEL_INFO: logging.INFO,
    llama.LEVEL_WARNING: logging.WARNING,
    llama.LEVEL_ERROR: logging.ERROR,
}


class LocalEngine:
    """Implements app.engine.api.Engine. The library is loaded with the first model (or question about it)."""

    def __init__(self, addons: Path | None = None) -> None:
        """`addons` is the person's folder of backends."""
        self._addons = addons
        self._flag = AbortFlag()
        self._backends: Backends | None = None
        self._library: Llama | None = None
        self._model: Model | None = None
        self._smaller: Callable[[], Offer | None] = lambda: None
        self._bare = 0  # bytes that this process had of its own before the model
        self._on_cards: dict[str, int] = {}

    @property
    def loaded(self) -> bool:
        """Whether there is a model to ask."""
        return self._model is not None

    def begin(self) -> None:
        """Clears the stop flag."""
        self._flag.clear()

    def request_stop(self) -> None:
        """Ends the load, prefill or decode that runs. Any thread."""
        self._flag.set()

    def load(self, request: Load, progress: Callable[[float], None]) -> ModelInfo:
        """Loads a model in place of the one that is loaded, which stays until the new file's header was checked."""
        mmproj, embeddings = (decode_path(given) if given else None for given in (request.mmproj, request.embeddings))
        self._begin_library()
        files = check_files(decode_path(request.path), request.options, mmproj, embeddings)
        self.unload()
        library = self._open_library()
        machine = machine_of(library.devices(), request.options)
        placer = Placer(files.header, display_name(files.path), files.projector, machine)
        placement = placer.placement(request.options)
        self._smaller = partial(placer.offer, placement)
        if (short := placer.why_not(request.options, placement)) is not None:
            why, offer = short
            said = f"There is not enough memory for “{display_name(files.path)}”. {why}"
            raise OutOfMemory(ModelError(said, "memory"), offer)
        self._bare, self._on_cards = _own_memory(), {}
        if placement.plan is not None:
            cards = (card.name for card in machine.cards)
            self._on_cards = dict(zip(cards, placement.plan.on_cards, strict=False))  # a plan without cards has none
        try:
            self._model = Model(library, files, placement, self._flag, progress)
        except UserError as error:
            if error.code != "memory":
                raise
            raise OutOfMemory(error, self._smaller()) from error
        return self._model.info

    def unload(self) -> None:
        """Frees the model and its memory."""
        if self._model is not None:
            self._model.free()
            self._model = None

    def rest(self) -> None:
        """Frees the image encoder, which is loaded again for the next picture that is new."""
        if self._model is not None and self._model.eyes is not None:
            self._model.eyes.rest()

    def measure(self, request: Measure) -> Measured:
        """What a prompt takes and what of it would be left out. Raises EngineError."""
        model = self._need_model()
        context = model.context.size
        fit = model.prompts.fit(request.prompt, context, request.max_tokens)
        needed = fit.fixed + sum(fit.per_message[fit.left_out :])
        return Measured(
            measure=request.measure,
            conversation=request.prompt.conversation,
            total=fit.total,
            system=fit.fixed,
            per_message=fit.per_message,
            context=context,
            reserve=fit.reserve,
            left_out=fit.left_out,
            error=too_long(needed, context) if needed >= context else "",
            parts=tuple(model.prompts.count(part) for part in request.parts),
            definitions=tuple(map(model.prompts.definition_tokens, request.definitions)),
            sightings=model.prompts.sightings(request.prompt),
            lost=model.prompts.lost(request.prompt),
        )

    def render(self, request: Render) -> Rendered:
        """A prompt as the model reads it. Raises EngineError."""
        return Rendered(request.render, tuple(self._need_model().prompts.parts(request.prompt)))

    def generate(self, request: Generate, emit: Callable[[Event], None]) -> Finished:
        """Answers a prompt. Raises EngineError or OutOfMemory."""
        model = self._need_model()
        try:
            return generate(model, request, emit)
        except EngineError as error:
            if error.code != "memory":
                raise
            raise OutOfMemory(error, self._smaller()) from error

    def look_ahead(self, request: LookAhead, emit: Callable[[Event], None], pause: Callable[[], bool]) -> bool:
        """Sees the pictures of what is being written. Raises EngineError."""
        return look_ahead(self._need_model(), request, emit, pause)

    def describe(self, request: Describe) -> Described:
        """Versions, devices and modules of this process."""
        library = self._open_library()
        return Described(
            describe=request.describe,
            versions={"cabochon": _own_version(), "python": platform.python_version(), **library.versions()},
            devices=self._without_model(library.devices()),
            system_info=library.system_info(),
            modules=tuple(sorted({name.partition(".")[0] for name in sys.modules})),
            trouble=library.trouble,
            held=max(0, _own_memory() - self._bare) if self.loaded else 0,
        )

    def _without_model(self, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        """With the memory that would be free if no model were loaded, which is what the next one can have."""
        on_cards = self._on_cards if self.loaded else {}
        return tuple(
            msgspec.structs.replace(
                device, memory_free=min(device.memory_total, device.memory_free + on_cards.get(device.name, 0))
            )
            for device in devices
        )

    def bench(self, request: Bench) -> Benched:
        """Speeds of the loaded model; what it had read is forgotten."""
        if self._model is None:
            return Benched(request.bench, 0.0, 0.0, 0.0, 0, error="No model is loaded.")
        return bench(self._model, request)

    def _need_model(self) -> Model:
        if self._model is None:
            raise EngineError("No model is loaded. Choose one first.", "no_model")
        return self._model

    def _begin_library(self) -> Backends:
        """Graphics backends are tried from here on, while headers are read."""
        if self._backends is None:
            self._backends = Backends(library_folder(), self._addons)
        return self._backends

    def _open_library(self) -> Llama:
        if self._library is None:
            self._library = Llama(_write_log, self._begin_library())
        return self._library


def _own_memory() -> int:
    """Bytes that this process has of its own: not those of a mapped file, which the system counts as available."""
    import psutil

    told = psutil.Process().memory_info()
    return int(told.rss - getattr(told, "shared", 0))


def _write_log(level: int, line: str) -> None:
    _log.log(_LEVELS.get(level, logging.INFO), "%s", line)


def _own_version() -> str:
    try:
        return version("cabochon")
    except PackageNotFoundError:
        return ""
