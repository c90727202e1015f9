"""Templates of strangers, run so that they can neither touch anything nor take time or memory without end."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import Any, NoReturn

import jinja2
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.core.errors import EngineError

SECONDS = 3.0  # processor time of one rendering; a conversation of 128K tokens takes about 0.1
_AGAIN_SECONDS = 0.1
MEMORY = 512 << 20  # bytes that one rendering may add
_LONGEST_NUMBER = 4096  # bits


class _TooLong(Exception):
    """The time is up."""


class Template:
    """A compiled chat template. Worker's main thread: the limits are the process's own."""

    def __init__(self, source: str) -> None:
        """Raises EngineError where the template cannot be read."""
        self._compiled = _guarded(lambda: _environment().from_string(source))

    def render(self, **variables: object) -> str:
        """What the template makes of these variables. Raises EngineError where it refuses, fails or does not end."""
        return str(_guarded(lambda: self._compiled.render(**variables)))


def _guarded(work: Any) -> Any:
    try:
        with _limited():
            return work()
    except _TooLong as error:
        raise refused("it does not come to an end") from error
    except MemoryError as error:
        raise refused("it takes too much memory") from error
    except RecursionError as error:
        raise refused("it calls itself without end") from error
    except Exception as error:
        raise refused(" ".join(str(error).split())[:200] or type(error).__name__) from error


def refused(why: str) -> EngineError:
    """The words for a template that cannot be used."""
    return EngineError(f"The chat template of this model cannot be used: {why}.", "template")


@contextmanager
def _limited() -> Iterator[None]:
    with _limited_memory(), _limited_time():
        yield


@contextmanager
def _limited_time() -> Iterator[None]:
    """Raises _TooLong inside the block; again and again, because a first one may fall into a destructor."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_time(_number: int, _frame: FrameType | None) -> NoReturn:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, on_time)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, _AGAIN_SECONDS)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _limited_memory() -> Iterator[None]:
    """Allocations beyond MEMORY fail with MemoryError inside the block."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _address_space() + MEMORY
    if before != resource.RLIM_INFINITY:
        limit = min(limit, before)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))


def _address_space() -> int:
    """Bytes of this process's address space, the mapped model included."""
    import resource

    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


class _Environment(ImmutableSandboxedEnvironment):
    """Nothing interrupts Python while it multiplies whole numbers: large ones are refused."""

    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int):
            power = operator == "**"
            bits = left.bit_length() * max(right, 1) if power else left.bit_length() + right.bit_length()
            if bits > _LONGEST_NUMBER:
                raise jinja2.TemplateError("its numbers are too large")
        return super().call_binop(context, operator, left, right)


def _environment() -> ImmutableSandboxedEnvironment:
    """What chat templates are written for (the conventions of Hugging Face's transformers)."""
    environment = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], cache_size=0
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    # The day only: with the time of day in it no prompt would begin as the one before.
    environment.globals["strftime_now"] = lambda pattern: date.today().strftime(pattern)
    return environment


def _to_json(value: object, indent: int | None = None) -> str:
    """JSON as it is: Jinja's own filter would escape `<`, and so change what the model reads."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
