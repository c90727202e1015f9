"""One tool server, from its start to its end: what it offers, the calls to it, and a sentence on how it failed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import mcp_types as types
from mcp import ClientSession
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from app.core.child_log import signal_name
from app.core.tools import ServerTool
from app.tools.environment import find_program, server_environment, server_folder
from app.tools.frames import CallTool, HostEvent, ServerFailed, ServerStarted, StartServer, ToolsChanged
from app.tools.host_calls import Calls
from app.tools.host_gate import Link, SentTooMuchError
from app.tools.host_http import UNREACHABLE, HttpServer, http_link
from app.tools.host_log import ServerLog, log_path
from app.tools.host_process import ServerProcess, process_link
from app.tools.host_results import server_tools
from app.tools.host_text import last_lines, short

_MOST_PAGES = 50
_LIST_SECONDS = 30.0
_BETWEEN_LISTS = 0.5  # seconds; a server may say without end that its tools have changed
_EXIT_SECONDS = 1.0  # between the end of a server's output and its own
_STOP_SECONDS = 4.0  # more than ServerProcess.stop() takes
_HTTP_STOP_SECONDS = 1.0
_SESSION_LOST = "Session terminated"  # the SDK's words for a server that does not know us any more


class _FailedError(Exception):
    """A server's failure as a sentence."""


class Server:
    """Runs on the event loop; tells ServerStarted or ServerFailed, and ServerFailed once where it ends later."""

    def __init__(self, request: StartServer, logs: Path, tell: Callable[[HostEvent], None], calls: Calls) -> None:
        """Starts nothing; begin() does."""
        self._request = request
        self._config = request.config
        self.name = request.config.name
        self._tell = tell
        self._calls = calls
        self._log = ServerLog(log_path(logs, self.name))
        self._process = ServerProcess(self._log)
        self._http = HttpServer(request.config)
        self._begun = asyncio.Event()
        self._changed = asyncio.Event()
        self._session: ClientSession | None = None
        self._started = False
        self._lost = False
        self._tools: tuple[ServerTool, ...] = ()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start it in the background."""
        self._task = asyncio.create_task(self._run(), name=f"server {self.name}")

    async def stop(self) -> None:
        """End it, and wait until it has; its calls end failed. A start that is under way is told as failed."""
        if self._task is None:
            return
        await self._begun.wait()  # a task that is cancelled before its first step would tell nothing
        patience = _HTTP_STOP_SECONDS if self._config.url else _STOP_SECONDS
        while not self._task.done():
            self._task.cancel()  # again where it is stuck in saying goodbye
            await asyncio.wait([self._task], timeout=patience)

    def kill(self) -> None:
        """End its process at once; from any thread."""
        self._process.kill()

    def call(self, frame: CallTool) -> None:
        """Call a tool; CallEnded follows."""
        self._calls.begin(frame, lambda: self._ask(frame))

    async def _ask(self, frame: CallTool) -> types.CallToolResult:
        if self._session is None:
            raise MCPError(types.CONNECTION_CLOSED, f"The server “{self.name}” is not running.")
        # not session.call_tool: that would check the result by a schema of the server's own choice
        parameters = types.CallToolRequestParams(name=frame.tool, arguments=frame.arguments)
        try:
            return await self._session.send_request(types.CallToolRequest(params=parameters), types.CallToolResult)
        except MCPError as error:
            if self._config.url and str(error) == _SESSION_LOST and self._task is not None:
                self._lost = True
                self._task.cancel()
            if error.code == types.CONNECTION_CLOSED:
                await anyio.sleep(2 * _EXIT_SECONDS)  # the server's end is told with its reason, and ends this call
            raise

    async def _run(self) -> None:
        self._begun.set()
        sentence = ""
        try:
            sentence = await self._live()
        except asyncio.CancelledError:
            if self._lost:
                sentence = f"The server “{self.name}” was started anew and no longer knows Cabochon. Start it again."
            elif not self._started:
                sentence = "The start was stopped."
        except Exception as error:  # noqa: BLE001 - a server may fail in any way, and it has to be told
            sentence = self._explained(error)
        finally:
            self._session = None
            self._log.close()
        self._calls.server_ended(self.name, sentence or f"The server “{self.name}” was stopped.")
        if sentence:
            self._tell(ServerFailed(self.name, sentence, last_lines(self._log.tail)))

    async def _live(self) -> str:
        """From its start to its end by itself; the sentence on that end. Raises much."""
        async with self._link() as link, self._open(link) as session:
            try:
                await self._start(session)
            except MCPError as error:
                if error.code != types.CONNECTION_CLOSED:
                    raise
            else:
                self._session = session
                async with anyio.create_task_group() as group:
                    group.start_soon(self._list_again, session)
                    await link.over.wait()
                    group.cancel_scope.cancel()
            self._session = None
            with anyio.move_on_after(_EXIT_SECONDS):
                await self._process.exited.wait()
            exit_code = self._process.exit_code
        return self._ended(exit_code)

    @asynccontextmanager
    async def _link(self) -> AsyncGenerator[Link]:
        if self._config.url:
            async with http_link(self._http) as link:
                yield link
            return
        environment = server_environment(self._config, self._request.search_path)
        folder = server_folder(self._config, environment)
        program = find_program(self._config, environment)
        if not os.path.isdir(folder):
            raise _FailedError(f"The folder “{folder}” that the server starts in is not there.")
        if not program:
            raise _FailedError(f"The program “{' '.join(self._config.command[:1])}” was not found.")
        try:
            await self._process.start([program, *self._config.command[1:]], folder, environment)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise _FailedError(f"The program “{program}” could not be started: {reason}.") from error
        async with process_link(self._process) as link:
            yield link

    def _open(self, link: Link) -> ClientSession:
        return ClientSession(
            link.incoming,
            link.outgoing,
            message_handler=self._on_message,
            client_info=types.Implementation(name="cabochon", title="Cabochon", version="1"),
        )

    async def _on_message(self, message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self._changed.set()

    async def _start(self, session: ClientSession) -> None:
        begun = time.monotonic()
        try:
            with anyio.fail_after(self._request.seconds):
                await self._agree(session)
                self._tools = await self._listed(session)
        except TimeoutError as error:
            sentence = f"The server “{self.name}” did not answer within {self._request.seconds:g} seconds."
            raise _FailedError(sentence) from error
        self._started = True
        info = session.server_info
        title = short(info.title or info.name, 100) if info else ""
        version = short(info.version, 100) if info else ""
        self._tell(ServerStarted(self.name, title, version, self._tools, time.monotonic() - begun))

    async def _agree(self, session: ClientSession) -> None:
        try:
            await session.initialize()
        except MCPError as error:
            # a server of 2026-07-28 or later knows no such handshake
            if error.code not in (types.UNSUPPORTED_PROTOCOL_VERSION, types.METHOD_NOT_FOUND):
                raise
            await session.discover()

    async def _listed(self, session: ClientSession) -> tuple[ServerTool, ...]:
        """All pages of its tools; none where it knows of no tools."""
        found: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = types.PaginatedRequestParams(cursor=cursor) if cursor else None
            try:
                listed = await session.send_request(types.ListToolsRequest(params=page), types.ListToolsResult)
            except MCPError as error:
                if error.code == types.METHOD_NOT_FOUND and not self._refused_by_http():
                    break
                raise
            found += listed.tools
            cursor = listed.next_cursor
            if not cursor:
                break
        return server_tools(found)

    async def _list_again(self, session: ClientSession) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                with anyio.fail_after(_LIST_SECONDS):
                    tools = await self._listed(session)
            except (MCPError, ValidationError, TimeoutError):
                tools = self._tools  # what it said before stands
            if tools != self._tools:
                self._tools = tools
                self._tell(ToolsChanged(self.name, tools))
            await anyio.sleep(_BETWEEN_LISTS)

    def _refused_by_http(self) -> bool:
        return self._http.refusal != 0

    def _ended(self, exit_code: int | None) -> str:
        if self._config.url:
            return f"The connection to the server “{self.name}” was lost."
        if exit_code is None:
            return f"The server “{self.name}” closed its connection."
        when = "has ended" if self._started else "ended at once"
        return f"The server “{self.name}” {when} ({signal_name(exit_code)})."

    def _explained(self, error: Exception) -> str:
        """The sentence on a failure; the innermost of a group counts."""
        causes = list(_leaves(error))
        for cause in causes:
            if isinstance(cause, SentTooMuchError):
                return f"The server “{self.name}” sent too much and was ended."
            if isinstance(cause, _FailedError):
                return str(cause)
        cause = causes[0]
        if self._refused_by_http() and not self._started:
            return self._http_refusal()
        reason = short(str(cause)) or type(cause).__name__
        if isinstance(cause, UNREACHABLE):
            return f"The server at {self._config.url} could not be reached: {reason}."
        if isinstance(cause, MCPError):
            return f"The server “{self.name}” refused: {reason}"
        if isinstance(cause, ValidationError):
            return f"The server “{self.name}” does not speak the protocol of tool servers (MCP)."
        return f"The server “{self.name}” failed: {reason}"

    def _http_refusal(self) -> str:
        if self._http.refusal in (401, 403):
            return f"The server at {self._config.url} wants a key or a sign-in (HTTP {self._http.refusal})."
        return f"The server at {self._config.url} refused (HTTP {self._http.refusal})."


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
