"""What a tool is: a typed function with a docstring, or a tool of a server; and whether arguments are what it takes."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from app.core.tools import Arguments, Effect, Grant, Schema, ToolDefinition
from app.tools.schemas import first_fault

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


class ToolError(Exception):
    """A sentence for the model: why a call gave nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a call may use. Long work looks at `deadline` (time.monotonic()) and asks `stopped` now and then."""

    grants: tuple[Grant, ...] = ()
    deadline: float = math.inf
    stopped: Callable[[], bool] = lambda: False
    search_chats: Callable[[str, int], str] | None = None
    open_link: Callable[[str], object] | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. `origin` is the server it is of ("": built in), `asked_as` its name there; `run` raises ToolError.

    `path_argument` names the file or folder that a call is about; `on_session` runs where the store is.
    """

    name: str
    description: str
    parameters: Schema
    effect: Effect
    origin: str = ""
    run: Callable[[Arguments, Surroundings], str] | None = None
    path_argument: str = ""
    on_session: bool = False
    asked_as: str = ""
    identity: str = ""  # of a server's tool: which program it is of and what it says of itself, as a hash

    @property
    def own_name(self) -> str:
        """What it is called where it comes from, whatever else there is: together with `origin` it names one tool."""
        return self.asked_as or self.name

    @property
    def definition(self) -> ToolDefinition:
        """What the model is told."""
        return ToolDefinition(self.name, self.description, self.parameters)


def tool_of(function: Callable[..., str], effect: Effect, *, path_argument: str = "", on_session: bool = False) -> Tool:
    """A tool from a function: schema from its signature, words from its docstring.

    The first paragraph of the docstring describes the tool, lines of the form `name: words` its arguments. A parameter
    `around` is given the Surroundings and is none of the tool's.
    """
    description, told = _words(function)
    hints = get_type_hints(function)
    properties: dict[str, Schema] = {}
    required = []
    takes_around = False
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "around":
            takes_around = True
            continue
        properties[name] = _schema(hints[name])
        if name in told:
            properties[name]["description"] = told[name]
        if parameter.default is inspect.Parameter.empty:
            required.append(name)
    parameters: Schema = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required

    def run(arguments: Arguments, around: Surroundings) -> str:
        given = {
            name: _as_declared(value, properties[name])
            for name, value in arguments.items()
            if name in properties and value is not None
        }
        return function(**given, around=around) if takes_around else function(**given)

    return Tool(
        function.__name__, description, parameters, effect, run=run, path_argument=path_argument, on_session=on_session
    )


def built_in() -> tuple[Tool, ...]:
    """The tools that Cabochon brings."""
    from app.tools.builtin.calculator import calculator
    from app.tools.builtin.chats import search_chats
    from app.tools.builtin.clock import current_time
    from app.tools.builtin.files import list_folder, read_file
    from app.tools.builtin.links import open_link
    from app.tools.builtin.search import search_files
    from app.tools.builtin.writing import write_file

    return (
        tool_of(calculator, Effect.READ),
        tool_of(current_time, Effect.READ),
        tool_of(list_folder, Effect.READ, path_argument="path"),
        tool_of(read_file, Effect.READ, path_argument="path"),
        tool_of(search_files, Effect.READ, path_argument="path"),
        tool_of(write_file, Effect.WRITE, path_argument="path"),
        tool_of(search_chats, Effect.READ, on_session=True),
        tool_of(open_link, Effect.NETWORK),
    )


def check_arguments(tool: Tool, arguments: Arguments) -> str:
    """ "" where a tool takes these arguments, else one sentence that says where they are wrong. Never raises."""
    try:
        found = first_fault({"type": "object", **tool.parameters}, arguments)
    except Exception:  # noqa: BLE001 - a server's schema may be anything; the server itself looks at the arguments too
        return ""
    if found is None:
        return ""
    place = ".".join(map(str, found.absolute_path))
    where = f" at “{place}”" if place else ""
    return f"The arguments are not what {tool.name} takes{where}: {found.message[:300]}."


def _as_declared(value: Any, schema: Schema) -> Any:
    """The value; 2.0 as 2 where a whole number is asked for, as JSON Schema lets it pass for one."""
    whole = schema.get("type") == "integer" and isinstance(value, float) and value.is_integer()
    return int(value) if whole else value


def _words(function: Callable[..., str]) -> tuple[str, dict[str, str]]:
    first, _, rest = inspect.cleandoc(function.__doc__ or "").partition("\n\n")
    told = {}
    for line in rest.splitlines():
        name, colon, words = line.partition(": ")
        if colon and name.isidentifier():
            told[name] = words.strip()
    return " ".join(first.split()), told


def _schema(hint: Any) -> Schema:
    origin = get_origin(hint)
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin in (Union, types.UnionType):  # `X | None`: it may be left out
        return _schema(next(one for one in get_args(hint) if one is not type(None)))
    return {"type": _TYPES[hint]}
