"""JSON Schema as it is read here: references, what stands together, and what a chat template can tell of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

_DEEPEST = 5  # schemas in one another that a model is told of
_MOST = 500  # schemas that it is told of
_STEPS = 12  # from one reference or alternative to the next
_LIMITS: dict[str, Any] = {
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max,
    "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min,
}  # fmt: skip


def decimal(value: object) -> Decimal | None:
    """A number of a schema that is not out of all bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < Decimal(10) ** 18 else None


def listed(value: object) -> list[Any]:
    """A list, empty where there is none."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def implied(schema: Mapping[str, Any]) -> str:
    """The type that a schema without one speaks of, "" where that is any."""
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return ""


def all_of(schema: Mapping[str, Any], parts: Sequence[object], document: Mapping[str, Any]) -> dict[str, Any]:
    """Several schemas as one: properties and required names together, everything else from the last that has it."""
    whole: dict[str, Any] = {}
    for part in (*parts, {key: value for key, value in schema.items() if key != "allOf"}):
        if isinstance(part, Mapping) and isinstance(part.get("$ref"), str):
            part = looked_up(part["$ref"], document)
        if part is False:
            return {"enum": []}
        if not isinstance(part, Mapping):
            continue
        both: dict[str, Any] = {
            key: [*listed(whole.get(key)), *listed(part[key])] for key in ("required",) if key in part
        }
        if isinstance(part.get("properties"), Mapping):
            before = whole.get("properties")
            both["properties"] = {**(before if isinstance(before, Mapping) else {}), **part["properties"]}
        for limit, stricter in _LIMITS.items():
            if decimal(part.get(limit)) is not None and decimal(whole.get(limit)) is not None:
                both[limit] = stricter(part[limit], whole[limit])
        whole |= {**part, **both}
    return whole


def looked_up(reference: str, document: Mapping[str, Any]) -> object:
    """What a reference inside the document names; anything goes where it names nothing."""
    if not reference.startswith("#"):
        return True
    found: object = document
    for step in filter(None, reference[1:].split("/")):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        else:
            return True
    return found if found is not document or reference == "#" else True


def plain(schema: object, document: Mapping[str, Any]) -> dict[str, Any]:
    """A schema in the few words that templates know: one type, whether it may be null, choices, properties, items.

    The grammar holds the rest. Whatever is wrong with it, what comes back can be rendered.
    """
    return _plain(schema, document, 0, iter(range(_MOST))) or {}


def _plain(schema: object, document: Mapping[str, Any], depth: int, room: Iterator[int]) -> dict[str, Any] | None:
    """None where enough is told."""
    if next(room, None) is None:
        return None
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return {}
    known, may_be_null = _one(schema, document)
    found: dict[str, Any] = {}
    if isinstance(known.get("description"), str):
        found["description"] = known["description"]
    choices = listed(known.get("enum")) or ([known["const"]] if "const" in known else [])
    kind = known.get("type") or implied(known)
    if not kind and choices and all(isinstance(one, str) for one in choices):
        kind = "string"
    if isinstance(kind, str) and kind:
        found["type"] = kind
    if choices:
        found["enum"] = choices
    if may_be_null:
        found["nullable"] = True
    if kind == "object":
        named = known.get("properties")
        entries = named.items() if isinstance(named, Mapping) else ()
        told = ((name, _plain(one, document, depth + 1, room)) for name, one in entries)
        found["properties"] = {name: one for name, one in told if one is not None}
        if required := [name for name in listed(known.get("required")) if isinstance(name, str)]:
            found["required"] = required
    if kind == "array" and (item := _plain(known.get("items"), document, depth + 1, room)):
        found["items"] = item
    return found


def _one(schema: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The schema without references and alternatives: of several the first is told. And whether null is one."""
    may_be_null = False
    for _ in range(_STEPS):
        kinds, parts = listed(schema.get("type")), listed(schema.get("anyOf")) or listed(schema.get("oneOf"))
        rest = {key: one for key, one in schema.items() if key not in ("$ref", "anyOf", "oneOf")}
        if isinstance(schema.get("$ref"), str):
            schema = all_of({}, [looked_up(schema["$ref"], document), rest], document)
        elif parts:
            others = [one for one in parts if one != {"type": "null"}]
            may_be_null |= len(others) < len(parts)
            schema = all_of({}, [*others[:1], rest], document)
        elif listed(schema.get("allOf")):
            schema = all_of(schema, schema["allOf"], document)
            schema.pop("allOf", None)
        elif kinds:
            may_be_null |= "null" in kinds
            schema = {**schema, "type": next((one for one in kinds if one != "null"), "null")}
        else:
            break
    return schema, may_be_null
