"""Where everything of one person lives: one folder, below which all state is kept."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

APPLICATION_ID = "org.cabochon.Cabochon"
TRIED = "tried.json"
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class DataPaths:
    """The places below one data folder. Nothing is created here."""

    root: Path
    models_at: Path | None = None  # where the person wants models; None: below the root
    addons_at: Path | None = None  # where another data folder's add-ons are; None: below the root

    @property
    def database(self) -> Path:
        """The conversations and settings."""
        return self.root / "cabochon.db"

    @property
    def logs(self) -> Path:
        """Log files: `worker.log`, `cabochon.log`."""
        return self.root / "logs"

    @property
    def models(self) -> Path:
        """Model files this program brought itself; the demo model too. Another disk may be missing today."""
        return self.models_at or self.root / "models"

    @property
    def models_missing(self) -> bool:
        """Whether the folder that the person named for models is not there."""
        return self.models_at is not None and not self.models_at.is_dir()

    def with_models(self, folder: str) -> DataPaths:
        """The same places with models in this folder; "" leaves them below the root."""
        return replace(self, models_at=Path(folder) if folder else None)

    @property
    def addons(self) -> Path:
        """Backends that the person added to the engine: `libggml-cuda.so`, `libggml-hip.so` and what they need."""
        return self.addons_at or self.root / "engine"

    @property
    def tried(self) -> Path:
        """What came of backends that crashed or hung; they are tried again when it is gone."""
        return self.addons / TRIED

    @property
    def attachments(self) -> Path:
        """The pictures of all chats: `<sha256>.png` and `<sha256>.thumb.png`."""
        return self.root / "attachments"

    @property
    def embeddings(self) -> Path:
        """What the image encoder made of pictures; can be made again."""
        return self.root / "cache" / "embeddings"

    @property
    def library(self) -> Path:
        """What the headers of model files said; can be read again."""
        return self.root / "cache" / "library.json"

    @property
    def needs(self) -> Path:
        """What the memory plans of model files stand on; can be read again."""
        return self.root / "cache" / "needs.json"

    @property
    def refreshed(self) -> Path:
        """What the hub said of the catalogue's files when it was last asked."""
        return self.root / "catalogue.json"

    @property
    def self_checked(self) -> Path:
        """How the last self-check came out."""
        return self.root / "self-check.json"

    @property
    def run(self) -> Path:
        """Locks and sockets of living processes."""
        return self.root / "run"


def default_root() -> Path:
    """The platform's own place for application data (platformdirs)."""
    import platformdirs

    return Path(platformdirs.user_data_dir("cabochon", appauthor=False))


def data_paths(data_dir: str | os.PathLike[str] | None) -> DataPaths:
    """The paths below `--data-dir`, or below the default place."""
    return DataPaths(Path(data_dir).absolute() if data_dir else default_root())


def resources() -> Path:
    """The folder of data files that ship with the program."""
    return Path(__file__).resolve().parents[2] / "resources"


def encode_path(path: str | os.PathLike[str]) -> str:
    """A path as text that survives JSON whatever bytes it holds."""
    return base64.b64encode(os.fsencode(path)).decode("ascii")


def decode_path(text: str) -> Path:
    """The path that encode_path was given."""
    return Path(os.fsdecode(base64.b64decode(text)))


def display_name(path: Path) -> str:
    """A file's name as text that can be shown, sent and stored.

    U+FFFD stands for bytes that are no UTF-8, and for what would break the line or turn the letters after it around.
    """
    return _UNSHOWN.sub("\ufffd", os.fsencode(path.name).decode("utf-8", "replace"))
