"""What a server said, as the program's own values: its tools and the results of calls, cleaned and bounded."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

import mcp_types as types
import msgspec

from app.core.tools import Schema, ServerTool
from app.tools.frames import CallImage
from app.tools.host_text import clean, cut

MOST_IMAGES = 8
LARGEST_IMAGES = 20 << 20  # bytes, of all pictures in a result

_MOST_TOOLS = 500
_LONGEST_NAME = 128
_LONGEST_DESCRIPTION = 8000
_LARGEST_SCHEMA = 64 << 10  # bytes as JSON
_ANY_ARGUMENTS: Schema = {"type": "object"}


def server_tools(tools: Iterable[types.Tool]) -> tuple[ServerTool, ...]:
    """The tools as a server lists them; one whose name cannot be used, or that is there twice, is left out."""
    found: dict[str, ServerTool] = {}
    for tool in tools:
        usable = tool.name and len(tool.name) <= _LONGEST_NAME and tool.name.isprintable()
        if usable and tool.name not in found and len(found) < _MOST_TOOLS:
            found[tool.name] = ServerTool(
                name=tool.name,
                description=clean(tool.description or tool.title or "")[:_LONGEST_DESCRIPTION],
                parameters=_schema(tool.input_schema),
                reads_only=tool.annotations is not None and tool.annotations.read_only_hint is True,
            )
    return tuple(found.values())


def _schema(schema: Schema) -> Schema:
    """The schema with its words cleaned; any object where it is too large or cannot be written as JSON."""
    try:
        written = msgspec.json.encode(schema)
    except (msgspec.EncodeError, OverflowError, RecursionError, UnicodeEncodeError):
        return _ANY_ARGUMENTS
    if len(written) > _LARGEST_SCHEMA or schema.get("type") != "object":
        return _ANY_ARGUMENTS
    cleaned: Schema = _with_clean_words(msgspec.json.decode(written))
    return cleaned


def _with_clean_words(value: Any) -> Any:
    # names of arguments and choices stay as they are: the server would not know others
    if isinstance(value, dict):
        return {
            name: clean(inner)
            if name in ("description", "title") and isinstance(inner, str)
            else _with_clean_words(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_with_clean_words(inner) for inner in value]
    return value


class Reading:
    """One result on its way to text and pictures."""

    def __init__(self, result: types.CallToolResult, limit: int) -> None:
        """Reads it at once; the text has at most `limit` characters and a line about the rest."""
        self._parts: list[str] = []
        self._images: list[CallImage] = []
        self._room = LARGEST_IMAGES
        self._left_out = 0
        for block in result.content:
            self._take(block)
        if not any(self._parts) and result.structured_content is not None:
            self._parts.append(json.dumps(result.structured_content, ensure_ascii=False))
        if self._left_out:
            self._parts.append(f"[pictures left out: {self._left_out}]")
        self.text = cut(clean("\n".join(self._parts)), limit)
        self.images = tuple(self._images)

    def _take(self, block: types.ContentBlock) -> None:
        match block:
            case types.TextContent():
                self._parts.append(block.text)
            case types.ImageContent():
                self._take_image(block.mime_type, block.data)
            case types.AudioContent():
                self._parts.append(f"[sound left out: {block.mime_type[:100]}]")
            case types.ResourceLink():
                self._parts.append(f"{block.name} ({block.uri})")
            case types.EmbeddedResource():
                self._take_resource(block.resource)

    def _take_resource(self, resource: types.TextResourceContents | types.BlobResourceContents) -> None:
        if isinstance(resource, types.TextResourceContents):
            self._parts.append(resource.text)
        elif (resource.mime_type or "").startswith("image/"):
            self._take_image(resource.mime_type or "", resource.blob)
        else:
            self._parts.append(f"[file left out: {resource.uri}]")

    def _take_image(self, media_type: str, data: str) -> None:
        room = len(self._images) < MOST_IMAGES and len(data) * 3 // 4 <= self._room
        usable = room and media_type.startswith("image/")
        try:
            image = base64.b64decode("".join(data.split()), validate=True) if usable else b""
        except (binascii.Error, ValueError):
            image = b""
        if not image:
            self._left_out += 1
            return
        self._room -= len(image)
        self._images.append(CallImage(clean(media_type)[:100], image))
