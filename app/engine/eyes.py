"""What the model sees with: pictures as cells of its context, encoded once in their lives.

A picture (or a part of one) is a run of cells with numbers below zero, so that the cache of the context treats it like
text: the same picture at the same place is the same numbers. Its embeddings are kept in memory and on disk under the
hash of picture, part and encoder, and the encoder itself is loaded only for a picture that is new.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

from app.core.errors import EngineError, ModelError
from app.core.message import Picture
from app.core.paths import decode_path, display_name
from app.engine.cells import run_of, view_of
from app.engine.context import Stopped
from app.engine.llama import AbortFlag, Llama, LlamaFailure, LlamaModel, out_of_memory
from app.engine.mtmd import Encoder, EncoderStopped, Progress
from app.gguf.header import Header, read_header
from app.gguf.projector import beside, fitting
from app.media.prepare import prepare
from app.media.tiles import Box, Views, views

KIND = "gemma3"  # of projector: the only one that is seen with
MEMORY = 256 << 20  # bytes of embeddings kept in memory; 65 pictures of a 12B model
DISK = 2 << 30  # bytes of embeddings kept on disk
_SEEING_WIDTHS = (2560, 3840, 5376)  # of Gemma 3 4B, 12B and 27B
_FINGERPRINTED = 1 << 20  # bytes of a mmproj's beginning and end


@dataclass(frozen=True, slots=True)
class View:
    """A picture, or the part of it in `box`, as the encoder sees it."""

    picture: Picture
    box: Box | None

    @property
    def what(self) -> tuple[str, Box | None]:
        """The same for the same pixels, wherever the file lies now."""
        return self.picture.sha256, self.box


@dataclass(frozen=True, slots=True)
class Projector:
    """A mmproj file that fits a text model. `side` in pixels, `tokens` for each view."""

    path: Path
    kind: str
    side: int
    tokens: int
    fingerprint: str


class Eyes:
    """Worker's main thread. `encoded` counts the views that the encoder ran for."""

    def __init__(
        self,
        library: Llama,
        model: LlamaModel,
        projector: Projector,
        flag: AbortFlag,
        folder: Path | None,
        threads: int,
        *,
        device: str | None,
    ) -> None:
        """Loads nothing. `folder` keeps embeddings between starts; None keeps them in memory only.

        The encoder runs on this `device` ("" the processor, None where llama.cpp wants).
        """
        self._library = library
        self._model = model
        self._flag = flag
        self._folder = folder
        self._threads = threads
        self._device = device
        self._encoder: Encoder | None = None
        self._numbers: dict[tuple[str, Box | None], int] = {}
        self._views: list[View] = []
        self._known: OrderedDict[tuple[str, Box | None], bytes] = OrderedDict()
        self._size = projector.tokens * model.n_embd * 4  # bytes of one view's embeddings
        self.projector = projector
        self.encoded = 0
        self.view_seconds = self._read_seconds()

    def views(self, picture: Picture) -> Views:
        """How a picture is looked at."""
        return views(picture.width, picture.height, picture.pan_and_scan)

    def cells(self, picture: Picture) -> list[tuple[int, ...]]:
        """The cells of the whole picture, then those of its parts."""
        return [self._run(View(picture, box)) for box in (None, *self.views(picture).boxes)]

    def _run(self, view: View) -> tuple[int, ...]:
        number = self._numbers.setdefault(view.what, len(self._views))
        if number == len(self._views):
            self._views.append(view)
        else:
            self._views[number] = view  # the file may lie elsewhere now
        return run_of(number, self.projector.tokens)

    def prepare(self, cells: Iterable[int], progress: Callable[[int, int, float], None]) -> int:
        """Have the embeddings of all views among these cells ready; returns how many had to be encoded.

        `progress` is told the view (from 0), how many there are, and how far it is. Raises Stopped, EngineError.
        """
        wanted = list(dict.fromkeys(view_of(cell) for cell in cells if cell < 0))
        missing = [number for number in wanted if self._find(self._views[number]) is None]
        for place, number in enumerate(missing):
            if self._flag:
                raise Stopped
            self._encode(self._views[number], partial(progress, place, len(missing)))
        return len(missing)

    def missing(self, cells: Iterable[int]) -> bool:
        """Whether the encoder has to run for the view that these cells are of."""
        return any(self._find(self._views[number]) is None for number in {view_of(cell) for cell in cells if cell < 0})

    def embeddings(self, cells: Sequence[int]) -> bytes:
        """Those of one view that was prepared, from its cells."""
        found = self._find(self._views[view_of(cells[0])])
        assert found is not None
        return found

    def rest(self) -> None:
        """Frees the encoder until the next new picture."""
        if self._encoder is not None:
            self._encoder.free()
            self._encoder = None

    def _encode(self, view: View, progress: Progress) -> None:
        pixels = prepare(decode_path(view.picture.path), view.box, self.projector.side)
        try:
            encoder = self._loaded()
            began = perf_counter()
            embeddings = encoder.encode(pixels, progress)
        except EncoderStopped as error:
            raise Stopped from error
        except LlamaFailure as error:
            raise explained(error) from error
        if len(embeddings) != self._size:
            raise EngineError("The image part of the model does not do what its file says.", "encoder")
        self.encoded += 1
        self._keep(view, embeddings)
        self._keep_seconds(perf_counter() - began)

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            projector = self.projector
            self._encoder = Encoder(
                self._library,
                self._model,
                projector.path,
                projector.side,
                self._flag,
                threads=self._threads,
                device=self._device,
            )
        return self._encoder

    def _find(self, view: View) -> bytes | None:
        known = self._known.get(view.what)
        if known is not None:
            self._known.move_to_end(view.what)
            return known
        if self._folder is None:
            return None
        try:
            data = self._file(view).read_bytes()
        except OSError:
            return None
        digest, embeddings = data[:32], data[32:]
        if len(embeddings) != self._size or hashlib.sha256(embeddings).digest() != digest:
            return None  # damaged: it is encoded again and written anew
        self._remember(view, embeddings)
        return embeddings

    def _keep(self, view: View, embeddings: bytes) -> None:
        self._remember(view, embeddings)
        if self._folder is None:
            return
        file = self._file(view)
        part = file.with_suffix(f".{os.getpid()}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(hashlib.sha256(embeddings).digest() + embeddings)
            part.replace(file)
            _cap(file.parent, DISK)
        except OSError:  # a cache that cannot be written costs time only
            part.unlink(missing_ok=True)

    def _remember(self, view: View, embeddings: bytes) -> None:
        self._known[view.what] = embeddings
        while len(self._known) > 1 and sum(map(len, self._known.values())) > MEMORY:
            self._known.popitem(last=False)

    def _read_seconds(self) -> float:
        """What a view took when the last one was encoded, in this run or another; 0.0 where none was."""
        try:
            return float(self._seconds_file().read_text("ascii")) if self._folder is not None else 0.0
        except (OSError, ValueError):
            return 0.0

    def _keep_seconds(self, seconds: float) -> None:
        self.view_seconds = seconds
        if self._folder is not None:
            with suppress(OSError):
                self._seconds_file().write_text(f"{seconds:.4f}", "ascii")

    def _seconds_file(self) -> Path:
        assert self._folder is not None
        return self._folder / f"{self.projector.fingerprint}.seconds"

    def _file(self, view: View) -> Path:
        assert self._folder is not None
        name = hashlib.sha256(f"{self.projector.fingerprint} {view.what}".encode()).hexdigest()
        return self._folder / f"{name}.embd"


def explained(error: LlamaFailure) -> EngineError:
    """The words for a picture that was not encoded."""
    if out_of_memory(error.detail):
        return EngineError(
            "There is not enough memory to look at the picture. Close other programs, or load the model smaller.",
            "memory",
        )
    return EngineError(f"The picture could not be read by the model ({error.detail}).", "encoder")


def find_projector(model: Path, header: Header, named: Path | None) -> Projector | None:
    """The mmproj that was named, or one beside the model that fits it. Raises ModelError for a named one that does not.

    Only gemma3's projector is seen with; another one beside the model is left alone.
    """
    if named is not None:
        return _projector(named, header)
    found = fitting(model, header, KIND)
    return _projector(found[0], header) if found is not None else None


def why_blind(model: Path, header: Header, projector: Projector | None) -> str:
    """Why a model sees nothing, in one sentence: its `projector` (None: none was found) is not all that it takes."""
    if projector is not None:
        return "Its vocabulary or chat template has no place for pictures."
    if found := beside(model):
        return f"“{display_name(found[0])}” beside it is no image part that fits it."
    if header.architecture == "gemma3" and header.number("gemma3.embedding_length") in _SEEING_WIDTHS:
        return "Its image part (mmproj) is not in the same folder."
    return "It reads text only."


def _projector(path: Path, model: Header) -> Projector:
    header, name = read_header(path), display_name(path)
    kind = header.text("clip.projector_type")
    if header.architecture != "clip" or not header.number("clip.vision.image_size"):
        raise ModelError(f"“{name}” is not the image part of a model (mmproj).", "mmproj")
    if kind != KIND:
        raise ModelError(f"“{name}” is an image part of a kind that is not known here ({kind or 'unnamed'}).", "mmproj")
    if header.number("clip.vision.projection_dim") != model.number(f"{model.architecture}.embedding_length"):
        raise ModelError(f"“{name}” is the image part of another model: the sizes do not fit.", "mmproj")
    side, patch = header.number("clip.vision.image_size"), header.number("clip.vision.patch_size") or 14
    pooled = header.number("clip.vision.projector.scale_factor") or 4
    return Projector(path, kind, side, (side // patch // pooled) ** 2, _fingerprint(path))


def _fingerprint(path: Path) -> str:
    """Of a mmproj: its size, beginning and end; what lies between are its weights."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(_FINGERPRINTED)
        file.seek(max(0, size - _FINGERPRINTED))
        return hashlib.sha256(b"%d" % size + begin + file.read()).hexdigest()


def _cap(folder: Path, most: int) -> None:
    """Removes what was used longest ago until the folder is no larger than `most` bytes."""
    files = sorted((file.stat().st_atime, file.stat().st_size, file) for file in folder.glob("*.embd"))
    size = sum(entry[1] for entry in files)
    for _, length, file in files:
        if size <= most:
            return
        file.unlink(missing_ok=True)
        size -= length
