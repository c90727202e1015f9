"""A session whose engine and time the test drives by hand: exact orders of events, real database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from msgspec.structs import replace

from app.chat.changes import (
    Change,
    ConversationOpened,
    MessageAdded,
    MessageChanged,
    MessagesRemoved,
    MessageView,
    TextAdded,
)
from app.chat.session import Changes, ChatSession
from app.core.message import Draft, FinishReason, MessageState, SampledTokens, Timings, Usage
from app.core.paths import DataPaths, decode_path
from app.core.protocol import (
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Measure,
    Measured,
    ModelInfo,
    Offer,
    Request,
    Text,
    WorkerDied,
)
from app.core.settings import Sampling
from app.core.tools import Call, WrittenCall
from app.store.store import Store
from app.tools.frames import AnyHostEvent
from app.tools.toolbox import Toolbox

R = TypeVar("R", bound=Request)
C = TypeVar("C", bound=Change)

MODEL = Path("/models/gem.gguf")


class HandClock:
    """Time stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0
        self.wall = 1_790_000_000.0
        self.day = date(2026, 11, 24)

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def today(self) -> date:
        return self.day

    def pass_seconds(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall += seconds


class HandEngine:
    """Keeps what was asked; the test answers."""

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self.starts = 0
        self.kills = 0
        self.closed = False

    def start(self) -> None:
        self.starts += 1

    def send(self, request: Request) -> None:
        assert self.starts, "nothing can be sent to a worker that was never started"
        self.sent.append(request)

    def kill(self) -> None:
        self.kills += 1

    def close(self) -> None:
        self.closed = True

    def all(self, kind: type[R]) -> list[R]:
        return [request for request in self.sent if isinstance(request, kind)]

    def last(self, kind: type[R]) -> R:
        found = self.all(kind)
        assert found, f"no {kind.__name__} was sent"
        return found[-1]


def model_info(path: Path = MODEL, **changed: object) -> ModelInfo:
    values: dict[str, object] = {
        "name": path.stem.capitalize(),
        "path": str(path),
        "architecture": "gemma3",
        "family": "gemma",
        "quantisation": "Q4_0",
        "size_bytes": 1,
        "parameters": 1,
        "context": 4096,
        "trained_context": 32768,
        "gpu_layers": 0,
        "layers": 1,
        "vision": False,
        "fingerprint": "f",
        "recommended": Sampling(temperature=1.0),
        "load_ms": 1.0,
    }
    return ModelInfo(**(values | changed))  # type: ignore[arg-type]


def _comparable(view: MessageView) -> MessageView:
    """While an answer is written its count of tokens comes with its text."""
    return replace(view, usage=Usage()) if view.state is MessageState.STREAMING else view


class Bench:
    """A session with its hand-driven surroundings, and the transcript that its changes add up to."""

    def __init__(self, root: Path, *, vfs: str | None = None, demo_places: Sequence[Path] = ()) -> None:
        self.paths = DataPaths(root)
        self.clock = HandClock()
        self.engine = HandEngine()
        self.store = Store(self.paths, vfs=vfs)
        self.tool_events: SimpleQueue[AnyHostEvent] = SimpleQueue()
        toolbox = Toolbox(self.tool_events.put, self.paths.logs)
        self.session = ChatSession(self.store, self.engine, self.clock, demo_places, toolbox=toolbox)
        self.changes: list[Change] = []
        self.conversation = ""
        self.shown: dict[str, MessageView] = {}

    def take(self, changes: Changes) -> Changes:
        """Follow the changes as a screen does."""
        self.changes += changes
        for change in changes:
            self._show(change)
        return changes

    def _show(self, change: Change) -> None:
        if isinstance(change, ConversationOpened):
            self.conversation = change.conversation
            self.shown = {message.id: message for message in change.messages}
        elif isinstance(change, MessageAdded) and change.message.conversation == self.conversation:
            assert change.message.id not in self.shown
            self.shown[change.message.id] = change.message
        elif isinstance(change, MessageChanged) and change.message.id in self.shown:
            self.shown[change.message.id] = change.message
        elif isinstance(change, TextAdded) and change.message in self.shown:
            view = self.shown[change.message]
            self.shown[change.message] = replace(view, text=view.text + change.text)
        elif isinstance(change, MessagesRemoved) and change.conversation == self.conversation:
            for message in change.ids:
                del self.shown[message]

    # what the person does

    def start(self, model: Path | None = None) -> None:
        self.take(self.session.start(model))

    def ready(self) -> None:
        """Start with a model and let its load end."""
        self.start(MODEL)
        self.load_ends()

    def say(self, text: str) -> str:
        """Submit; returns the id of the message."""
        before = set(self.shown)
        self.take(self.session.submit(self.conversation, Draft(text)))
        return next(id_ for id_ in self.shown if id_ not in before)

    # what the engine does

    def event(self, event: Event) -> Changes:
        return self.take(self.session.handle(event))

    @property
    def turn(self) -> int:
        return self.engine.last(Generate).turn

    def load_ends(self, **changed: object) -> Changes:
        load = self.engine.last(Load)
        return self.event(Loaded(load=load.load, model=model_info(decode_path(load.path), **changed)))

    def load_fails(self, code: str = "cut", *, kept: bool = False, offer: Offer | None = None) -> Changes:
        load = self.engine.last(Load)
        said = "There is not enough memory." if code == "memory" else "The file is cut short."
        return self.event(LoadFailed(load.load, code, said, kept, offer))

    def words(self, text: str, ids: bytes | None = None, generated: int = 1) -> Changes:
        tokens = None if ids is None else SampledTokens("f", ids)
        return self.event(Text(turn=self.turn, text=text, generated=generated, tokens=tokens))

    def ends(
        self, text: str, reason: FinishReason = FinishReason.STOP, ids: bytes = b"\1\0\0\0", left_out: int = 0
    ) -> Changes:
        return self.event(
            Finished(
                turn=self.turn,
                reason=reason,
                text=text,
                tokens=SampledTokens("f", ids),
                usage=Usage(generated_tokens=len(ids) // 4),
                timings=Timings(tokens_per_second=40.0),
                left_out=left_out,
            )
        )

    def calls(self, *calls: WrittenCall, text: str = "") -> Changes:
        """The answer ends with calls of tools."""
        return self.event(
            Finished(
                turn=self.turn,
                reason=FinishReason.STOP,
                text=text,
                tokens=SampledTokens("f", b"\7\0\0\0"),
                usage=Usage(generated_tokens=1),
                timings=Timings(),
                calls=calls,
                call_text="".join(f"<{call.name}>" for call in calls),
            )
        )

    def tool_ends(self) -> Changes:
        """The next tool that runs comes back."""
        return self.take(self.session.tools.handle(self.tool_events.get(timeout=20)))

    def fails(self, message: str = "The template of this model cannot be used.") -> Changes:
        return self.event(Failed(turn=self.turn, code="template", message=message))

    def dies(self, exit_code: int = -9) -> Changes:
        return self.event(WorkerDied(exit_code=exit_code, message="The worker was killed (SIGKILL)."))

    def measured(self, **changed: object) -> Changes:
        request = self.engine.last(Measure)
        values: dict[str, object] = {
            "measure": request.measure,
            "conversation": request.prompt.conversation,
            "total": 10,
            "system": 1,
            "per_message": (9,),
            "context": 4096,
            "reserve": 100,
            "left_out": 0,
        }
        return self.event(Measured(**(values | changed)))  # type: ignore[arg-type]

    def answer(self, text: str, reply: str) -> tuple[str, str]:
        """One whole turn; returns both ids."""
        question = self.say(text)
        self.ends(reply)
        return question, list(self.shown)[-1]

    # what is there

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.shown.values()]

    @property
    def states(self) -> list[str]:
        return [message.state.value for message in self.shown.values()]

    @property
    def ids(self) -> list[str]:
        return list(self.shown)

    def all(self, kind: type[C]) -> list[C]:
        return [change for change in self.changes if isinstance(change, kind)]

    def last(self, kind: type[C]) -> C:
        found = self.all(kind)
        assert found, f"no {kind.__name__} was told"
        return found[-1]

    def forget(self) -> None:
        """What was told so far does not count any more."""
        self.changes.clear()

    def check_screen(self) -> None:
        """The changes add up to what opening the conversation anew shows."""
        if self.conversation:
            opened = self.session._desk.library.opened(self.conversation)
            assert [_comparable(view) for view in self.shown.values()] == [_comparable(m) for m in opened.messages]

    def close(self) -> None:
        self.take(self.session.close())


def calls_of(bench: Bench) -> list[Call]:
    """The calls of the chat that is shown."""
    return [call for view in bench.shown.values() for call in view.calls]
