"""Pictures named on the command line: decoded in a process of their own, kept, and only for a model that sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.cli.output import Output
from app.core.errors import AttachmentError, StorageError
from app.core.message import PanAndScan, Picture
from app.core.paths import DataPaths, encode_path
from app.core.protocol import ModelInfo


def attach(paths: DataPaths, output: Output, files: Sequence[Path], choice: PanAndScan) -> tuple[Picture, ...]:
    """The pictures of these files, kept in the data folder. Raises AttachmentError, StorageError."""
    if not files:
        return ()
    from app.media.host import decode_picture

    found = []
    for file in files:
        output.status(f"Opening {file.name}…")
        try:
            decoded = decode_picture(file, paths.attachments)
        except AttachmentError as error:
            if error.code == "storage":
                raise StorageError(error.message, error.code) from error
            raise
        path = encode_path(paths.attachments / f"{decoded.sha256}.png")
        found.append(Picture(decoded.sha256, decoded.width, decoded.height, path, choice))
    output.clear_status()
    return tuple(found)


def check_sight(model: ModelInfo, pictures: Sequence[Picture]) -> None:
    """Raises AttachmentError where there are pictures and the model cannot see them."""
    if pictures and not model.vision:
        raise AttachmentError(
            f"{model.name} cannot see pictures. Use a Gemma 3 of 4B or more with its mmproj file (--mmproj).",
            "no_vision",
        )
