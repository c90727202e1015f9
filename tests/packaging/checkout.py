"""A small checkout whose environment and programs are stand-ins for the large ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bootstrap_environment import Environment
from bootstrap_models import DEMO

from tests.conftest import ROOT

PROGRAM = """#!/bin/sh
echo "cabochon $*"
"""


class Checkout:
    """A folder with the set-up in it, and (when `ready`) all that the set-up would bring."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "packaging", root / "packaging", ignore=shutil.ignore_patterns("__pycache__", "*.png"))
        for needed in ("pyproject.toml", "app/__init__.py", "app/models/__init__.py", "app/models/graphics.py"):
            (root / needed).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / needed, root / needed)
        self.environment = Environment(root)

    def make_ready(self) -> None:
        self.write_environment("exit 1")
        program = self.environment.script("cabochon")
        program.write_text(PROGRAM, encoding="utf-8")
        program.chmod(0o755)
        packages = next(self.environment.folder.glob("lib/*/site-packages"))
        for name in ("pip-{pip}", "llama_cpp_python-{llama-cpp-python}"):
            folder = packages / f"{name.format(**self.environment.pins)}.dist-info"
            folder.mkdir()
            (folder / "RECORD").touch()
        state = {
            "libraries": self.environment.libraries_wanted(test=False),
            "engine": self.environment.engine_wanted,
            "program": self.environment.program_wanted,
            "gpu": "cpu",  # or a card of this machine would be offered
        }
        (self.environment.folder / "cabochon.json").write_text(json.dumps(state), encoding="utf-8")
        demo = self.root / DEMO.path
        demo.parent.mkdir(parents=True)
        with demo.open("wb") as file:
            file.truncate(DEMO.size)

    def write_environment(self, python: str) -> None:
        """A `.venv` whose python is this shell script."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        (self.environment.folder / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
        self.environment.python.parent.mkdir()
        (self.environment.folder / "pyvenv.cfg").write_text(f"version = {version}.0\n", encoding="utf-8")
        for path in (self.environment.python, self.environment.script("pip")):
            path.write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
            path.chmod(0o755)

    def patch(self, *lines: str) -> None:
        """Python that the set-up runs first, in its own process."""
        (self.root / "packaging" / "sitecustomize.py").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def state(self) -> dict[str, str]:
        """What the set-up remembers."""
        return self.environment.state()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "packaging" / "bootstrap.py"), *arguments]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.variables(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def variables(self, **more: str) -> dict[str, str]:
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "CMAKE_ARGS", "CUDAARCHS", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        paths = os.pathsep.join((str(self.root / "packaging"), str(self.root)))
        return {**kept, "XDG_CACHE_HOME": str(self.root / "cache"), "PYTHONPATH": paths, **more}
