"""How values are spelled in a call: as JSON, or in the way of models that have a token for the quote."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_BARE_KEY = re.compile(r'[^\x00-\x1f\x7f:,{}\[\]<|"]+')
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null")
_DEEPEST = 200  # values in one another
_CLOSERS = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """JSON where `quote` is "". Else a string stands between two tokens that are written so, as it is.

    Nothing can be escaped in such a string: it ends at the first `quote`. Keys are bare, or between quotes too where
    they could be taken for something else. Pure.
    """

    quote: str = ""

    def written(self, value: object) -> str:
        """A value of JSON. Raises ValueError for one that cannot be spelled: with `quote` as text in a string."""
        if not self.quote or value is None or isinstance(value, bool | int | float):
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, str):
            if self.quote in value:
                raise ValueError("the text has the mark that ends it")
            return f"{self.quote}{value}{self.quote}"
        if isinstance(value, dict):
            return "{" + ",".join(f"{self.key(name)}:{self.written(one)}" for name, one in value.items()) + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(map(self.written, value)) + "]"
        raise ValueError(f"{type(value).__name__} is no value of JSON")

    def key(self, name: str) -> str:
        """The name of a value. Raises ValueError as `written` does."""
        return name if self.quote and _BARE_KEY.fullmatch(name) else self.written(name)

    def read(self, text: str, place: int) -> tuple[Any, int]:
        """The value that begins at `place`, and where it ends. Raises ValueError where none does, or half of one."""
        if self.quote:
            return self._read(text, place, 0)
        try:
            found, end = json.JSONDecoder().raw_decode(text, place)
            # half a character goes into no frame
            return json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")), end
        except RecursionError as error:
            raise ValueError("too deep") from error

    def _read(self, text: str, place: int, depth: int) -> tuple[Any, int]:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        if text.startswith(self.quote, place):
            return self._string(text, place)
        if text[place : place + 1] in _CLOSERS:
            return self._several(text, place, depth)
        found = _PLAIN.match(text, place)
        if found is None:
            raise ValueError("no value")
        return json.loads(found[0]), found.end()

    def _string(self, text: str, place: int) -> tuple[str, int]:
        start = place + len(self.quote)
        end = text.index(self.quote, start)
        return text[start:end], end + len(self.quote)

    def _several(self, text: str, place: int, depth: int) -> tuple[Any, int]:
        """An object or an array."""
        closer = _CLOSERS[text[place]]
        named: dict[str, Any] = {}
        listed: list[Any] = []
        place += 1
        while not text.startswith(closer, place):
            if (named or listed) and not text.startswith(",", place):
                raise ValueError("no comma")
            place += bool(named or listed)
            if closer == "}":
                name, place = self._key(text, place)
                named[name], place = self._read(text, place, depth + 1)
            else:
                value, place = self._read(text, place, depth + 1)
                listed.append(value)
        return (named if closer == "}" else listed), place + 1

    def _key(self, text: str, place: int) -> tuple[str, int]:
        if text.startswith(self.quote, place):
            name, end = self._string(text, place)
            if not text.startswith(":", end):
                raise ValueError("no colon")
            return name, end + 1
        end = text.index(":", place)
        return text[place:end], end + 1


JSON = Dialect()
