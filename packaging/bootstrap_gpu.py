"""The graphics backend of the engine: built for this machine's card, and put beside the engine that computes without.

The engine that pip built takes a backend that is a file (app/engine/backends.py), so nothing of it is built again and
nothing of it is lost where this fails. The choice is remembered: "gpu" in `.venv/cabochon.json`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bootstrap_environment import ENGINE, Environment, PipProgress, digest
from bootstrap_report import Report, SetupError, reason, reason_of_os
from bootstrap_steps import Step, carry_out
from bootstrap_system import Lack, compiler_lacks, has_debian_packages, loads

from app.models.graphics import BACKENDS, CUDA_DRIVER, Backend, advice, has_vulkan_driver, nvidia_driver, setup_command

ARCHITECTURES = "CUDAARCHS"  # CMake's own name
OLDEST_CARD = 75  # that CUDA 13 knows, as NVIDIA counts compute capabilities: GTX 16, RTX 20
QUERY = ("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
VULKAN_SOURCES = ("libvulkan-dev", "glslc", "spirv-headers")  # where Debian's own newest cannot be fetched


class Graphics:
    """The backends in an environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    @property
    def chosen(self) -> str:
        """The backend that is remembered, "cpu", or "" where nothing was ever chosen."""
        return self._environment.state().get("gpu", "")

    def there(self, backend: Backend) -> bool:
        """Whether it is beside the engine, made for this version of it."""
        state = self._environment.state()
        return self._library(backend).is_file() and state.get(backend.name) == self._wanted(backend)

    def choose(self, name: str) -> None:
        """Remember it, and leave no other backend where the engine looks; "" forgets."""
        for other in BACKENDS.values():
            if other.name != name:
                self._library(other).unlink(missing_ok=True)
        self._environment.remember(gpu=name)

    def set_up(self, asked: str, report: Report, *, offers: bool) -> None:
        """Brings the backend that is asked for, or was before. Where that fails, what was there stays, and it is said.

        `offers` allows to say that there is one for the card, where none was ever chosen.
        """
        before = self.chosen
        backend = BACKENDS.get(asked or before)
        if backend is None:
            if asked:
                self.choose(asked)
            elif offers and not before and (line := self.offer()):
                report.say(line)
            return
        if not self.there(backend):
            if not asked:
                report.say(
                    f"{backend.title} was chosen before; without it: {setup_command(self._environment.root, 'cpu')}"
                )
            try:
                todo, missing = self.steps(backend), self.lacks(backend)
                carry_out(f"Cabochon gets {backend.title}", todo, missing, self._environment.root, report)
            except (SetupError, OSError) as error:
                if not asked:
                    self.choose("")  # or every start would try again
                kept = next((other for other in BACKENDS.values() if self._library(other).is_file()), None)
                instead = f"with {kept.title}" if kept is not None else "on the processor"
                why = error if isinstance(error, SetupError) else reason_of_os(error)
                report.say(f"{backend.title} could not be set up, so Cabochon starts {instead}. {why}")
                return
            report.say(f"{backend.title} is set up.")
        if before != backend.name:
            self.choose(backend.name)

    def steps(self, backend: Backend) -> list[Step]:
        """What is to do, in order. Raises SetupError where it cannot be done here."""
        if not sys.platform.startswith("linux"):
            raise SetupError("On this system the engine finds its graphics by itself: --gpu is for Linux.")
        if backend.name == "cuda":
            self._check_cards()
        minutes = backend.core_minutes / (os.cpu_count() or 1)
        sizes = (backend.build_download, backend.build_disk)
        name = f"{backend.title} for the engine, built for this machine"
        build = Step(name, lambda report: self._build(backend, report), *sizes, minutes)
        if self._environment.has_extra(backend.name):
            return [build]
        sizes = (backend.tools_download, backend.tools_disk)
        return [Step(backend.tools, lambda report: self._add_tools(backend, report), *sizes, 0.3), build]

    def lacks(self, backend: Backend) -> list[Lack]:
        """What this system lacks for it."""
        found = compiler_lacks()
        if backend.name == "vulkan":
            if not has_debian_packages():
                absent = shutil.which("glslc") is None or not Path("/usr/include/vulkan/vulkan.hpp").exists()
                found += [Lack("Vulkan's headers and shader compiler", VULKAN_SOURCES, 3, 30)] if absent else []
            if not has_vulkan_driver():
                found.append(Lack("a Vulkan driver", ("mesa-vulkan-drivers",), 32, 152))
            elif not loads("libvulkan.so.1"):
                found.append(Lack("Vulkan's loader", ("libvulkan1",), 1, 1))
        return found

    def offer(self) -> str:
        """One line for the terminal where a card could be used and is not; said once for each thing that it says."""
        found = advice(source=self._environment.root)
        if found is None or self._environment.state().get("offered") == found.what:
            return ""
        self._environment.remember(offered=found.what)
        return " ".join(filter(None, (found.what, found.mend, found.command)))

    def _library(self, backend: Backend) -> Path:
        return self._environment.addons / f"libggml-{backend.name}.so"

    def _wanted(self, backend: Backend) -> str:
        return digest(backend.name, self._environment.pins[ENGINE], os.environ.get("CMAKE_ARGS", ""))

    def _check_cards(self) -> None:
        driver = nvidia_driver()
        if driver is not None and driver < CUDA_DRIVER:
            needs = f"CUDA 13 needs NVIDIA's driver {CUDA_DRIVER} or newer, and {driver} is here"
            raise SetupError(f"{needs}: --gpu vulkan runs with it.")
        architectures()

    def _add_tools(self, backend: Backend, report: Report) -> None:
        self._environment.add_extra(backend.name, backend.tools, report)

    def _build(self, backend: Backend, report: Report) -> None:
        environment = self._environment
        command = [str(environment.python), str(environment.root / "packaging" / "engine.py"), "addon", backend.name]
        command += ["--installed"]
        own = os.environ.get("CMAKE_ARGS", "")
        if backend.name == "cuda":
            toolkit = environment.addons.parents[1] / "nvidia" / "cu13"
            complete(toolkit)
            command += ["--cuda", str(toolkit)]
            own = f"-DCMAKE_CUDA_ARCHITECTURES={architectures()} {own}"
        command += ["--out", str(environment.addons)]
        variables = {
            **os.environ,
            "CMAKE_ARGS": own,
            "PATH": f"{environment.python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PIP_CACHE_DIR": str(environment.engine_cache),
            "PYTHONUNBUFFERED": "1",
        }
        label = f"{backend.title} backend"
        report.progress(label)
        if report.run(command, PipProgress(report, label), environment=variables):
            why = reason(report.tail) or "What went wrong stands at the end of the log."
            raise SetupError(f"{label}: this step failed. {why} The log: {report.log}")
        environment.remember(**{backend.name: self._wanted(backend)})


def architectures() -> str:
    """The cards to build CUDA's code for, as CMake names them. Raises SetupError where no card says it."""
    if named := os.environ.get(ARCHITECTURES):
        return named
    try:
        told = subprocess.run(QUERY, capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        told = ""
    numbers = re.findall(r"^(\d+)\.(\d)\s*$", told, re.MULTILINE)
    found = sorted({int(major) * 10 + int(minor) for major, minor in numbers})
    if not found:
        raise SetupError(
            f"No NVIDIA card answers here (nvidia-smi); {ARCHITECTURES}=89 in front of the command would build for "
            "cards of that architecture all the same."
        )
    known = [number for number in found if number >= OLDEST_CARD]
    if not known:
        raise SetupError("CUDA 13 knows NVIDIA's cards from GTX 16 and RTX 20 on: --gpu vulkan runs on older ones.")
    return ";".join(map(str, known))


def complete(toolkit: Path) -> None:
    """Names that NVIDIA's packages leave out and its compiler and CMake look for."""
    libraries = toolkit / "lib"
    for library in libraries.glob("lib*.so.*"):
        plain = libraries / f"{library.name.partition('.so')[0]}.so"
        if not plain.exists():
            plain.symlink_to(library.name)
    if not (toolkit / "lib64").exists():
        (toolkit / "lib64").symlink_to("lib")
