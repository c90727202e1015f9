"""`cabochon models get` and `refresh`: fetch a model of the catalogue, and what the hub says of all their files."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec

from app.cli.commands import ModelsGet, ModelsRefresh
from app.cli.link import SessionLink
from app.cli.output import Output, one_line
from app.core.errors import ExitCode, UsageError
from app.core.paths import DataPaths
from app.core.settings import Settings
from app.models.away import away, check_there
from app.models.catalogue import CatalogueModel, known_model
from app.models.downloads import Downloads, Wish, wish
from app.models.fetch import Progress, Stopped
from app.models.hub import Hub
from app.models.refreshed import Refreshed
from app.models.token import read_token

if TYPE_CHECKING:
    from tqdm import tqdm


def run_get(command: ModelsGet, paths: DataPaths, output: Output) -> ExitCode:
    """Fetch it, go on with what has come in part, and remember it where no model was chosen yet."""
    found = known_model(command.name)
    if found is None:
        raise UsageError(f"No model is called {command.name} here. `cabochon models list` names them.", "no_model")
    wanted = wish(Refreshed(paths.refreshed).model(found[0]), found[1], vision=command.vision)
    with SessionLink(paths) as link:
        settings = link.ask(lambda session: session.settings)
        _accept_licence(command, wanted.model, settings, link, output)
    mirror = command.mirror or settings.mirror
    hub = Hub(mirror, lambda: read_token(mirror))
    paths = paths.with_models(settings.models_folder)
    downloads = Downloads(paths.models)
    check_there(away(paths))
    path = _fetched(wanted, hub, downloads, output)
    with SessionLink(paths) as link:
        settings = link.ask(lambda session: session.settings)
        chosen = not settings.model_path
        if chosen:
            settings = msgspec.structs.replace(settings, model_path=str(path))
            link.call(lambda session: session.change_settings(settings))
    if command.json:
        output.record({"model": wanted.model.id, "path": str(path), "chosen": chosen})
    else:
        output.line(str(path))
        output.sentence(f"{wanted.model.name} is there{' and chosen' if chosen else ''}.")
    return ExitCode.DONE


def run_refresh(command: ModelsRefresh, paths: DataPaths, output: Output) -> ExitCode:
    """Ask for the sizes and hashes of the catalogue's files, and keep them."""
    with SessionLink(paths) as link:
        mirror = command.mirror or link.ask(lambda session: session.settings.mirror)
    hub, kept = Hub(mirror, lambda: read_token(mirror)), Refreshed(paths.refreshed)
    with _stop_on_interrupt() as stop:
        try:
            gone = kept.refresh(hub, lambda done, total: output.status(f"Asking: {done} of {total}"), stop)
        except Stopped as error:
            raise KeyboardInterrupt from error
    output.clear_status()
    if command.json:
        output.record({"day": kept.day, "gone": gone})
        return ExitCode.DONE
    output.line("The sizes are those of today.")
    for file in gone:
        output.line(f"{one_line(file)} is no longer there.")
    return ExitCode.DONE


def _fetched(wanted: Wish, hub: Hub, downloads: Downloads, output: Output) -> Path:
    try:
        with _stop_on_interrupt() as stop, _Bars(wanted, output) as bars:
            return downloads.fetch(wanted, hub, bars.show, stop)
    except Stopped as error:
        output.sentence("What has come is kept; the same command goes on from there.")
        raise KeyboardInterrupt from error


def _accept_licence(
    command: ModelsGet, model: CatalogueModel, settings: Settings, link: SessionLink, output: Output
) -> None:
    """Have the person accept the licence, once for all models under it. Raises UsageError where nobody can be asked."""
    if any(address == model.licence_url for address, _ in settings.licences):
        return
    output.sentence(f"{model.name} is provided under and subject to the {model.licence}: {model.licence_url}")
    if not command.accept_licence:
        if not sys.stdin.isatty():
            raise UsageError("Read the licence and accept it with --accept-licence.", "licence")
        sys.stderr.write("Do you accept it? Type yes: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise UsageError("The licence was not accepted; nothing was fetched.", "licence")
    accepted = (*settings.licences, (model.licence_url, date.today().isoformat()))
    changed = msgspec.structs.replace(settings, licences=accepted)
    link.call(lambda session: session.change_settings(changed))


@contextmanager
def _stop_on_interrupt() -> Iterator[Event]:
    """Ctrl-C ends the download where it is."""
    stop = Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"


class _Bars:
    """A bar for each file, on a terminal; what the server makes us wait for is a sentence anywhere."""

    def __init__(self, wanted: Wish, output: Output) -> None:
        self._output = output
        self._shown = sys.stderr.isatty()
        self._names = [Path(file.file).name for file in wanted.files]
        self._bars: dict[str, tqdm[Any]] = {}
        self._said = ""

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_: object) -> None:
        for bar in self._bars.values():
            bar.close()

    def show(self, progress: Progress) -> None:
        """How far it is; on any one thread at a time."""
        if progress.waits and progress.waits != self._said:
            self._said = progress.waits
            with self._aside():
                self._output.sentence(f"{progress.waits} Trying again…")
        if not self._shown:
            return
        from tqdm import tqdm

        name = Path(progress.file).name
        bar = self._bars.get(name)
        if bar is None:
            bar = self._bars[name] = tqdm(
                desc=name, unit="B", unit_scale=True, position=self._names.index(name), bar_format=_FORMAT
            )
        bar.total = progress.total or None
        bar.n = progress.done
        bar.set_postfix_str(_pace(progress), refresh=False)
        bar.refresh()

    def _aside(self) -> AbstractContextManager[object]:
        """Bars make way for a sentence."""
        if not self._bars:
            return nullcontext()
        from tqdm import tqdm

        return tqdm.external_write_mode(file=sys.stderr)


def _pace(progress: Progress) -> str:
    """The speed of the last seconds and the time that is left by it."""
    from tqdm import tqdm

    if progress.checks:
        return "reading what is there"
    if not progress.speed:
        return ""
    left = f", {tqdm.format_interval(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return f"{tqdm.format_sizeof(progress.speed)}B/s{left}"
