"""The calls that wait for their servers: each ends exactly once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import mcp_types as types
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from app.tools.frames import CallEnded, CallImage, CallTool
from app.tools.host_results import Reading
from app.tools.host_text import clean, cut

Ask = Callable[[], Awaitable[types.CallToolResult]]


@dataclass(frozen=True, slots=True)
class _Call:
    frame: CallTool
    begun: float
    task: asyncio.Task[None]
    timer: asyncio.TimerHandle


class Calls:
    """On the event loop only. Whatever comes first (answer, time, person, server's death) takes the call out."""

    def __init__(self, tell: Callable[[CallEnded], None]) -> None:
        """`tell` is called once for each call."""
        self._tell = tell
        self._calls: dict[str, _Call] = {}
        self._given_up: set[asyncio.Task[None]] = set()

    def begin(self, frame: CallTool, ask: Ask) -> None:
        """Start a call; one that is under way already is not started again."""
        if frame.call in self._calls:
            return
        late = f"The tool did not answer within {frame.seconds:g} seconds."
        timer = asyncio.get_running_loop().call_later(frame.seconds, self.give_up, frame.call, late)
        task = asyncio.create_task(self._answer(frame, ask))
        self._calls[frame.call] = _Call(frame, time.monotonic(), task, timer)

    def give_up(self, call: str, sentence: str) -> None:
        """End a call without its answer, and tell its server so."""
        found = self._calls.get(call)
        if found is not None:
            self._end(call, sentence, failed=True)
            found.task.cancel()
            # it still tells the server; the event loop holds tasks only weakly
            self._given_up.add(found.task)
            found.task.add_done_callback(self._given_up.discard)

    def server_ended(self, server: str, sentence: str) -> None:
        """End all calls of a server."""
        for call in [call for call, found in self._calls.items() if found.frame.server == server]:
            self.give_up(call, sentence)

    async def _answer(self, frame: CallTool, ask: Ask) -> None:
        try:
            result = await ask()
            reading = Reading(result, frame.limit)
        except MCPError as error:
            self._end(frame.call, cut(clean(str(error)), frame.limit), failed=True)
        except ValidationError:
            self._end(frame.call, "The server answered with something that is no result of a tool.", failed=True)
        except Exception as error:  # noqa: BLE001 - a server may answer anything, and a call has to end
            self._end(frame.call, f"The answer could not be read ({type(error).__name__}).", failed=True)
        else:
            self._end(frame.call, reading.text, failed=result.is_error, images=reading.images)

    def _end(self, call: str, text: str, *, failed: bool, images: tuple[CallImage, ...] = ()) -> None:
        found = self._calls.pop(call, None)
        if found is not None:
            found.timer.cancel()
            milliseconds = (time.monotonic() - found.begun) * 1000
            self._tell(CallEnded(call, text, failed, images, milliseconds))
