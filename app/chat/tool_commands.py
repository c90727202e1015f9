"""What a person can do with tools, as operations of the session: each answers with what it changed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import msgspec

from app.chat.calling import ToolMode
from app.chat.changes import CallsLogged, Change, ServerTried, SettingsChanged
from app.chat.desk import Changes, Desk
from app.core.errors import UsageError
from app.core.message import Picture
from app.core.settings import ConversationSettings
from app.core.tools import Arguments, ServerConfig, ServerTool, Verdict
from app.tools.environment import login_path
from app.tools.frames import (
    AnyHostEvent,
    CallEnded,
    HostDied,
    ServerFailed,
    ServerStarted,
    ServerStopped,
    ToolsChanged,
)

_TRIED = "\u2063"  # before the name of a server that is only tried: no name of a person begins so


class ToolCommands:
    """Session thread. Raises UsageError for what cannot be done now, StorageError for what could not be saved."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._trying = ""  # the name that the server is started under for a look
        self._tries = count(1)

    # calls

    def decide(
        self,
        call: str,
        *,
        approve: bool,
        arguments: Arguments | None = None,
        here: bool = False,
        always: bool = False,
    ) -> Changes:
        """Let a call run that waits, with other arguments where they are given, or deny it.

        `here` allows the tool in this chat from now on, `always` everywhere; both only where the policy lets them.
        """
        desk = self._desk
        with desk.store.durable():
            decided = desk.calling.decide(call, approve=approve, arguments=arguments, here=here, always=always)
            if always and approve:
                desk.tools.keep_verdict(desk.calling.tool_of(decided), Verdict.ALLOW)
        told: list[Change] = [SettingsChanged(desk.asking.settings)] if always else []
        return desk.settled([*told, *desk.calling.carry_out(decided), desk.library.listed()])

    def handle(self, event: AnyHostEvent, pictures: tuple[Picture, ...] = ()) -> Changes:
        """Take an event of the tools."""
        if not isinstance(event, CallEnded | HostDied) and event.server.startswith(_TRIED):
            return () if isinstance(event, ToolsChanged) else self._tried(event)
        told = self._desk.handle_tool(event, pictures)
        if isinstance(event, HostDied) and self._trying:
            return (*told, *self._tried(ServerFailed(self._trying, event.message)))
        return told

    def mend(self) -> None:
        """What ran when the program died has not ended as far as anybody knows."""
        if self._desk.store.only_reading is None:
            self._desk.calling.mend()

    def begin(self, mode: ToolMode, only: frozenset[str] = frozenset()) -> Changes:
        """The command line's way: who decides, and which tools there are (none named: the usual ones).

        Raises UsageError for a name that no tool has.
        """
        if unknown := sorted(only - {tool.name for tool in self._desk.toolbox.tools}):
            raise UsageError(f"There is no tool “{unknown[0]}”.", "no_tool")
        self._desk.tools.mode, self._desk.tools.only = mode, only
        self._desk.calling.mode = mode
        return ()

    def read_log(self, words: str = "") -> Changes:
        """The log of calls, the latest first."""
        return (CallsLogged(words, tuple(self._desk.store.calls.logged(words))),)

    # the chat that is shown

    def switch_all(self, *, on: bool) -> Changes:
        """Tell the model of tools in this chat, or of none."""
        return self._own(lambda own: msgspec.structs.replace(own, tools=on))

    def switch(self, key: str, *, on: bool) -> Changes:
        """Tell the model of one tool in this chat, or no more."""
        return self._own(lambda own: self._desk.tools.switch(own, key, on=on))

    def set_verdict(self, key: str, verdict: Verdict) -> Changes:
        """Allow, ask or deny."""
        return self._own(lambda own: self._desk.tools.set_verdict(own, key, verdict), settings=True)

    def grant(self, folder: Path, *, write: bool = False) -> Changes:
        """Let the tools of this chat read a folder, and with `write` change what is in it."""
        if not folder.is_dir():
            raise UsageError(f"“{folder.name}” is no folder.", "no_folder")
        return self._own(lambda own: self._desk.tools.grant(own, folder, write=write))

    def take_back(self, folder: str) -> Changes:
        """Close a folder to this chat again."""
        return self._own(lambda own: self._desk.tools.take_back(own, folder))

    # servers

    def try_server(self, config: ServerConfig) -> Changes:
        """Start a server for a look at its tools, and stop it again; ServerTried follows."""
        if self._trying:
            self._desk.toolbox.stop_server(self._trying)
        self._trying = f"{_TRIED}{next(self._tries)} {config.name}"  # the answer to an earlier try is none to this one
        self._desk.toolbox.start_server(msgspec.structs.replace(config, name=self._trying), login_path())
        return ()

    def add_server(self, config: ServerConfig, tried: ServerTried, off: tuple[str, ...] = ()) -> Changes:
        """Keep a server whose tools the person has looked at; those in `off` stay off."""
        return self._servers(lambda: self._desk.tools.add_server(config, tried.tools, off))

    def remove_server(self, name: str) -> Changes:
        """End a server and forget it."""
        return self._servers(lambda: self._desk.tools.remove_server(name))

    def enable_server(self, name: str, *, enabled: bool) -> Changes:
        """Switch a server on or off."""
        return self._servers(lambda: self._desk.tools.enable_server(name, enabled=enabled))

    def restart_server(self, name: str) -> Changes:
        """End a server and start it again."""
        return self._servers(lambda: self._desk.tools.restart_server(name))

    def accept_tools(self, name: str, shown: tuple[ServerTool, ...], off: tuple[str, ...] = ()) -> Changes:
        """The person has looked at these tools of a server; those in `off` stay off."""
        return self._servers(lambda: self._desk.tools.accept_tools(name, shown, off))

    @property
    def are_starting(self) -> bool:
        """Whether a server has been asked to start and neither answers nor has failed yet."""
        return self._desk.tools.are_starting

    def start_servers(self) -> Changes:
        """Start all servers that are switched on."""
        return self._servers(self._desk.tools.start_servers)

    def _servers(self, change: Callable[[], None]) -> Changes:
        change()
        self._desk.measure_again()
        return self._desk.settled(
            (
                *self._desk.asked_again(),
                SettingsChanged(self._desk.asking.settings),
            )
        )

    def _tried(self, event: ServerStarted | ServerFailed | ServerStopped) -> Changes:
        if isinstance(event, ServerStopped) or event.server != self._trying:
            return ()
        name = event.server.removeprefix(_TRIED).partition(" ")[2]
        self._trying = ""
        if isinstance(event, ServerFailed):
            message, detail = (text.replace(event.server, name) for text in (event.message, event.detail))
            return (ServerTried(name, message, detail, "", "", 0.0, ()),)
        self._desk.toolbox.stop_server(event.server)
        return (ServerTried(name, "", "", event.title, event.version, event.seconds, event.tools),)

    def _own(
        self, change: Callable[[ConversationSettings], ConversationSettings], *, settings: bool = False
    ) -> Changes:
        desk = self._desk
        own = change(desk.own)
        if desk.open:
            desk.store.conversations.set_settings(desk.open, own)
        else:
            desk.own_new = own
        desk.measure_again()
        return desk.settled((SettingsChanged(desk.asking.settings),) if settings else ())
