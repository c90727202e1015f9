"""What becomes of the calls that an answer makes: the policy decides, or the person; they run; the answer goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

from app.chat.changes import Change, MessageChanged, MessageView, TurnEnded
from app.chat.clock import Clock
from app.chat.library import Library
from app.chat.wording import well_formed
from app.core.errors import StorageError, UsageError
from app.core.message import FinishReason, Picture, Role
from app.core.settings import ConversationSettings, Settings
from app.core.tools import Arguments, Asked, Call, CallDecision, CallState, Grant, LoggedCall, Verdict, WrittenCall
from app.store.records import new_id
from app.store.store import Store
from app.tools.folders import granted
from app.tools.frames import CallEnded
from app.tools.policy import Decision, Standing, decide, permission_of
from app.tools.registry import Surroundings, Tool, ToolError, check_arguments
from app.tools.toolbox import Toolbox, cut

MOST_CALLS = 20  # of one answer, all its parts together
MOST_AT_ONCE = 8
MOST_REPEATS = 3  # of the same call in one answer
_REVIEW = "Review it in the panel first."
_STOPPED = "It was stopped while it ran. It is not known whether it was done."
_BROKEN = "Cabochon ended while this ran. It is not known whether it was done."
_LIMIT = f"The answer called tools {MOST_CALLS} times and was ended here. Continue lets it go on."


class ToolMode(StrEnum):
    """Who decides where the policy asks."""

    WINDOW = "window"  # the person, whenever they look
    ASK = "ask"  # the person, about every call
    AUTO = "auto"  # nobody: what would be asked is denied
    OFF = "off"  # no tools at all


class Calling:
    """Session thread. What it answers with is told; `ready` then names the answers whose calls are all settled."""

    def __init__(
        self,
        store: Store,
        library: Library,
        toolbox: Toolbox,
        clock: Clock,
        settings: Callable[[], Settings],
        search_chats: Callable[[str, int], str],
        open_link: Callable[[str], object],
    ) -> None:
        self._store = store
        self._library = library
        self._toolbox = toolbox
        self._clock = clock
        self._settings = settings
        self._search_chats = search_chats
        self._open_link = open_link
        self.is_unseen: Callable[[Tool], bool] = lambda _: False
        self.is_off: Callable[[Tool, ConversationSettings], bool] = lambda _, __: False
        self._running: dict[str, str] = {}  # call -> conversation
        self.unsaved: dict[str, tuple[CallEnded, tuple[Picture, ...]]] = {}  # results that are not written down yet
        self.mode = ToolMode.WINDOW
        self.ready: list[str] = []

    @property
    def is_running(self) -> bool:
        """Whether a call runs now."""
        return bool(self._running)

    def begin(self, view: MessageView, written: Sequence[WrittenCall]) -> list[Change]:
        """An answer has called tools: decide on each call, run what may run. The answer is stored already."""
        told: list[Change] = []
        before = self._calls_before(view)
        too_many = len(before) + len(written) > MOST_CALLS
        to_run: list[Call] = []
        with self._store.durable():
            for place, one in enumerate(written):
                call = self._decided(view, one, before, too_many=too_many or place >= MOST_AT_ONCE)
                before.append(call)
                self._store.calls.add(view.id, call, self._store.owner)
                self._log(view.conversation, call, _event_of(call))
                if call.state is CallState.RUNNING:
                    to_run.append(call)
        for call in to_run:
            told += self._run(view.conversation, call)
        if too_many:
            return [*told, *self._ended(view.id, FinishReason.ERROR, _LIMIT)]
        return [*told, *self._told(view.id)]

    def decide(
        self,
        call_id: str,
        *,
        approve: bool,
        arguments: Arguments | None = None,
        here: bool = False,
        always: bool = False,
    ) -> Call:
        """The person's word about a call that waits. Raises UsageError; the call as it is now otherwise.

        `arguments` are those of the model as the person edited them; `here` allows the tool in this chat from now on;
        whether it may be allowed `always` is looked at here.
        """
        call = self._waiting(call_id)
        view = self._view_of(call_id)
        given = call.arguments if arguments is None else _well_formed(arguments)
        edited = _written(given) != _written(call.arguments)
        if not approve:
            settled = msgspec.structs.replace(
                call, state=CallState.DENIED, decision=CallDecision.DENIED, why="", result=_denied_words(call)
            )
            self._keep(view.conversation, settled, "denied")
            return settled
        tool = self.tool_of(call)
        if self.is_unseen(tool):
            raise UsageError(f"{tool.name} says something else of itself than when you looked. {_REVIEW}", "changed")
        if sentence := check_arguments(tool, given):
            raise UsageError(sentence, "arguments")
        decision = self._decision(view.conversation, tool, given)
        if decision.verdict is Verdict.DENY:
            raise UsageError(f"This cannot be approved: {decision.why}", "denied")
        if always and not decision.may_always:
            raise UsageError("This tool cannot be allowed for good.", "asks")
        place = _place(tool, given, self._grants(view.conversation)) if edited else call.place
        running = msgspec.structs.replace(
            call,
            place=place,
            state=CallState.RUNNING,
            decision=CallDecision.EDITED if edited else CallDecision.APPROVED,
            used=given if edited else None,
            why="",
        )
        with self._store.durable():
            if here and decision.may_allow_here:
                self._allow_here(view.conversation, tool)
            self._keep(view.conversation, running, running.decision.value)
        return running

    def carry_out(self, call: Call) -> list[Change]:
        """After `decide`: run what was approved, and say what changed."""
        message = self._store.calls.message_of(call.id)
        told = self._run(self._view_of(call.id).conversation, call) if call.state is CallState.RUNNING else []
        return [*told, *self._told(message)]

    def handle_ended(self, event: CallEnded, pictures: Sequence[Picture] = ()) -> list[Change]:
        """A call has come back."""
        conversation = self._running.get(event.call)
        if conversation is None:
            return []
        call = self._store.calls.find(event.call)
        if call is None or call.state is not CallState.RUNNING:  # its chat is gone, or was ended elsewhere
            self._running.pop(event.call)
            self.unsaved.pop(event.call, None)
            return []
        try:
            told = self._settle(conversation, call, event.text, event.failed, event.milliseconds, pictures)
        except StorageError:
            self.unsaved[event.call] = (event, tuple(pictures))  # it is tried again until it is written
            raise
        self.unsaved.pop(event.call, None)
        del self._running[event.call]
        return told

    def retry(self) -> list[Change]:
        """Write down the results that could not be written when they came."""
        told: list[Change] = []
        for event, pictures in list(self.unsaved.values()):
            try:
                told += self.handle_ended(event, pictures)
            except StorageError:
                break
        return told

    def stop(self, conversation: str) -> list[Change]:
        """Deny what waits in the branch that is shown, and stop what runs; the answer ends there."""
        told: list[Change] = []
        for view in reversed(self._library.branch(conversation)):
            if view.role is Role.USER or not view.calls:
                break
            open_calls = [call for call in view.calls if not call.settled]
            for call in open_calls:
                self._end_open(conversation, call)
            if open_calls:
                told += self._ended(view.id, FinishReason.CANCELLED)
        return told

    def forget(self, conversation: str) -> None:
        """The conversation is deleted: what runs in it is stopped."""
        self._end_running(conversation, [key for key, where in self._running.items() if where == conversation])

    def forget_messages(self, views: Sequence[MessageView]) -> None:
        """These messages are deleted: what runs in them is stopped."""
        for view in views:
            self._end_running(view.conversation, [call.id for call in view.calls])

    def _end_running(self, conversation: str, calls: Sequence[str]) -> None:
        for key in calls:
            call = self._store.calls.find(key) if key in self._running else None
            if call is not None and call.state is CallState.RUNNING:
                self._end_open(conversation, call)

    def _end_open(self, conversation: str, call: Call) -> None:
        """A call that waits is denied; one that runs ends, and nobody knows how far it came."""
        if call.state is CallState.RUNNING:
            self._running.pop(call.id, None)
            self.unsaved.pop(call.id, None)
            self._toolbox.stop(call.id)
            ended = msgspec.structs.replace(call, state=CallState.FAILED, why=_STOPPED, result=_STOPPED)
            self._keep(conversation, ended, "failed")
            return
        denied = msgspec.structs.replace(
            call, state=CallState.DENIED, decision=CallDecision.DENIED, why="The answer was stopped.",
            result=_denied_words(call), asked=None,
        )  # fmt: skip
        self._keep(conversation, denied, "denied")

    def has_open(self, conversation: str) -> bool:
        """Whether a call of the branch that is shown waits or runs."""
        return any(not call.settled for view in self._library.branch(conversation) for call in view.calls)

    def mend(self) -> list[Change]:
        """After a start: what ran when the program died did not end as far as anybody knows."""
        told: list[Change] = []
        for conversation, call in self._store.broken_calls():
            broken = msgspec.structs.replace(call, state=CallState.FAILED, result=_BROKEN, why=_BROKEN)
            self._keep(conversation, broken, "failed")
            told += self._changed(self._store.calls.message_of(call.id))
        return told

    def with_asked(self, view: MessageView, own: ConversationSettings) -> MessageView:
        """The message with what a person must know of its calls that wait."""
        if not any(call.state is CallState.WAITING for call in view.calls):
            return view
        calls = tuple(self._asked(call, own) if call.state is CallState.WAITING else call for call in view.calls)
        return msgspec.structs.replace(view, calls=calls)

    def _decided(self, view: MessageView, written: WrittenCall, before: list[Call], *, too_many: bool) -> Call:
        tool = self._toolbox.find(written.name)
        call = Call(new_id(), written.name, "", written.arguments, CallState.FAILED)
        if tool is not None:
            call = msgspec.structs.replace(call, origin=tool.origin, asked_as=tool.asked_as)
        if too_many:
            return _failed(
                call, f"Too many calls: {MOST_AT_ONCE} at once and {MOST_CALLS} for an answer are the limit."
            )
        if tool is None:
            return _failed(call, f"There is no tool {written.name}.")
        same = [one for one in before if (one.name, one.arguments) == (call.name, call.arguments)]
        if len(same) >= MOST_REPEATS:
            return _failed(call, f"This call was made {MOST_REPEATS} times already. Use what it answered.")
        if self.is_unseen(tool):
            return _failed(call, f"{tool.name} has changed and is off until the person has looked at it.")
        if self.is_off(tool, self._library.conversation(view.conversation).settings):
            return _failed(call, f"{tool.name} is switched off.")
        if sentence := check_arguments(tool, written.arguments):
            return _failed(call, sentence)
        decision = self._decision(view.conversation, tool, written.arguments)
        verdict = decision.verdict
        if self.mode is ToolMode.ASK and verdict is Verdict.ALLOW:
            verdict = Verdict.ASK
        call = msgspec.structs.replace(call, place=_place(tool, written.arguments, self._grants(view.conversation)))
        if verdict is Verdict.ALLOW:
            return msgspec.structs.replace(call, state=CallState.RUNNING, decision=CallDecision.ALLOWED)
        if verdict is Verdict.ASK and self.mode is not ToolMode.AUTO:
            return msgspec.structs.replace(call, state=CallState.WAITING)
        why = decision.why if verdict is Verdict.DENY else "Nobody is here to be asked."
        return msgspec.structs.replace(
            call, state=CallState.DENIED, decision=CallDecision.DENIED, why=why, result=_denied_words(call, why)
        )

    def _decision(self, conversation: str, tool: Tool, arguments: Arguments) -> Decision:
        own = self._library.conversation(conversation).settings
        return decide(tool, arguments, standing_of(own, self._settings()))

    def _grants(self, conversation: str) -> tuple[Grant, ...]:
        return self._library.conversation(conversation).settings.grants

    def _run(self, conversation: str, call: Call) -> list[Change]:
        tool = self.tool_of(call)
        own = self._library.conversation(conversation).settings
        around = Surroundings(own.grants, search_chats=self._search_chats, open_link=self._open_link)
        # the very place that was decided about, whatever has appeared meanwhile
        given = call.given | {tool.path_argument: call.place} if call.place else call.given
        self._running[call.id] = conversation
        if not tool.on_session:
            self._toolbox.run(call.id, tool, given, around)
            return []
        began = self._clock.monotonic()
        assert tool.run is not None
        try:
            text, failed = tool.run(given, around), False
        except (ToolError, StorageError) as error:
            text, failed = str(error), True
        except Exception as error:  # noqa: BLE001 - a tool may raise anything, and that is a result for the model
            text, failed = f"{tool.name} failed: {error}", True
        milliseconds = (self._clock.monotonic() - began) * 1000
        try:
            return self.handle_ended(CallEnded(call.id, cut(text), failed, milliseconds=milliseconds))
        except StorageError:  # it is written later; what runs beside it goes on
            return []

    def _settle(
        self,
        conversation: str,
        call: Call,
        text: str,
        failed: bool,
        milliseconds: float,
        pictures: Sequence[Picture] = (),
    ) -> list[Change]:
        done = msgspec.structs.replace(
            call,
            state=CallState.FAILED if failed else CallState.DONE,
            result=text,
            milliseconds=milliseconds,
            pictures=tuple(picture.sha256 for picture in pictures),
        )
        with self._store.durable():
            self._store.calls.change(done, self._store.owner, pictures)
            self._log(conversation, done, done.state.value)
        return self._told(self._store.calls.message_of(call.id))

    def _told(self, message: str) -> list[Change]:
        """How the answer's calls are now; where all are settled, it is ready to go on."""
        calls = self._store.calls.of_message(message)
        if calls and all(call.settled for call in calls):
            self.ready.append(message)
        return self._changed(message)

    def _changed(self, message: str) -> list[Change]:
        view = self._library.view(message)
        return [] if view is None else [MessageChanged(view)]

    def _ended(self, message: str, reason: FinishReason, error: str = "") -> list[Change]:
        self._store.messages.end(message, reason, error)
        view = self._library.view(message)
        return [] if view is None else [MessageChanged(view), TurnEnded(view.conversation, message, reason)]

    def _keep(self, conversation: str, call: Call, event: str) -> None:
        with self._store.durable():
            self._store.calls.change(call, self._store.owner)
            self._log(conversation, call, event)

    def _log(self, conversation: str, call: Call, event: str) -> None:
        arguments = json.dumps(call.given)
        self._store.calls.log(
            LoggedCall(
                self._clock.now(), conversation, call.id, call.own_name, call.origin, arguments, event, call.why,
                call.milliseconds,
            )
        )  # fmt: skip

    def _calls_before(self, view: MessageView) -> list[Call]:
        """The calls that this answer made before, in its earlier parts."""
        found: list[Call] = []
        for one in self._store.messages.branch(view.conversation, view.id):
            if one.role is Role.USER:
                found = []
            elif one.id != view.id:
                found += one.calls
        return found

    def _waiting(self, call_id: str) -> Call:
        call = self._store.calls.find(call_id)
        if call is None or call.state is not CallState.WAITING:
            raise UsageError("This was decided already.", "decided")
        return call

    def _view_of(self, call_id: str) -> MessageView:
        view = self._library.view(self._store.calls.message_of(call_id))
        if view is None:
            raise UsageError("This message is not there any more.", "no_message")
        return view

    def tool_of(self, call: Call) -> Tool:
        """The tool that was called, by whatever name the model knows it now. Raises UsageError where it is gone."""
        tool = self._toolbox.find_of(call.origin, call.own_name)
        if tool is None:
            raise UsageError(f"{call.name} is not there now. Start its server, or deny the call.", "no_tool")
        return tool

    def _asked(self, call: Call, own: ConversationSettings) -> Call:
        tool = self._toolbox.find_of(call.origin, call.own_name)
        if tool is None:
            return call
        decision = decide(tool, call.arguments, standing_of(own, self._settings()))
        asked = Asked(
            tool.description, tool.effect, tool.parameters, call.place, decision.may_allow_here, decision.may_always
        )
        return msgspec.structs.replace(call, asked=asked)

    def _allow_here(self, conversation: str, tool: Tool) -> None:
        own = self._library.conversation(conversation).settings
        permission = permission_of(tool)
        allowed = (*(one for one in own.allowed if one != permission), permission)
        self._store.conversations.set_settings(conversation, msgspec.structs.replace(own, allowed=allowed))


def standing_of(own: ConversationSettings, settings: Settings) -> Standing:
    """Everything that decides on calls in a conversation."""
    return Standing(settings.tool_rules, frozenset(own.allowed), own.grants)


def _place(tool: Tool, arguments: Arguments, grants: tuple[Grant, ...]) -> str:
    """The file that a call is about, where it really lies; "" for a tool that is about none."""
    path = arguments.get(tool.path_argument) if tool.path_argument and not tool.origin else None
    try:
        return str(granted(str(path), grants)) if path else ""
    except ToolError:
        return ""


def _written(arguments: Arguments) -> str:
    """As JSON: 1 and true are equal in Python and two things to a tool."""
    return json.dumps(arguments, sort_keys=True)


def _well_formed(arguments: Arguments) -> Arguments:
    """What the person typed, without halves of characters."""
    found: Arguments = json.loads(well_formed(json.dumps(arguments, ensure_ascii=False)))
    return found


def _failed(call: Call, sentence: str) -> Call:
    return msgspec.structs.replace(call, state=CallState.FAILED, why=sentence, result=sentence)


def _denied_words(call: Call, why: str = "") -> str:
    return f"{call.name} was not allowed. {why}".rstrip() if why else f"The person did not allow {call.name}."


def _event_of(call: Call) -> str:
    if call.state is CallState.WAITING:
        return "asked"
    return call.decision.value or "refused"
