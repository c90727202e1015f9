"""`run --gpu`: what it says, keeps and leaves alone, with stand-ins for pip and the compiler."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from bootstrap_gpu import architectures, complete
from bootstrap_report import SetupError

from tests.packaging.checkout import Checkout

# In place of the environment's Python: pip does nothing, the build writes its library and notes how it was called.
PYTHON = """
echo "$*" >> calls
case "$*" in *engine.py*) ;; *) exit 0 ;; esac
echo "$CMAKE_ARGS" >> options
{compiler}
for out; do :; done
mkdir -p "$out" && echo "$4" > "$out/libggml-$3.so"
"""
KILLED = "echo 'c++: fatal error: Killed signal terminated program cc1plus'; exit 1"


class Machine:
    """A checkout that is set up, on a machine that lacks nothing."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.compiler("")
        checkout.patch("import bootstrap_gpu", "bootstrap_gpu.Graphics.lacks = lambda self, backend: []")
        checkout.environment.remember(gpu="")

    def compiler(self, does: str) -> None:
        text = PYTHON.format(compiler=does)
        self.checkout.environment.python.write_text(f"#!/bin/sh\ncd '{self.checkout.root}'\n{text}", encoding="utf-8")

    def run(self, *arguments: str, **environment: str) -> str:
        done = self.checkout.run("run", *arguments, "doctor", **environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "cabochon doctor"
        return done.stdout.removesuffix("cabochon doctor\n")

    def take(self, name: str = "calls") -> list[str]:
        """The lines of a file that the stand-ins wrote; it is empty then."""
        file = self.checkout.root / name
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    @property
    def backends(self) -> list[str]:
        return sorted(path.name for path in self.checkout.environment.addons.glob("*"))


@pytest.fixture
def machine(ready: Checkout) -> Machine:
    return Machine(ready)


def test_it_is_said_first_then_built_and_remembered(machine: Machine) -> None:
    said = machine.run("--gpu", "vulkan").splitlines()
    assert said[0].startswith("Cabochon gets Vulkan: about ")
    assert " MB to download, " in said[0]
    assert said[0].endswith(" min on this machine.")
    assert said[1:] == [
        "  - CMake",
        "  - Vulkan for the engine, built for this machine",
        "Step 1 of 2: CMake",
        "Step 2 of 2: Vulkan for the engine, built for this machine",
        "Vulkan is set up.",
    ]
    tools, build = machine.take()
    assert "-m pip install " in tools
    assert " cmake>=" in tools
    assert f"engine.py addon vulkan --installed --out {machine.checkout.environment.addons}" in build
    assert machine.backends == ["libggml-vulkan.so"]
    assert machine.run() == machine.run("--gpu=vulkan") == ""
    assert machine.take() == []
    assert machine.checkout.state["gpu"] == "vulkan"


def test_the_processor_is_chosen_again(machine: Machine) -> None:
    machine.run("--gpu", "vulkan")
    assert machine.run("--gpu", "cpu") == machine.run() == ""
    assert machine.backends == []
    assert machine.checkout.state["gpu"] == "cpu"
    machine.take()
    assert "Step 1 of 1: Vulkan for the engine" in machine.run("--gpu", "vulkan")
    assert len(machine.take()) == 1, "CMake is there"


def test_a_compiler_that_fails_leaves_what_was_there(machine: Machine) -> None:
    machine.compiler(KILLED)
    said = machine.run("--gpu", "vulkan").splitlines()[-1]
    assert said == (
        "Vulkan could not be set up, so Cabochon starts on the processor. Vulkan backend: this step failed. "
        "The compiler ran out of memory: close other programs, or set CMAKE_BUILD_PARALLEL_LEVEL=1. "
        f"The log: {machine.checkout.root}/.cache/bootstrap.log"
    )
    assert machine.run() == "", "it is not tried again by itself"
    machine.compiler("")
    machine.run("--gpu", "vulkan")
    machine.compiler(KILLED)
    assert "so Cabochon starts with Vulkan. " in machine.run("--gpu", "cuda", CUDAARCHS="89")
    assert machine.backends == ["libggml-vulkan.so"]
    assert machine.run() == ""


def test_another_version_of_the_engine_gets_its_own_backend(machine: Machine) -> None:
    machine.run("--gpu", "vulkan")
    machine.checkout.environment.remember(vulkan="of another version")
    said = machine.run()
    assert said.startswith("Vulkan was chosen before; without it: python3 ")
    assert "Vulkan is set up." in said
    machine.checkout.environment.remember(vulkan="of another version")
    machine.compiler(KILLED)
    assert "so Cabochon starts on the processor. " in machine.run()
    assert machine.backends == []
    assert machine.run() == "", "it is not tried again by itself"


def test_one_that_was_interrupted_goes_on(machine: Machine) -> None:
    checkout = machine.checkout
    machine.compiler("echo $$ > pid; sleep 50 & wait")
    with subprocess.Popen(
        checkout.command("run", "--gpu", "vulkan"),
        env=checkout.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        pid = checkout.root / "pid"
        deadline = time.monotonic() + 30
        while not (pid.exists() and pid.read_text(encoding="utf-8").strip()) and time.monotonic() < deadline:
            time.sleep(0.01)
        started = psutil.Process(int(pid.read_text(encoding="utf-8")))
        family = [started, *started.children(recursive=True)]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "What is done is kept; run the same command to go on." in said
    assert psutil.wait_procs(family, timeout=10)[1] == []
    machine.take()
    machine.compiler("")
    assert machine.run() == "", "the person may wish to begin first"
    assert "Step 1 of 1: Vulkan for the engine" in machine.run("--gpu", "vulkan")
    assert machine.backends == ["libggml-vulkan.so"]


def test_cuda_is_built_with_the_compiler_of_the_environment(machine: Machine) -> None:
    toolkit = machine.checkout.environment.addons.parents[1] / "nvidia" / "cu13"
    (toolkit / "lib").mkdir(parents=True)
    (toolkit / "lib" / "libcudart.so.13").touch()
    machine.run("--gpu", "vulkan")
    machine.take(), machine.take("options")
    machine.run("--gpu", "cuda", CUDAARCHS="89")
    tools, build = machine.take()
    assert "nvidia-cuda-nvcc" in tools
    assert build.endswith(f"--cuda {toolkit} --out {machine.checkout.environment.addons}")
    assert machine.take("options") == ["-DCMAKE_CUDA_ARCHITECTURES=89 "]
    assert (toolkit / "lib64" / "libcudart.so").exists()
    assert machine.backends == ["libggml-cuda.so"]
    complete(toolkit)


def test_cuda_without_a_card_is_one_sentence(machine: Machine) -> None:
    machine.checkout.patch("import bootstrap_gpu", "bootstrap_gpu.QUERY = ('/nonexistent/nvidia-smi',)")
    said = machine.run("--gpu", "cuda")
    assert said.startswith("CUDA could not be set up, so Cabochon starts on the processor. No NVIDIA card answers here")
    assert said.count("\n") == 1
    assert machine.take() == []


@pytest.mark.parametrize(
    ("told", "names"), [("8.9", "89"), ("12.0\n8.6\n12.0", "86;120"), ("6.1\n7.5", "75"), ("6.1", ""), ("[N/A]", "")]
)
def test_the_cards_say_what_to_build_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, names: str
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{told}'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDAARCHS", raising=False)
    if names:
        assert architectures() == names
    else:
        with pytest.raises(SetupError, match="No NVIDIA card answers" if told == "[N/A]" else "vulkan runs on older"):
            architectures()
    monkeypatch.setenv("CUDAARCHS", "90a")
    assert architectures() == "90a"


def test_a_driver_that_is_too_old_is_told_before_anything_is_brought(machine: Machine) -> None:
    machine.checkout.patch("import bootstrap_gpu", "bootstrap_gpu.nvidia_driver = lambda: 535")
    said = machine.run("--gpu", "cuda", CUDAARCHS="89")
    assert "CUDA 13 needs NVIDIA's driver 580 or newer, and 535 is here: --gpu vulkan runs with it.\n" in said
    assert machine.take() == []


def test_a_card_is_offered_once_and_to_people_only(machine: Machine) -> None:
    machine.checkout.patch(
        "import bootstrap_gpu",
        "from app.models.graphics import Advice",
        "bootstrap_gpu.advice = lambda source: Advice('A card is not used.', 'This gets it:', f'{source.name}!')",
    )
    assert machine.run() == ""
    first, second = (machine.checkout.run("run", "--sample", "x").stdout for _ in range(2))
    assert first.splitlines()[0] == f"A card is not used. This gets it: {machine.checkout.root.name}!"
    assert "A card" not in second
    machine.checkout.environment.remember(offered="", gpu="cpu")
    assert "A card" not in machine.checkout.run("run", "--sample", "x").stdout


def test_what_is_new_of_the_engine_leaves_no_backend_of_the_old(machine: Machine) -> None:
    machine.run("--gpu", "vulkan")
    machine.checkout.environment.remember(engine="of another version")
    machine.compiler(KILLED)
    said = machine.run()
    assert "Step 1 of 1: Engine" in said
    assert "so Cabochon starts on the processor. " in said
    assert machine.backends == []


@pytest.mark.skipif(os.name == "nt", reason="links of files")
def test_names_that_nvidia_leaves_out_are_made(tmp_path: Path) -> None:
    libraries = tmp_path / "lib"
    libraries.mkdir()
    for name in ("libcublas.so.13", "libcublasLt.so.13"):
        (libraries / name).write_text(name, encoding="utf-8")
    complete(tmp_path)
    complete(tmp_path)
    assert (tmp_path / "lib64" / "libcublasLt.so").read_text(encoding="utf-8") == "libcublasLt.so.13"
