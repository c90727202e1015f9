"""What a server is started with, and the JSON that people paste."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import UsageError
from app.core.tools import ServerConfig
from app.tools.environment import (
    command_line,
    find_program,
    login_path,
    needs_network,
    parse_config,
    server_environment,
    server_folder,
)


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_server_gets_a_short_environment() -> None:
    ours = {
        "HOME": "/home/ann",
        "PATH": "/ours",
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "C",
        "LD_LIBRARY_PATH": "/bundle",
        "XDG_RUNTIME_DIR": "/run/user/1000",
        "API_KEY": "secret",
    }
    config = ServerConfig("s", ("p",), environment=(("KEY", "value"), ("LANG", "C")))
    kept = {"HOME": "/home/ann", "LC_TIME": "C", "LANG": "C", "KEY": "value"}
    assert server_environment(config, "/found", ours) == {**kept, "PATH": "/found"}
    assert server_environment(config, "", ours)["PATH"] == "/ours"
    assert server_environment(config, "", {})["PATH"] == os.defpath


def test_the_command_line_is_what_a_shell_can_run(tmp_path: Path) -> None:
    program = script(tmp_path / "my server", 'printf "%s|" "$PWD" "$KEY" "$#" "$@"; env | wc -l')
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    config = ServerConfig("s", ("my server", "a b", "$HOME", ""), folder=str(folder), environment=(("KEY", "a;b"),))
    environment = server_environment(config, f"{tmp_path}:/usr/bin:/bin", {"HOME": "/home/ann"})
    line = command_line(config, environment)
    assert shlex.quote(str(program)) in line
    said = subprocess.run(["sh", "-c", line], check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"{folder}|a;b|3|a b|$HOME||")


def test_programs_are_found_by_the_server_s_own_path(tmp_path: Path) -> None:
    program = script(tmp_path / "there", "")
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert find_program(ServerConfig("s", ("there",)), environment) == str(program)
    assert find_program(ServerConfig("s", ("~/there",)), environment) == str(program)
    assert find_program(ServerConfig("s", ("./there",), folder=str(tmp_path)), environment) == f"{tmp_path}/./there"
    assert find_program(ServerConfig("s", ("sh",)), environment) == ""
    assert find_program(ServerConfig("s"), environment) == ""
    assert "nowhere" in command_line(ServerConfig("s", ("nowhere",)), environment)
    assert command_line(ServerConfig("s", url="https://example.org/mcp"), environment) == "https://example.org/mcp"


def test_a_server_starts_at_home_or_where_it_says() -> None:
    environment = {"HOME": "/home/ann"}
    assert server_folder(ServerConfig("s"), environment) == "/home/ann"
    assert server_folder(ServerConfig("s", folder="~/work"), environment) == "/home/ann/work"
    assert server_folder(ServerConfig("s", folder="work"), environment) == "/home/ann/work"
    assert server_folder(ServerConfig("s", folder="/srv"), environment) == "/srv"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('echo Welcome; PATH=/login:$PATH; export PATH; exec /bin/sh -c "$3"', "/login:/ours"),
        ("exit 1", "/ours"),
        ("echo nothing of use", "/ours"),
        ('PATH=/late:$PATH; sleep 2 & exec /bin/sh -c "$3"', "/late:/ours"),
        ("sleep 4", "/ours"),
    ],
)
def test_the_login_shell_tells_the_path(text: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", str(script(tmp_path / "shell", f"PATH=/ours; sleep() {{ /bin/sleep $1; }}; {text}")))
    monkeypatch.setenv("PATH", "/ours")
    monkeypatch.setattr("app.tools.environment.LOGIN_SECONDS", 0.5)
    begun = time.monotonic()
    assert login_path() == path
    assert time.monotonic() - begun < 3.0


def test_without_a_login_shell_our_path_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/ours")
    for shell in ("", "sh", "/no/such/shell"):
        monkeypatch.setenv("SHELL", shell)
        assert login_path() == "/ours"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (ServerConfig("files", ("npx", "-y", "server")), "npx fetches the server from npm and runs what it gets."),
        (ServerConfig("files", ("/usr/bin/docker", "run")), "docker may fetch the server's image"),
        (ServerConfig("far", url="https://example.org/mcp"), "This server is reached over the network"),
        (ServerConfig("files", ("mcp-server-fetch",)), "By its name (fetch)"),
        (ServerConfig("Web Search", ("run",)), "By its name (search)"),
        (ServerConfig("files", ("run", "--to", "https://example.org")), "This server is given an address"),
        (ServerConfig("notes", ("python3", "/home/ann/webinar/notes.py")), ""),
        (ServerConfig("empty"), ""),
    ],
)
def test_what_needs_the_network_is_guessed(config: ServerConfig, said: str) -> None:
    assert needs_network(config).startswith(said)
    assert bool(needs_network(config)) == bool(said)


FILES = ServerConfig("files", ("npx", "-y", "server", "/tmp"), folder="/srv", environment=(("KEY", "1"),))
INNER = '{"files": {"command": "npx", "args": ["-y", "server", "/tmp"], "cwd": "/srv", "env": {"KEY": 1}}}'


@pytest.mark.parametrize(
    "text",
    [
        INNER,
        f'{{"mcpServers": {INNER}}}',
        f'{{"servers": {INNER}, "inputs": []}}',
        f'{{"mcp": {{"servers": {INNER}}}}}',
        f"  {INNER[1:-1]},  ",
    ],
)
def test_all_usual_ways_to_write_a_server_are_read(text: str) -> None:
    assert parse_config(text) == (FILES,)


def test_servers_behind_an_address_are_read() -> None:
    text = '{"mcpServers": {"far": {"type": "http", "url": "https://example.org/mcp", "headers": {"X": "y"}}}}'
    assert parse_config(text) == (ServerConfig("far", url="https://example.org/mcp", headers=(("X", "y"),)),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "This is not JSON: Expecting value in line 1."),
        ('{"a": {\n"command": }}', "This is not JSON: Expecting value in line 2."),
        ("[" * 100_000, "This is not"),
        ("[]", "Tool servers are written as"),
        ("3", "Tool servers are written as"),
        ("{}", "There is no server in this text."),
        ('{"mcpServers": []}', "Tool servers are written as"),
        ('{"mcpServers": {}}', "There is no server in this text."),
        ('{"command": "npx"}', "The server has no name"),
        ('{"a": 1}', "The server “a” is no object"),
        ('{"a": {}}', "The server “a” needs either a “command” or a “url”."),
        ('{"a": {"command": "x", "url": "http://x"}}', "The server “a” needs either"),
        ('{"a": {"command": ["x"]}}', "“command” of the server “a” is no text."),
        ('{"a": {"command": "x\\u0000"}}', "“command” of the server “a” is no text."),
        ('{"a": {"command": "x\\ud800"}}', "“command” of the server “a” is no text."),
        ('{"a": {"command": "x", "args": "y"}}', "“args” of the server “a” is no list of texts."),
        ('{"a": {"command": "x", "args": [1]}}', "“args” of the server “a” is no list of texts."),
        ('{"a": {"command": "x", "env": ["y"]}}', "“env” of the server “a” is no object of texts."),
        ('{"a": {"command": "x", "env": {"B": null}}}', "“B” in “env” of the server “a” is no text."),
        ('{"a": {"command": "x", "env": {"B=C": "d"}}}', "“B=C” in “env” of the server “a” is no text."),
        ('{"a": {"url": "ftp://x"}}', "The address of the server “a” does not start with http"),
        ('{"a": {"url": "http://x", "type": "sse"}}', "The server “a” is of the type “sse”"),
        ('{"": {"command": "x"}}', "A server needs a name"),
        ('{"a\\u001b": {"command": "x"}}', "A server needs a name"),
        ('{"a": {"command": "x"}, "a": {"command": "y"}}', "“a” is there twice."),
        ('{"a": {"command": "x"}, "a ": {"command": "y"}}', "There are two servers with the name “a”."),
    ],
)
def test_anything_else_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_config(text)
    assert raised.value.message.startswith(said)
    assert "\n" not in raised.value.message


_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(["mcpServers", "command", "args", "env", "url", "a"]), inner, max_size=4)
    ),
)


@given(_JSON)
def test_whatever_is_pasted_is_servers_or_a_sentence(value: object) -> None:
    with suppress(UsageError):
        assert parse_config(json.dumps(value))
