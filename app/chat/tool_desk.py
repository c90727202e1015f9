"""What a person decides about tools: which are on in a chat, what may run, which folders and servers there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from app.chat.calling import ToolMode
from app.chat.changes import Change, ServerRow, ToolRow, ToolsListed
from app.core.errors import UsageError
from app.core.settings import ConversationSettings, Settings
from app.core.tools import Grant, ServerConfig, ServerEntry, ServerTool, ToolDefinition, Verdict
from app.core.visible import alike, visible
from app.store.store import Store
from app.tools.environment import login_path
from app.tools.frames import AnyHostEvent, HostDied, ServerFailed, ServerStarted, ServerStopped, ToolsChanged
from app.tools.pins import pins_of, unseen
from app.tools.policy import key_of, may_allow_here, may_always, permission_of, verdict_of, with_verdict
from app.tools.registry import Tool
from app.tools.toolbox import Toolbox

LARGE_ENOUGH = (
    10_000_000_000  # parameters: below it, one call in three or more goes wrong (gemma3.md, BFCL-like trials)
)
_ALWAYS_ON = ("calculator", "current_time")
_WITH_FOLDER = ("list_folder", "read_file", "search_files")
_WITH_WRITING = ("write_file",)


class _Server:
    """What is known of a server since the start of the program."""

    def __init__(self) -> None:
        self.state = "stopped"  # starting | running | failed
        self.tools: tuple[ServerTool, ...] = ()
        self.pins: tuple[tuple[str, str], ...] = ()  # of the tools: made once, as they are looked at all the time
        self.title = self.message = self.detail = ""
        self.seconds = 0.0

    def offer(self, tools: tuple[ServerTool, ...]) -> None:
        """These are its tools now."""
        self.tools, self.pins = tools, pins_of(tools)


class ToolDesk:
    """Session thread. Methods that change something raise StorageError where that could not be kept."""

    def __init__(
        self,
        store: Store,
        toolbox: Toolbox,
        settings: Callable[[], Settings],
        set_settings: Callable[[Settings], None],
        parameters: Callable[[], int],
    ) -> None:
        self._store = store
        self._toolbox = toolbox
        self._settings = settings
        self._set_settings = set_settings
        self._parameters = parameters
        self._servers: dict[str, _Server] = {}
        self._tokens: dict[str, int] = {}  # of definitions that were counted, by their JSON
        self._vocabulary = ""
        self._counting: tuple[ToolDefinition, ...] = ()
        self._path: str | None = None
        self.mode = ToolMode.WINDOW
        self.only: frozenset[str] = frozenset()  # the tools that the command line named

    # what holds in a conversation

    def is_on(self, own: ConversationSettings) -> bool:
        """Whether the model is told of tools here."""
        if self.mode is not ToolMode.WINDOW:
            return self.mode is not ToolMode.OFF
        return self._parameters() >= LARGE_ENOUGH if own.tools is None else own.tools

    def on_here(self, tool: Tool, own: ConversationSettings) -> bool:
        """Whether this tool is switched on here: by the person, else by what it is for."""
        if tool.name in self.only:
            return True
        key = key_of(tool)
        if self.is_unseen(tool) or self._is_off_everywhere(tool):
            return False
        if key in own.tools_on or key in own.tools_off:
            return key in own.tools_on
        if tool.origin:
            return True
        reads, writes = bool(own.grants), any(grant.write for grant in own.grants)
        wanted = _ALWAYS_ON + (_WITH_FOLDER if reads else ()) + (_WITH_WRITING if writes else ())
        return tool.name in wanted

    def is_off(self, tool: Tool, own: ConversationSettings) -> bool:
        """Whether the person has switched this tool off, so that it is not called whoever told the model of it."""
        if own.tools is False if self.mode is ToolMode.WINDOW else self.mode is ToolMode.OFF:
            return True
        if self.only:
            return tool.name not in self.only
        return key_of(tool) in own.tools_off or self._is_off_everywhere(tool)

    def declared(self, own: ConversationSettings) -> tuple[ToolDefinition, ...]:
        """The tools that the model is told of here."""
        if not self.is_on(own):
            return ()
        return tuple(
            tool.definition
            for tool in self._toolbox.tools
            if self.on_here(tool, own) and (not self.only or tool.name in self.only)
        )

    def listed(self, conversation: str, own: ConversationSettings) -> ToolsListed:
        """Everything for the panel."""
        rows = []
        for tool in self._toolbox.tools:
            verdict = verdict_of(tool, self._settings().tool_rules)
            if permission_of(tool) in own.allowed and verdict is Verdict.ASK:
                verdict = Verdict.ALLOW
            tokens = self._tokens.get(_as_key(tool.definition))
            rows.append(
                ToolRow(
                    key_of(tool), tool.name, tool.origin, tool.description, tool.effect, self.on_here(tool, own),
                    verdict, may_always(tool), tokens, self.is_unseen(tool),
                )
            )  # fmt: skip
        servers = tuple(self._row(entry) for entry in self._settings().servers)
        too_small = 0 < self._parameters() < LARGE_ENOUGH
        return ToolsListed(conversation, self.is_on(own), too_small, tuple(rows), servers, own.grants)

    # tokens of definitions

    def uncounted(self, vocabulary: str) -> tuple[ToolDefinition, ...]:
        """The definitions whose tokens this vocabulary has not counted yet; they are asked for now."""
        if vocabulary != self._vocabulary:
            self._vocabulary, self._tokens = vocabulary, {}
        self._counting = tuple(
            tool.definition for tool in self._toolbox.tools if _as_key(tool.definition) not in self._tokens
        )
        return self._counting

    def counted(self, tokens: tuple[int, ...]) -> None:
        """The answer."""
        if len(tokens) == len(self._counting):
            self._tokens |= {_as_key(one): count for one, count in zip(self._counting, tokens, strict=True)}

    # what the person changes; each answers with the settings of the conversation as they are then

    def switch(self, own: ConversationSettings, key: str, *, on: bool) -> ConversationSettings:
        """Tell the model of a tool in this chat, or no more."""
        others_on = tuple(one for one in own.tools_on if one != key)
        others_off = tuple(one for one in own.tools_off if one != key)
        return msgspec.structs.replace(
            own,
            tools_on=(*others_on, key) if on else others_on,
            tools_off=others_off if on else (*others_off, key),
        )

    def set_verdict(self, own: ConversationSettings, key: str, verdict: Verdict) -> ConversationSettings:
        """Allow, ask or deny a tool from now on. What only asks in this chat is allowed in this chat alone.

        Raises UsageError for what may never run without a question.
        """
        tool = next((tool for tool in self._toolbox.tools if key_of(tool) == key), None)
        if tool is None:
            raise UsageError("This tool is not there now.", "no_tool")
        allowed = tuple(one for one in own.allowed if one != permission_of(tool))
        if verdict is Verdict.ALLOW and not may_always(tool):
            if not may_allow_here(tool):
                raise UsageError(f"{tool.name} asks every time.", "asks")
            allowed = (*allowed, permission_of(tool))
        self.keep_verdict(tool, verdict)
        return msgspec.structs.replace(own, allowed=allowed)

    def keep_verdict(self, tool: Tool, verdict: Verdict) -> None:
        """This holds for a tool in all chats from now on."""
        settings = self._settings()
        rules = with_verdict(settings.tool_rules, tool, verdict)
        self._set_settings(msgspec.structs.replace(settings, tool_rules=rules))

    def grant(self, own: ConversationSettings, folder: Path, *, write: bool) -> ConversationSettings:
        """Let the tools of this chat read a folder, and with `write` change it; tools are on here from then on."""
        real = str(folder.resolve())
        others = tuple(one for one in own.grants if one.folder != real)
        return msgspec.structs.replace(own, grants=(*others, Grant(real, write)), tools=True)

    def take_back(self, own: ConversationSettings, folder: str) -> ConversationSettings:
        """The folder is closed to this chat again."""
        return msgspec.structs.replace(own, grants=tuple(one for one in own.grants if one.folder != folder))

    # servers

    def add_server(self, config: ServerConfig, tools: tuple[ServerTool, ...], off: tuple[str, ...]) -> None:
        """Keep a server with the tools that the person has looked at, and start it. Raises UsageError."""
        settings = self._settings()
        if visible(config.name) != config.name:
            raise UsageError("The name of the server has signs that cannot be seen. Write it anew.", "name")
        if not config.name or any(alike(entry.config.name) == alike(config.name) for entry in settings.servers):
            raise UsageError("There is a server of this name already. Give it another.", "taken")
        entry = ServerEntry(config, pins=pins_of(tools), off=off)
        self._set_settings(msgspec.structs.replace(settings, servers=(*settings.servers, entry)))
        self._start(config)

    def remove_server(self, name: str) -> None:
        """End a server and forget it."""
        settings = self._settings()
        others = tuple(entry for entry in settings.servers if entry.config.name != name)
        self._set_settings(msgspec.structs.replace(settings, servers=others))
        self._toolbox.stop_server(name)
        self._servers.pop(name, None)

    def enable_server(self, name: str, *, enabled: bool) -> None:
        """Switch a server on or off; it starts or ends with that."""
        entry = self._entry(name)
        self._replace_entry(msgspec.structs.replace(entry, enabled=enabled))
        if enabled:
            self._start(entry.config)
        else:
            self._toolbox.stop_server(name)
            self._servers.pop(name, None)

    def restart_server(self, name: str) -> None:
        """End a server and start it again."""
        self._toolbox.stop_server(name)
        self._start(self._entry(name).config)

    def accept_tools(self, name: str, shown: tuple[ServerTool, ...], off: tuple[str, ...] = ()) -> None:
        """The person has looked at these tools of a server; what it says meanwhile stays off."""
        self._replace_entry(msgspec.structs.replace(self._entry(name), pins=pins_of(shown), off=off))

    def start_servers(self) -> None:
        """Start all servers that are switched on and do not run: before tools are used for the first time."""
        for entry in self._settings().servers:
            if entry.enabled and entry.config.name not in self._servers:
                self._start(entry.config)

    @property
    def are_starting(self) -> bool:
        """Whether a server is on its way."""
        return any(server.state == "starting" for server in self._servers.values())

    def take(self, event: AnyHostEvent) -> tuple[Change, ...]:
        """What the tool host told of servers."""
        self._toolbox.take(event)
        if isinstance(event, HostDied):
            for server in self._servers.values():
                server.state, server.message = "failed", event.message
                server.offer(())
        elif isinstance(event, ServerStarted | ToolsChanged | ServerFailed | ServerStopped):
            self._note(event)
        return ()

    def tools_of(self, name: str) -> tuple[ServerTool, ...]:
        """What a running server says of its tools."""
        return self._servers[name].tools if name in self._servers else ()

    def _note(self, event: ServerStarted | ToolsChanged | ServerFailed | ServerStopped) -> None:
        if event.server not in self._servers and isinstance(event, ServerStopped):
            return
        server = self._servers.setdefault(event.server, _Server())
        if isinstance(event, ServerStarted):
            server.state, server.title = "running", event.title
            server.message, server.detail, server.seconds = "", "", event.seconds
            server.offer(event.tools)
        elif isinstance(event, ToolsChanged):
            server.offer(event.tools)
        elif isinstance(event, ServerFailed):
            server.state, server.message, server.detail = "failed", event.message, event.detail
            server.offer(())
        elif server.state != "starting":
            server.state = "stopped"
            server.offer(())

    def _start(self, config: ServerConfig) -> None:
        if self._path is None:
            self._path = login_path()
        server = self._servers.setdefault(config.name, _Server())
        server.state, server.message = "starting", ""
        self._toolbox.start_server(config, self._path)

    def _entry(self, name: str) -> ServerEntry:
        found = next((entry for entry in self._settings().servers if entry.config.name == name), None)
        if found is None:
            raise UsageError("This server is not there any more.", "no_server")
        return found

    def _replace_entry(self, entry: ServerEntry) -> None:
        settings = self._settings()
        entries = tuple(entry if one.config.name == entry.config.name else one for one in settings.servers)
        self._set_settings(msgspec.structs.replace(settings, servers=entries))

    def is_unseen(self, tool: Tool) -> bool:
        """Whether the tool's server says something else of it than when the person looked, so that it is off."""
        server = self._servers.get(tool.origin)
        if not tool.origin or server is None:
            return False
        entry = next((one for one in self._settings().servers if one.config.name == tool.origin), None)
        said = next((each for each in server.pins if each[0] == tool.asked_as), None)
        return entry is None or said not in entry.pins

    def _is_off_everywhere(self, tool: Tool) -> bool:
        return bool(tool.origin) and tool.asked_as in self._entry(tool.origin).off

    def _row(self, entry: ServerEntry) -> ServerRow:
        server = self._servers.get(entry.config.name, _Server())
        names = {one.name for one in server.tools}
        tokens = [
            self._tokens.get(_as_key(tool.definition))
            for tool in self._toolbox.tools
            if tool.origin == entry.config.name
        ]
        counted = None if None in tokens else sum(one for one in tokens if one is not None)
        return ServerRow(
            entry.config, entry.enabled, server.state, len(names), counted, server.message, server.detail,
            unseen(entry, server.pins), server.tools, entry.off,
        )  # fmt: skip


def _as_key(definition: ToolDefinition) -> str:
    return msgspec.json.encode(definition).decode()
