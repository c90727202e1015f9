"""The engine's build command: what it keeps, and where it goes on."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import engine
import pytest

from tests.conftest import ROOT


class Builder:
    """In place of the compiler: fails as often as it is told to, and keeps steps as a build does."""

    def __init__(self, failures: int = 0) -> None:
        self.steps: list[int] = []
        self._failures = failures

    def __call__(self, work: Path, made: Path) -> None:
        assert list(made.iterdir()) == []
        step = work / "step"
        self.steps.append(len(step.read_text()) if step.exists() else 0)
        step.write_text("x" * len(self.steps))
        (made / "llama_cpp" / "lib").mkdir(parents=True)
        if len(self.steps) <= self._failures:
            raise subprocess.CalledProcessError(1, "ninja")
        (made / "llama_cpp" / "lib" / "libllama.so").write_text("new")


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the engine goes; the cache is the test's own too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "out"


def test_it_is_built_once(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder()
    monkeypatch.setattr(engine, "_make_package", builder)
    library = engine.build(out) / "lib" / "libllama.so"
    library.with_name("libold.so").write_text("of another build")
    assert engine.main(["build", "--out", str(out)]) == 0
    assert builder.steps == [0]
    assert [path.name for path in library.parent.iterdir()] == ["libllama.so"]


def test_two_at_once_build_it_once(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder, begun, goes_on = Builder(), threading.Event(), threading.Event()

    def slow(work: Path, made: Path) -> None:
        begun.set()
        assert goes_on.wait(30)
        builder(work, made)

    monkeypatch.setattr(engine, "_make_package", slow)
    folders = (out / "one", out / "other")
    both = [threading.Thread(target=engine.build, args=(folder,)) for folder in folders]
    for thread in both:
        thread.start()
        assert begun.wait(30)
    goes_on.set()
    for thread in both:
        thread.join(30)
    assert builder.steps == [0]
    assert all((folder / "llama_cpp" / "lib" / "libllama.so").is_file() for folder in folders)


def test_other_options_are_another_engine(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder()
    monkeypatch.setattr(engine, "_make_package", builder)
    engine.build(out)
    monkeypatch.setattr(engine, "BASE", (*engine.BASE, "-DGGML_LTO=ON"))
    engine.build(out)
    assert builder.steps == [0, 0]


def test_one_that_failed_goes_on_where_it_stopped(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = Builder(failures=1)
    monkeypatch.setattr(engine, "_make_package", builder)
    assert engine.main(["build", "--out", str(out)]) == 1
    assert "Nothing was built." in capsys.readouterr().out
    assert not out.exists()
    assert engine.main(["build", "--out", str(out)]) == 0
    assert builder.steps == [0, 1]
    kept = [path.name for path in (out.parent / "cache" / "cabochon").iterdir()]
    assert [name for name in kept if name.endswith(".work")] == []


def test_an_add_on_is_kept_for_the_engine_that_it_fits(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def compiled(work: Path, options: tuple[str, ...], target: str) -> Path:
        asked.append(options)
        (work / f"lib{target}.so").write_text(f"of {len(asked)}")
        return work

    monkeypatch.setattr(engine, "_compile", compiled)
    monkeypatch.setattr(engine, "_strip", shutil.copy)
    library, portable = out / "libggml-cuda.so", "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON"
    for toolkit in ("/one/cu13", "/two/cu13"):  # where the compiler is makes no other library
        assert engine.main(["addon", "cuda", "--installed", "--cuda", toolkit, "--out", str(out)]) == 0
        assert library.read_text() == "of 1"
    assert engine.main(["addon", "cuda", "--out", str(out)]) == 0
    assert library.read_text() == "of 2"
    assert [portable in options for options in asked] == [False, True]
    assert "-DCMAKE_CUDA_COMPILER=/one/cu13/bin/nvcc" in asked[0]
    assert [path.name for path in out.iterdir()] == [library.name]


def test_without_debian_s_packages_vulkan_is_the_system_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "has_debian_packages", lambda: False)
    assert engine._vulkan_places(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_it_is_the_version_that_was_tested() -> None:
    assert f"llama-cpp-python=={engine.version()}" in (ROOT / "packaging" / "constraints.txt").read_text("utf-8")
