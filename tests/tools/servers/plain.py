"""A server that means well, on the SDK: `plain.py` over stdio, `plain.py PORT` over streamable HTTP."""

from __future__ import annotations

import base64
import os
import sys
import time

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import EmbeddedResource, ResourceLink, TextResourceContents, ToolAnnotations

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

server = MCPServer("plain", title="Plain server", version="1.5", log_level="ERROR")


@server.tool(annotations=ToolAnnotations(read_only_hint=True), structured_output=False)
def echo(text: str) -> str:
    """Give the text back."""
    return text


@server.tool()
def add(a: int, b: int) -> dict[str, int]:
    """Add two numbers."""
    return {"sum": a + b}


@server.tool(structured_output=False)
def picture(count: int = 1) -> list[Image]:
    """Give pictures."""
    return [Image(data=PICTURE, format="png") for _ in range(count)]


@server.tool(structured_output=False)
def resources() -> list[EmbeddedResource | ResourceLink]:
    """Give a resource and a link to one."""
    inside = TextResourceContents(uri="note://1", text="what the note says", mime_type="text/plain")
    return [EmbeddedResource(resource=inside), ResourceLink(name="report", uri="file:///tmp/report.txt")]


@server.tool(structured_output=False)
async def slow(seconds: float) -> str:
    """Wait."""
    import anyio

    await anyio.sleep(seconds)
    return "done"


@server.tool(structured_output=False)
def fail() -> str:
    """Fail."""
    raise ToolError("the tool's own words")


@server.tool(structured_output=False)
def environment() -> str:
    """Tell the environment."""
    return "\n".join(f"{name}={value}" for name, value in sorted(os.environ.items()))


@server.tool(structured_output=False)
def pid() -> str:
    """Tell the process."""
    return str(os.getpid())


@server.tool(structured_output=False)
def child() -> str:
    """Start a process in a session of its own that would stay, and tell which."""
    import subprocess

    sleeping = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)",
    ]
    process = subprocess.Popen(sleeping, stdin=subprocess.DEVNULL, start_new_session=True)
    time.sleep(0.2)
    return str(process.pid)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
