"""Schemas of strangers: nothing is fetched for them, and none takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from app.core.tools import Effect
from app.tools.registry import Tool, check_arguments
from app.tools.schemas import is_cheap, without_patterns


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


def _chain(levels: int) -> dict[str, Any]:
    """Two references to the next level on each: 2**levels schemas look at one value."""
    definitions: dict[str, Any] = {
        f"d{number}": {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}] * 2} for number in range(levels)
    }
    definitions[f"d{levels}"] = {"type": "integer"}
    return {"$ref": "#/$defs/d0", "$defs": definitions}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(a+)+$": {}}},
        {"propertyNames": {"pattern": "^(a+)+$"}},
        {"properties": {"a": _chain(40)}, "$defs": _chain(40)["$defs"]},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
    ],
)
def test_none_takes_long(schema: dict[str, Any]) -> None:
    began = time.thread_time()
    _checked(schema, {"a": "a" * 40 + "!", "a" * 40 + "!": 1})
    assert time.thread_time() - began < 2.0  # some would take years


def test_ordinary_ones_are_cheap() -> None:
    tree = {"properties": {"tree": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}}}
    assert is_cheap(tree)
    assert not is_cheap(_chain(40))
    assert without_patterns({"a": [{"pattern": "x", "type": "string"}]}) == {"a": [{"type": "string"}]}
