"""What the first page says of this machine and offers for it. No widgets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from app.models.advice import LEAST_SPEED, Advice, advice, recommended
from app.models.catalogue import CatalogueModel, catalogue
from app.models.downloads import wish
from app.models.machine import processor_name
from app.models.memory import Machine, in_gib
from app.models.speed import Speed
from app.ui.figures import count
from app.ui.first_run import Fact
from app.ui.model_files import size_text

if TYPE_CHECKING:
    from app.core.protocol import Device

OFFERED = ("gemma-3-12b", "gemma-3-4b", "gemma-3-1b", "gemma-3-27b")
_BEST = "gemma-3-12b"


def models() -> list[CatalogueModel]:
    """Those that the first page may offer."""
    known = {model.id: model for model in catalogue()}
    return [known[name] for name in OFFERED if name in known]


def offered(machine: Machine, speed: Speed | None) -> tuple[str, str, tuple[str, ...]]:
    """What the page says of the machine, the model that is recommended, and all that are offered, that one first.

    The first two are "" until the machine's speed is known; nothing is recommended where nothing fits. The 12B always
    stands beside what is recommended, the 27B only where it runs well.
    """
    if speed is None:
        return "", "", (_BEST,)
    best = recommended(machine, speed)
    found = {model.id: advice(model, machine, speed) for model in models()}
    if not best:
        return "This computer has too little memory for Gemma 3: the demo model runs", "", (_BEST,)
    ids = [best]
    if best != _BEST:
        ids.append(_BEST)
    elif found["gemma-3-27b"].well:
        ids.append("gemma-3-27b")
    return _says(found[best]), best, tuple(ids)


def _says(found: Advice) -> str:
    name = found.model.name
    if found.well:
        return f"This computer runs {name} well"
    return f"This computer runs {name}" if found.tokens >= LEAST_SPEED else f"This computer runs {name}, slowly"


def facts(machine: Machine, devices: tuple[Device, ...], total: int, folder: Path, best: str) -> list[Fact]:
    """Card or processor, memory in bytes of which `total` are there, and the disk of the models' `folder`."""
    return [
        _computes(machine, devices),
        Fact("memory", "Memory", f"{total / (1 << 30):.0f} GiB", f"{in_gib(machine.ram)} free"),
        Fact("disk", "Disk", f"{size_text(_free(folder))} free", _needs(best)),
    ]


def _computes(machine: Machine, devices: tuple[Device, ...]) -> Fact:
    if machine.cards:
        card = machine.cards[0]
        device = next(one for one in devices if one.name == card.name)
        more = f" and {len(machine.cards) - 1} more" if len(machine.cards) > 1 else ""
        size = f", {device.memory_total / (1 << 30):.0f} GiB" if device.memory_total else ""
        backend = device.name.rstrip("0123456789")
        return Fact("gpu", "Graphics card", f"{device.description}{size}{more}", f"{in_gib(card.free)} free, {backend}")
    cores = count(os.cpu_count() or 1, "core", "cores")
    return Fact("cpu", "Processor", processor_name(), f"{cores}, no graphics card in use")


def _free(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _needs(best: str) -> str:
    model = next((one for one in models() if one.id == best), None)
    if model is None:
        return ""
    return f"needs {size_text(wish(model).size)}"
