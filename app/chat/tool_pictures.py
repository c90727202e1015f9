"""Pictures that tools came back with: foreign bytes, decoded in a process of their own like a person's files."""

from __future__ import annotations

import tempfile
from pathlib import Path

from app.core.errors import AttachmentError
from app.core.message import PanAndScan, Picture
from app.core.paths import encode_path
from app.media.host import Decoding
from app.tools.frames import CallEnded

_SECONDS = 10.0


def kept_pictures(event: CallEnded, folder: Path) -> tuple[CallEnded, tuple[Picture, ...]]:
    """The pictures of a result in the attachment folder; what cannot be opened is told in the result. Blocks."""
    found, text = [], event.text
    for number, image in enumerate(event.images, 1):
        name = f"Picture {number}"
        try:
            with tempfile.NamedTemporaryFile(prefix="cabochon-") as file:
                file.write(image.data)
                file.flush()
                decoded = Decoding(Path(file.name), folder, _SECONDS, name=name).picture()
        except (AttachmentError, OSError) as error:
            text = f"{text}\n[{error}]"
            continue
        path = encode_path(folder / f"{decoded.sha256}.png")
        found.append(Picture(decoded.sha256, decoded.width, decoded.height, path, PanAndScan.AUTO, name))
    if found and not text:
        text = "[picture]" if len(found) == 1 else f"[{len(found)} pictures]"
    return CallEnded(event.call, text, event.failed, (), event.milliseconds), tuple(found)
