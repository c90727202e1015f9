"""A server that means ill, or is just bad: JSON lines written by hand. `hostile.py MODE`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]


def write(text: str) -> None:
    """One line to the client."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer(asked: Any, result: Answer) -> None:
    """An answer as it should be."""
    write(json.dumps({"jsonrpc": "2.0", "id": asked, "result": result}))


def tool(description: str = "A tool.", name: str = "act") -> Answer:
    """A tool as tools/list gives it."""
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": {}}}


def said(text: str) -> Answer:
    """A result with a text."""
    return {"content": [{"type": "text", "text": text}]}


def noise(megabytes: int, line: str) -> None:
    """The same line again and again."""
    lines = (line + "\n") * (1_000_000 // (len(line) + 1))
    for _ in range(megabytes):
        sys.stdout.write(lines)
    sys.stdout.flush()


def hang(asked: Any) -> None:
    """Neither answer nor end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def changes(asked: Any) -> None:
    """Become another tool, and say so many times."""
    global tools
    tools = [tool("Another tool now.")]
    for _ in range(1000):
        write('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
    answer(asked, said("changed"))


def big_line(asked: Any) -> None:
    """A line without end."""
    for _ in range(100):
        sys.stdout.write("x" * 1_000_000)
    sys.stdout.flush()


def stderr(asked: Any) -> None:
    """Far more than a log may have, then the answer."""
    for number in range(40_000):
        sys.stderr.write(f"{number:06d} " + "e" * 92 + "\n")
    sys.stderr.write("the very last line\n")
    sys.stderr.flush()
    answer(asked, said("written"))


def lone_surrogates(asked: Any) -> None:
    """Text cut in the middle of a character, as programs in JavaScript send it, and a byte that is no UTF-8."""
    line = json.dumps({"jsonrpc": "2.0", "id": asked, "result": said("half BYTE \\ud83d \U0001f600")})
    line = line.replace("\\\\ud83d", "\\\\ud83d \\ud83d")
    sys.stdout.buffer.write(line.encode().replace(b"BYTE", b"\xff") + b"\n")
    sys.stdout.flush()


def exit_now(asked: Any) -> None:
    """End in the middle of a call, with a word on stderr."""
    sys.stderr.write("it broke\n")
    sys.stderr.flush()
    os._exit(3)


def parts(asked: Any) -> None:
    """Few bytes that take much memory once they are read."""
    write(f'{{"jsonrpc":"2.0","id":{asked},"result":{{"content":[{"{}," * 4_000_000}{{}}]}}}}')


def family(asked: Any) -> None:
    """Start a child that holds the pipes, and end."""
    os.system("sleep 60 & echo $! >&2")
    os._exit(0)


def twice(asked: Any) -> None:
    """Two answers to one request."""
    answer(asked, said("first"))
    answer(asked, said("second"))


def error(asked: Any) -> None:
    """An error of the protocol, no failed result."""
    write(json.dumps({"jsonrpc": "2.0", "id": asked, "error": {"code": 1, "message": "no\x1b[1m"}}))


CODES = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1bPq#0\x1b\\ \x9b1mbell\x07\x08\x00\r\nnext\tend"
)

ACTIONS: dict[str, Callable[[Any], None]] = {
    "hang": hang,
    "flood": lambda asked: noise(100, '{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"spam"}}'),
    "answers": lambda asked: noise(100, '{"jsonrpc":"2.0","id":77,"result":{}}'),
    "pings": lambda asked: noise(20, '{"jsonrpc":"2.0","id":5,"method":"ping"}'),
    "text": lambda asked: noise(100, "no JSON at all"),
    "changes": changes,
    "bigline": big_line,
    "stderr": stderr,
    "exit": exit_now,
    "surrogates": lone_surrogates,
    "codes": lambda asked: answer(asked, said(CODES)),
    "long": lambda asked: answer(asked, said("é" * 100_000)),
    "huge": lambda asked: answer(asked, said("x" * 15_000_000 + "\U0001f600")),
    "parts": parts,
    "family": family,
    "twice": twice,
    "nonsense": lambda asked: answer(asked, {"content": "no list"}),
    "error": error,
    "deaf": lambda asked: time.sleep(60),
}

tools: list[Answer] = [tool()]


def main(mode: str) -> None:
    """Answer as a server should, until the mode asks for something else."""
    if mode == "exit-start":
        exit_now(None)
    if mode == "nonjson-start":
        write("Welcome to the server!\n\n{not json")
    for line in sys.stdin:
        message = json.loads(line)
        asked, method = message.get("id"), message.get("method")
        if method == "initialize" and mode == "hang-start":
            hang(None)
        if method == "initialize":
            info = {"name": "hos\x1b[1mtile", "version": "0"}
            capabilities = {"tools": {"listChanged": True}}
            version = "2025-11-25" if mode != "future" else "3025-01-01"
            answer(asked, {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info})
        elif method == "tools/list" and mode == "pages":
            cursor = int((message.get("params") or {}).get("cursor", "0"))
            named = [tool(name=f"tool{cursor}"), tool(name="act")]
            answer(asked, {"tools": named} | ({"nextCursor": str(cursor + 1)} if cursor < 2 else {}))
        elif method == "tools/list" and mode == "endless":
            answer(asked, {"tools": [tool(name=f"tool{asked}-{n}") for n in range(300)], "nextCursor": "again"})
        elif method == "tools/list":
            answer(asked, {"tools": tools})
        elif method == "tools/call":
            ACTIONS[message["params"]["arguments"]["action"]](asked)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
