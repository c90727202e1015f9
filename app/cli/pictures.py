"""Pictures named on the command line: decoded in a process of their own, kept, and only for a model that sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.cli.output import Output
from app.core.errors import AttachmentError, StorageError
from app.core.message import PanAndScan, Picture
from app.core.paths import DataPaths, display_name, encode_path
from app.core.protocol import ModelInfo
from app.media.tiles import closer_by_itself


def attach(paths: DataPaths, output: Output, files: Sequence[Path], choice: PanAndScan) -> tuple[Picture, ...]:
    """The pictures of these files, kept in the data folder. Raises AttachmentError, StorageError."""
    if not files:
        return ()
    from app.media.host import Decoding

    found = []
    for file in files:
        output.status(f"Opening {display_name(file)}…")
        try:
            decoded = Decoding(file, paths.attachments).run()
        except AttachmentError as error:
            if error.code == "storage":
                raise StorageError(error.message, error.code) from error
            raise
        path = encode_path(paths.attachments / f"{decoded.sha256}.png")
        found.append(Picture(decoded.sha256, decoded.width, decoded.height, path, choice, display_name(file)))
    output.clear_status()
    return tuple(found)


def seen_by(model: ModelInfo, pictures: Sequence[Picture]) -> tuple[Picture, ...]:
    """The pictures as this model looks at them. Raises AttachmentError where it cannot see any."""
    if pictures and not model.vision:
        raise AttachmentError(
            f"{model.name} cannot see pictures. Use a Gemma 3 of 4B or more with its mmproj file (--mmproj).",
            "no_vision",
        )
    return tuple(closer_by_itself(picture, model.view_seconds) for picture in pictures)
