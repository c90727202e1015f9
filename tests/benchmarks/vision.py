"""Pictures with a model of 12B's shape and a full-size image encoder: what seeing costs, beside llama-server.

The weights are random (`shapes.py`, made once in `.cache/shapes`, 8 GB), so only times and memory are looked at.
CABOCHON_SHAPE=4b takes a smaller text model with the same encoder.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from PIL import Image, ImageDraw

from app.core.message import Draft, Message, Picture, Role
from app.core.paths import encode_path
from app.core.protocol import (
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    LookAhead,
    LookedAhead,
    Prompt,
    Ready,
    Seeing,
    Stop,
    Text,
    WorkerDied,
)
from app.core.settings import LoadOptions, Sampling
from app.engine.client import EngineClient
from app.media.host import Decoding
from tests.benchmarks.followup import server
from tests.benchmarks.peers import build
from tests.benchmarks.report import Figure, paired_time, say, single
from tests.benchmarks.shapes import GEMMA_4B, GEMMA_12B, made

OPTIONS = LoadOptions(context=4096)
ANSWER = 4  # tokens
PAIRS = 2
PATIENCE = 900.0
QUESTIONS = ("What is in this picture?", "And what stands at the left of it?")

_E = TypeVar("_E", bound=Event)


def figures(folder: Path) -> list[Figure]:
    """All figures of this part."""
    model = made(GEMMA_4B if os.environ.get("CABOCHON_SHAPE") == "4b" else GEMMA_12B)
    peers = build()
    with _Ours(folder) as ours:
        ours.load(model)
        found = [*_seeing(ours, folder), *_stopping(ours, folder)]
        found += _against(ours, model, peers.server, folder)
        found.append(_ahead(ours, folder))
    return found


# -- one view


def _seeing(ours: _Ours, folder: Path) -> list[Figure]:
    """Time, progress and memory of single views, and what is kept of one."""
    before = ours.memory()
    times, gaps, peak = [], [], 0
    for number in range(3):
        looked = ours.look(_picture(folder, number))
        peak = max(peak, looked.peak)
        if number:  # the first one loads the encoder
            times.append(looked.seconds)
            gaps.append(looked.longest_gap)
        say(f"vision: view {number}: {looked.seconds:.1f} s, {looked.told} reports, gap {looked.longest_gap:.2f} s")
    kept = sorted((folder / "embeddings").glob("*.embd"))
    return [
        Figure("a view is seen in", "s", "", ours=statistics.median(times), note=_speed()),
        single("longest silence while a view is seen", "s", max(gaps), below=2.0),
        single("kept of a view", "MB", kept[0].stat().st_size / 1e6, below=4.1),
        Figure("memory of the encoder while it works", "MiB", "", ours=(peak - before) / (1 << 20)),
    ]


def _speed() -> str:
    return f"896 x 896, 27 layers, on {len(os.sched_getaffinity(0))} cores"


def _stopping(ours: _Ours, folder: Path) -> list[Figure]:
    """From Stop to the end of the turn, at several moments of an encoding."""
    waits = []
    for number, after in enumerate((0.1, 0.5, 0.9)):
        waits.append(ours.stop_at(_picture(folder, 20 + number), after))
        say(f"vision: stopped at {after:.0%}: {waits[-1]:.2f} s")
    return [single("from Stop to stopped, while a view is seen", "s", max(waits), below=1.0)]


# -- a picture and two questions, beside llama-server


def _against(ours: _Ours, model: Path, program: Path, folder: Path) -> list[Figure]:
    mine: tuple[list[float], list[float]] = ([], [])
    other: tuple[list[float], list[float]] = ([], [])
    projector = next(model.parent.glob("mmproj*"))
    with server(program, model, folder, ["--mmproj", str(projector)], context=OPTIONS.context or 4096) as port:
        for number in range(PAIRS):
            picture = _picture(folder, 40 + number)
            ours.look_ahead(picture)  # it was dropped, and seen while the question was typed
            ours_twice = ours.ask_twice(picture)
            peer_twice = _ask_peer_twice(port, folder / f"{40 + number}.png")
            for place in range(2):
                mine[place].append(ours_twice[place] * 1000)
                other[place].append(peer_twice[place] * 1000)
            say(f"vision: questions: ours {ours_twice}, peer {peer_twice}")
    return [
        paired_time("first word of question one, seen while typing", "ms", mine[0], other[0], at_most=1.0),
        paired_time("first word of question two", "ms", mine[1], other[1], at_most=1.0),
    ]


def _ask_peer_twice(port: int, path: Path) -> tuple[float, float]:
    data = base64.b64encode(path.read_bytes()).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    messages: list[dict[str, object]] = []
    times = []
    for number, question in enumerate(QUESTIONS):
        words = {"type": "text", "text": question}
        messages.append({"role": "user", "content": [image, words] if number == 0 else question})
        seconds, said = _ask_peer(port, messages)
        times.append(seconds)
        messages.append({"role": "assistant", "content": said})
    return times[0], times[1]


def _ask_peer(port: int, messages: list[dict[str, object]]) -> tuple[float, str]:
    request = {"messages": messages, "max_tokens": ANSWER, "temperature": 0, "stream": True, "cache_prompt": True}
    said, first = "", 0.0
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        sent = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", json.dumps(request), {"Content-Type": "application/json"})
        for line in connection.getresponse():
            if not line.startswith(b"data: {"):
                continue
            choices = json.loads(line[6:])["choices"]
            piece = choices[0]["delta"].get("content") if choices else None
            if piece:
                first = first or time.perf_counter()
                said += piece
    return (first or time.perf_counter()) - sent, said


def _ahead(ours: _Ours, folder: Path) -> Figure:
    """The first word about a picture that was seen while typing, beside a text-only chat of the same length."""
    seen, plain = [], []
    for number in range(PAIRS + 1):
        picture = _picture(folder, 60 + number)
        ours.look_ahead(picture)
        seen.append(ours.ask(Draft(QUESTIONS[0], (picture,))) * 1000)
        text = f"{number} " + "wide " * 262
        ours.ask(Draft(text))
        plain.append(ours.ask(Draft(QUESTIONS[0]), after=text) * 1000)
    return paired_time("first word about a seen picture, beside text alone", "ms", seen[1:], plain[1:], at_most=1.2)


def _picture(folder: Path, number: int) -> Picture:
    """A drawn picture that was not there before, as the attachment store keeps it."""
    drawn = Image.new("RGB", (1200, 900), (30 + 3 * number % 200, 90, 140))
    draw = ImageDraw.Draw(drawn)
    for place in range(12):
        draw.ellipse((90 * place, 40 * place + number, 90 * place + 200, 40 * place + 150), fill=(place * 20, 200, 60))
    path = folder / f"{number}.png"
    drawn.save(path)
    found = Decoding(path, folder / "attachments").picture()
    kept = encode_path(folder / "attachments" / f"{found.sha256}.png")
    return Picture(found.sha256, found.width, found.height, kept)


# -- our worker


@dataclass
class _Looked:
    seconds: float = 0.0
    told: int = 0
    longest_gap: float = 0.0
    peak: int = 0


@dataclass
class _Ours:
    """A worker, driven from one thread; the clock is this process's."""

    folder: Path
    _events: SimpleQueue[tuple[float, Event]] = field(default_factory=SimpleQueue)
    _number: int = 0

    def __enter__(self) -> _Ours:
        self._client = EngineClient(lambda event: self._events.put((time.perf_counter(), event)), self.folder / "w.log")
        self._client.start()
        self._pid = self._until(Ready)[1].pid
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def load(self, model: Path) -> None:
        """Loads the model and names the folder of embeddings."""
        embeddings = encode_path(self.folder / "embeddings")
        self._client.send(Load(1, encode_path(model), OPTIONS, embeddings=embeddings))
        info = self._until(Loaded)[1].model
        assert info.vision, "the image part was not found beside the model"

    def memory(self) -> int:
        """Bytes of the worker that are not the mapped file."""
        status = Path(f"/proc/{self._pid}/status").read_text("ascii")
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("RssAnon"))

    def look(self, picture: Picture) -> _Looked:
        """See one picture ahead of its text; reading its cells is not in the time."""
        looked, began = _Looked(), time.perf_counter()
        last, stop = began, threading.Event()

        def watch() -> None:
            while not stop.wait(0.2):
                looked.peak = max(looked.peak, self.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        for moment, event in self._ahead(picture):
            if event.seen and event.seen[0] < 1 and moment > last:
                looked.told += 1
                looked.longest_gap = max(looked.longest_gap, moment - last if looked.told > 1 else 0.0)
                last = moment
            if event.seen and event.seen[0] >= 1 and not looked.seconds:
                looked.seconds = moment - began
        stop.set()
        watcher.join()
        return looked

    def look_ahead(self, picture: Picture) -> None:
        """See and read a picture before its question comes."""
        for _ in self._ahead(picture):
            pass

    def _ahead(self, picture: Picture) -> Iterator[tuple[float, LookedAhead]]:
        self._number += 1
        prompt = Prompt("bench", (Message(Role.USER, "", pictures=(picture,)),))
        self._client.send(LookAhead(self._number, prompt))
        while True:
            moment, event = self._until(LookedAhead)
            yield moment, event
            if event.done or event.error:
                assert not event.error, event.error
                return

    def stop_at(self, picture: Picture, part: float) -> float:
        """Seconds from Stop to the end of a turn that is stopped when so much of its picture has been seen."""
        turn = self._ask((Message(Role.USER, QUESTIONS[0], pictures=(picture,)),))
        while self._until(Seeing)[1].fraction < part:
            pass
        asked = time.perf_counter()
        self._client.send(Stop(turn))
        return self._until(Finished)[0] - asked

    def ask(self, draft: Draft, after: str = "") -> float:
        """Seconds to the first word; with `after`, a message that was answered before."""
        before = [self._answered] if after else []
        message = Message(Role.USER, draft.text, pictures=draft.pictures)
        said = [Message(Role.USER, after), *before, message] if after else [message]
        return self._timed(said)

    def ask_twice(self, picture: Picture) -> tuple[float, float]:
        """Seconds to the first word of two questions about a picture."""
        said = [Message(Role.USER, QUESTIONS[0], pictures=(picture,))]
        first = self._timed(said)
        said += [self._answered, Message(Role.USER, QUESTIONS[1])]
        return first, self._timed(said)

    def _timed(self, said: list[Message]) -> float:
        sent = time.perf_counter()
        self._ask(tuple(said))
        first = self._until(Text)[0]
        finished = self._until(Finished)[1]
        self._answered = Message(Role.ASSISTANT, finished.text, finished.tokens)
        return first - sent

    def _ask(self, said: tuple[Message, ...]) -> int:
        self._number += 1
        sampling = Sampling(temperature=0.0, max_tokens=ANSWER)
        self._client.send(Generate(self._number, Prompt("bench", said), sampling))
        return self._number

    def _until(self, kind: type[_E]) -> tuple[float, _E]:
        while True:
            try:
                moment, event = self._events.get(timeout=PATIENCE)
            except Empty:
                raise RuntimeError(f"no {kind.__name__} within {PATIENCE:g} s") from None
            if isinstance(event, kind):
                return moment, event
            if isinstance(event, Failed | LoadFailed | WorkerDied):
                raise RuntimeError(f"{type(event).__name__}: {event.message}")
