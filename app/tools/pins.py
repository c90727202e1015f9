"""Whether a server's tools are those that a person has looked at. Pure."""

from __future__ import annotations

import hashlib
import json

from app.core.tools import ServerConfig, ServerEntry, ServerTool


def pin_of(tool: ServerTool) -> str:
    """What a tool says of itself, as a hash: SHA-256 of name, description and schema."""
    told = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def identity_of(config: ServerConfig | None, tool: ServerTool) -> str:
    """Which program a tool is of and what it says of itself, as a hash: a permission is given to this and no other."""
    of = [config.command, config.url, config.folder, config.environment, config.headers] if config is not None else []
    return hashlib.sha256(json.dumps([of, pin_of(tool)]).encode()).hexdigest()


def pins_of(tools: tuple[ServerTool, ...]) -> tuple[tuple[str, str], ...]:
    """The pins of all of them."""
    return tuple((tool.name, pin_of(tool)) for tool in tools)


def unseen(entry: ServerEntry, pins: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The tools that are new, or say something else of themselves than when the person looked: they are off."""
    return tuple(name for name, pin in pins if (name, pin) not in entry.pins)
