"""Model files that the window can name: those brought along, those in the data folder, those used lately."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from app.core.paths import DataPaths, resources
from app.gguf.header import PART, parts


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file to choose from. `image_part` is the one that its place names for it; `blind` could have one named.

    The note of one that is not `usable` says why.
    """

    path: Path
    name: str
    note: str
    demo: bool
    image_part: Path | None = None
    blind: bool = False
    usable: bool = True


def known_models(
    paths: DataPaths, recent: Iterable[Path], others: Iterable[ModelFile] = (), blind: Collection[Path] = ()
) -> list[ModelFile]:
    """The files that are there now: lately used ones first, then those of other programs, the demo model last.

    `others` bring their names: a blob of Ollama's is called by its hash. `blind` are those of all that could see.
    """
    brought = resources() / "models"
    found: dict[Path, None] = {path: None for path in recent}
    for folder in (paths.models, brought):
        if folder.is_dir():
            for pattern in ("*.gguf", "*/*.gguf"):  # what was fetched lies in a folder for each model
                found.update({path: None for path in sorted(folder.glob(pattern))})
    named = {file.path: file for file in others}
    found.update(dict.fromkeys(named))
    chosen = [path for path in found if not _projector(path) and not _later_part(path)]
    there = [_model_file(path, path.parent == brought, path in blind) for path in chosen]
    return sorted((named.get(file.path, file) for file in there if file is not None), key=lambda file: file.demo)


def is_deep(paths: DataPaths, path: Path) -> bool:
    """Whether a file lies deeper in the models folder than is looked at once: a tree that the person brought along."""
    return path.is_relative_to(paths.models) and len(path.relative_to(paths.models).parts) > 2


def size_text(size_bytes: int) -> str:
    """A file's size as files are told: GB and MB, decimal."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.2f} GB"
    return f"{size_bytes / 1e6:.0f} MB"


def _projector(path: Path) -> bool:
    return path.name.lower().startswith("mmproj")


def _later_part(path: Path) -> bool:
    part = PART.search(path.name)
    return part is not None and int(part[1]) > 1


def _model_file(path: Path, demo: bool, blind: bool) -> ModelFile | None:
    """None for what is not there, or not in all its parts."""
    if not path.is_file():
        return None
    try:
        size = size_text(sum(part.stat().st_size for part in parts(path)))
    except OSError:  # it goes just now
        return None
    name = PART.sub(".gguf", path.name).removesuffix(".gguf")
    return ModelFile(path, name, f"Demo model, {size}" if demo else size, demo, blind=blind)
