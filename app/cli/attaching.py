"""Files named on the command line: opened in a process of their own, kept; pictures only for a model that sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.cli.output import Output
from app.core.errors import AttachmentError, StorageError
from app.core.message import Document, Draft, PanAndScan, Picture
from app.core.paths import DataPaths, display_name, encode_path
from app.core.protocol import ModelInfo
from app.media.tiles import closer_by_itself


class Opening:
    """Opens files into the data folder."""

    def __init__(self, paths: DataPaths, output: Output) -> None:
        self._folder = paths.attachments
        self._output = output

    def pictures(self, files: Sequence[Path], choice: PanAndScan) -> tuple[Picture, ...]:
        """The pictures of these files. Raises AttachmentError, StorageError."""
        found = []
        for file in files:
            found.append(self._picture(self._opened(file, "picture"), choice, display_name(file)))
        return tuple(found)

    def documents(self, files: Sequence[Path], pages: tuple[int, int] | None, choice: PanAndScan) -> Draft:
        """The documents of these files, of PDFs these pages (None: all); those of a scan as pictures.

        Raises AttachmentError, StorageError.
        """
        from app.media.documents import MOST_SCANS, chosen_pages

        documents: list[Document] = []
        pictures: list[Picture] = []
        for file in files:
            read, name = self._opened(file, "document"), display_name(file)
            first, last = chosen_pages(name, read.pages, pages if read.kind == "pdf" else None)
            if not read.is_scanned:
                path = encode_path(self._folder / f"{read.sha256}.txt")
                documents.append(Document(read.sha256, name, read.kind, read.pages, path, first, last))
                continue
            if pages is None:
                some = "1" if last == 1 else f"1-{min(last, MOST_SCANS)}"
                said = f"“{name}” has no words in it: its pages are pictures. Say which are to be seen: --pages {some}."
                raise AttachmentError(said, "scanned")
            drawn = self._opened(file, "pages", (first, last))
            pictures += [
                self._picture(page, choice, f"{name}, page {number}") for number, page in enumerate(drawn, first)
            ]
        return Draft(pictures=tuple(pictures), documents=tuple(documents))

    def _picture(self, decoded: Any, choice: PanAndScan, name: str) -> Picture:
        path = encode_path(self._folder / f"{decoded.sha256}.png")
        return Picture(decoded.sha256, decoded.width, decoded.height, path, choice, name)

    def _opened(self, file: Path, wanted: str, pages: tuple[int, int] | None = None) -> Any:
        from app.media.host import PAGES_SECONDS, SECONDS, Decoding, Wanted

        self._output.status(f"Opening {display_name(file)}…")
        seconds = SECONDS if pages is None else PAGES_SECONDS
        try:
            return Decoding(file, self._folder, seconds, wanted=Wanted(wanted), pages=pages).run()
        except AttachmentError as error:
            if error.code == "storage":
                raise StorageError(error.message, error.code) from error
            raise
        finally:
            self._output.clear_status()


def seen_by(model: ModelInfo, pictures: Sequence[Picture], image_tokens: int = 0) -> tuple[Picture, ...]:
    """The pictures as this model looks at them, for so many tokens each at most (0: as usual).

    Raises AttachmentError where it cannot see any, or leaves no choice of tokens.
    """
    if pictures and not model.vision:
        raise AttachmentError(
            f"{model.name} cannot see pictures. {model.blind} Use a Gemma 3 of 4B or more with its mmproj file.",
            "no_vision",
        )
    if pictures and image_tokens and image_tokens not in model.image_choices:
        raise AttachmentError(f"{model.name} leaves no choice of image tokens.", "image_tokens")
    if not model.image_side:
        return tuple(msgspec.structs.replace(picture, image_tokens=image_tokens) for picture in pictures)
    return tuple(closer_by_itself(picture, model.view_seconds) for picture in pictures)
