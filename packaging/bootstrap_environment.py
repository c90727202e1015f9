"""The virtual environment: Python libraries at their tested versions, the engine built from source, Cabochon itself."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bootstrap_report import Report, SetupError, reason

ENGINE = "llama-cpp-python"
# Without these llama.cpp would start ffprobe from PATH, and take OpenSSL in where its headers happen to be.
ENGINE_OPTIONS = ("-DMTMD_VIDEO=OFF", "-DLLAMA_OPENSSL=OFF")
BUILD_TOOLS = ("pip", "setuptools", "scikit-build-core", "cmake", "ninja")
EXTRAS = ("package", "cuda", "vulkan")
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
SUFFIX = ".exe" if os.name == "nt" else ""


def user_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this person's programs keep what they can make again."""
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def processor() -> str:
    """What a library that was compiled for this very processor depends on."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    features = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return f"{platform.machine()} {features[1] if features else ''}"


def read_pins(constraints: str) -> dict[str, str]:
    """Name (as PyPI normalises it) -> version, of a constraints file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", constraints, re.MULTILINE)
    return {normalised(name): version for name, version in found}


def normalised(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    """The distribution that a requirement line asks for."""
    return normalised(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])


def digest(*parts: str) -> str:
    """One word that changes when a part does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class PipProgress:
    """What pip is at, read from its output with `--progress-bar raw`: downloads in MB, the engine's build in steps."""

    def __init__(self, report: Report, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._label = label
        self._clock = clock
        self._file = ""
        self._built_from: tuple[float, int] | None = None

    def __call__(self, line: str) -> None:
        if named := re.match(r"\s*(?:Downloading|Using cached) (?:\S*/)?([^/\s]+\.(?:whl|tar\.gz|zip))", line):
            self._file = named[1].split("-")[0]
            self._report.progress(f"{self._label}: {self._file}")
        elif counted := re.match(r"\s*Progress (\d+) of (\d+)", line):
            done, total = (int(number) / 1e6 for number in counted.groups())
            self._report.progress(f"{self._label}: {self._file}, {done:.0f} of {total:.0f} MB")
        elif step := re.match(r"\s*\[(\d+)/(\d+)\] ", line):
            self._report.progress(f"{self._label}: step {step[1]} of {step[2]}{self._left(int(step[1]), int(step[2]))}")
        elif line.startswith("Installing collected packages"):
            self._report.progress(f"{self._label}: installing")
        elif "Configuring CMake" in line:
            self._report.progress(f"{self._label}: looking at this machine's compiler")

    def _left(self, done: int, total: int) -> str:
        now = self._clock()
        if self._built_from is None:
            self._built_from = (now, done)
        since, first = self._built_from
        if done - first < 10:
            return ""
        minutes = (now - since) / (done - first) * (total - done) / 60
        return f", about {minutes:.0f} min left" if minutes >= 1 else ", less than a minute left"


class Environment:
    """`.venv` below `root` and what is in it. What was put there is remembered in `.venv/cabochon.json`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / SCRIPTS / f"python{SUFFIX}"
        self.constraints = root / "packaging" / "constraints.txt"

    def script(self, name: str) -> Path:
        """A program that is installed in the environment."""
        return self.folder / SCRIPTS / f"{name}{SUFFIX}"

    @property
    def pins(self) -> dict[str, str]:
        """The tested versions."""
        return read_pins(self.constraints.read_text(encoding="utf-8"))

    @property
    def whole(self) -> bool:
        """One that stopped half-way has a python but no pip; an upgraded system may leave neither."""
        return self.python.exists() and self.script("pip").exists() and self.packages() is not None

    @property
    def made(self) -> bool:
        """Whether it is whole and has the pip that was tested."""
        packages = self.packages() if self.whole else None
        return packages is not None and (packages / f"pip-{self.pins['pip']}.dist-info").exists()

    def make(self, report: Report) -> None:
        """Makes it, anew where it is half-made, with the pip that was tested."""
        if not self.whole:
            if self.folder.exists():
                shutil.rmtree(self.folder)
            report.progress("Making .venv")
            if report.run([sys.executable, "-m", "venv", str(self.folder)]):
                why = reason(report.tail) or "What went wrong stands at its end."
                raise SetupError(f"The virtual environment could not be made. {why} The log: {report.log}")
        self.pip(report, "pip", ["install", f"pip=={self.pins['pip']}"], bundled=True)

    def libraries_wanted(self, test: bool) -> str:
        """What the libraries should be, as one word; a change of it asks for them again."""
        return digest("test" if test else "run", *self.requirements(test), self.constraints.read_text(encoding="utf-8"))

    def has_libraries(self, test: bool) -> bool:
        """Whether they are installed; those of `test` hold those of `run`."""
        wanted = [self.libraries_wanted(True), *([] if test else [self.libraries_wanted(False)])]
        return self.made and self.state().get("libraries") in wanted

    def add_libraries(self, test: bool, report: Report) -> None:
        """Installs what needs no compiler."""
        self.pip(report, "Python libraries", ["install", "--only-binary", ":all:", *self.requirements(test)])
        self.remember(libraries=self.libraries_wanted(test))

    def requirements(self, test: bool) -> list[str]:
        """What pyproject.toml asks for, without the engine."""
        project = self._project()
        lines = [*project["dependencies"], *(project["optional-dependencies"]["test"] if test else [])]
        return [line for line in lines if name_of(line) != ENGINE]

    def extra(self, name: str) -> list[str]:
        """What pyproject.toml asks for beyond the program, by the name it has there."""
        lines: list[str] = self._project()["optional-dependencies"][name]
        return lines

    def extra_wanted(self, name: str) -> str:
        """Its tested versions, as one word."""
        pins = self.pins
        return digest(*(f"{line} {pins[name_of(line)]}" for line in self.extra(name)))

    def has_extra(self, name: str) -> bool:
        """Whether it is installed in the tested versions."""
        return self.made and self.state().get(f"extra {name}") == self.extra_wanted(name)

    def add_extra(self, name: str, label: str, report: Report) -> None:
        """Installs it; `label` says for people what it is."""
        self.pip(report, label, ["install", "--only-binary", ":all:", *self.extra(name)])
        self.remember(**{f"extra {name}": self.extra_wanted(name)})

    @property
    def engine_options(self) -> str:
        """CMake's options for the engine; those of the person's CMAKE_ARGS come after ours."""
        return " ".join([*ENGINE_OPTIONS, *os.environ.get("CMAKE_ARGS", "").split()])

    @property
    def engine_wanted(self) -> str:
        """The engine's version, options and processor, as one word."""
        return digest(self.pins[ENGINE], self.engine_options, processor())

    @property
    def engine_cache(self) -> Path:
        """A cache of pip for this very engine: pip's own would give a wheel that was built with other options.

        In it pip keeps a wheel for each version of Python.
        """
        return user_cache() / "cabochon" / f"engine-{self.engine_wanted}-python3.{sys.version_info.minor}"

    @property
    def engine_built(self) -> bool:
        """Whether it was built on this machine before."""
        return next(self.engine_cache.glob("wheels/**/llama_cpp_python-*.whl"), None) is not None

    @property
    def has_engine(self) -> bool:
        """Whether it is installed, whole, and with these options."""
        packages = self.packages() if self.made else None
        record = f"{ENGINE.replace('-', '_')}-{self.pins[ENGINE]}.dist-info/RECORD"
        built = self.state().get("engine", self.engine_wanted)
        return packages is not None and (packages / record).exists() and built == self.engine_wanted

    def add_engine(self, report: Report) -> None:
        """Builds and installs the engine, or takes it from its cache. Minutes; the log has the compiler's output."""
        force = ["--force-reinstall", "--no-deps"] if "engine" in self.state() else []
        requirement = f"{ENGINE}=={self.pins[ENGINE]}"
        options = ["--verbose", "--no-binary", ENGINE, "--config-settings=ninja.make-fallback=false"]
        cache = ["--cache-dir", str(self.engine_cache)]
        environment = {**os.environ, "CMAKE_ARGS": self.engine_options}
        self.pip(report, "Engine", ["install", *force, *options, *cache, requirement], environment)
        shutil.rmtree(self.addons, ignore_errors=True)  # they belong to the engine that was here
        self.remember(engine=self.engine_wanted)

    @property
    def addons(self) -> Path:
        """Where the engine looks for backends beside its own libraries."""
        packages = self.packages()
        assert packages is not None
        return packages / "llama_cpp" / "addons"

    @property
    def program_wanted(self) -> str:
        """This folder and what the program is installed from, as one word."""
        project = self._project()
        return digest(str(self.folder), project["version"], *project["dependencies"], json.dumps(project["scripts"]))

    @property
    def has_program(self) -> bool:
        """Whether `cabochon` is installed, and from this very folder."""
        return self.made and self.script("cabochon").exists() and self.state().get("program") == self.program_wanted

    def add_program(self, report: Report) -> None:
        """Installs Cabochon so that it runs from this folder's files."""
        self.pip(report, "Cabochon", ["install", "--no-deps", "--editable", str(self.root)])
        self.remember(program=self.program_wanted)

    def download(self, requirements: Sequence[str], folder: Path, label: str, report: Report) -> None:
        """Brings distributions as files, without what they ask for. Those already in `folder` are not brought again."""
        self.pip(report, label, ["download", "--no-deps", "--dest", str(folder), *requirements])

    def lock(self, report: Report) -> int:
        """Writes the newest versions that pyproject.toml allows, and of the build tools; returns how many."""
        answer = self.root / ".cache" / "lock.json"
        wanted = [*self.requirements(test=True), *BUILD_TOOLS]
        wanted += [line for name in EXTRAS for line in self.extra(name)]
        wanted += [line for line in self._project()["dependencies"] if name_of(line) == ENGINE]
        resolve = ["install", "--dry-run", "--ignore-installed", "--report", str(answer), "--quiet", *wanted]
        self.pip(report, "Looking for the newest versions", resolve, constrained=False)
        found = [each["metadata"] for each in json.loads(answer.read_text(encoding="utf-8"))["install"]]
        answer.unlink()
        versions = {normalised(each["name"]): each["version"] for each in found}
        lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
        header = "# The versions that were tested; `python3 packaging/bootstrap.py lock` writes this file anew.\n"
        self.constraints.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
        return len(lines)

    def pip(
        self,
        report: Report,
        label: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] = os.environ,
        *,
        bundled: bool = False,
        constrained: bool = True,
    ) -> None:
        """Runs pip; `bundled` is the one that came with Python and knows fewer options."""
        command, *rest = arguments
        options = ["--disable-pip-version-check", "--retries", "3"]
        if not bundled:
            options += ["--progress-bar", "raw"]
        if not bundled and constrained:
            options += ["--build-constraint", str(self.constraints)]
            options += [] if command == "download" else ["--constraint", str(self.constraints)]
        report.progress(label)
        temporary = self.root / ".cache" / "tmp"  # the build needs more room than a small /tmp has
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            status = report.run(
                [str(self.python), "-m", "pip", command, *options, *rest],
                PipProgress(report, label),
                environment={**environment, "PYTHONUNBUFFERED": "1", "TMPDIR": str(temporary)},
            )
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        if status:
            why = reason(report.tail) or "What went wrong stands at its end."
            raise SetupError(
                f"{label}: this step failed. {why} Run the same command to try again. The log: {report.log}"
            )

    def packages(self) -> Path | None:
        """site-packages of the Python that the environment runs; None where that Python is gone or has changed."""
        if os.name == "nt":
            return self.folder / "Lib" / "site-packages"
        try:
            version = re.search(r"^version\s*=\s*(\d+\.\d+)", (self.folder / "pyvenv.cfg").read_text(), re.MULTILINE)
        except OSError:
            return None
        runs = self.python.resolve().name.removeprefix("python")
        if version is None or (re.fullmatch(r"3\.\d+", runs) and runs != version[1]):
            return None
        return self.folder / "lib" / f"python{version[1]}" / "site-packages"

    def state(self) -> dict[str, str]:
        """What is remembered."""
        try:
            state: dict[str, str] = json.loads((self.folder / "cabochon.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state

    def remember(self, **facts: str) -> None:
        """Add these facts; written whole or not at all."""
        temporary = self.folder / "cabochon.json.new"
        temporary.write_text(json.dumps({**self.state(), **facts}), encoding="utf-8")
        temporary.replace(self.folder / "cabochon.json")

    def _project(self) -> dict[str, Any]:
        project: dict[str, Any] = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return project
