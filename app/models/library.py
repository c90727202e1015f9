"""The model files of this machine: found where they lie, read from their headers only, never copied or changed.

What a header says is remembered by path, size and time of change, so that a second look opens nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import msgspec

from app.core.errors import ModelError
from app.core.files import replace_whole
from app.core.paths import decode_path, display_name, encode_path
from app.gguf.header import PART, Header, parts, read_header
from app.gguf.projector import image_part
from app.models.places import OLLAMA, Place

_DEEPEST = 6  # folders below a place
_MOST = 20_000  # files of one place
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_OLLAMA_PROJECTOR = "application/vnd.ollama.image.projector"
_MOST_VALUES = 1 << 62  # what a damaged header may claim
_TEXT_ONLY = (("gemma3", 640), ("gemma3", 1152))  # Gemma 3 270M and 1B
_FORM = 4  # of the remembered headers


class Facts(msgspec.Struct, frozen=True):
    """What a header says. `error` is the one sentence for a file that is none; counts are 0 where unknown."""

    architecture: str = ""
    quantisation: str = ""
    parameters: int = 0
    context: int = 0  # tokens it was trained on
    width: int = 0  # of its embeddings; of an image part: of the model that it fits
    licence: str = ""
    has_template: bool = False
    projector: str = ""  # kind of image part (one that only hears: sound), "" for a text model
    error: str = ""
    may_pass: bool = False  # the error is of the disk or its rights, and may be gone at the next look

    @property
    def could_see(self) -> bool:
        """Whether it is a model that an image part can be named for."""
        return self.chats and (self.architecture, self.width) not in _TEXT_ONLY

    @property
    def chats(self) -> bool:
        """Whether it is a model that answers: not one that only makes embeddings, and no broken file."""
        return not self.error and self.context > 0 and "bert" not in self.architecture


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A model. `size` in bytes, all its parts together; `projector` is the image part that fits it.

    One that the place `names` lies elsewhere, or is not called as one: it has to be said when the model is loaded.
    """

    path: Path
    name: str
    source: str
    size: int
    facts: Facts
    projector: Path | None = None
    names: bool = False

    @property
    def trouble(self) -> str:
        """Why it cannot be read, by the name that it is called: a blob of Ollama's has its hash for a name."""
        return self.facts.error.replace(display_name(self.path), self.name)


class _Remembered(msgspec.Struct):
    form: int = 0
    files: dict[str, tuple[int, int, Facts]] = {}


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    name: str
    source: str
    projector: Path | None = None  # where the place itself names it


class Library:
    """Looks through places. Not for two threads at once."""

    def __init__(self, memory: Path) -> None:
        """`memory` is a file that is made; without it everything is read anew."""
        self._memory = memory
        self._known = _recall(memory)
        self._seen: dict[str, tuple[int, int, Facts]] = {}
        self.headers_read = 0

    def scan(self, places: Sequence[Place], given_up: Callable[[], bool] = lambda: False) -> list[LibraryFile]:
        """All models, in the order of the places; one that lies in two of them is named once.

        What was found when it is given up (asked before each file and folder) is answered and remembered.
        """
        self._seen, self.headers_read = {}, 0
        reached: set[str] = set()
        files: list[LibraryFile] = []
        for place in places:
            looked: list[tuple[_Found, int, Facts]] = []
            for found in _files(place, given_up):
                if given_up():
                    break
                real = os.path.realpath(found.path)
                if real in reached:
                    continue
                reached.add(real)
                sized = _size(found.path)
                if sized is not None:
                    looked.append((found, sized[0], self._facts(found.path, *sized)))
            files += self._paired(looked)
        self._keep(() if given_up() else [place for place in places if not is_empty(place.folder)])
        return files

    def facts(self, paths: Iterable[Path]) -> dict[Path, Facts]:
        """What the headers of these files say, of those that are there."""
        self._seen, found = {}, {}
        for path in paths:
            sized = _size(path)
            if sized is not None:
                found[path] = self._facts(path, *sized)
        self._keep(())
        return found

    def _paired(self, looked: Iterable[tuple[_Found, int, Facts]]) -> list[LibraryFile]:
        """The models, each with the image part that its place names, or that lies beside it and is as wide."""
        models = [one for one in looked if not one[2].projector]
        parts = [(found.path, facts) for found, _, facts in looked if facts.projector]
        files = []
        for found, size, facts in models:
            named = found.projector if found.projector and self._fits(found.projector, facts) else None
            beside = [
                path for path, part in parts if path.parent == found.path.parent and 0 < part.width == facts.width
            ]
            projector, names = named or next(iter(beside), None), named is not None
            files.append(LibraryFile(found.path, found.name, found.source, size, facts, projector, names))
        return files

    def _fits(self, projector: Path, model: Facts) -> bool:
        part = self._facts(projector, *sized) if (sized := _size(projector)) else Facts()
        return bool(part.projector) and 0 < part.width == model.width

    def _keep(self, places: Sequence[Place]) -> None:
        fresh = self._kept(places) | self._seen
        if fresh != self._known.files:
            self._known = _Remembered(_FORM, fresh)
            self._remember()

    def _kept(self, places: Sequence[Place]) -> dict[str, tuple[int, int, Facts]]:
        """What is remembered of files that do not lie in these places: what is gone from a place is forgotten.

        Not where all is gone: that may be the mount point of a disk that is away.
        """
        inside = tuple(os.path.join(place.folder, "") for place in places)
        return {
            key: known
            for key, known in self._known.files.items()
            if key not in self._seen and not str(decode_path(key)).startswith(inside)
        }

    def _facts(self, path: Path, size: int, changed: int) -> Facts:
        key = encode_path(path)
        known = self._known.files.get(key)
        if known is None or known[:2] != (size, changed):
            self.headers_read += 1
            known = (size, changed, _read(path))
        if not known[2].may_pass:
            self._seen[key] = known
        return known[2]

    def _remember(self) -> None:
        """A memory that cannot be written costs time only."""
        with contextlib.suppress(OSError):
            replace_whole(self._memory, msgspec.json.encode(self._known))


def is_empty(folder: Path) -> bool:
    """Whether nothing at all is in a folder; True also where it cannot be looked into."""
    try:
        return not os.listdir(folder)
    except OSError:
        return True


def remembers(memory: Path, folder: Path) -> bool:
    """Whether a Library with this memory has ever found a file below a folder."""
    inside = os.path.join(folder, "")
    return any(str(decode_path(key)).startswith(inside) for key in _recall(memory).files)


def _recall(memory: Path) -> _Remembered:
    try:
        known = msgspec.json.decode(memory.read_bytes(), type=_Remembered)
    except (OSError, msgspec.DecodeError):
        return _Remembered(_FORM)
    return known if known.form == _FORM else _Remembered(_FORM)


def _files(place: Place, given_up: Callable[[], bool]) -> Iterator[_Found]:
    return _of_ollama(place) if place.source == OLLAMA else _of_tree(place, given_up)


def _of_tree(place: Place, given_up: Callable[[], bool]) -> Iterator[_Found]:
    """Links to folders are followed: a model is moved to another disk and linked to."""
    count, been = 0, {os.path.realpath(place.folder)}
    for folder, inner, names in os.walk(place.folder, followlinks=True):
        if given_up():
            return
        deep = len(Path(folder).relative_to(place.folder).parts) >= _DEEPEST
        inner[:] = [] if deep else sorted(name for name in inner if _is_new(os.path.join(folder, name), been))
        for name in sorted(names):
            part = PART.search(name)
            if not name.lower().endswith(".gguf") or (part is not None and int(part[1]) != 1):
                continue
            count += 1
            if count > _MOST:
                return
            path = Path(folder, name)
            yield _Found(path, _called(path), place.source)


def _is_new(folder: str, been: set[str]) -> bool:
    """Whether a folder was not looked through yet; links can lead in a circle."""
    real = os.path.realpath(folder)
    if real in been:
        return False
    been.add(real)
    return True


def _called(path: Path) -> str:
    """By its file, or by its folder where all files of a program are called alike."""
    name = display_name(path)[: -len(".gguf")]
    return display_name(path.parent) if name.lower() == "model" else PART.sub("", f"{name}.gguf").removesuffix(".gguf")


def _of_ollama(place: Place) -> Iterator[_Found]:
    """Ollama keeps blobs without names; its manifests name them."""
    manifests = place.folder / "manifests"
    for folder, inner, names in os.walk(manifests):
        inner.sort()
        for name in sorted(names):
            path = Path(folder, name)
            layers = _layers(path)
            if layers.get(_OLLAMA_MODEL):
                blob = place.folder / "blobs" / layers[_OLLAMA_MODEL]
                image = layers.get(_OLLAMA_PROJECTOR)
                projector = place.folder / "blobs" / image if image else None
                yield _Found(blob, _ollama_name(path.relative_to(manifests)), place.source, projector)


class _Layer(msgspec.Struct):
    mediaType: str = ""
    digest: str = ""


class _Manifest(msgspec.Struct):
    layers: list[_Layer] = []


def _layers(manifest: Path) -> dict[str, str]:
    """Blob file by media type; nothing of a manifest that is none."""
    if not os.path.isfile(manifest):  # reading a pipe would wait for its other end
        return {}
    try:
        layers = msgspec.json.decode(manifest.read_bytes(), type=_Manifest).layers
    except (OSError, msgspec.DecodeError):
        return {}
    return {one.mediaType: one.digest.replace(":", "-") for one in layers if _DIGEST.fullmatch(one.digest)}


def _ollama_name(place: Path) -> str:
    """`registry.ollama.ai/library/gemma3/12b` is what Ollama's users call `gemma3:12b`."""
    *before, tag = place.parts
    if before[:1] == ["registry.ollama.ai"]:
        before = before[1:]
    if before[:1] == ["library"]:
        before = before[1:]
    return os.fsencode(f"{'/'.join(before)}:{tag}").decode("utf-8", "replace")


def _size(path: Path) -> tuple[int, int] | None:
    """Bytes of all parts and the time of change; None where a part is missing."""
    try:
        found = [part.stat() for part in parts(path)]
    except OSError:
        return None
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def _read(path: Path) -> Facts:
    try:
        header = read_header(path)
    except ModelError as error:
        return Facts(error=error.message, may_pass=error.code in ("missing", "away", "unreadable"))
    if header.is_ollamas:
        return Facts(error=f"“{display_name(path)}” is in a form that only Ollama reads: its image part is inside.")
    return _facts_of(header)


def _facts_of(header: Header) -> Facts:
    part = image_part(header)
    return Facts(
        architecture=header.architecture,
        quantisation=header.quantisation,
        parameters=min(_MOST_VALUES, sum(prod(tensor.shape) for tensor in header.tensors)),
        context=header.number(f"{header.architecture}.context_length"),
        width=part.width if part is not None else header.number(f"{header.architecture}.embedding_length"),
        licence=header.text("general.license"),
        has_template=bool(header.text("tokenizer.chat_template")),
        projector=(part.kind or "sound") if part is not None else "",
    )
