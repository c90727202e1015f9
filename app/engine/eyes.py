"""What the model sees with: pictures as cells of its context, encoded once in their lives.

What is encoded at once (a view of a picture) is a run of cells with numbers below zero, so that the cache of the
context treats it like text: the same picture at the same place is the same numbers. Its embeddings are kept in memory
and on disk under the hash of picture, view and encoder, and the encoder itself is loaded only for a picture that is
new.

Gemma 3's views are ours (`media/tiles.py`), each of the encoder's size. For other image parts libmtmd prepares the
whole picture, and says which tokens stand around its views (`layouts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from app.core.errors import AttachmentError, EngineError
from app.core.message import USUAL_IMAGE_TOKENS, Picture
from app.core.paths import decode_path
from app.core.protocol import Sighting
from app.engine.cells import RUN, offset_of, run_of, view_of
from app.engine.context import Stopped
from app.engine.embeddings import Embeddings, What
from app.engine.layouts import Layout, Layouts, Part
from app.engine.llama import AbortFlag, Llama, LlamaFailure, LlamaModel, out_of_memory
from app.engine.mtmd import Bitmap, Encoder, EncoderStopped, Progress
from app.engine.projectors import Projector
from app.media.prepare import prepare, whole
from app.media.tiles import Box, views


@dataclass(frozen=True, slots=True)
class View:
    """What the encoder makes cells of at once: a picture or the part of it in `box`, or, where libmtmd prepares it for
    `tokens` at most, the part at this place among those that it makes. `what` is the same wherever the file lies."""

    picture: Picture
    what: What
    cells: int
    together: bool
    box: Box | None = None
    tokens: int = 0
    place: int = 0


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
        vocabulary: str = "",
    ) -> None:
        """Loads nothing. `folder` keeps embeddings between starts; None keeps them in memory only.

        The encoder runs on this `device` ("" the processor, None where llama.cpp wants). `vocabulary` names the one of
        the text model.
        """
        self._library = library
        self._model = model
        self._flag = flag
        self._threads = threads
        self._device = device
        self._encoder: Encoder | None = None
        self._numbers: dict[What, int] = {}
        self._unreadable: dict[str, tuple[int, int]] = {}  # files of pictures, as they were when they could not be read
        self._views: list[View] = []
        self._embeddings = Embeddings(folder, projector.fingerprint)
        layouts = None if folder is None else folder / f"{projector.fingerprint}.layouts"
        self._layouts = Layouts(layouts, f"{library.version} {vocabulary}", self._ask_layout)
        self._cell_size = model.n_embd_inp * 4  # bytes of one cell's embedding
        self.projector = projector
        self.encoded = 0

    @property
    def view_seconds(self) -> float:
        """What a view took when the last one was encoded; 0.0 where none was."""
        return self._embeddings.seconds

    def cells(self, picture: Picture) -> list[tuple[int, ...]]:
        """The cells of the whole picture, then those of its parts; prepared by libmtmd all at once, with the tokens
        that stand around them. Raises EngineError."""
        if self.projector.is_ours:
            return [self._run(view) for view in self._own_views(picture)]
        found: list[int] = []
        for part, view in self._parts(picture):
            found += part.tokens if view is None else self._run(view)
        return [tuple(found)]

    def is_lost(self, picture: Picture) -> bool:
        """Whether it cannot be seen any more: its file is gone or damaged, and not all of its views were kept.

        Raises EngineError.
        """
        state = _state(picture)
        if state is not None and self._unreadable.get(picture.path) != state:
            return False
        return any(self.missing(run) for run in self.runs(picture))

    def runs(self, picture: Picture) -> list[tuple[int, ...]]:
        """The cells of each view without what stands around them. Raises EngineError."""
        if self.projector.is_ours:
            return self.cells(picture)
        return [self._run(view) for _, view in self._parts(picture) if view is not None]

    def sighting(self, picture: Picture) -> Sighting:
        """What a picture takes and how large it is seen, where libmtmd prepares it. Raises EngineError."""
        parts = self._layout(picture)
        seen = [part for part in parts if part.cells]
        last = max(seen, key=lambda part: part.width * part.height)
        tokens = sum(part.cells or len(part.tokens) for part in parts)
        return Sighting(picture.sha256, picture.image_tokens, tokens, len(seen), last.width, last.height)

    def _own_views(self, picture: Picture) -> list[View]:
        tokens = self.projector.part.tokens
        boxes = (None, *views(picture.width, picture.height, picture.pan_and_scan).boxes)
        return [View(picture, (picture.sha256, box), tokens, together=True, box=box) for box in boxes]

    def _parts(self, picture: Picture) -> list[tuple[Part, View | None]]:
        """What libmtmd makes of a picture: text, or a view."""
        found: list[tuple[Part, View | None]] = []
        tokens, place = self._most_tokens(picture), 0
        for part in self._layout(picture):
            view = None
            if part.cells:
                what = (picture.sha256, tokens, place)
                view = View(picture, what, part.cells, part.together, tokens=tokens, place=place)
                place += 1
            found.append((part, view))
        return found

    def _layout(self, picture: Picture) -> Layout:
        layout = self._layouts.of(picture.width, picture.height, self._most_tokens(picture))
        if any(token < 0 for part in layout for token in part.tokens):
            raise EngineError("The model's vocabulary has no place for pictures.", "template")
        if not any(part.cells for part in layout):
            raise EngineError("The picture could not be read by the model (nothing of it is left).", "encoder")
        most = self.projector.part.together
        if any(part.cells >= RUN or (part.together and part.cells > most) for part in layout):
            raise EngineError("The picture is too long and narrow for this model. Cut it into parts.", "picture_size")
        return layout

    def _ask_layout(self, width: int, height: int, tokens: int) -> Layout:
        try:
            return self._loaded(tokens).layout(width, height)
        except LlamaFailure as error:
            raise explained(error) from error

    def _most_tokens(self, picture: Picture) -> int:
        """The most image tokens that the picture may take; 0 where that is no one's choice."""
        choices = self.projector.part.choices
        if picture.image_tokens in choices:
            return picture.image_tokens
        return USUAL_IMAGE_TOKENS if choices else 0

    def _run(self, view: View) -> tuple[int, ...]:
        number = self._numbers.setdefault(view.what, len(self._views))
        if number == len(self._views):
            self._views.append(view)
        else:
            self._views[number] = view  # the file may lie elsewhere now
        return run_of(number, view.cells)

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
        """Whether the encoder has to run for a view that these cells are of."""
        return any(self._find(self._views[number]) is None for number in {view_of(cell) for cell in cells if cell < 0})

    def embeddings(self, cells: Sequence[int]) -> tuple[bytes, bool]:
        """Those of cells of one view that was prepared, and whether all of its cells see each other."""
        view = self._views[view_of(cells[0])]
        found = self._find(view)
        assert found is not None
        first = offset_of(cells[0])
        return found[first * self._cell_size : (first + len(cells)) * self._cell_size], view.together

    def rest(self) -> None:
        """Frees the encoder until the next new picture."""
        if self._encoder is not None:
            self._encoder.free()
            self._encoder = None

    def _encode(self, view: View, progress: Progress) -> None:
        embeddings, seconds = self._encoded(view, progress)
        if not _are_numbers(embeddings):
            self.rest()  # llama.cpp may have read memory that it had not written: there is other memory then
            embeddings, seconds = self._encoded(view, progress)
        if not _are_numbers(embeddings):
            raise explained(LlamaFailure("picture", "its encoder gives no numbers"))
        if len(embeddings) != view.cells * self._cell_size:
            raise EngineError("The image part of the model does not do what its file says.", "encoder")
        self.encoded += 1
        self._embeddings.keep(view.what, embeddings, seconds)

    def _encoded(self, view: View, progress: Progress) -> tuple[bytes, float]:
        """The embeddings, and what they took in seconds."""
        before = _state(view.picture)
        try:
            encoder = self._loaded(view.tokens)
            began = perf_counter()
            embeddings = encoder.encode(self._bitmap(view), view.place, progress)
        except AttachmentError:
            if before is not None:
                self._unreadable[view.picture.path] = before
            raise
        except EncoderStopped as error:
            raise Stopped from error
        except LlamaFailure as error:
            raise explained(error) from error
        return embeddings, perf_counter() - began

    def _bitmap(self, view: View) -> Bitmap:
        picture, path = view.picture, decode_path(view.picture.path)
        if self.projector.is_ours:
            side = self.projector.part.side
            return Bitmap(view.what, side, side, partial(prepare, path, view.box, side))
        size = picture.width, picture.height
        return Bitmap(picture.sha256, *size, partial(whole, path, size))

    def _loaded(self, tokens: int) -> Encoder:
        """The encoder, for so many image tokens at most: this is a part of it."""
        if self._encoder is not None and self._encoder.tokens != tokens:
            self.rest()
        if self._encoder is None:
            self._encoder = Encoder(
                self._library,
                self._model,
                self.projector.path,
                self._flag,
                tokens=tokens,
                threads=self._threads,
                device=self._device,
            )
        return self._encoder

    def _find(self, view: View) -> bytes | None:
        return self._embeddings.find(view.what, view.cells * self._cell_size)


def _state(picture: Picture) -> tuple[int, int] | None:
    """What tells that a picture's file is another one now; None where there is none."""
    try:
        found = decode_path(picture.path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _are_numbers(embeddings: bytes) -> bool:
    return bool(np.isfinite(np.frombuffer(embeddings, np.float32)).all())


def explained(error: LlamaFailure) -> EngineError:
    """The words for a picture that was not encoded."""
    if out_of_memory(error.detail):
        return EngineError(
            "There is not enough memory to look at the picture. Close other programs, or load the model smaller.",
            "memory",
        )
    return EngineError(f"The picture could not be read by the model ({error.detail}).", "encoder")
