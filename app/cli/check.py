"""The self-check: questions whose answers are known, put to the microscopic model that ships with the program.

It runs the whole way (session, worker, engine, store) in a temporary folder: on the processor, then on each graphics
card, text and pictures each in a worker of its own. What a large model sees with is tried too, with a made-up image
part of full size (`app.cli.made_up`): what a card makes of a picture is held against what the processor makes of it. A
card that answers otherwise, crashes or hangs is found before a large model is on it, and so is one that takes longer
for a picture than the processor.
"""

from __future__ import annotations

import math
import tempfile
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from app.chat.calling import ToolMode
from app.cli.attaching import Opening, seen_by
from app.cli.commands import AnswerOptions, ModelChoice
from app.cli.link import SessionLink
from app.cli.made_up import plain_picture, ringed_picture, write_image_part
from app.cli.opening import load_model, start_conversation
from app.cli.output import Output
from app.cli.turns import Branch, Turn
from app.core.errors import EngineError, UserError
from app.core.message import Draft, PanAndScan
from app.core.paths import DataPaths, resources
from app.core.protocol import Device, ModelInfo
from app.core.settings import Sampling
from app.gguf.header import read_header

PROCESSOR = "CPU"
_GREEDY = Sampling(temperature=0.0, max_tokens=64)
_SECONDS = 60.0  # at least, for the text on one card, for its pictures, and for the image part of full size anywhere
_TIMES = 5  # as long as the processor takes, a card is waited for
# Of what the processor makes of a token, in the token where it is most. One hundredth is what a card's 16-bit sums come
# to; a wrong one is off by a third and more, and the attention left out by half.
_ALLOWED_APART = 0.1
_DIGEST = 32  # bytes before the embeddings in a file of them (app.engine.eyes)


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt and the answer that a right engine gives to it.

    `colour` is of a picture that goes with it; `tools` are those that the model is told of, and calls. `full_size`
    marks the one that is put to the image part alone.
    """

    prompt: str
    expected: str
    colour: tuple[int, int, int] | None = None
    tools: frozenset[str] = frozenset()
    full_size: bool = False

    @property
    def is_seen(self) -> bool:
        """Whether it is about a picture."""
        return self.full_size or self.colour is not None


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out on one device, and after how many seconds; "" where nothing did.

    `apart` is how far embeddings are from those of the processor, as a part of them, and `usual` the seconds there.
    """

    question: Question
    answer: str
    device: str = PROCESSOR
    seconds: float = 0.0
    apart: float | None = None
    usual: float | None = None

    @property
    def right(self) -> bool:
        """Whether the answer is the known one."""
        return self.answer == self.question.expected

    @property
    def too_slow(self) -> bool:
        """Whether the processor would have been quicker with the same, or with anything at all."""
        same = self.right or not self.answer
        return same and self.usual is not None and self.seconds > self.usual


# Each chat stands for one thing that can break: recall over turns, the system text, a typed control token, counting,
# what the image encoder makes of two pictures, and the call of a tool with its result.
Chat = tuple[str, tuple[Question, ...]]  # the system text and what is asked
CHATS: tuple[Chat, ...] = (
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
FULL_SIZE = Question("What does an image part of full size see?", "the same as on the processor", full_size=True)


def self_check_model() -> Path:
    """The model file that ships for this."""
    return resources() / "self-check" / "micro-gemma3.gguf"


def run_self_check(output: Output, devices: Sequence[Device] = (), addons: Path | None = None) -> list[Checked]:
    """Ask everything on the processor, then on each card among `devices`; one entry for each question.

    `addons` is the person's folder of backends.
    Raises UserError when an answer of the processor does not come at all.
    """
    found: list[Checked] = []
    _ask(output, _Place(PROCESSOR, addons), CHATS, found)
    cards = [_Place(device.name, addons) for device in devices if device.kind in ("gpu", "igpu")]
    usual = {seen: sum(one.seconds for one in found if one.question.is_seen == seen) for seen in (False, True)}
    for card in cards:
        for seen, seconds in usual.items():
            found += _on_card(output, card, pictures=seen, usual=seconds)
    answering = [card for card in cards if all(one.answer for one in found if one.device == card.device)]
    if answering:
        found += _compared(output, _Place(PROCESSOR, addons), answering)
    output.clear_status()
    return found


class _Session(NamedTuple):
    """`over` is set when its time is."""

    paths: DataPaths
    link: SessionLink
    over: threading.Event


class _NoRoom(Exception):
    """The card has no memory for an image part, and will not be given one."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A device, with the person's folder of backends."""

    device: str
    addons: Path | None

    def choice(self, mmproj: Path | None = None) -> ModelChoice:
        """The self-check model on this device alone."""
        if self.device == PROCESSOR:
            return ModelChoice(self_check_model(), mmproj, gpu_layers=0)
        return ModelChoice(self_check_model(), mmproj, gpu_layers=999, device=self.device)

    @contextmanager
    def session(self, limit: float | None) -> Iterator[_Session]:
        """A session in a folder of its own. After `limit` seconds its worker is killed; None: never."""
        with tempfile.TemporaryDirectory(prefix="cabochon-check-") as folder:
            paths = DataPaths(Path(folder), addons_at=self.addons)
            with SessionLink(paths) as link:
                over = threading.Event()
                watch = threading.Timer(limit or 0, lambda: _end(link, over))
                if limit is not None:
                    watch.start()
                try:
                    yield _Session(paths, link, over)
                finally:
                    watch.cancel()


def _end(link: SessionLink, over: threading.Event) -> None:
    over.set()
    link.post(lambda session: session.kill_engine())


def _limit(usual: float) -> float:
    """How many seconds a card is waited for where the processor took `usual`."""
    return max(_SECONDS, _TIMES * usual)


def _on_card(output: Output, card: _Place, *, pictures: bool, usual: float) -> list[Checked]:
    """What does not come (the card crashes or hangs) is a wrong answer to every question that is left."""
    found: list[Checked] = []
    chats = [chat for chat in CHATS if any(question.is_seen for question in chat[1]) == pictures]
    with suppress(UserError):
        _ask(output, card, chats, found, _limit(usual))
    questions = [question for _, questions in chats for question in questions]
    return found + [Checked(question, "", card.device) for question in questions[len(found) :]]


def _ask(
    output: Output, place: _Place, chats: Sequence[Chat], found: list[Checked], limit: float | None = None
) -> None:
    """The answers so far are in `found` also when this raises. A card that once gave no answer is asked no more."""
    with place.session(limit) as (paths, link, _):
        output.status(f"Loading the self-check model ({place.device})…")
        model = load_model(link, output, place.choice(), _GREEDY, quiet=True)
        if place.device != PROCESSOR and not model.gpu_layers:
            raise EngineError(f"{place.device} is not there any more.", "device")
        for system, questions in chats:
            branch = start_conversation(link, AnswerOptions(system=system))
            for question in questions:
                output.status(f"Asking ({place.device}): {question.prompt}")
                _tell_tools(link, question.tools)
                draft = _draft(question, paths, output, model)
                began = perf_counter()
                answer = _answer(link, output, branch, draft)
                found.append(Checked(question, answer, place.device, perf_counter() - began))
                if not answer and place.device != PROCESSOR:
                    return


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
    file.write_bytes(plain_picture(question.colour))
    pictures = Opening(paths, output).pictures([file], PanAndScan.OFF)
    return Draft(question.prompt, seen_by(model, pictures))


def _compared(output: Output, processor: _Place, cards: Sequence[_Place]) -> Iterator[Checked]:
    """The image part of full size on each card beside the processor; nothing where that does not get it done."""
    with tempfile.TemporaryDirectory(prefix="cabochon-check-") as folder:
        mmproj = Path(folder) / "mmproj.gguf"
        width = read_header(self_check_model()).number("gemma3.embedding_length")
        try:
            write_image_part(mmproj, width)
        except OSError as error:
            output.sentence(f"No image part of full size was tried: {error.strerror or error}.")
            return
        expected, usual = b"", 0.0
        with suppress(UserError):
            expected, usual = _seen(output, processor, mmproj)
        for card in cards if expected else ():
            seen, seconds = b"", 0.0
            try:
                seen, seconds = _seen(output, card, mmproj, usual)
            except _NoRoom:
                continue
            except UserError:
                pass
            apart = how_far_apart(expected, seen, width) if seen else None
            yield Checked(FULL_SIZE, _in_words(apart), card.device, seconds, apart, usual)


def _seen(output: Output, place: _Place, mmproj: Path, usual: float | None = None) -> tuple[bytes, float]:
    """The embeddings of a picture (float32) and the seconds that it took.

    b"" where none were made: in all the time that there was, or after 0 seconds where something went wrong. `usual` are
    the processor's. Raises _NoRoom, and UserError where the model does not load.
    """
    limit = _limit(usual or 0)
    with place.session(limit) as (paths, link, over):
        output.status(f"Looking with an image part of full size ({place.device})…")
        model = load_model(link, output, place.choice(mmproj), _GREEDY, quiet=True)
        if place.device != PROCESSOR and not model.encoder_on_card:
            raise _NoRoom
        seconds = _looked(output, link, paths, ringed_picture())
        made = next((file.read_bytes()[_DIGEST:] for file in paths.embeddings.glob("*.embd")), b"")
        if not made:
            return b"", limit if over.is_set() else 0.0
        if usual is not None and seconds > usual:  # with its first picture a card gets ready
            seconds = min(seconds, _looked(output, link, paths, plain_picture((255, 0, 0))))
        return made, seconds


def _looked(output: Output, link: SessionLink, paths: DataPaths, picture: bytes) -> float:
    """The seconds from a question about this picture to its answer."""
    file = paths.root / "picture.png"
    file.write_bytes(picture)
    draft = Draft(FULL_SIZE.prompt, Opening(paths, output).pictures([file], PanAndScan.OFF))
    began = perf_counter()
    _answer(link, output, start_conversation(link, AnswerOptions()), draft)
    return perf_counter() - began


def _in_words(apart: float | None) -> str:
    if apart is None:
        return ""
    if math.isinf(apart):
        return "no numbers at all"
    return FULL_SIZE.expected if apart <= _ALLOWED_APART else f"something else, {apart:.0%} apart"


def how_far_apart(expected: bytes, seen: bytes, width: int) -> float:
    """The distance of two runs of tokens, `width` float32 each, in the token where it is most: a part of its length."""
    one, other = (array("f", data) for data in (expected, seen))
    most = 0.0
    for start in range(0, len(one), width):
        token, beside = one[start : start + width], other[start : start + width]
        length = math.hypot(*token)
        apart = math.dist(token, beside) / length
        most = max(most, apart) if math.isfinite(apart) else math.inf
    return most
