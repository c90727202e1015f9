"""What a tool server is started with: its environment, its command in full, and the JSON that people paste for it.

The host starts by these functions and the window shows what they give, so that what is shown is what runs.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.core.errors import UsageError
from app.core.tools import ServerConfig

LOGIN_SECONDS = 3.0  # that the person's login shell may take to tell its PATH

_KEPT = ("HOME", "LANG", "TMPDIR", "USER", "LOGNAME", "SHELL")
_FETCHING = {"npx": "npm", "bunx": "npm", "pnpx": "npm", "uvx": "PyPI", "pipx": "PyPI", "uv": "PyPI"}
_CONTAINERS = ("docker", "podman")
_NETWORK_WORDS = (
    *("fetch", "http", "web", "search", "browser", "playwright", "puppeteer", "url", "remote", "api", "crawl"),
    *("github", "gitlab", "slack", "notion", "gmail", "google", "mail", "maps", "weather", "cloud"),
)
_URL_TYPES = ("", "http", "streamable-http", "streamablehttp", "streamable_http")
_LONGEST_NAME = 64


def server_environment(config: ServerConfig, search_path: str, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """All that the server gets: a few of our own variables (`base`, else os.environ), PATH and what the config adds.

    Nothing else goes through: neither keys of other programs nor what a frozen bundle sets for itself.
    """
    ours = os.environ if base is None else base
    environment = {name: value for name, value in ours.items() if name in _KEPT or name.startswith("LC_")}
    environment["PATH"] = search_path or ours.get("PATH", os.defpath)
    environment.update(config.environment)
    return environment


def server_folder(config: ServerConfig, environment: Mapping[str, str]) -> str:
    """The folder that the server starts in: its own, else home."""
    home = environment.get("HOME") or os.path.expanduser("~")
    if not config.folder:
        return home
    if config.folder == "~" or config.folder.startswith("~/"):
        return home + config.folder[1:]
    return os.path.join(home, config.folder)


def find_program(config: ServerConfig, environment: Mapping[str, str]) -> str:
    """The program that the command names, found by the server's own PATH; "" where it is not there."""
    program = config.command[0] if config.command else ""
    if os.sep not in program:
        return shutil.which(program, path=environment.get("PATH", "")) or ""
    if program.startswith("~/"):
        program = environment.get("HOME", "~") + program[1:]
    return shutil.which(os.path.join(server_folder(config, environment), program)) or ""


def command_line(config: ServerConfig, environment: Mapping[str, str]) -> str:
    """The server's start as a shell would take it, in full; the address of one that is not started."""
    if not config.command:
        return config.url
    program = find_program(config, environment) or config.command[0]
    given = [f"{name}={value}" for name, value in sorted(environment.items())]
    folder = shlex.quote(server_folder(config, environment))
    return f"cd {folder} && {shlex.join(['env', '-i', *given, program, *config.command[1:]])}"


def login_path() -> str:
    """The PATH of the person's login shell, or our own PATH where it does not tell within LOGIN_SECONDS.

    A program started from a desktop icon does not have the PATH that npx and uvx are found by. Starts a process.
    """
    shell = os.environ.get("SHELL", "")
    ours = os.environ.get("PATH", os.defpath)
    if not os.path.isabs(shell):
        return ours
    # a line of its own: a profile may print things before it
    said = _output([shell, "-l", "-c", 'printf "\\n%s" "$PATH"']).rpartition("\n")[2].strip()
    return said if said.startswith("/") else ours


def _output(command: list[str]) -> str:
    """What a command prints, "" where it fails or takes too long."""
    # a file, no pipe: what a profile leaves running would keep a pipe open
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError:
            return ""
        try:
            failed = process.wait(LOGIN_SECONDS) != 0
        except subprocess.TimeoutExpired:
            failed = True
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        return "" if failed else os.fsdecode(said.read())


def needs_network(config: ServerConfig) -> str:
    """One sentence on why this server probably reaches the network, or ""; a guess by its names."""
    if config.url:
        return f"This server is reached over the network: {config.url}"
    if not config.command:
        return ""
    program = Path(config.command[0]).name
    if program in _FETCHING:
        return f"{program} fetches the server from {_FETCHING[program]} and runs what it gets."
    if program in _CONTAINERS:
        return f"{program} may fetch the server's image and give it the network."
    named = [config.name, *(Path(part).name for part in config.command)]
    words = {word for name in named for word in "".join(c if c.isalnum() else " " for c in name.lower()).split()}
    if found := sorted(words.intersection(_NETWORK_WORDS)):
        return f"By its name ({found[0]}) this server uses the network."
    if any("://" in part for part in config.command):
        return "This server is given an address, so it probably uses the network."
    return ""


def parse_config(text: str) -> tuple[ServerConfig, ...]:
    """The servers in the JSON that servers' pages tell to paste: "mcpServers", "servers" or the object inside.

    Raises UsageError with one sentence for anything else.
    """
    servers = _servers(_parsed(text))
    if not servers:
        raise UsageError("There is no server in this text.")
    found = tuple(_server(name.strip(), entry) for name, entry in servers.items())
    names = [config.name for config in found]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UsageError(f"There are two servers with the name “{twice}”.")
    return found


def _parsed(text: str) -> Any:
    text = text.strip().removesuffix(",")
    if text.startswith('"'):  # pages often show the entry without the braces around it
        text = "{" + text + "}"
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise UsageError(f"This is not JSON: {error.msg} in line {error.lineno}.") from error
    except RecursionError as error:
        raise UsageError("This is not the JSON of a tool server: it is nested too deeply.") from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UsageError(f"“{name}” is there twice.")
        found[name] = value
    return found


def _servers(parsed: Any) -> dict[str, Any]:
    if isinstance(parsed, dict):
        parsed = parsed.get("mcp", parsed) if "servers" in _dict(parsed.get("mcp")) else parsed
        for key in ("mcpServers", "servers"):
            if key in parsed and "command" not in _dict(parsed[key]):
                parsed = parsed[key]
                break
    if not isinstance(parsed, dict):
        raise UsageError('Tool servers are written as {"mcpServers": {"name": {"command": …}}}.')
    if isinstance(parsed.get("command") or parsed.get("url"), str):
        raise UsageError('The server has no name: write {"name": {…}} around it.')
    return parsed


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _server(name: str, entry: Any) -> ServerConfig:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(f"A server needs a name of 1 to {_LONGEST_NAME} characters.")
    if not isinstance(entry, dict):
        raise UsageError(f"The server “{name}” is no object with a “command” or a “url”.")
    command = _text(name, entry, "command").strip()
    url = _text(name, entry, "url").strip()
    if bool(command) == bool(url):
        raise UsageError(f"The server “{name}” needs either a “command” or a “url”.")
    kind = _text(name, entry, "type").lower()
    if url and kind not in _URL_TYPES:
        raise UsageError(f"The server “{name}” is of the type “{kind}”; only streamable HTTP is supported.")
    if url and not url.startswith(("http://", "https://")):
        raise UsageError(f"The address of the server “{name}” does not start with http:// or https://.")
    if url:
        return ServerConfig(name, url=url, headers=_pairs(name, entry, "headers"))
    return ServerConfig(
        name,
        command=(command, *_arguments(name, entry)),
        folder=_text(name, entry, "cwd"),
        environment=_pairs(name, entry, "env"),
    )


def _text(name: str, entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not _sendable(value):
        raise UsageError(f"“{key}” of the server “{name}” is no text.")
    return value


def _arguments(name: str, entry: dict[str, Any]) -> list[str]:
    values = entry.get("args")
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) and _sendable(value) for value in values):
        raise UsageError(f"“args” of the server “{name}” is no list of texts.")
    return values


def _pairs(name: str, entry: dict[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    values = entry.get(key)
    if values is None:
        return ()
    if not isinstance(values, dict):
        raise UsageError(f"“{key}” of the server “{name}” is no object of texts.")
    pairs = []
    for variable, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        usable = variable and "=" not in variable and _sendable(variable)
        if not usable or not isinstance(value, str) or not _sendable(value):
            raise UsageError(f"“{variable}” in “{key}” of the server “{name}” is no text.")
        pairs.append((variable, value))
    return tuple(pairs)


def _sendable(text: str) -> bool:
    """Whether a process can be given this: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
