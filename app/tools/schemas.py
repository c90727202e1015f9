"""Schemas of strangers, before arguments are checked against them: what could take endless time is left out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.tools import Schema

_MOST = 2_000  # schemas that one value may be looked at by
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_PATTERNS = ("pattern", "patternProperties", "propertyNames")


def without_patterns(schema: Schema) -> Schema:
    """The schema without regular expressions: one of them can keep Python busy for years."""
    found = _without(schema)
    assert isinstance(found, dict)
    return found


def is_cheap(document: Schema) -> bool:
    """Whether no value is looked at by more than some thousand schemas, through references and alternatives."""
    return all(_reaches(one, document) <= _MOST for one in _all_in(document))


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(one) for key, one in value.items() if key not in _PATTERNS}
    return [_without(one) for one in value] if isinstance(value, list) else value


def _all_in(value: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _reaches(schema: Mapping[str, Any], document: Schema) -> int:
    """How many schemas the same value is looked at by, counted up to one more than the most."""
    waiting, count = [schema], 0
    while waiting and count <= _MOST:
        one, count = waiting.pop(), count + 1
        following = [one.get(name) for name in _SAME_VALUE]
        if isinstance(reference := one.get("$ref"), str):
            following.append(_looked_up(reference, document))
        for each in following:
            waiting += [part for part in (each if isinstance(each, list) else [each]) if isinstance(part, Mapping)]
    return count


def _looked_up(reference: str, document: Schema) -> object:
    found: object = document
    for step in filter(None, reference.removeprefix("#").split("/")):
        step = step.replace("~1", "/").replace("~0", "~")
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
