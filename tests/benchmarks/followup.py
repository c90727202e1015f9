"""Time to the first word of a follow-up in a chat of 4,000 tokens, against llama-server with its prompt cache on.

Both are asked as a client asks them, and the clock stops when the first text arrives: ours renders the chat and sends
it through the pipe, llama-server is sent the rendered text over loopback. Each goes on from its own earlier answers.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.message import Message, Role
from app.core.settings import LoadOptions
from tests.benchmarks.engine import BATCH, MODELS
from tests.benchmarks.ours import OurEngine
from tests.benchmarks.peers import Peers, build
from tests.benchmarks.report import Figure, paired_time, say

CONTEXT = 8192
ANSWER = 24  # tokens of every answer
_LINE = "On day {day} the river at the mill stood at {level} inches and the ferry carried {carried} people across. "
_QUESTION = "Question {number}: how many people did the ferry carry on day {day}, and how high did the river stand?"
_START_SECONDS = 180.0


@dataclass(frozen=True)
class Turns:
    """What the chat template of a model writes around a message."""

    before: dict[Role, str]
    after: str
    opening: str = ""


TURNS = {
    "gemma-3-270m": Turns(
        {Role.USER: "<start_of_turn>user\n", Role.ASSISTANT: "<start_of_turn>model\n"}, "<end_of_turn>\n"
    ),
    "SmolLM2-135M": Turns(
        {Role.USER: "<|im_start|>user\n", Role.ASSISTANT: "<|im_start|>assistant\n"},
        "<|im_end|>\n",
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n",
    ),
}


@dataclass(frozen=True)
class Size:
    """Tokens of the chat before the follow-ups (about), and how many pairs are measured."""

    chat: int = 4000
    pairs: int = 9


FULL = Size()
SMOKE = Size(chat=120, pairs=1)


def figures(folder: Path, size: Size = FULL, models: dict[str, Path] | None = None) -> list[Figure]:
    """All figures of this part; `folder` takes the logs."""
    peers = build()
    return [_of_model(name, path, peers, folder, size) for name, path in (models or MODELS).items()]


def _of_model(name: str, path: Path, peers: Peers, folder: Path, size: Size) -> Figure:
    title = f"{name} first token of a follow-up"
    mine, other = [], []
    with OurEngine(folder / "worker.log") as ours, server(peers.server, path, folder) as port:
        ours.load(path, LoadOptions(context=CONTEXT, batch=BATCH))
        our_chat, peer_chat = _OurChat(ours), _PeerChat(port, TURNS[name])
        document = _document(size.chat)
        for number in range(-1, size.pairs + 1):
            question = _QUESTION.format(number=number, day=7 * number + 11)
            text = f"{document}\n{question}" if number < 0 else question
            times = our_chat.ask(text), peer_chat.ask(text)
            what = "chat" if number < 0 else "warm-up" if number == 0 else str(number)
            read = f"{our_chat.read} and {peer_chat.read} tokens read"
            say(f"{title}: {what}: ours {times[0]:.1f} ms, peer {times[1]:.1f} ms ({read})")
            if number > 0:
                mine.append(times[0])
                other.append(times[1])
    return paired_time(title, "ms", mine, other, at_most=1.0)


def _document(tokens: int) -> str:
    """A text of about so many tokens (a line has some 30 in either vocabulary)."""
    lines = [_LINE.format(day=day, level=20 + day % 17, carried=3 * day % 41) for day in range(1, tokens // 30 + 1)]
    return "".join(lines)


class _OurChat:
    """A conversation with our worker. `read` counts the tokens of the last prompt that had to be evaluated."""

    def __init__(self, ours: OurEngine) -> None:
        self._ours = ours
        self._messages: list[Message] = []
        self.read = 0

    def ask(self, text: str) -> float:
        """Milliseconds from sending the turn to its first text."""
        self._messages.append(Message(role=Role.USER, text=text))
        answer = self._ours.answer(self._messages, ANSWER)
        finished = answer.finished
        self._messages.append(Message(role=Role.ASSISTANT, text=finished.text, tokens=finished.tokens))
        self.read = finished.usage.prompt_tokens - finished.usage.reused_tokens
        return answer.first_text * 1000


class _PeerChat:
    """The same conversation with llama-server."""

    def __init__(self, port: int, turns: Turns) -> None:
        self._port = port
        self._turns = turns
        self._text = turns.opening
        self.read = 0

    def ask(self, text: str) -> float:
        """Milliseconds from sending the request to its first text."""
        turns = self._turns
        self._text += f"{turns.before[Role.USER]}{text}{turns.after}{turns.before[Role.ASSISTANT]}"
        request = {"prompt": self._text, "n_predict": ANSWER, "temperature": 0, "stream": True, "cache_prompt": True}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        first = 0.0
        with contextlib.closing(connection):
            sent = time.perf_counter()
            connection.request("POST", "/completion", json.dumps(request), {"Content-Type": "application/json"})
            response = connection.getresponse()
            for line in response:
                if not line.startswith(b"data: "):
                    continue
                piece = json.loads(line[6:])
                first = first or (time.perf_counter() if piece["content"] else 0.0)
                self._text += piece["content"]
                if piece["stop"]:
                    self.read = piece["timings"]["prompt_n"]
                    break
        self._text += turns.after
        return (first - sent) * 1000


@contextlib.contextmanager
def server(program: Path, model: Path, folder: Path, more: Sequence[str] = (), context: int = CONTEXT) -> Iterator[int]:
    """llama-server on a loopback port, with our batch and cache types; `more` are further arguments."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [str(program), "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "-c", str(context)]
    command += ["-np", "1", "-b", str(BATCH), "-ub", str(BATCH), "-fa", "auto", "-ctk", "f16", "-ctv", "f16"]
    command += ["--no-ui", "--offline", *more]
    with (folder / "llama-server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait_until_healthy(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection,
        ):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("llama-server did not start; see llama-server.log")
