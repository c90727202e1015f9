"""Whether a server's tools are those that a person has looked at. Pure."""

from __future__ import annotations

import hashlib
import json

from app.core.tools import ServerEntry, ServerTool


def pin_of(tool: ServerTool) -> str:
    """What a tool says of itself, as a hash: SHA-256 of name, description and schema."""
    told = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def pins_of(tools: tuple[ServerTool, ...]) -> tuple[tuple[str, str], ...]:
    """The pins of all of them."""
    return tuple((tool.name, pin_of(tool)) for tool in tools)


def unseen(entry: ServerEntry, tools: tuple[ServerTool, ...]) -> tuple[str, ...]:
    """The tools that are new, or say something else of themselves than when the person looked: they are off."""
    known = dict(entry.pins)
    return tuple(tool.name for tool in tools if known.get(tool.name) != pin_of(tool))
