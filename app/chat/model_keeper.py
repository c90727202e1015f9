"""The worker and its one model: loaded, changed, given up, and brought back after the worker died."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app.chat.changes import Change, ModelChanged, ModelRefused, ModelState, SmallerOffered, WorkerRestarted
from app.chat.clock import Clock
from app.chat.link import EngineLink
from app.core.paths import encode_path
from app.core.protocol import (
    Bench,
    CancelLoad,
    Describe,
    Load,
    Loaded,
    LoadFailed,
    Loading,
    ModelInfo,
    Offer,
    Request,
    Unload,
    WorkerDied,
)
from app.core.settings import LoadOptions

DEMO_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"

_CANCEL_SECONDS = 1.0
_ESTIMATE_FROM = 0.05  # of the load; before, the time that is left is a guess
_ESTIMATE_SECONDS = 0.5
_DEATHS_ALLOWED = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model to load, with the image part that was named for it.

    `again` marks the one that comes back by itself after the worker died.
    """

    path: Path
    options: LoadOptions
    remember: bool = False
    again: bool = False
    mmproj: Path | None = None

    @property
    def name(self) -> str:
        """What it is called until its file has told its name."""
        return self.path.name.removesuffix(".gguf")

    @property
    def is_demo(self) -> bool:
        """Whether it is the tiny model that comes with the program."""
        return self.path.name == DEMO_MODEL


@dataclass(slots=True)
class _Load:
    """A load under way. Times from the clock's monotonic()."""

    number: int
    wanted: Wanted
    started: float
    fraction: float = 0.0
    given_up: bool = False
    kill_at: float | None = None


class ModelKeeper:
    """Session thread. What `handle_…` and the commands return is to be told; `advance` begins what is next."""

    def __init__(self, engine: EngineLink, clock: Clock, embeddings: Path | None = None) -> None:
        self._engine = engine
        self._embeddings = encode_path(embeddings) if embeddings is not None else ""
        self._clock = clock
        self._running = False
        self._killed = False
        self._deaths = 0
        self._number = 0
        self._questions = 0
        self._load: _Load | None = None
        self._next: Wanted | None = None
        self._announced: Wanted | None = None
        self._good: Wanted | None = None
        self.info: ModelInfo | None = None
        self._rested: ModelInfo | None = None
        self.offered: Wanted | None = None  # what was refused for want of memory, in a smaller way

    @property
    def is_ready(self) -> bool:
        """Whether there is a model that can be asked now."""
        return self.info is not None and self._load is None and self._next is None

    @property
    def is_loading(self) -> bool:
        """Whether a load is under way or about to begin."""
        return self._load is not None or self._next is not None

    @property
    def loading(self) -> Wanted | None:
        """What is being loaded now."""
        return self._load.wanted if self._load is not None else None

    @property
    def is_resting(self) -> bool:
        """Whether the model's memory was given back until it is wanted again."""
        return self._rested is not None and not self.is_loading

    # what a person asks for

    def choose(self, wanted: Wanted) -> tuple[Change, ...]:
        """Load this one, as soon as nothing is being answered."""
        self._deaths = 0
        self.offered = None
        self._give_up_load()
        return self._announce(wanted)

    def reload(self, options: Callable[[Path], LoadOptions]) -> None:
        """Load what is loaded (or being loaded) again, where `options` name another way for its file."""
        current = self._next or (self._load.wanted if self._load else self._good)
        if current is not None and current.options != (wanted := options(current.path)):
            self._next = replace(current, options=wanted)
            self._give_up_load()

    def cancel(self) -> tuple[Change, ...]:
        """Give the load up and go back to the model before; a second call kills the worker."""
        if self._load is None:
            if self._next is None:
                return ()
            self._next = None
            return self._back()
        if self._load.given_up and self._next is None:
            self.kill()
        self._next = None
        self._give_up_load()
        return ()

    def unload(self) -> tuple[Change, ...]:
        """Free the model."""
        self._next = self._good = self._rested = None
        self._give_up_load()
        if self.info is None:
            return (ModelChanged(ModelState.NONE),) if self._load is None else ()
        self.info = None
        self.send(Unload())
        return (ModelChanged(ModelState.NONE),)

    def rest(self) -> tuple[Change, ...]:
        """Give the model's memory back; `wake` brings it again."""
        if not self.is_ready or self._good is None:
            return ()
        self._rested, self.info = self.info, None
        self.send(Unload())
        return self.ready_change()

    def wake(self) -> tuple[Change, ...]:
        """Load the model that rests."""
        if not self.is_resting or self._good is None:
            return ()
        return self._announce(replace(self._good, remember=False))

    def describe(self) -> None:
        """Ask the worker what it is made of."""
        self._questions += 1
        self._start()
        self.send(Describe(describe=self._questions))

    def bench(self, prompt_tokens: int, generate_tokens: int, repeat: int) -> None:
        """Ask for the speeds of the loaded model."""
        self._questions += 1
        self.send(Bench(self._questions, prompt_tokens, generate_tokens, repeat))

    def answered(self) -> None:
        """A description or a measurement has come."""
        self._questions = max(0, self._questions - 1)

    def send(self, request: Request) -> None:
        """Pass a request on."""
        self._engine.send(request)

    def kill(self) -> None:
        """End the worker: it does not answer in time. It starts again by itself."""
        self._killed = True
        self._engine.kill()

    # what comes of it

    def advance(self, *, busy: bool) -> tuple[Change, ...]:
        """Begin the load that is next, unless an answer is being written or another load ends."""
        if self._next is None or self._load is not None or busy:
            return ()
        wanted, self._next = self._next, None
        self._start()
        self._number += 1
        self._load = _Load(self._number, wanted, self._clock.monotonic())
        mmproj = encode_path(wanted.mmproj) if wanted.mmproj is not None else ""
        self.send(Load(self._number, encode_path(wanted.path), wanted.options, mmproj, self._embeddings))
        return () if wanted is self._announced else (self._loading_change(wanted, 0.0),)

    def tick(self) -> None:
        """A load that was given up and does not end within a second takes the worker with it."""
        load = self._load
        if load is not None and load.kill_at is not None and self._clock.monotonic() >= load.kill_at:
            load.kill_at = None
            self.kill()

    def handle_loading(self, event: Loading) -> tuple[Change, ...]:
        """How far a load has come."""
        load = self._load
        if load is None or event.load != load.number or load.given_up or self._next is not None:
            return ()
        load.fraction = event.fraction
        return (self._loading_change(load.wanted, event.fraction, self._seconds_left(load)),)

    def handle_loaded(self, event: Loaded) -> tuple[Wanted | None, tuple[Change, ...]]:
        """A load has ended well: what was loaded, where it is still wanted, and what to tell."""
        load = self._load
        if load is None or event.load != load.number:
            return None, ()
        before, self._good = self._good, replace(load.wanted, again=False)
        self._load, self.info, self._rested = None, event.model, None
        if self._next is not None:
            return None, ()
        if not load.given_up:
            return load.wanted, self.ready_change()
        if before is None or _same(before, load.wanted):  # the load was quicker than its end
            return None, self.unload()
        return None, self._announce(before)

    def ready_change(self) -> tuple[Change, ...]:
        """The state of the model pill when nothing is being loaded."""
        info = self.info or self._rested
        if info is None:
            return (ModelChanged(ModelState.NONE),)
        demo, resting = self._good is not None and self._good.is_demo, self.info is None
        return (ModelChanged(ModelState.READY, info.name, 1.0, model=info, demo=demo, resting=resting),)

    def handle_load_failed(self, event: LoadFailed) -> tuple[Change, ...]:
        """A load has ended without a model."""
        load = self._load
        if load is None or event.load != load.number:
            return ()
        self._load = None
        if not event.model_kept:
            self.info = None
        if self._next is not None:
            return ()
        kept = self.info.name if self.info else ""
        code = "cancelled" if load.given_up else event.code
        if event.offer is not None and not load.given_up:
            self.offered = replace(load.wanted, options=event.offer.options, again=False)
        offer = event.offer if self.offered is not None else None
        return (*self._back(load.wanted), ModelRefused(str(load.wanted.path), event.message, code, kept, offer))

    def handle_short(self, offer: Offer | None) -> tuple[Change, ...]:
        """An answer ran out of memory: offer a smaller way to load the model, where there is one."""
        if offer is None or self._good is None or self.info is None or self.is_loading:
            return ()
        self.offered = replace(self._good, options=offer.options, again=False)
        return (SmallerOffered(self.info.name, offer),)

    def handle_died(self, event: WorkerDied, *, answering: bool) -> tuple[Change, ...]:
        """The worker is gone: once it is started again by itself; a file that killed it is refused."""
        killed, self._killed = self._killed, False
        asked, self._questions = self._questions > 0, 0
        load, self._load = self._load, None
        lost, self.info, self._running = self.info, None, False
        if killed or (load is not None and load.given_up):
            if self._next is None and load is not None:
                refused = ModelRefused(str(load.wanted.path), "The load was given up.", "cancelled")
                return (*self._back(load.wanted), refused)
            return self._bring_back()
        if load is not None and not load.wanted.again:
            if self._next is not None:
                return ()
            sentence = f"{load.wanted.path.name} made the engine stop. It may be damaged or too large for the memory."
            return (*self._back(load.wanted), ModelRefused(str(load.wanted.path), sentence, "crashed"))
        if lost is None and not answering and not asked and load is None:
            return ()
        self._deaths += 1
        again = self._good is not None and self._deaths <= _DEATHS_ALLOWED
        told = self._bring_back() if again else self._stay_down()
        return (*told, WorkerRestarted(event.message, again=again))

    def worked(self) -> None:
        """An answer has ended as it should: a death from now on is the first."""
        self._deaths = 0

    def _announce(self, wanted: Wanted) -> tuple[Change, ...]:
        """This one is next, and the model pill says so at once."""
        self._rested = None
        self._next = self._announced = wanted
        return (self._loading_change(wanted, 0.0),)

    def _bring_back(self) -> tuple[Change, ...]:
        if self._next is not None:
            return self._announce(self._next)
        if self._good is not None:
            return self._announce(replace(self._good, again=True, remember=False))
        return self.ready_change()

    def _stay_down(self) -> tuple[Change, ...]:
        self._next = self._good = None
        return self.ready_change()

    def _back(self, failed: Wanted | None = None) -> tuple[Change, ...]:
        """To the model before: it is still there, or is loaded again; once."""
        if self.info is None and self._good is not None and not _same(self._good, failed):
            before, self._good = self._good, None
            return self._announce(before)
        return self.ready_change()

    def _give_up_load(self) -> None:
        if self._load is not None and not self._load.given_up:
            self._load.given_up = True
            self._load.kill_at = self._clock.monotonic() + _CANCEL_SECONDS
            self.send(CancelLoad(self._load.number))

    def _start(self) -> None:
        if not self._running:
            self._engine.start()
            self._running = True

    def _seconds_left(self, load: _Load) -> float | None:
        elapsed = self._clock.monotonic() - load.started
        if load.fraction < _ESTIMATE_FROM or elapsed < _ESTIMATE_SECONDS:
            return None
        return elapsed / load.fraction * (1.0 - load.fraction)

    @staticmethod
    def _loading_change(wanted: Wanted, fraction: float, seconds_left: float | None = None) -> ModelChanged:
        return ModelChanged(ModelState.LOADING, wanted.name, fraction, seconds_left, demo=wanted.is_demo)


def _same(one: Wanted, other: Wanted | None) -> bool:
    return other is not None and (one.path, one.mmproj, one.options) == (other.path, other.mmproj, other.options)
