"""`cabochon doctor`: what is here, what is wrong and how to mend it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path

import msgspec

from app.chat.changes import WorkerDescribed, WorkerRestarted
from app.cli.check import PROCESSOR, Checked, run_self_check, self_check_model
from app.cli.commands import Doctor
from app.cli.link import Interrupted, SessionLink
from app.cli.opening import remembered_model
from app.cli.output import Output
from app.cli.screen import has_screen
from app.core.child import entry_of
from app.core.errors import EngineError, ExitCode, ModelError, StorageError, UserError
from app.core.paths import DataPaths
from app.core.protocol import Described, Device
from app.core.versions import installed_versions
from app.gguf.header import read_header
from app.models import graphics
from app.models.self_checked import keep

_DESCRIBE_SECONDS = 30.0
_LITTLE_SPACE = 500_000_000  # bytes; a chat needs far less, a backup or a model far more
_QT_SECONDS = 20.0
_MEND_CARD = "Bring its driver up to date, then run cabochon doctor --check again."


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong and how a person mends it."""

    what: str
    mend: str


@dataclass(slots=True)
class Report:
    """What doctor found; `check` is None when the self-check was not asked for."""

    versions: dict[str, str] = field(default_factory=dict)
    devices: list[dict[str, object]] = field(default_factory=list)
    found: tuple[Device, ...] = ()
    backends: str = ""
    paths: dict[str, str] = field(default_factory=dict)
    screen: bool = False
    problems: list[Problem] = field(default_factory=list)
    unused_card: graphics.Advice | None = None
    check: list[Checked] | None = None
    avoid: tuple[str, ...] = ()
    encoder_avoid: tuple[str, ...] = ()
    why_aside: tuple[str, ...] = ()


def run_doctor(command: Doctor, paths: DataPaths, output: Output, root: Path = Path("/")) -> ExitCode:
    """Examine everything and print it. A wrong self-check is exit code 6; what else is wrong is in the report.

    `root` is where the system's own files tell of its cards.
    """
    if command.check:
        with suppress(OSError):
            paths.tried.unlink()
    report = _examine(paths)
    if not any(device.kind in ("gpu", "igpu") for device in report.found):
        report.unused_card = graphics.advice(graphics.backends_here(), graphics.source_tree(), root)
    if command.check:
        _check(report, paths, output)
    output.clear_status()
    if command.json:
        output.record(_record(report))
    else:
        _print(report, output)
    on_processor = [checked.right for checked in report.check or () if checked.device == PROCESSOR]
    passed = report.check is None or (bool(on_processor) and all(on_processor))
    return ExitCode.DONE if passed else ExitCode.ENGINE


def _examine(paths: DataPaths) -> Report:
    report = Report(versions=installed_versions(), paths=_shown_paths(paths), screen=has_screen())
    report.problems += _folder_problems(paths.root)
    report.problems += _qt_problems()
    if not self_check_model().is_file():
        report.problems.append(Problem("The self-check model is missing.", "Install Cabochon again."))
    try:
        with SessionLink(paths) as link:
            model = remembered_model(link)
            report.paths["model"] = _shown(model) if model else ""
            report.problems += _model_problems(model)
            _take_description(report, describe(link), paths)
    except StorageError as error:
        report.problems.append(Problem(error.message, "Free the folder, or choose another one with --data-dir."))
    except EngineError as error:
        log = _shown(paths.logs / "worker.log")
        report.problems.append(Problem(error.message, f"Install Cabochon again; the reason stands in {log}."))
    return report


def _check(report: Report, paths: DataPaths, output: Output) -> None:
    try:
        report.check = run_self_check(output, report.found, paths.addons)
    except UserError as error:
        report.check = []
        report.problems.append(Problem(f"The self-check failed: {error.message}", "Install Cabochon again."))
    else:
        keep(paths.self_checked, sum(checked.right for checked in report.check), len(report.check))
        _set_aside(report, paths)


def _set_aside(report: Report, paths: DataPaths) -> None:
    """Cards that answered otherwise than the processor are not used from now on; those that were right are again."""
    wrong: dict[str, str] = {}
    blind: dict[str, str] = {}
    cards = {one.name: one.description for one in report.found if one.kind != "cpu"}
    for checked in report.check or ():
        if checked.device in cards and (checked.too_slow or not checked.right):
            name = cards[checked.device]
            (blind if checked.question.is_seen else wrong).setdefault(name, why_aside(name, checked))
    blind = {name: why for name, why in blind.items() if name not in wrong}
    report.avoid, report.encoder_avoid = tuple(sorted(wrong)), tuple(sorted(blind))
    report.why_aside = (*(wrong[name] for name in report.avoid), *(blind[name] for name in report.encoder_avoid))
    report.problems += [Problem(why, _MEND_CARD) for why in report.why_aside]
    with suppress(UserError), SessionLink(paths) as link:
        settings = link.ask(lambda session: session.settings)
        load = msgspec.structs.replace(settings.load, avoid=report.avoid, encoder_avoid=report.encoder_avoid)
        if load != settings.load:
            changed = msgspec.structs.replace(settings, load=load)
            link.call(lambda session: session.change_settings(changed))


def why_aside(name: str, checked: Checked) -> str:
    """Why a card of this name is not used, or not for pictures, after what it answered."""
    if checked.too_slow and checked.usual is not None:
        over = "" if checked.right else "over "
        times = f"{over}{_seconds(checked.seconds)} where the processor takes {_seconds(checked.usual)}"
        return f"{name} is too slow to be useful: {times}. The processor looks at pictures instead."
    if checked.question.is_seen:
        what = "sees pictures wrongly" if checked.answer else "does not answer about pictures"
        return f"{name} {what}, so the processor looks at them instead."
    return f"{name} {'gives wrong answers' if checked.answer else 'does not answer'}, so it is not used."


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def describe(link: SessionLink) -> Described:
    """What the engine is made of. Raises EngineError where it does not start."""
    link.call(lambda session: session.describe())
    while True:
        change = link.next(_DESCRIBE_SECONDS)
        if isinstance(change, WorkerDescribed):
            if change.described.error:
                raise EngineError(change.described.error, code="worker")
            return change.described
        if isinstance(change, Interrupted):
            raise KeyboardInterrupt
        if change is None or isinstance(change, WorkerRestarted):
            raise EngineError("The engine does not start.", code="worker")


def _take_description(report: Report, described: Described, paths: DataPaths) -> None:
    report.versions |= described.versions
    report.found = described.devices
    report.devices = [msgspec.structs.asdict(device) for device in described.devices]
    report.backends = described.system_info
    log = _shown(paths.logs / "worker.log")
    mend = f"Bring the card's driver, or the add-on, up to date; the reason stands in {log}."
    report.problems += [Problem(sentence, mend) for sentence in described.trouble]


def _folder_problems(root: Path) -> list[Problem]:
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        what = f"The folder {_shown(nearest)} cannot be written to ({error.strerror}). Chats are not saved."
        return [Problem(what, "Allow writing to it, or choose another folder with --data-dir.")]
    free = shutil.disk_usage(nearest).free
    if free < _LITTLE_SPACE:
        what = f"Only {free // 1_000_000} MB are free where chats are saved ({_shown(nearest)})."
        return [Problem(what, "Delete what is not needed any more.")]
    return []


def _model_problems(model: Path | None) -> list[Problem]:
    if model is None:
        return [Problem("No model is chosen.", "Choose one with cabochon --model FILE.gguf, or in the window.")]
    try:
        read_header(model)
    except ModelError as error:
        return [Problem(error.message, "Choose another model with cabochon --model FILE.gguf, or in the window.")]
    return []


def _qt_problems() -> list[Problem]:
    """Whether the window's libraries load; tried in a process of its own, because this one must not load Qt."""
    command = [*entry_of("app", "cabochon"), "doctor", "--try-window"]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, timeout=_QT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return [Problem("The window's libraries take too long to load.", "Try again when the machine is less busy.")]
    if tried.returncode == 0:
        return []
    lines = tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"]
    return [
        Problem(
            lines[-1],
            "Install the library it names; the command line works without it.",
        )
    ]


def _shown_paths(paths: DataPaths) -> dict[str, str]:
    return {
        "data": _shown(paths.root),
        "database": _shown(paths.database),
        "logs": _shown(paths.logs),
        "models": _shown(paths.models),
        "add-ons": _shown(paths.addons),
        "python": _shown(Path(sys.executable)),
    }


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _record(report: Report) -> dict[str, object]:
    record: dict[str, object] = {
        "versions": report.versions,
        "devices": report.devices,
        "backends": report.backends,
        "paths": report.paths,
        "screen": report.screen,
        "problems": [asdict(problem) for problem in report.problems],
        "unused_card": asdict(report.unused_card) if report.unused_card is not None else None,
    }
    if report.check is not None:
        record["check"] = [_checked(checked) for checked in report.check]
        record["set_aside"] = {"text": report.avoid, "pictures": report.encoder_avoid, "why": report.why_aside}
    return record


def _checked(checked: Checked) -> dict[str, object]:
    """`apart` is there where embeddings were compared: how far they are from the processor's, as a part of them."""
    record: dict[str, object] = {
        "device": checked.device,
        "question": checked.question.prompt,
        "expected": checked.question.expected,
        "answer": checked.answer,
        "right": checked.right,
        "picture": checked.question.is_seen,
        "full_size": checked.question.full_size,
        "too_slow": checked.too_slow,
        "seconds": round(checked.seconds, 3),
    }
    if checked.apart is not None and isfinite(checked.apart):
        record["apart"] = round(checked.apart, 4)
    return record


def _print(report: Report, output: Output) -> None:
    for heading, values in (("Versions", report.versions), ("Paths", report.paths)):
        output.line(heading)
        for name, value in values.items():
            output.line(f"  {name:<18} {value or 'missing'}")
    output.line("Devices")
    for device in report.devices:
        output.line(f"  {device['name']:<18} {device['description']} ({_memory(device)})")
    output.line(f"  {'backends':<18} {report.backends.strip()}")
    output.line(f"  {'screen':<18} {'yes' if report.screen else 'none: use cabochon chat'}")
    if report.unused_card is not None:
        output.line(f"  {'graphics card':<18} {report.unused_card.what} {report.unused_card.mend}")
        if report.unused_card.command:
            output.line(f"    {report.unused_card.command}")
    for checked in report.check or ():
        if checked.right:
            kind = "SLOW " if checked.too_slow else "right"
            apart = f" ({checked.apart:.1%} apart)" if checked.apart is not None else ""
            output.line(f"{kind}   {checked.device}: {checked.question.prompt} → {checked.answer}{apart}")
        else:
            kind, said = "SLOW " if checked.too_slow else "WRONG", checked.answer or "nothing"
            output.line(
                f"{kind}   {checked.device}: {checked.question.prompt} → {said}, not {checked.question.expected}"
            )
    for problem in report.problems:
        output.line(f"Problem: {problem.what} {problem.mend}")
    if not report.problems:
        output.line("Nothing is wrong.")


def _memory(device: dict[str, object]) -> str:
    free, total = device["memory_free"], device["memory_total"]
    if not isinstance(free, int) or not isinstance(total, int) or not total:
        return str(device["kind"])
    return f"{device['kind']}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
