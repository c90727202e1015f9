"""Whether the disk of the models folder is there today."""

from __future__ import annotations

from app.core.errors import DownloadError
from app.core.paths import DataPaths
from app.models.library import is_empty, remembers


def away(paths: DataPaths) -> str:
    """A sentence where the folder that the person named for models is not there, "" where all is well.

    The mount point of a disk may stay when the disk goes: an empty folder that models were in counts as gone.
    """
    folder = paths.models
    if paths.models_missing:
        return f"The models folder {folder} is not there now."
    if paths.models_at is not None and is_empty(folder) and remembers(paths.library, folder):
        return f"The models folder {folder} is empty now, and models were in it."
    return ""


def check_there(said: str) -> None:
    """Raises DownloadError where `away` said something: nothing is made in the folder's place."""
    if said:
        raise DownloadError(f"{said} Connect its disk, or choose another folder in the settings.", "folder")
