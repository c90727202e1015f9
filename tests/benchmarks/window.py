"""The real window in a process of its own: how soon it is there, what it takes, and whether it stays quick.

The window is `python -P -m app` with a probe (probed_window.py) on the screen of screen.py. Start and opening are times
on the clock. Processor time and memory are the window's process alone, the worker's not among them; while they are
measured nothing of the probe runs. The engine is the scripted one: what is measured here does not depend on a model.
"""

from __future__ import annotations

import json
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from tests.benchmarks.handled import TICK_MS, percentile
from tests.benchmarks.long_chat import Made, make
from tests.benchmarks.peers import ROOT
from tests.benchmarks.report import Figure, missing, say, single
from tests.benchmarks.screen import screen

START_MS, MEMORY_MB, OPEN_MS, FRAME_MS, HANDLER_MS = 150.0, 150.0, 100.0, 16.7, 33.0
UNFOCUSED_CPU, FOCUSED_CPU = 0.05, 0.2  # per cent of one core; below 0.05 is 0.0 in the one digit of the target
PATIENCE = 60.0  # seconds that any single step may take
_REST = 0.3  # seconds between two starts, for what the one before leaves to be done


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    messages: int = 5000
    starts: int = 9
    openings: int = 9
    idle_seconds: float = 20.0
    settle_seconds: float = 3.0
    answer_seconds: float = 20.0


FULL = Size()
SMOKE = Size(messages=60, starts=1, openings=2, idle_seconds=0.5, settle_seconds=0.2, answer_seconds=1.0)


class WindowFailed(Exception):
    """The window did not do what was asked of it; the message has what it said on standard error."""


def figures(folder: Path, size: Size = FULL) -> list[Figure]:
    """All figures of this part; `folder` takes data folders and logs."""
    chats = make(folder / "chats", size.messages)
    with screen() as (environment, what):
        say(f"window: on {what}")
        programs = Programs(folder, environment, chats)
        return [
            _start(programs, size),
            *_at_rest(programs, size),
            _opening(programs, size),
            *_streaming(programs, size),
        ]


class Program:
    """A program that is running: it says one JSON object a line, and is told one command a line."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self.began = time.monotonic()
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def tell(self, command: str) -> None:
        """Have it do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())

    def wait_for(self, *events: str) -> dict[str, Any]:
        """The last of these events, in whatever order they come. Raises WindowFailed."""
        awaited = set(events)
        while True:
            said = self._next()
            awaited.discard(said["event"])
            if not awaited:
                return said

    def ask(self, command: str, event: str) -> dict[str, Any]:
        """Have it do something, and wait until it says that it has."""
        self.tell(command)
        return self.wait_for(event)

    def _next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        line = self._process.stdout.readline() if readable else b""
        if not line:
            what = "ended" if readable else f"said nothing for {PATIENCE:g} s"
            raise WindowFailed(f"The program {what}.\n{self._log.read_text(errors='replace')[-2000:]}")
        said: dict[str, Any] = json.loads(line)
        return said


@dataclass
class Programs:
    """Starts the programs on one screen, with folders of their own."""

    folder: Path
    environment: dict[str, str]
    chats: Made
    _started: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.environment = self.environment | {"PYTHONPATH": str(ROOT), "TMPDIR": str(self._made("tmp"))}
        for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            self.environment[variable] = str(self._made(variable.lower()))

    def bare(self) -> Program:
        """An empty window of PySide6."""
        return self._program("tests.benchmarks.bare_window")

    def ours(self) -> Program:
        """The program on a person's data folder, as `cabochon` starts it."""
        return self._program("tests.benchmarks.probed_window", "--data-dir", str(self.chats.folder))

    def scripted(self, *options: str) -> Program:
        """The program as `--sample` starts it, with these chats; returned when the long one is there and a model."""
        chats = ("--chats", str(self.chats.folder), "--sample")
        program = self._program("tests.benchmarks.probed_window", *options, *chats)
        program.wait_for("painted", "opened", "ready")
        return program

    def _program(self, module: str, *arguments: str) -> Program:
        self._started += 1
        log = self.folder / f"{module}-{self._started}.log"
        return Program([sys.executable, "-P", "-m", module, *arguments], self.environment, log)

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


def _start(programs: Programs, size: Size) -> Figure:
    """From exec to the painted window, ours and the bare one in turn; the first pair warms and is not counted."""
    ours, bare = [], []
    for number in range(size.starts + 1):
        times = _start_ms(programs.ours), _start_ms(programs.bare)
        say(f"start: {number or 'warm-up'}: ours {times[0]:.0f} ms, bare window {times[1]:.0f} ms")
        if number:
            ours.append(times[0])
            bare.append(times[1])
    more = [mine - other for mine, other in zip(ours, bare, strict=True)]
    note = (
        f"exec to painted: {statistics.median(ours):.0f} ms, bare window {statistics.median(bare):.0f} ms "
        f"(medians of {size.starts}, in turn); differences {min(more):.0f} to {max(more):.0f} ms"
    )
    return single("start, beyond a bare window", "ms", statistics.median(more), below=START_MS, note=note)


def _start_ms(start: Callable[[], Program]) -> float:
    with start() as program:
        took = (program.wait_for("painted")["at"] - program.began) * 1000
    time.sleep(_REST)
    return float(took)


def _at_rest(programs: Programs, size: Size) -> list[Figure]:
    """Memory and processor time of the window with the long chat, nothing going on."""
    with programs.scripted() as program:
        time.sleep(size.settle_seconds)
        memory = psutil.Process(program.pid).memory_full_info()
        megabytes = memory.pss / 1e6
        note = (
            f"PSS of the window's process, {size.messages} messages; USS {memory.uss / 1e6:.0f} MB, without the worker"
        )
        say(f"memory: {megabytes:.0f} MB")
        return [
            single("memory with a long chat", "MB", megabytes, below=MEMORY_MB, note=note),
            _idle(program, "transcript", "idle, no cursor", UNFOCUSED_CPU, size),
            _idle(program, "composer", "idle, cursor blinks", FOCUSED_CPU, size),
        ]


def _idle(program: Program, focus: str, name: str, limit: float, size: Size) -> Figure:
    focused = program.ask(f"focus {focus}", "focused")
    wanted = focus == "composer"
    if not focused["active"] or focused["blinks"] != wanted:
        return missing(name, f"<= {limit:g}", f"the window did not take the keyboard: {focused}")
    time.sleep(size.settle_seconds)
    process = psutil.Process(program.pid)
    wakes, spent, began = process.num_ctx_switches().voluntary, _cpu_seconds(program.pid), time.monotonic()
    time.sleep(size.idle_seconds)
    seconds = time.monotonic() - began
    percent = (_cpu_seconds(program.pid) - spent) / seconds * 100
    wakes = process.num_ctx_switches().voluntary - wakes
    say(f"{name}: {percent:.3f} %")
    note = (
        f"{percent:.3f} % of one core over {seconds:.0f} s; its first thread woke {wakes / seconds:.1f} times a second"
    )
    return single(name, "%", percent, below=limit, note=note)


def _cpu_seconds(pid: int) -> float:
    """Processor time of another process, all its threads, in nanoseconds' steps (psutil's are hundredths)."""
    return time.clock_gettime((~pid << 3) | 2)  # Linux: the clock of clock_getcpuclockid(3)


def _opening(programs: Programs, size: Size) -> Figure:
    """From the command to the painted transcript, the short chat and the long one in turn."""
    painted, settled, longest = [], [], []
    with programs.scripted("--timed") as program:
        time.sleep(size.settle_seconds)
        for number in range(1, size.openings + 1):
            program.ask(f"open {programs.chats.short}", "opened")
            time.sleep(_REST)
            opened = program.ask(f"open {programs.chats.long}", "opened")
            if opened["messages"] != size.messages:
                raise WindowFailed(f"A chat of {opened['messages']} messages was opened.")
            painted.append(opened["painted_ms"])
            settled.append(opened["settled_ms"])
            longest.append(opened["longest_ms"])
            say(f"opening: {number}: painted after {painted[-1]:.0f} ms, settled after {settled[-1]:.0f} ms")
            time.sleep(_REST)
    note = (
        f"click to painted, {size.messages} messages: median of {size.openings}, the first {painted[0]:.0f} ms, "
        f"the slowest {max(painted):.0f} ms; code coloured after {statistics.median(settled):.0f} ms; longest handler "
        f"without waiting for a core {statistics.median(longest):.0f} ms, the first time {longest[0]:.0f}"
    )
    return single("a long chat opens", "ms", statistics.median(painted), below=OPEN_MS, note=note)


def _streaming(programs: Programs, size: Size) -> list[Figure]:
    """Frames and handlers while an answer is written, in a short chat and at the end of the long one."""
    found = []
    with programs.scripted("--timed", "--steady") as program:
        for name, chat in (("short", programs.chats.short), ("long", programs.chats.long)):
            program.ask(f"open {chat}", "opened")
            time.sleep(size.settle_seconds)
            answered = program.ask(f"send {size.answer_seconds:g}", "answered")
            found += _streamed(f"streaming in a {name} chat", answered)
    return found


def _streamed(name: str, answered: dict[str, Any]) -> list[Figure]:
    """From Send to the end of the answer. Clock time, but for what is said to be without waiting for a core."""
    walls, owns, gaps, longest = (answered[key] for key in ("walls", "owns", "gaps", "longest"))
    rate = (answered["texts"] - 1) / answered["seconds"]
    frame, gap = percentile(walls, 99), percentile(gaps, 99)
    say(f"{name}: 99 % of frames within {frame:.1f} ms, of gaps {gap:.1f} ms, longest handler {longest['own']:.1f} ms")
    frames_note = (
        f"{len(walls)} frames (all that was done between two rests of the loop and painted something) at {rate:.0f} "
        f"words/s: {_share(walls):.1f} % within {FRAME_MS:g} ms, median {statistics.median(walls):.1f}, slowest "
        f"{max(walls):.1f}; without waiting for a core 99 % within {percentile(owns, 99):.1f}, slowest {max(owns):.1f}"
    )
    gaps_note = (
        f"{len(gaps)} gaps of a timer of {TICK_MS} ms: {_share(gaps):.1f} % within {FRAME_MS:g} ms, "
        f"slowest {max(gaps):.1f}"
    )
    handler_note = (
        f"longest of {answered['events']} events without waiting for a core: {longest['what']}, "
        f"{longest['cpu']:.1f} ms of it on a core; longest on the clock {answered['longest_wall']:.1f}, "
        f"99 % within {answered['usual']:.1f}"
    )
    return [
        single(f"{name}, 99 % of frames", "ms", frame, below=FRAME_MS, note=frames_note),
        single(f"{name}, 99 % of loop gaps", "ms", gap, below=FRAME_MS, note=gaps_note),
        single(f"{name}, longest handler", "ms", longest["own"], below=HANDLER_MS, note=handler_note),
    ]


def _share(milliseconds: Sequence[float]) -> float:
    return sum(each <= FRAME_MS for each in milliseconds) / len(milliseconds) * 100
