"""The tool host with real servers: one that means well, and one that does what servers should not."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.core.tools import ServerConfig
from app.tools.frames import (
    CallEnded,
    CancelCall,
    HostDied,
    ServerFailed,
    ServerStopped,
    StopServer,
    ToolsChanged,
)
from app.tools.host_log import LARGEST_LOG, log_path
from app.tools.host_results import MOST_IMAGES
from tests.tools.hosting import SECONDS, SERVERS, Hosted, config, ends
from tests.tools.servers.plain import PICTURE

MOST_MEMORY = 300 << 20  # bytes that the host may have while a server floods it


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """One host for most tests: each would wait for it to load the SDK."""
    shared = Hosted(tmp_path_factory.mktemp("logs"))
    shared.host.send(StopServer("none"))
    shared.expect(ServerStopped)
    yield shared
    shared.host.close()


@pytest.fixture
def hosted(shared: Hosted) -> Iterator[Hosted]:
    yield shared
    shared.stop_all()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Hosted]:
    """A host that the test may end, with a server that means well."""
    own = Hosted(tmp_path / "logs")
    own.start(config("plain", "plain"))
    yield own
    own.host.close()


@pytest.fixture
def plain(hosted: Hosted) -> Hosted:
    hosted.start(config("plain", "plain"))
    return hosted


@pytest.fixture
def hostile(hosted: Hosted) -> Hosted:
    hosted.start(config("hostile", "hostile"))
    return hosted


def test_a_server_starts_and_lists_its_tools(hosted: Hosted) -> None:
    started = hosted.start(config("plain", "plain"))
    assert (started.server, started.title, started.version) == ("plain", "Plain server", "1.5")
    tools = {tool.name: tool for tool in started.tools}
    assert tools["echo"].reads_only
    assert not tools["add"].reads_only
    assert tools["echo"].description == "Give the text back."
    assert tools["echo"].parameters["properties"]["text"]["type"] == "string"
    assert 0 < started.seconds < SECONDS


def test_calls_give_text_structure_pictures_and_resources(plain: Hosted) -> None:
    assert plain.call("plain", "echo", {"text": "Grüße"}).text == "Grüße"
    assert '"sum": 3' in plain.call("plain", "add", {"a": 1, "b": 2}).text.replace('"sum":3', '"sum": 3')
    (image,) = plain.call("plain", "picture").images
    assert (image.media_type, image.data) == ("image/png", PICTURE)
    assert plain.call("plain", "resources").text == "what the note says\nreport (file:///tmp/report.txt)"


def test_only_so_many_pictures_come_through(plain: Hosted) -> None:
    ended = plain.call("plain", "picture", {"count": MOST_IMAGES + 3})
    assert len(ended.images) == MOST_IMAGES
    assert ended.text == "[pictures left out: 3]"


def test_a_tool_that_fails_is_a_failed_call(plain: Hosted) -> None:
    ended = plain.call("plain", "fail")
    assert ended.failed
    assert "the tool's own words" in ended.text
    assert plain.call("plain", "no_such_tool").failed
    assert plain.call("plain", "add", {"a": "x"}).failed
    assert plain.call("plain", "echo", {"text": "still there"}).text == "still there"


def test_a_call_that_takes_too_long_ends(plain: Hosted) -> None:
    ended = plain.call("plain", "slow", {"seconds": 30}, seconds=0.5)
    assert ended.failed
    assert ended.text == "The tool did not answer within 0.5 seconds."
    assert 450 < ended.milliseconds < 3000
    assert plain.call("plain", "echo", {"text": "next"}).text == "next"


def test_a_call_can_be_stopped_while_others_go_on(plain: Hosted) -> None:
    slow = plain.begin("plain", "slow", {"seconds": 30})
    assert plain.call("plain", "echo", {"text": "meanwhile"}).text == "meanwhile"
    plain.host.send(CancelCall(slow))
    ended = plain.expect(CallEnded)
    assert (ended.call, ended.text, ended.failed) == (slow, "The call was stopped.", True)
    plain.host.send(CancelCall(slow))
    assert plain.silent()


def test_a_server_gets_nothing_of_our_environment(hosted: Hosted) -> None:
    hosted.start(config("plain", "plain", environment=(("GIVEN", "yes"),)))
    lines = hosted.call("plain", "environment").text.splitlines()
    names = {line.partition("=")[0] for line in lines if not line.startswith("LC_")}
    assert "PYTEST_CURRENT_TEST" in hosted.process().environ()
    assert names <= {"GIVEN", "PATH", "HOME", "LANG", "TMPDIR", "USER", "LOGNAME", "SHELL"}


def test_a_stopped_server_is_gone_with_what_it_started(plain: Hosted) -> None:
    pid, child = int(plain.call("plain", "pid").text), int(plain.call("plain", "child").text)
    slow = plain.begin("plain", "slow", {"seconds": 30})
    plain.host.send(StopServer("plain"))
    assert plain.expect(CallEnded).call == slow
    assert plain.expect(ServerStopped) == ServerStopped("plain")
    assert ends(pid)
    assert ends(child)
    assert plain.call("plain", "pid").text == "The server “plain” is not running."


def test_close_ends_everything_and_tells_nothing(own: Hosted) -> None:
    host, pid, child = (
        own.process().pid,
        int(own.call("plain", "pid").text),
        int(own.call("plain", "child").text),
    )
    own.begin("plain", "slow", {"seconds": 30})
    own.host.close()
    assert ends(host)
    assert ends(pid)
    assert ends(child)
    assert own.silent()


def test_a_host_that_is_killed_is_told_once_and_started_again(own: Hosted) -> None:
    pid = int(own.call("plain", "pid").text)
    own.process().kill()
    assert "SIGKILL" in own.expect(HostDied).message
    assert ends(pid)
    assert own.silent()
    own.start(config("plain", "plain"))
    assert own.call("plain", "echo", {"text": "again"}).text == "again"


def test_a_server_is_ended_where_the_host_is_killed_though_it_hangs(own: Hosted) -> None:
    own.start(config("hostile", "hostile"))
    own.begin("hostile", "act", {"action": "hang"})
    time.sleep(0.3)
    servers = own.process().children()
    own.process().kill()
    own.expect(HostDied)
    assert len(servers) == 2
    assert all(ends(server.pid) for server in servers)


def test_starting_a_server_again_replaces_it(plain: Hosted) -> None:
    pid = int(plain.call("plain", "pid").text)
    plain.start(config("plain", "plain"))
    assert ends(pid)
    assert int(plain.call("plain", "pid").text) != pid


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        (ServerConfig("s", ("no-such-program-here",)), "The program “no-such-program-here” was not found."),
        (config("s", "plain", folder="/no/such/folder"), "The folder “/no/such/folder” that the server starts in"),
        (config("s", "hostile", "exit-start"), "The server “s” ended at once (exit code 3)."),
        (config("s", "hostile", "hang-start"), "The server “s” did not answer within 1.5 seconds."),
        (config("s", "hostile", "future"), "The server “s” failed: Unsupported protocol version"),
        (ServerConfig("s", ("true",)), "The server “s” ended at once (exit code 0)."),
        (ServerConfig("s", ("yes",)), "The server “s” sent too much and was ended."),
        (ServerConfig("s", url="http://127.0.0.1:1/mcp"), "The server at http://127.0.0.1:1/mcp could not be reached"),
        (ServerConfig("s", url="http://"), "The server at http:// could not be reached"),
    ],
)
def test_a_start_that_fails_is_one_sentence(hosted: Hosted, server: ServerConfig, sentence: str) -> None:
    hosted.ask_to_start(server, 1.5)
    failed = hosted.expect(ServerFailed)
    assert failed.message.startswith(sentence)
    if "exit code 3" in sentence:
        assert failed.detail == "it broke"
    assert hosted.silent()


def test_a_start_that_is_stopped_is_answered(hosted: Hosted) -> None:
    hosted.ask_to_start(config("s", "hostile", "hang-start"))
    hosted.host.send(StopServer("s"))
    assert hosted.expect(ServerFailed).message == "The start was stopped."
    hosted.expect(ServerStopped)


def test_lines_that_are_no_json_do_not_hinder(hosted: Hosted) -> None:
    started = hosted.start(config("hostile", "hostile", "nonjson-start"))
    assert started.title == "hostile"
    assert [tool.name for tool in started.tools] == ["act"]


def test_all_pages_of_tools_are_read_but_not_without_end(hosted: Hosted) -> None:
    started = hosted.start(config("pages", "hostile", "pages"))
    assert [tool.name for tool in started.tools] == ["tool0", "act", "tool1", "tool2"]
    started = hosted.start(config("endless", "hostile", "endless"))
    assert len(started.tools) == 500


def test_a_server_that_ends_in_a_call_is_told_once(hostile: Hosted) -> None:
    assert hostile.act("exit").text == "The server “hostile” has ended (exit code 3)."
    failed = hostile.expect(ServerFailed)
    assert failed.message == "The server “hostile” has ended (exit code 3)."
    assert failed.detail == "it broke"
    assert hostile.act("codes").text == "The server “hostile” is not running."
    assert hostile.silent()


@pytest.mark.parametrize("action", ["flood", "answers", "pings", "text", "bigline"])
def test_a_flood_ends_the_server_and_not_the_host(hostile: Hosted, action: str) -> None:
    assert hostile.act(action).text == "The server “hostile” sent too much and was ended."
    assert hostile.expect(ServerFailed).message == "The server “hostile” sent too much and was ended."
    assert hostile.peak() < MOST_MEMORY
    hostile.start(config("hostile", "hostile"))
    assert not hostile.act("codes").failed


def test_large_answers_stay_within_memory(hostile: Hosted) -> None:
    assert hostile.act("huge").text.endswith("[cut: 40000 of 15000001 characters]")
    assert hostile.act("parts").text == "The answer has too many parts."
    assert hostile.peak() < MOST_MEMORY


def test_a_tool_that_changes_is_told(hostile: Hosted) -> None:
    hostile.begin("hostile", "act", {"action": "changes"})
    events = [hostile.events.get(timeout=SECONDS) for _ in range(2)]
    (changed,) = [event for event in events if isinstance(event, ToolsChanged)]
    assert changed.tools[0].description == "Another tool now."
    assert hostile.silent(1.0)


def test_terminal_codes_are_taken_out(hostile: Hosted) -> None:
    assert hostile.act("codes").text == "red link bell\nnext\tend"
    assert hostile.act("error").text == "no"


def test_broken_characters_are_replaced(hostile: Hosted) -> None:
    assert hostile.act("surrogates").text == "half \ufffd \\ud83d \ufffd \U0001f600"


def test_text_is_cut_to_the_limit(hostile: Hosted) -> None:
    assert hostile.act("long", limit=10).text == "é" * 10 + "\n[cut: 10 of 100000 characters]"


def test_only_the_first_answer_counts(hostile: Hosted) -> None:
    assert hostile.act("twice").text == "first"
    assert hostile.act("nonsense").text == "The server answered with something that is no result of a tool."
    assert hostile.silent()


def test_an_endless_log_is_bounded(hostile: Hosted) -> None:
    assert hostile.act("stderr").text == "written"
    hostile.host.send(StopServer("hostile"))
    hostile.expect(ServerStopped)
    log = log_path(hostile.logs, "hostile").read_bytes()
    assert len(log) <= LARGEST_LOG
    assert log.startswith(b"000000 ")
    assert log.endswith(b"the very last line\n")
    assert b"[left out:" in log


def test_a_server_that_hangs_is_killed(hostile: Hosted) -> None:
    (server,) = hostile.process().children()
    assert hostile.act("hang", seconds=0.5).failed
    hostile.host.send(StopServer("hostile"))
    hostile.expect(ServerStopped)
    assert ends(server.pid)


def test_calls_to_a_server_that_does_not_read_end_in_time(hostile: Hosted) -> None:
    large = "x" * 300_000  # more than a pipe holds
    hostile.begin("hostile", "act", {"action": "deaf"}, seconds=1.0)
    calls = [hostile.begin("hostile", "act", {"action": large}, seconds=1.0) for _ in range(100)]
    for _ in range(101):
        assert hostile.expect(CallEnded, 5.0).text == "The tool did not answer within 1 seconds."
    assert len(calls) == 100
    assert hostile.silent()


@pytest.fixture
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(SERVERS / "plain.py"), str(port)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def test_a_server_behind_an_address(hosted: Hosted, address: str) -> None:
    started = hosted.start(ServerConfig("far", url=address, headers=(("X-Key", "1"),)))
    assert started.title == "Plain server"
    assert hosted.call("far", "echo", {"text": "over HTTP"}).text == "over HTTP"
    assert hosted.call("far", "slow", {"seconds": 30}, seconds=0.5).failed
    pid = int(hosted.call("far", "pid").text)
    hosted.host.send(StopServer("far"))
    hosted.expect(ServerStopped)
    hosted.start(ServerConfig("far", url=address))
    os.kill(pid, signal.SIGKILL)
    ended = hosted.call("far", "echo", {"text": "to nobody"})
    assert ended.failed
    assert "could not be reached" in ended.text
    assert "could not be reached" in hosted.expect(ServerFailed).message


def test_an_address_that_refuses_is_one_sentence(hosted: Hosted, address: str) -> None:
    hosted.ask_to_start(ServerConfig("far", url=address + "/elsewhere"))
    assert hosted.expect(ServerFailed).message == f"The server at {address}/elsewhere refused (HTTP 404)."


def test_what_a_server_leaves_behind_ends_with_it(hostile: Hosted) -> None:
    assert hostile.act("family").text == "The server “hostile” has ended (exit code 0)."
    assert ends(int(hostile.expect(ServerFailed).detail))


Body = tuple[dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}
EVENTS = {"Content-Type": "text/event-stream"}


@pytest.fixture
def served() -> Iterator[tuple[str, list[Body]]]:
    """An address, and the one answer that it gives to everything."""
    answers: list[Body] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers, body = answers[0]
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/mcp", answers
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param((JSON, b"[" + b" " * 40_000_000), id="long"),
        pytest.param((JSON, b'{"jsonrpc":"2.0","id":1,"result":{"a":[' + b"{}," * 4_000_000), id="parts"),
        pytest.param((JSON | {"Content-Encoding": "gzip"}, gzip.compress(b" " * 100_000_000)), id="packed"),
        pytest.param((EVENTS, b"data: " + b"{}," * 4_000_000), id="event"),
        pytest.param((EVENTS, b'data: {"jsonrpc":"2.0","id":9,"method":"ping"}\n\n' * 100_000), id="pings"),
    ],
)
def test_an_address_that_floods_is_left(hosted: Hosted, served: tuple[str, list[Body]], body: Body) -> None:
    address, answers = served
    answers.append(body)
    hosted.ask_to_start(ServerConfig("far", url=address))
    assert isinstance(failed := hosted.expect(ServerFailed), ServerFailed)
    assert failed.message
    assert hosted.peak() < MOST_MEMORY


def test_the_program_s_side_loads_no_sdk() -> None:
    code = "import sys, app.tools.host_client, app.tools.environment; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"mcp", "mcp_types", "pydantic", "httpx2", "anyio", "asyncio"} & set(loaded)


def test_nothing_is_started_until_it_is_asked_for(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path)
    hosted.host.close()
    assert not list(tmp_path.iterdir())
