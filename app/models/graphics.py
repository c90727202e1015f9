"""The graphics cards of this Linux machine, and what is missing before the engine computes on one. Only files are read.

The set-up of the source tree (`packaging/bootstrap.py`) reads this module too, so it needs the standard library alone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

DOWNLOAD_MB_PER_MINUTE = 300.0  # 40 Mbit/s
CUDA_DRIVER = 580  # the oldest of NVIDIA's that runs programs of CUDA 13

_ROOT = Path("/")
_MAKERS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
_DISPLAY = "0x03"  # the class of PCI devices that show pictures
_NVIDIA_TOOLS = ("usr/bin/nvidia-smi", "usr/lib/wsl/lib/nvidia-smi")
MANIFESTS = ("usr/share/vulkan/icd.d", "usr/local/share/vulkan/icd.d", "etc/vulkan/icd.d")
_DRIVERS = {"NVIDIA": ("nvidia", "nouveau"), "AMD": ("radeon", "amd"), "Intel": ("intel",)}  # how manifests are named


@dataclass(frozen=True, slots=True)
class Backend:
    """What the engine computes with on a card, and what it costs to get: megabytes, and minutes of one core of 2020."""

    name: str
    title: str
    tools: str
    tools_download: int
    tools_disk: int
    build_download: int
    build_disk: int
    core_minutes: float

    def cost(self, cores: int = os.cpu_count() or 1) -> str:
        """In words, for a person to decide by."""
        download = self.tools_download + self.build_download
        minutes = self.core_minutes / cores + download / DOWNLOAD_MB_PER_MINUTE
        return f"about {download} MB to download, {max(1, round(minutes))} min"


BACKENDS = {
    one.name: one
    for one in (
        Backend("cuda", "CUDA", "NVIDIA's compiler and libraries (PyPI), CMake", 662, 1160, 77, 400, 25.0),
        Backend("vulkan", "Vulkan", "CMake", 30, 90, 95, 700, 6.5),
    )
}


@dataclass(frozen=True, slots=True)
class Card:
    """Who made it, what its driver calls it ("" where none tells), and the file that programs reach it by."""

    maker: str
    name: str = ""
    node: Path | None = None

    @property
    def label(self) -> str:
        """For a sentence."""
        return self.name or f"{self.maker} graphics"


@dataclass(frozen=True, slots=True)
class Advice:
    """A card that is not used: what is missing, and how to get it; `command` does it, "" where no line alone does."""

    what: str
    mend: str
    command: str = ""


def cards(root: Path = _ROOT) -> list[Card]:
    """The cards that the engine may compute on, the most able first. `root` has `proc`, `sys` and the rest."""
    found = []
    for device in sorted((root / "sys/bus/pci/devices").glob("*")):
        maker = _MAKERS.get(_read(device / "vendor"))
        if maker and _read(device / "class").startswith(_DISPLAY):
            node = next((root / "dev/dri" / path.name for path in device.glob("drm/renderD*")), None)
            found.append(Card(maker, node=node))
    names = re.findall(r"^Model:\s*(.+?)\s*$", _read_all(root / "proc/driver/nvidia/gpus"), re.MULTILINE)
    driven = names or nvidia_driver(root) or any((root / tool).exists() for tool in _NVIDIA_TOOLS)
    if driven:  # containers see the driver and not the bus
        found = [card for card in found if card.maker != "NVIDIA"] + [Card("NVIDIA", name) for name in names or [""]]
    makers = list(_MAKERS.values())
    return sorted(found, key=lambda card: makers.index(card.maker))


def nvidia_driver(root: Path = _ROOT) -> int | None:
    """The major version of NVIDIA's driver; None where it is not loaded."""
    found = re.search(r"\s(\d{3,})\.\d", _read(root / "proc/driver/nvidia/version"))
    return int(found[1]) if found else None


def has_vulkan_driver(maker: str = "", root: Path = _ROOT) -> bool:
    """Whether Vulkan's drivers are there: those for the cards of a maker, or any."""
    names = [path.name for place in MANIFESTS for path in (root / place).glob("*.json")]
    return any(name.startswith(_DRIVERS[maker]) if maker else True for name in names)


def backend_for(card: Card, root: Path = _ROOT) -> Backend | None:
    """What computes on this card with the driver that it has; None where it has none."""
    if card.maker == "NVIDIA":
        driver = nvidia_driver(root)
        if (driver or 0) >= CUDA_DRIVER or (driver is None and any((root / tool).exists() for tool in _NVIDIA_TOOLS)):
            return BACKENDS["cuda"]
    return BACKENDS["vulkan"] if has_vulkan_driver(card.maker, root) else None


def advice(has: Collection[str] = (), source: Path | None = None, root: Path = _ROOT) -> Advice | None:
    """What to say where the engine uses no card; None where there is none, or nothing to do.

    `has` names the backends that are there, `source` is the tree that the program runs from (None: a package).
    """
    found = cards(root)
    if not found:
        return None
    card = next((one for one in found if backend_for(one, root)), found[0])
    unused = f"{card.label} is not used"
    backend = backend_for(card, root)
    if backend is None:
        return _driver_advice(card, unused, root)
    if card.node is not None and card.node.exists() and not os.access(card.node, os.R_OK | os.W_OK):
        command = "sudo usermod -aG render $USER"
        return Advice(f"{unused}: you may not open {card.node}.", "This allows it from the next login on:", command)
    if source is None:
        return None
    if backend.name in has:
        what = f"{unused}: {backend.title} is there, but finds no card that it can compute on."
        return Advice(what, "Bring the card's driver up to date.")
    what = f"{unused}: the engine here has no {backend.title} yet."
    return Advice(what, f"This gets it ({backend.cost()}):", setup_command(source, backend.name))


def _driver_advice(card: Card, unused: str, root: Path) -> Advice:
    system = _read(root / "etc/os-release")
    ubuntu = re.search(r"^ID(_LIKE)?=.*ubuntu", system, re.MULTILINE) is not None
    debian = ubuntu or re.search(r"^ID(_LIKE)?=.*debian", system, re.MULTILINE) is not None
    if card.maker != "NVIDIA":
        what = f"{unused}: its Vulkan driver is not there."
        if debian:
            return Advice(what, "This brings it:", "sudo apt-get install mesa-vulkan-drivers")
        return Advice(what, "Install Mesa's Vulkan drivers from your system's packages.")
    driver = nvidia_driver(root)
    what = f"{unused}: its driver is {driver}, and CUDA needs {CUDA_DRIVER} or newer." if driver else ""
    what = what or f"{unused}: NVIDIA's driver is not there."
    if ubuntu:
        return Advice(what, "This brings it; then start the computer again:", "sudo ubuntu-drivers install")
    if debian and not driver:
        mend = "This brings it, where the package sources have non-free; then start the computer again:"
        return Advice(what, mend, "sudo apt-get install nvidia-driver")
    return Advice(what, f"Install NVIDIA's driver {CUDA_DRIVER} or newer.")


def setup_command(source: Path, backend: str) -> str:
    """What a person types to get a backend."""
    return f"python3 {shlex.quote(str(source / 'packaging' / 'bootstrap.py'))} run --gpu {backend}"


def source_tree() -> Path | None:
    """The folder with the set-up that this program runs from; None in a package."""
    tree = Path(__file__).resolve().parents[2]
    return None if getattr(sys, "frozen", False) or not (tree / "packaging" / "bootstrap.py").is_file() else tree


def backends_here() -> set[str]:
    """The backends that the set-up has put beside the engine."""
    spec = importlib.util.find_spec("llama_cpp")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    return {name for name in BACKENDS if folder and (folder / "addons" / f"libggml-{name}.so").is_file()}


def declined(environment: Path = Path(sys.prefix)) -> bool:
    """Whether the person has chosen to compute on the processor (`run --gpu cpu`)."""
    try:
        state = json.loads((environment / "cabochon.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(state, dict) and state.get("gpu") == "cpu"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _read_all(folder: Path) -> str:
    return "\n".join(_read(path) for path in sorted(folder.glob("*/information")))
