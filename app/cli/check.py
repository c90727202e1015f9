"""The self-check: questions whose answers are known, put to the microscopic model that ships with the program.

It runs the whole way (session, worker, engine, store) in a temporary folder: on the processor, then on each graphics
card in a worker of its own. A card that answers otherwise, crashes or hangs is found before a large model is on it.
"""

from __future__ import annotations

import struct
import tempfile
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from app.chat.calling import ToolMode
from app.cli.attaching import Opening, seen_by
from app.cli.commands import AnswerOptions, ModelChoice
from app.cli.link import SessionLink
from app.cli.opening import load_model, start_conversation
from app.cli.output import Output
from app.cli.turns import Branch, Turn
from app.core.errors import UserError
from app.core.message import Draft, PanAndScan
from app.core.paths import DataPaths, resources
from app.core.protocol import Device, ModelInfo
from app.core.settings import Sampling

PROCESSOR = "CPU"
_GREEDY = Sampling(temperature=0.0, max_tokens=64)
_DEVICE_SECONDS = 60.0  # for all questions on one card


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt and the answer that a right engine gives to it.

    `colour` is of a picture that goes with it; `tools` are those that the model is told of, and calls.
    """

    prompt: str
    expected: str
    colour: tuple[int, int, int] | None = None
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out on one device, and after how many seconds; "" where nothing did."""

    question: Question
    answer: str
    device: str = PROCESSOR
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the answer is the known one."""
        return self.answer == self.question.expected


# Each chat stands for one thing that can break: recall over turns, the system text, a typed control token, counting,
# what the image encoder makes of two pictures, and the call of a tool with its result.
CHATS: tuple[tuple[str, tuple[Question, ...]], ...] = (
    (
        "",
        (
            Question("My name is Robin.", "Nice to meet you, Robin."),
            Question("What is my name?", "Your name is Robin."),
        ),
    ),
    ("", (Question("What is my name?", "I do not know your name."),)),
    ("Your name is Ada.", (Question("Who are you?", "I am Ada, a tiny test model."),)),
    ("", (Question("Count from 1 to 5.", "1, 2, 3, 4, 5."),)),
    ("", (Question("What colour is it?", "It is red.", (255, 0, 0)),)),
    ("", (Question("What colour is it?", "It is blue.", (0, 0, 255)),)),
    ("", (Question("What is 12 * 7?", "The result is 84.", tools=frozenset({"calculator"})),)),
)


def self_check_model() -> Path:
    """The model file that ships for this."""
    return resources() / "self-check" / "micro-gemma3.gguf"


def run_self_check(output: Output, devices: Sequence[Device] = (), addons: Path | None = None) -> list[Checked]:
    """Ask everything on the processor, then on each card among `devices`; one entry for each question.

    `addons` is the person's folder of backends.
    Raises UserError when an answer of the processor does not come at all.
    """
    found = _asked(output, PROCESSOR, ModelChoice(path=self_check_model(), gpu_layers=0), addons)
    for device in devices:
        if device.kind in ("gpu", "igpu"):
            found += _on_card(output, device, addons)
    output.clear_status()
    return found


def _on_card(output: Output, device: Device, addons: Path | None) -> list[Checked]:
    """What does not come (the card crashes or hangs) is a wrong answer to every question that is left."""
    found: list[Checked] = []
    choice = ModelChoice(path=self_check_model(), gpu_layers=999, device=device.name)
    with suppress(UserError):
        _asked(output, device.name, choice, addons, found, _DEVICE_SECONDS)
    questions = [question for _, questions in CHATS for question in questions]
    return found + [Checked(question, "", device.name) for question in questions[len(found) :]]


def _asked(
    output: Output,
    device: str,
    choice: ModelChoice,
    addons: Path | None,
    found: list[Checked] | None = None,
    seconds: float | None = None,
) -> list[Checked]:
    """The answers so far are in `found` also when this raises. After `seconds` the worker is killed."""
    found = [] if found is None else found
    with tempfile.TemporaryDirectory(prefix="cabochon-check-") as folder:
        paths = DataPaths(Path(folder), addons_at=addons)
        with SessionLink(paths) as link:
            watch = threading.Timer(seconds or 0.0, lambda: link.post(lambda session: session.kill_engine()))
            if seconds is not None:
                watch.start()
            try:
                output.status(f"Loading the self-check model ({device})…")
                model = load_model(link, output, choice, _GREEDY, quiet=True)
                for system, questions in CHATS:
                    branch = start_conversation(link, AnswerOptions(system=system))
                    for question in questions:
                        output.status(f"Asking ({device}): {question.prompt}")
                        _tell_tools(link, question.tools)
                        draft = _draft(question, paths, output, model)
                        began = perf_counter()
                        answer = _answer(link, output, branch, draft)
                        found.append(Checked(question, answer, device, perf_counter() - began))
            finally:
                watch.cancel()
    return found


def _answer(link: SessionLink, output: Output, branch: Branch, draft: Draft) -> str:
    conversation = branch.conversation
    turn = Turn(link, output, branch)
    return turn.run(lambda session: session.submit(conversation, draft), streamed=False).text


def _tell_tools(link: SessionLink, tools: frozenset[str]) -> None:
    mode = ToolMode.AUTO if tools else ToolMode.OFF
    link.call(lambda session: session.tools.begin(mode, tools))


def _draft(question: Question, paths: DataPaths, output: Output, model: ModelInfo) -> Draft:
    if question.colour is None:
        return Draft(question.prompt)
    file = paths.root / "picture.png"
    file.write_bytes(_plain_png(question.colour))
    pictures = Opening(paths, output).pictures([file], PanAndScan.OFF)
    return Draft(question.prompt, seen_by(model, pictures))


def _plain_png(colour: tuple[int, int, int], side: int = 64) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
