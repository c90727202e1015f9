"""Schemas of strangers: nothing is fetched for them, and none takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from app.core.tools import Effect
from app.tools.registry import Tool, check_arguments
from app.tools.schemas import UncheckedError, first_fault


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What a web server was asked for; its address is the first entry."""
    found: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.append(f"http://127.0.0.1:{server.server_address[1]}/schema")
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def _checked(schema: dict[str, Any], arguments: dict[str, Any]) -> str:
    return check_arguments(Tool("t", "", schema, Effect.RUN, "server"), arguments)


def test_nothing_is_fetched(asked: list[str]) -> None:
    for reference in (asked[0], "file:///etc/passwd", f"{asked[0]}#/a"):
        assert _checked({"properties": {"a": {"$ref": reference}}}, {"a": 1}) == ""
    assert len(asked) == 1


def _chain(last: dict[str, Any], each: Callable[[str], dict[str, Any]], levels: int = 40) -> dict[str, Any]:
    """Every level refers to the next one twice: 2**levels schemas would look at the value of `a`."""
    levelled = {f"d{number}": each(f"d{number + 1}") for number in range(levels)}
    return {"$defs": {**levelled, f"d{levels}": last}}


def _twice(keyword: str, prefix: str) -> Callable[[str], dict[str, Any]]:
    return lambda following: {"allOf": [{keyword: prefix + following}] * 2}


def _named(key: str) -> dict[str, Any]:
    """The same, each level with a name of its own."""
    levels = _chain({key: "d40"}, _twice("$ref", "#" if key == "$anchor" else ""))
    for name, level in levels["$defs"].items():
        level[key] = name
    return levels


def _dependent(keyword: str) -> dict[str, Any]:
    return _chain({}, lambda following: {keyword: {one: {"$ref": f"#/$defs/{following}"} for one in "ab"}})


_META = "https://json-schema.org/draft/2020-12/schema"
_DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#/$defs/d0"}}, **_chain({}, _twice("$ref", "#/$defs/"))},
        {"properties": {"a": {"$ref": "#/%24defs/d0"}}, **_chain({}, _twice("$ref", "#/%24defs/"))},
        {"properties": {"a": {"$dynamicRef": "#/$defs/d0"}}, **_chain({}, _twice("$dynamicRef", "#/$defs/"))},
        {"properties": {"a": {"$ref": "#d0"}}, **_named("$anchor")},
        {"properties": {"a": {"$dynamicRef": "#d0"}}, **_named("$dynamicAnchor")},
        {"properties": {"a": {"$ref": "d0"}}, **_named("$id")},
        {"$ref": "#/$defs/d0", **_dependent("dependentSchemas")},
        {"$schema": _DRAFT_7, "allOf": [{"$ref": "#/$defs/d0"}], **_dependent("dependencies")},
        {
            "properties": {"a": {"$ref": "#/$defs/d0"}},
            **_chain({}, lambda following: {"not": {"anyOf": [{"$ref": f"#/$defs/{following}"}] * 2}}),
        },
        {"properties": {"a": {"anyOf": [{"not": {"$ref": "#/x"}}] * 2000}}, "x": {f"x{one}": 0 for one in range(4000)}},
        {"properties": {"a": {"allOf": [{"$ref": _META}] * 1000}}},
        {"properties": {"a": {"$schema": _DRAFT_7, "allOf": [{}]}}},
    ],
)
def test_what_would_take_long_is_left_to_the_server(schema: dict[str, Any]) -> None:
    arguments = {"a": 1, "b": 1}
    with pytest.raises(UncheckedError):
        first_fault({"type": "object", **schema}, arguments)
    assert _checked(schema, arguments) == ""


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
        {"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False},
        {"propertyNames": {"pattern": "^(a+)+$"}},
        {"$schema": _DRAFT_7, "allOf": [{"$ref": "#/definitions/d"}], "definitions": {"d": {"pattern": "^(a+)+$"}}},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "allOf": [{"$recursiveRef": "#"}]},
    ],
)
def test_regular_expressions_and_circles_are_left_to_the_server(schema: dict[str, Any]) -> None:
    assert _checked(schema, {"a": "a" * 40 + "!", "a" * 40 + "!": 1}) == ""


@pytest.mark.parametrize("name", ["pattern", "patternProperties", "uniqueItems", "$schema", "$ref", "$id"])
def test_arguments_may_be_called_like_keywords(name: str) -> None:
    schema: dict[str, Any] = {
        "properties": {name: {"$ref": f"#/$defs/{name}"}},
        "$defs": {name: {"type": "string"}},
        "required": [name],
        "additionalProperties": False,
    }
    assert _checked(schema, {name: "x"}) == ""
    assert "not of type" in _checked(schema, {name: 1})
    assert "was unexpected" in _checked(schema, {name: "x", "other": 1})


@pytest.mark.parametrize("keyword", ["const", "default", "examples"])
def test_values_may_look_like_schemas(keyword: str) -> None:
    value = {"pattern": "x", "$ref": "http://example.com/"}
    schema = {"properties": {"a": {keyword: value, "enum": [value]}}}
    assert _checked(schema, {"a": value}) == ""
    assert _checked(schema, {"a": {}}) != ""


def test_ordinary_ones_are_checked_to_the_end() -> None:
    tree = {
        "properties": {"tree": {"$ref": "#/$defs/n"}},
        "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}},
    }
    assert _checked(tree, {"tree": {"n": {"n": {}}}}) == ""
    assert "at “tree.n.n”" in _checked(tree, {"tree": {"n": {"n": 1}}})
    fields = {f"f{number}": {"type": "integer", "description": "what it is for " * 4} for number in range(8)}
    large = {"properties": {f"p{number}": {"type": "object", "properties": fields} for number in range(40)}}
    given = {f"p{number}": dict.fromkeys(fields, 1) for number in range(40)}
    assert _checked(large, given) == ""
    assert "at “p39.f7”" in _checked(large, given | {"p39": {"f7": "x"}})


def test_references_stand_alone_where_the_draft_says_so() -> None:
    old = {"properties": {"a": {"$ref": "#/definitions/d", "type": "string"}}, "definitions": {"d": {}}}
    assert _checked({"$schema": _DRAFT_7, **old}, {"a": 1}) == ""
    assert "not of type" in _checked(old, {"a": 1})
