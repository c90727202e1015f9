"""A model of the catalogue in the models folder: which files, both fetched at once, and what is known of them since."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.core.errors import DownloadError, UsageError
from app.core.files import replace_whole
from app.models.catalogue import CatalogueFile, CatalogueModel, catalogue, catalogue_shape
from app.models.fetch import Fetch, Fetched, Progress, Room, Stopped
from app.models.hub import Hub

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Wish:
    """A model to fetch: its file, and the image part that fits it (None where it has none or none is wanted)."""

    model: CatalogueModel
    file: CatalogueFile
    projector: CatalogueFile | None

    @property
    def files(self) -> tuple[CatalogueFile, ...]:
        """All that is fetched."""
        return (self.file, self.projector) if self.projector is not None else (self.file,)

    @property
    def size(self) -> int:
        """Bytes of all files; of a file that the catalogue has no size of, what its tensors take."""
        model, file = self.model, self.file
        weights = file.bytes or catalogue_shape(model, file.quantisation).weight_bytes
        return weights + (model.projector_bytes if self.projector is not None else 0)


@dataclass(frozen=True, slots=True)
class Brought:
    """What there is of a wish: the model's file once all files are there, and the bytes that have come so far."""

    path: Path | None
    size: int


class Record(msgspec.Struct, frozen=True):
    """A file that was fetched whole. `path` is relative to the models folder; `damaged` was seen since."""

    path: str
    model: str
    repository: str
    size: int
    sha256: str
    damaged: bool = False


def wish(model: CatalogueModel, quantisation: str = "", *, vision: bool = True) -> Wish:
    """What is fetched for a model and a quantisation ("" the recommended one). Raises UsageError."""
    files = [file for file in model.files if file.kind == "model"]
    fitting = [file for file in files if not quantisation or file.quantisation.partition("+")[0] == quantisation]
    if not files:
        raise UsageError(f"No file of {model.name} is known that could be fetched.", "no_file")
    if not fitting:
        known = ", ".join(dict.fromkeys(file.quantisation.partition("+")[0] for file in files))
        raise UsageError(f"No {quantisation} file of {model.name} is known; there is {known}.", "no_file")
    projectors = [file for file in model.files if file.kind == "projector"] if vision else []
    beside = [file for file in projectors if file.repository == fitting[0].repository] or projectors
    return Wish(model, fitting[0], beside[0] if beside else None)


def _name(file: CatalogueFile) -> str:
    return Path(file.file).name


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it goes just now
        return 0


class _Either(threading.Event):
    """Set with the person's own event, or when another file has failed."""

    def __init__(self, theirs: threading.Event) -> None:
        super().__init__()
        self._theirs = theirs
        self.own = threading.Event()

    def is_set(self) -> bool:
        return self._theirs.is_set() or self.own.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        until = time.monotonic() + timeout if timeout is not None else None
        while not self.is_set():
            if until is not None and time.monotonic() >= until:
                return False
            self._theirs.wait(0.1)
        return True


class Downloads:
    """The models folder that Cabochon brings files to: a folder for each model of the catalogue."""

    def __init__(self, folder: Path) -> None:
        """Creates nothing."""
        self.folder = folder
        self._records = folder / "downloads.json"

    def place(self, model: CatalogueModel) -> Path:
        """Where the files of a model lie."""
        return self.folder / model.id

    def fetch(self, wanted: Wish, hub: Hub, tell: Callable[[Progress], None], stop: threading.Event) -> Path:
        """Bring all files of a wish that are not there or damaged; answers with the model's.

        Raises DownloadError or Stopped.
        """
        told, ends, room = threading.Lock(), _Either(stop), Room()

        def tell_one(progress: Progress) -> None:
            with told:
                tell(progress)

        place = self.place(wanted.model)
        damaged = {self.folder / record.path for record in self.records() if self._is_damaged(record)}
        whole = {file for file in wanted.files if (path := place / _name(file)).is_file() and path not in damaged}
        missing = [file for file in wanted.files if file not in whole]
        with ThreadPoolExecutor(max(1, len(missing)), "fetch") as pool:
            running = {pool.submit(Fetch(hub, file, place, tell_one, ends, room).run): file for file in missing}
            _done, others = wait(running, return_when=FIRST_EXCEPTION)
            if others:
                ends.own.set()
            results = [(file, one) for one, file in running.items()]
        errors = [one.exception() for _, one in results if one.exception() is not None]
        for file, one in results:
            if one.exception() is None:
                self._remember(wanted.model, file, one.result())
        for error in sorted(errors, key=lambda error: isinstance(error, Stopped)):
            raise error  # type: ignore[misc]
        return place / _name(wanted.file)

    def records(self) -> tuple[Record, ...]:
        """What was fetched whole, and is still there."""
        try:
            found = msgspec.json.decode(self._records.read_bytes(), type=tuple[Record, ...])
        except (OSError, msgspec.DecodeError):
            return ()
        return tuple(record for record in found if (self.folder / record.path).is_file())

    def brought(self, wanted: Wish) -> Brought:
        """What has come of a wish in earlier times."""
        place = self.place(wanted.model)
        whole = [path for file in wanted.files if (path := place / _name(file)).is_file()]
        parts = [path for file in wanted.files if (path := place / f"{_name(file)}.part").is_file()]
        there = len(whole) == len(wanted.files)
        return Brought(place / _name(wanted.file) if there else None, sum(_size(path) for path in (*whole, *parts)))

    def discard(self, wanted: Wish) -> None:
        """Delete what has come of a wish in part, and its image part where no model is there. Raises DownloadError."""
        place = self.place(wanted.model)
        for file in reversed(wanted.files):
            path = place / _name(file)
            if (part := path.with_name(f"{path.name}.part")).is_file():
                self.remove(part)
            elif file.kind == "projector" and list(place.glob("*.gguf*")) == [path]:
                self.remove(path)

    def parts(self) -> tuple[Path, ...]:
        """Files that have come in part."""
        return tuple(sorted(self.folder.glob("*/*.part")))

    def owns(self, path: Path) -> bool:
        """Whether Cabochon brought a file, links followed: the folder may be one that other programs keep theirs in."""
        real, folder = path.resolve(), self.folder.resolve()
        if not real.is_relative_to(folder):
            return False
        place = real.relative_to(folder)
        model = next((one for one in catalogue() if place.parent == Path(one.id)), None)
        known = {_name(file) for file in model.files} if model is not None else set()
        return real.name.removesuffix(".part") in known or str(place) in {record.path for record in self.records()}

    def going(self, path: Path) -> tuple[Path, ...]:
        """What is deleted with a file: itself, and the image parts beside it that no other model there needs."""
        model = next((one for one in catalogue() if path.parent == self.place(one)), None)
        if model is None:
            return (path,)
        kinds = {_name(file): file.kind for file in model.files}
        files = [other for other in sorted(path.parent.glob("*.gguf*")) if other.suffix != ".json"]
        images = [other for other in files if kinds.get(other.name.removesuffix(".part")) == "projector"]
        alone = path not in images and set(files) == {path, *images}
        return (path, *images) if alone else (path,)

    def verify(self, path: Path, tell: Callable[[int, int], None], stop: threading.Event) -> bool | None:
        """Whether a file's bytes are those that came; None where nothing is known of it. Raises Stopped, DownloadError.

        `tell` is told bytes read and bytes in all.
        """
        known = {self.folder / record.path: record.sha256 for record in self.records()}.get(path.absolute(), "")
        if not known:
            return None
        try:
            digest, read, size = hashlib.sha256(), 0, path.stat().st_size
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    if stop.is_set():
                        raise Stopped
                    digest.update(piece)
                    read += len(piece)
                    tell(read, size)
        except OSError as error:
            raise DownloadError(f"{path} cannot be read ({error.strerror}).", "unreadable") from error
        right = digest.hexdigest() == known
        records = {self.folder / record.path: record for record in self.records()}
        if (record := records.get(path.absolute())) is not None and record.damaged == right:
            records[path.absolute()] = msgspec.structs.replace(record, damaged=not right)
            self._write(tuple(records.values()))
        return right

    def remove(self, path: Path) -> None:
        """Delete a file that Cabochon brought, and what is `going` with it. Raises UsageError, DownloadError."""
        if not self.owns(path) or path.is_symlink():
            raise UsageError(f"{path} was not brought by Cabochon, so it is left where it is.", "not_ours")
        try:
            for gone in self.going(path):
                gone.unlink()
                for end in (".part", ".part.json", ".json"):  # of a download of it, or of this part of one
                    gone.with_name(f"{gone.name}{end}").unlink(missing_ok=True)
            if path.parent != self.folder and not any(path.parent.iterdir()):
                path.parent.rmdir()
        except OSError as error:
            raise DownloadError(f"{path} cannot be deleted ({error.strerror}).", "folder") from error
        self._write(self.records())

    def _is_damaged(self, record: Record) -> bool:
        return record.damaged or (self.folder / record.path).stat().st_size != record.size

    def _remember(self, model: CatalogueModel, file: CatalogueFile, fetched: Fetched) -> None:
        path = str(fetched.path.relative_to(self.folder))
        kept = [record for record in self.records() if record.path != path]
        self._write((*kept, Record(path, model.id, file.repository, fetched.size, fetched.sha256)))

    def _write(self, records: tuple[Record, ...]) -> None:
        with suppress(OSError):  # the files are there; only verify knows less
            replace_whole(self._records, msgspec.json.format(msgspec.json.encode(records)))
