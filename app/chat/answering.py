"""The line of messages that wait, and the one answer that is being written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from app.chat.changes import (
    CallWritten,
    Change,
    MessageChanged,
    MessageView,
    ReadingChanged,
    SeeingChanged,
    TextAdded,
    TurnEnded,
)
from app.chat.clock import Clock
from app.chat.link import EngineLink
from app.chat.saver import Saver
from app.chat.views import with_record
from app.core.message import FinishReason, MessageState, SampledTokens, Timings, Usage
from app.core.protocol import Calling, Failed, Finished, Generate, LookedAhead, Prompt, Reading, Seeing, Stop, Text
from app.core.settings import Sampling
from app.store.records import AnswerRecord

_SAVE_SECONDS = 1.0
_UNSAVED = "The tool was not used: what the model wrote could not be saved."
_CRASHED = "The model stopped working before the answer was complete."


@dataclass(slots=True)
class Turn:
    """One request to the model. `before` is the answer as it stood when the model began (to go on, or empty)."""

    number: int
    view: MessageView
    before: AnswerRecord
    saved_at: float
    text: str = ""
    tokens: SampledTokens | None = None
    tokens_reach: int = 0
    generated: int = 0
    saved_length: int = 0
    stops: int = 0
    told: bool = True

    def record(self, state: MessageState, tokens: SampledTokens | None, usage: Usage, timings: Timings) -> AnswerRecord:
        """The whole answer now, with what was there before this turn."""
        counted = msgspec.structs.replace(
            usage, generated_tokens=self.before.usage.generated_tokens + usage.generated_tokens
        )
        return AnswerRecord(
            text=self.before.text + self.text,
            state=state,
            tokens=self._joined(tokens),
            usage=counted,
            timings=timings,
            model=self.view.model,
        )

    def _joined(self, tokens: SampledTokens | None) -> SampledTokens | None:
        before = self.before.tokens
        if tokens is None or not self.before.text:
            return tokens
        if before is None or before.fingerprint != tokens.fingerprint:
            return None
        return SampledTokens(tokens.fingerprint, before.ids + tokens.ids)


@dataclass(slots=True)
class Answering:
    """Session thread. One turn at a time; every turn ends with TurnEnded, unless its message was deleted meanwhile.

    One that ends with calls of tools ends without it: the answer goes on when they are settled.
    """

    engine: EngineLink
    saver: Saver
    clock: Clock
    line: list[str] = field(default_factory=list)
    turn: Turn | None = None
    _number: int = 0

    def begin(self, view: MessageView, before: AnswerRecord, prompt: Prompt, sampling: Sampling) -> None:
        """Ask the model. The answer's message is stored as streaming."""
        self._number += 1
        self.turn = Turn(self._number, view, before, self.clock.monotonic())
        self.engine.send(Generate(turn=self._number, prompt=prompt, sampling=sampling))

    def is_writing(self, message: str) -> bool:
        """Whether this answer is the one that is being written."""
        return self.turn is not None and self.turn.told and self.turn.view.id == message

    def shown(self, view: MessageView) -> MessageView:
        """The message as it is now, where that is newer than what is stored."""
        if self.turn is not None and self.is_writing(view.id):
            return with_record(view, self._partial(self.turn), saved=view.id not in self.saver.unsaved)
        newer = self.saver.unsaved.get(view.id)
        return view if newer is None else with_record(view, newer, saved=False)

    def stop(self) -> bool:
        """End the answer where it is; True where it was asked to before (then only killing the worker is left)."""
        assert self.turn is not None
        self.turn.stops += 1
        if self.turn.stops == 1:
            self.engine.send(Stop(turn=self.turn.number))
        return self.turn.stops > 1

    def abandon(self) -> tuple[Change, ...]:
        """End the answer and keep what there is: its message is being deleted, or the program ends."""
        turn = self.turn
        if turn is None or not turn.told:
            return ()
        if not turn.stops:
            self.stop()
        changes = self._end(turn, self._partial(turn, MessageState.INTERRUPTED), FinishReason.CANCELLED)
        turn.told = False
        self.turn = turn  # the model is busy with it until its last event
        return changes

    def handle_reading(self, event: Reading) -> tuple[Change, ...]:
        """How far the model has read."""
        turn = self._of(event.turn)
        if turn is None or not turn.told:
            return ()
        view = turn.view
        return (ReadingChanged(view.conversation, view.id, event.done, event.total, event.reused),)

    def handle_seeing(self, event: Seeing) -> tuple[Change, ...]:
        """How far the image encoder is."""
        turn = self._of(event.turn)
        if turn is None or not turn.told:
            return ()
        view = turn.view
        return (SeeingChanged(view.conversation, view.id, event.done, event.total, event.fraction),)

    def handle_looked_ahead(self, event: LookedAhead) -> tuple[Change, ...]:
        """The encoder ends the view that it began before the message was sent."""
        turn = self.turn
        if turn is None or not turn.told or not event.seen or event.done:
            return ()
        done = sum(part >= 1 for part in event.seen)
        fraction = next((part for part in event.seen if part < 1), 0.0)
        return (SeeingChanged(turn.view.conversation, turn.view.id, done, len(event.seen), fraction),)

    def handle_text(self, event: Text) -> tuple[Change, ...]:
        """More words."""
        turn = self._of(event.turn)
        if turn is None or not turn.told:
            return ()
        turn.text += event.text
        turn.generated = event.generated
        if event.tokens is not None:
            turn.tokens, turn.tokens_reach = event.tokens, len(turn.text)
        if not event.text:
            return ()
        return (TextAdded(turn.view.conversation, turn.view.id, event.text, event.generated),)

    def handle_calling(self, event: Calling) -> tuple[Change, ...]:
        """A call is being written."""
        turn = self._of(event.turn)
        if turn is None or not turn.told:
            return ()
        return (CallWritten(turn.view.conversation, turn.view.id, event.name, event.generated),)

    def handle_finished(self, event: Finished) -> tuple[Change, ...]:
        """The turn has ended as it should, by its limit or by Stop."""
        turn = self._of(event.turn)
        if turn is None:
            return ()
        self.turn = None
        if not turn.told:
            return ()
        turn.text = event.text
        complete = event.reason is FinishReason.STOP
        state = MessageState.COMPLETE if complete else MessageState.INTERRUPTED
        record = turn.record(state, event.tokens, event.usage, event.timings)
        if event.calls:
            return self._end_with_calls(turn, replace(record, call_text=event.call_text))
        return self._end(turn, record, event.reason)

    def handle_failed(self, event: Failed) -> tuple[Change, ...]:
        """The turn could not go on."""
        turn = self._of(event.turn)
        if turn is None:
            return ()
        self.turn = None
        if not turn.told:
            return ()
        record = turn.record(MessageState.INTERRUPTED, self._tokens(turn), event.usage, event.timings)
        return self._end(turn, record, FinishReason.ERROR, event.message, event.code)

    def handle_died(self) -> tuple[Change, ...]:
        """The worker is gone: the partial answer stays."""
        turn, self.turn = self.turn, None
        if turn is None or not turn.told:
            return ()
        record = self._partial(turn, MessageState.INTERRUPTED)
        if turn.stops:
            return self._end(turn, record, FinishReason.CANCELLED)
        return self._end(turn, record, FinishReason.ERROR, _CRASHED)

    def tick(self) -> tuple[Change, ...]:
        """Save about every second how far the answer has come."""
        turn = self.turn
        now = self.clock.monotonic()
        if turn is None or not turn.told or now - turn.saved_at < _SAVE_SECONDS or len(turn.text) == turn.saved_length:
            return ()
        turn.saved_at, turn.saved_length = now, len(turn.text)
        return self._save(turn, self._partial(turn))

    def _end(
        self, turn: Turn, record: AnswerRecord, reason: FinishReason, error: str = "", code: str = ""
    ) -> tuple[Change, ...]:
        record = replace(record, finish_reason=reason, error=error)
        view = turn.view
        told = self.saver.save(view.id, record)
        shown = with_record(view, record, saved=view.id not in self.saver.unsaved)
        return (*told, MessageChanged(shown), TurnEnded(view.conversation, view.id, reason, code))

    def _end_with_calls(self, turn: Turn, record: AnswerRecord) -> tuple[Change, ...]:
        """What it wrote is saved before anything runs; where it cannot be, nothing does."""
        told = self.saver.save(turn.view.id, replace(record, finish_reason=FinishReason.STOP))
        if turn.view.id in self.saver.unsaved:
            failed = replace(record, state=MessageState.INTERRUPTED, tokens=None, call_text="")
            return (*told, *self._end(turn, failed, FinishReason.ERROR, _UNSAVED))
        return (*told, MessageChanged(with_record(turn.view, record, saved=True)))

    def _save(self, turn: Turn, record: AnswerRecord) -> tuple[Change, ...]:
        was_saved = turn.view.id not in self.saver.unsaved
        told = self.saver.save(turn.view.id, record)
        is_saved = turn.view.id not in self.saver.unsaved
        if was_saved == is_saved:
            return told
        return (*told, MessageChanged(with_record(turn.view, record, saved=is_saved)))

    def _partial(self, turn: Turn, state: MessageState = MessageState.STREAMING) -> AnswerRecord:
        usage = Usage(generated_tokens=turn.generated)
        return turn.record(state, self._tokens(turn), usage, Timings())

    @staticmethod
    def _tokens(turn: Turn) -> SampledTokens | None:
        """The ids sampled so far, where they are those of the text so far."""
        return turn.tokens if turn.tokens_reach == len(turn.text) else None

    def _of(self, number: int) -> Turn | None:
        return self.turn if self.turn is not None and self.turn.number == number else None
