"""The parts of a session on one desk: what is open, what the worker's events change, and what comes next by itself."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from app.chat.ahead import Lookahead
from app.chat.answering import Answering
from app.chat.asking import Asking
from app.chat.calling import Calling
from app.chat.changes import (
    Bug,
    Change,
    MessageChanged,
    MessageView,
    Notice,
    PromptShown,
    SettingsChanged,
    ToolsListed,
    TurnEnded,
    WorkerBenched,
    WorkerDescribed,
)
from app.chat.clock import Clock
from app.chat.library import Library
from app.chat.link import EngineLink
from app.chat.meter import Meter
from app.chat.model_keeper import ModelKeeper, Wanted
from app.chat.prompts import Prompts
from app.chat.saver import Saver
from app.chat.tool_desk import ToolDesk
from app.chat.wording import found_words
from app.core import protocol
from app.core.errors import StorageError, UsageError
from app.core.message import Draft, FinishReason, Picture
from app.core.paths import encode_path
from app.core.protocol import Event, Finished
from app.core.settings import ConversationSettings, LoadOptions, Settings, with_tools
from app.core.tools import CallState
from app.store.store import Store
from app.tools.frames import AnyHostEvent, CallEnded
from app.tools.toolbox import Toolbox

Changes = tuple[Change, ...]

_IMAGE_PARTS = 50  # that are remembered, each for its model
_KEEPS_IMAGE_PART = ("memory", "cancelled")  # faults of a load that an image part has no part in


class Desk:
    """Session thread. Commands are ChatSession's; this is what they share and what happens between them."""

    def __init__(
        self,
        store: Store,
        engine: EngineLink,
        clock: Clock,
        embeddings: Path | None = None,
        toolbox: Toolbox | None = None,
    ) -> None:
        self.store = store
        self.toolbox = toolbox or Toolbox(lambda _: None, Path(os.devnull))
        self._clock = clock
        self._used_at = clock.monotonic()
        self.keeper = ModelKeeper(engine, clock, embeddings)
        self.saver = Saver(store, clock)
        self.answering = Answering(engine, self.saver, clock)
        self.library = Library(store, self.answering)
        self.tools = ToolDesk(store, self.toolbox, self._settings, self._keep_settings, self._parameters)
        self.calling = Calling(store, self.library, self.toolbox, clock, self._settings, self._search_chats, _open_link)
        self.calling.is_unseen, self.calling.is_off = self.tools.is_unseen, self.tools.is_off
        self.library.with_asked = self.calling.with_asked
        prompts = Prompts(store, self.saver)
        self.asking = Asking(store, self.answering, self.library, prompts, clock, self.tools.declared)
        self.meter = Meter()
        self.ahead = Lookahead()
        self.is_window = False
        self.open = ""  # the conversation that is shown, "" for the new chat
        self.draft = Draft()
        self.own_new = ConversationSettings()  # what the new chat sets for itself
        self._tools_told: ToolsListed | None = None
        self._renders = 0
        self._handlers = self._made_handlers()

    @property
    def model(self) -> str:
        """The name of the model that can be asked now, "" while there is none."""
        info = self.keeper.info
        return info.name if info is not None and self.keeper.is_ready else ""

    @property
    def under_way(self) -> bool:
        """Whether time matters now."""
        return (
            self.answering.turn is not None
            or self.keeper.is_loading
            or bool(self.saver.unsaved)
            or self.asking.is_blocked
            or bool(self.calling.unsaved)
            or bool(self.calling.ready)
        )

    def handle(self, event: Event) -> Changes:
        """What an event of the worker changes."""
        handler = self._handlers.get(type(event))
        return () if handler is None else tuple(handler(event))

    @property
    def rests_at(self) -> float | None:
        """When the model that nobody uses gives its memory back, by the clock's monotonic(); None: it does not."""
        minutes = self.asking.settings.rest_minutes
        if not minutes or not self.is_window or self.under_way or not self.model:
            return None
        return self._used_at + 60.0 * minutes

    def handle_tool(self, event: AnyHostEvent, pictures: tuple[Picture, ...] = ()) -> Changes:
        """What an event of the tools changes; `pictures` are those of a result, kept already."""
        told = list(self.tools.take(event))
        if isinstance(event, CallEnded):
            told += self.calling.handle_ended(event, pictures)
        else:
            told += self.asked_again()
        return self.settled(told)

    @property
    def own(self) -> ConversationSettings:
        """What the conversation that is shown sets for itself."""
        if not self.open:
            return self.own_new
        stored = self.store.conversations.find(self.open)
        return stored.settings if stored is not None else ConversationSettings()

    def rest(self) -> Changes:
        """Give the model's memory back if nobody has used it for long enough."""
        due = self.rests_at
        return self.keeper.rest() if due is not None and self._clock.monotonic() >= due else ()

    def settled(self, changes: Iterable[Change]) -> Changes:
        """These changes, and those of what begins now by itself: a load, the message that waits, a measurement."""
        self._used_at = self._clock.monotonic()
        told = [*changes, *self._proceeded()]
        woken = self.keeper.wake() if self.answering.line or self.draft else ()
        told += [*woken, *self.keeper.advance(busy=self.answering.turn is not None)]
        if self.model:
            told += self.asking.begin_next(self.model)
        told += self._tools_news()
        if self.answering.turn is not None or not self.model:
            self.ahead.forget()
        else:
            self._measure()
            self._look_ahead()
        return tuple(told)

    def _proceeded(self) -> list[Change]:
        """Answers whose calls are settled go on; what cannot be written now is tried again."""
        told: list[Change] = []
        while self.calling.ready:
            try:
                told += self.asking.proceed(self.calling.ready[0])
            except StorageError:
                break
            del self.calling.ready[0]
        return told

    def asked_again(self) -> Changes:
        """What waits in the chat that is shown, as its tools are now."""
        if not self.open or self.store.trouble is not None:
            return ()
        waiting = CallState.WAITING
        views = [view for view in self.library.branch(self.open) if any(call.state is waiting for call in view.calls)]
        return tuple(map(MessageChanged, views))

    def tick(self) -> Changes:
        """Partial saves, deadlines and retries."""
        self.keeper.tick()
        told = list(self.answering.tick())
        if self.saver.is_due:
            told += self.retried()
        told += self.calling.retry()
        return self.settled(told)

    def retried(self) -> Changes:
        """Write what is on screen only."""
        if not self.saver.unsaved:
            return ()
        saved, told = self.saver.retry()
        views = [self.library.view(message) for message in saved]
        return (*told, *(MessageChanged(view) for view in views if view is not None))

    def show(self, conversation: str) -> Changes:
        """Open a conversation, or the new chat."""
        if conversation and self.store.only_reading is None:
            self.store.mark_interrupted()  # one beside this program may have died since the start
        opened = self.library.opened(conversation) if conversation else self.library.new_chat(self.own_new)
        self.draft = opened.draft
        self.remember_open(conversation)
        self.measure_again()
        return (opened,)

    def measure_again(self) -> None:
        """What is shown has changed, or what it must fit into."""
        if self.is_window:
            self.meter.ask(self.open, self.draft)

    def remember_open(self, conversation: str) -> None:
        """This one is shown now, and will be at the next start."""
        self.open = conversation
        if self.is_window:
            self.save_aside(lambda: self.store.conversations.remember_opened(conversation))

    def news(self) -> Changes:
        """What another process has changed since the last look."""
        if self.store.trouble is not None or not self.store.changed_elsewhere():
            return ()
        listed = self.library.listed()
        if not self.open or not self.library.changed_elsewhere(self.open):
            return (listed,)
        known = self.store.conversations.find(self.open) is not None
        return (listed, *self.show(self.open if known else ""))

    def save_aside(self, save: Callable[[], None]) -> None:
        """Save what costs nothing when it cannot be saved."""
        if self.store.trouble is None and self.store.only_reading is None:
            try:
                save()
            except StorageError:
                return

    def read_settings(self) -> Changes:
        """The stored settings hold from now on; answers whose process has died are being written no more."""
        self.asking.settings = self.store.settings()
        if self.store.only_reading is None:
            self.store.mark_interrupted()
        return (SettingsChanged(self.asking.settings),)

    def wanted(self, path: Path, mmproj: Path | None = None, *, remember: bool) -> Wanted:
        """A model to load; None takes the image part that was named for it last, while that is there."""
        path = path.absolute()
        if mmproj is None and (named := dict(self.asking.settings.image_parts).get(str(path))):
            mmproj = Path(named) if os.path.isfile(named) else None
        return Wanted(path, self.load_options(path), remember, mmproj=mmproj.absolute() if mmproj else None)

    def load_options(self, model: Path) -> LoadOptions:
        """How a model is loaded: as the settings say, and where they leave it open, as it fitted before."""
        settings = self.asking.settings
        fitted, open_ = dict(settings.fitted).get(_machine_and(model)), msgspec.structs.asdict(LoadOptions())
        if fitted is None:
            return settings.load
        named = {name: value for name, value in msgspec.structs.asdict(settings.load).items() if value != open_[name]}
        return msgspec.structs.replace(fitted, **named)

    def remember_fitted(self, wanted: Wanted) -> Changes:
        """From now on this model is loaded so on this machine."""

        key = _machine_and(wanted.path)

        def with_it(settings: Settings) -> Settings:
            fitted = dict(settings.fitted) | {key: wanted.options}
            return msgspec.structs.replace(settings, fitted=tuple(fitted.items()))

        self.asking.settings = with_it(self.asking.settings)
        self.save_aside(lambda: self.store.save_settings(with_it(self.store.settings())))
        return (SettingsChanged(self.asking.settings),)

    def show_prompt(self, message: str) -> None:
        """Ask how the model reads the chat that is shown, up to this message ("": with what is being written)."""
        if not self.model:
            raise UsageError("There is no model loaded that could read it.", "no_model")
        if message:
            prompt = self.asking.prompt_up_to(self.library.message(message).conversation, message)
        else:
            prompt = self.asking.draft_prompt(self.open, self.draft, self.own_new)
        self._renders += 1
        self.keeper.send(protocol.Render(self._renders, prompt))

    def _on_rendered(self, event: protocol.Rendered) -> Changes:
        return (PromptShown(self.open, event.parts, event.error),) if event.render == self._renders else ()

    def _measure(self) -> None:
        try:
            request = self.meter.due(
                lambda conversation, draft: self.asking.draft_prompt(conversation, draft, self.own_new),
                self.asking.settings.sampling.max_tokens,
                self.tools.uncounted(self.keeper.info.fingerprint if self.keeper.info else ""),
            )
        except StorageError:  # an estimate; what is wrong with the disk is told by what must be saved
            return
        if request is not None:
            self.keeper.send(request)

    def _look_ahead(self) -> None:
        info = self.keeper.info
        if not self.is_window or info is None:
            return
        draft = Draft(pictures=self.draft.pictures if info.vision else (), documents=self.draft.documents)
        try:
            request = self.ahead.due(self.open, draft, lambda: self.asking.draft_prompt(self.open, draft, self.own_new))
        except StorageError:  # as in _measure
            return
        if request is not None:
            self.keeper.send(request)

    def _made_handlers(self) -> dict[type[Event], Callable[[Any], Iterable[Change]]]:
        return {
            protocol.Loading: self.keeper.handle_loading,
            protocol.Loaded: self._on_loaded,
            protocol.LoadFailed: self._on_load_failed,
            protocol.Reading: self.answering.handle_reading,
            protocol.Seeing: self.answering.handle_seeing,
            protocol.LookedAhead: self._on_looked_ahead,
            protocol.Text: self.answering.handle_text,
            protocol.Calling: self.answering.handle_calling,
            protocol.Finished: self._on_finished,
            protocol.Failed: self._on_failed,
            protocol.Measured: self._on_measured,
            protocol.Rendered: self._on_rendered,
            protocol.Described: self._on_described,
            protocol.Benched: self._on_benched,
            protocol.WorkerFault: lambda event: (Bug(event.message, event.traceback),),
            protocol.WorkerDied: self._on_worker_died,
        }

    def _on_looked_ahead(self, event: protocol.LookedAhead) -> Changes:
        if self.answering.turn is not None:  # a message was sent, and waits for the view that is being seen
            return self.answering.handle_looked_ahead(event)
        return self.ahead.handle(event)

    def _on_loaded(self, event: protocol.Loaded) -> Changes:
        wanted, told = self.keeper.handle_loaded(event)
        if wanted is not None and wanted.remember:
            told += self._remember_model(wanted)
        self.measure_again()
        return self.settled((*self._card_trouble(event.model.trouble), *told))

    def _remember_model(self, wanted: Wanted) -> Changes:
        path, parts = str(wanted.path), self.asking.settings.image_parts
        if wanted.mmproj is not None:
            others = [(model, part) for model, part in parts if model != path]
            parts = ((path, str(wanted.mmproj)), *others[: _IMAGE_PARTS - 1])
        return self._remember(model_path=path, image_parts=parts)

    def _on_load_failed(self, event: protocol.LoadFailed) -> Changes:
        """An image part that was remembered and cannot be used is forgotten: the next time does without it."""
        wanted, told = self.keeper.loading, self.keeper.handle_load_failed(event)
        if wanted is not None and wanted.mmproj is not None and event.code not in _KEEPS_IMAGE_PART:
            named = (str(wanted.path), str(wanted.mmproj))
            parts = self.asking.settings.image_parts
            if named in parts:
                told = (*told, *self._remember(image_parts=tuple(part for part in parts if part != named)))
        return self.settled(told)

    def _card_trouble(self, now: tuple[str, ...]) -> Changes:
        """What is wrong with the graphics cards, told once: again only when it was mended in between, or is another."""
        before = self.asking.settings.card_trouble
        if now == before:
            return ()
        news = " ".join(sentence for sentence in now if sentence not in before)
        return (*self._remember(card_trouble=now), *([Notice(news, "card")] if news else []))

    def _remember(self, **fields: object) -> Changes:
        """These settings hold from now on."""
        self.asking.settings = msgspec.structs.replace(self.asking.settings, **fields)
        self.save_aside(lambda: self.store.save_settings(msgspec.structs.replace(self.store.settings(), **fields)))
        return (SettingsChanged(self.asking.settings),)

    def _on_finished(self, event: Finished) -> Changes:
        turn = self.answering.turn
        told = self.answering.handle_finished(event)
        self.keeper.worked()
        if turn is not None and told and event.left_out:
            told = (*self._left_out(turn.view.conversation, event.left_out), *told)
        if turn is not None and told and event.calls and turn.view.id not in self.saver.unsaved:
            told = (*told, *self._called(turn.view, event))
        return self._after_turn(told)

    def _on_failed(self, event: protocol.Failed) -> Changes:
        told = self.answering.handle_failed(event)
        offered = self.keeper.handle_short(event.offer) if told else ()
        return self._after_turn((*offered, *told))

    def _called(self, view: MessageView, event: Finished) -> Changes:
        try:
            return tuple(self.calling.begin(view, event.calls))
        except StorageError as error:  # nothing ran: what is not written down does not run
            told = f"{error.message} The tool was not used."
            with suppress(StorageError):  # a prompt says so of a call without a result, also where this is not written
                self.store.messages.end(view.id, FinishReason.ERROR, told)
            return (Notice(told, error.code), TurnEnded(view.conversation, view.id, FinishReason.ERROR))

    def _on_measured(self, event: protocol.Measured) -> Changes:
        self.tools.counted(event.definitions)
        return self.settled(self.meter.handle(event))

    def _tools_news(self) -> Changes:
        """The panel's rows, where they are others than those told last."""
        if not self.is_window or self.store.trouble is not None or not (self.model or self._tools_told):
            return ()  # a start without tools takes nothing of them
        listed = self.tools.listed(self.open, self.own)
        if listed == self._tools_told:
            return ()
        self._tools_told = listed
        return (listed,)

    def _settings(self) -> Settings:
        return self.asking.settings

    def _keep_settings(self, settings: Settings) -> None:
        """These settings hold, and are stored with what else is stored there. Raises StorageError."""
        self.asking.settings = settings
        self.store.save_settings(with_tools(self.store.settings(), settings))

    def _parameters(self) -> int:
        info = self.keeper.info
        return info.parameters if info is not None else 0

    def _search_chats(self, words: str, most: int) -> str:
        return found_words(self.store.messages.search(words, most, self.open), words)

    def _left_out(self, conversation: str, count: int) -> Changes:
        """A person who sent before the measurement came is told afterwards."""
        if self.meter.has_told(conversation, count):
            return ()
        named = "oldest message was" if count == 1 else f"{count} oldest messages were"
        return (Notice(f"The context is full: the {named} left out of this answer.", "left_out"),)

    def _after_turn(self, told: Changes) -> Changes:
        if told and self.store.trouble is None:
            told = (*told, self.library.listed())
            self.measure_again()
        return self.settled(told)

    def _on_described(self, event: protocol.Described) -> Changes:
        self.keeper.answered()
        return (WorkerDescribed(event),)

    def _on_benched(self, event: protocol.Benched) -> Changes:
        self.keeper.answered()
        return (WorkerBenched(event),)

    def _on_worker_died(self, event: protocol.WorkerDied) -> Changes:
        self.meter.forget()
        self.ahead.forget()
        answering = self.answering.turn is not None
        ended = self.answering.handle_died()
        told = self.keeper.handle_died(event, answering=answering)
        return self._after_turn((*ended, *told))


def _open_link(address: str) -> None:
    """In the person's browser."""
    import webbrowser

    webbrowser.open(address)


def _machine_and(model: Path) -> str:
    """A model on this machine, as a key that JSON takes."""
    return f"{platform.node()}:{encode_path(model.absolute())}"
