"""Twenty argument schemas of every kind that tools have, for calls that are forced."""

from __future__ import annotations

from typing import Any

from app.core.tools import ToolDefinition

_ADDRESS = {
    "type": "object",
    "properties": {
        "street": {"type": "string", "maxLength": 40},
        "number": {"type": "integer", "minimum": 1, "maximum": 999},
        "country": {"enum": ["DE", "FR", "PL", "Österreich", "日本"]},
    },
    "required": ["street", "country"],
}

ARGUMENTS: tuple[dict[str, Any], ...] = (
    {"properties": {"expression": {"type": "string"}}, "required": ["expression"]},
    {"properties": {}},
    {"properties": {"zone": {"type": ["string", "null"]}}},
    {"properties": {"unit": {"enum": ["°C", "°F", "K"]}, "value": {"type": "number"}}, "required": ["unit", "value"]},
    {"properties": {"count": {"type": "integer", "minimum": -7, "maximum": 130}}, "required": ["count"]},
    {"properties": {"share": {"type": "number", "minimum": 0, "maximum": 1}}, "required": ["share"]},
    {
        "properties": {"level": {"type": "number", "exclusiveMinimum": -2.5, "exclusiveMaximum": 0.125}},
        "required": ["level"],
    },
    {"properties": {"year": {"type": "integer", "minimum": 1900}, "sure": {"type": "boolean"}}, "required": ["year"]},
    {"properties": {"address": _ADDRESS, "note": {"type": "string"}}, "required": ["address"]},
    {"properties": {"to": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3}}},
    {
        "properties": {"points": {"type": "array", "items": {"type": "array", "items": {"type": "number"},
                                                            "minItems": 2, "maxItems": 2}}},
        "required": ["points"],
    },
    {"properties": {"code": {"type": "string", "minLength": 3, "maxLength": 3}}, "required": ["code"]},
    {"properties": {"mode": {"const": "append"}, "text": {"type": "string"}}, "required": ["mode", "text"]},
    {"properties": {"tree": {"$ref": "#/$defs/node"}}, "required": ["tree"],
     "$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"},
                        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["name"]}}},
    {"properties": {"when": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "maxLength": 10}]}},
     "required": ["when"]},
    {"properties": {"filter": {"oneOf": [{"type": "object", "required": ["is"],
                                          "properties": {"is": {"const": "open"}}}, {"type": "null"}]}},
     "required": ["filter"]},
    {"properties": {"città": {"type": "string"}, "名前": {"type": "string"}, "emoji 🙂": {"type": "boolean"}},
     "required": ["città", "名前"]},
    {"properties": {"extra": {"type": "object", "additionalProperties": {"type": "integer"}}}, "required": ["extra"]},
    {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]},
               {"properties": {"b": {"enum": [1, 2.5, "three", None, True]}}, "required": ["b"]}]},
    {"properties": {"anything": True, "pair": {"prefixItems": [{"type": "string"}, {"type": "integer"}],
                                               "items": False, "minItems": 2}}, "required": ["anything", "pair"]},
)  # fmt: skip

TOOLS = tuple(
    ToolDefinition(f"tool_{number}", f"Does the thing of number {number}.", {"type": "object", **arguments})
    for number, arguments in enumerate(ARGUMENTS)
)
